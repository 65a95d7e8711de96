"""Event JSON: what exactly is written, what is read, and that its grammar and its reader agree."""

import json
import random

import numpy as np
import pytest
from llguidance import LLMatcher, LLTokenizer

from partimento.errors import BadFile, BadInput, BadRecipe
from partimento.io import load_scores
from partimento.notation import engrave
from partimento.plan import Compose, Constraints, Plan
from partimento.representations import create_text
from partimento.representations.event_json import EventJson
from partimento.score import KEY, METER, TEMPO, Part, Score, measures_from_meters, notes_array
from partimento.theory.key import Key
from partimento.theory.meter import Meter

REP = EventJson()
TASK = Compose()
BYTES = LLTokenizer("byte")
MANY_PARTS = ",".join(f'"p{k % 128}:{k // 128 + 1}"' for k in range(40_000))
TRIO = (Part("Violin I", 40), Part("Violin II", 40), Part("Kit", 0, True))


def notes(*rows):
    names = ("onset_tick", "duration_tick", "pitch", "part", "velocity")
    return notes_array(dict(zip(names, row, strict=True)) for row in rows)


def page():
    rows = [
        (0, 480, 74, 0, 80),
        (0, 960, 62, 1, 80),
        (480, 320, 76, 0, 90),
        (1440, 480, 38, 2, 0),
        (2880, 1, 74, 0, 64),
    ]
    meters = np.array([(0, 4, 4), (1920, 2, 4)], METER)
    keys, tempos = np.array([(0, -1, 2, 0), (1920, -1, -1, 1)], KEY), np.array([(0, 95.6)], TEMPO)
    measures = measures_from_meters(meters, 480, 2881)
    return Score(480, TRIO, notes(*rows), measures, meters, keys, tempos, title="Rondo")


def test_a_page_is_notes_bars_meters_keys_and_tempi():
    text = REP.write(page(), TASK)
    assert text == (
        '{"quarter":24,"parts":[40,40,128],"music":["m4/4","kD major","q96","p40",[74,24,80],"p40:2",[62,48],24,'
        '"p40",[76,16,90],48,"p128",[38,24,0],24,"|","m2/4","kD minor",48,"|","p40",[74,1,64],48]}'
    )
    score = REP.read(text, TASK)
    assert score == REP.quantise(page())[0]
    assert [part.program for part in score.parts] == [40, 40, 0]
    assert engrave(score).key_at(0) == Key(2, "major")
    assert REP.faults(text, TASK) == ()


def test_music_without_a_beat_is_in_hundredths_of_a_second():
    score = Score(480, TRIO[:1], notes((0, 480, 60, 0, 0), (960, 480, 62, 0, 0)), tempos=np.array([(0, 60)], TEMPO))
    text = REP.write(score, TASK)
    assert text == '{"second":100,"parts":[40],"music":["p40",[60,100],200,[62,100]]}'
    again = REP.read(text, TASK)
    assert not len(again.measures)
    assert again.seconds_at(again.notes["onset_tick"]).tolist() == [0, 2]
    assert REP.write(Score(480, ()), TASK) == '{"second":100,"parts":[],"music":[]}'


def test_it_is_json_and_white_space_is_free():
    text = REP.write(page(), TASK)
    for spaced in (json.dumps(json.loads(text)), json.dumps(json.loads(text), indent=1), f"\n {text} \n"):
        assert REP.read(spaced, TASK) == REP.read(text, TASK)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1, column 1, at 'the end': expected {\"quarter\":24"),
        ("[1]", 'expected {"quarter":24'),
        ('{"second":50,', "100 ticks to a second"),
        ('{"quarter":0,', "at least one tick"),
        ('{"quarter":24,"parts":[200],"music":["m4/4"]}', "column 24, at '200],\"music\":[\"m': there is no"),
        ('{"quarter":24,"parts":[0],"music":[]}', "expected a meter"),
        ('{"quarter":24,"parts":[0],"music":[[60,1]]}', "expected a meter"),
        ('{"quarter":24,"parts":[0],\n"music":["m4/4",\n[60,24],[128,24]]}', "line 3, column 9, at '[128,24]]}'"),
        ('{"quarter":24,"parts":[0],"music":["m4/4",[60,0]]}', "a note is"),
        ('{"quarter":24,"parts":[0],"music":["m4/4",0]}', "at least 1"),
        ('{"quarter":24,"parts":[0],"music":["m4/4",24,"m3/4"]}', "behind a barline"),
        ('{"quarter":24,"parts":[0],"music":["m4/4","kH major"]}', "that is no part"),
        ('{"quarter":24,"parts":[0],"music":["m4/4"],"music":[]}', "nothing but } behind the music"),
        ('{"quarter":24,"parts":[0],"music":["m4/4",1.5]}', "expected a note"),
        ('{"quarter":24,"parts":[0],"music":["m4/4",007]}', "expected a note"),
        ('{"quarter":24,"parts":[0],"music":["m4/4",[60,24]', "expected a note"),
        ('{"second":100,"parts":[0],"music":["m4/4"]}', "notes, times and parts only"),
        ('{"quarter":24,"parts":[0],"music":["m4/4",' + "[" * 100_000, "expected a note"),
        ('{"quarter":24,"parts":[0],"music":["m4/4",' + "9" * 100_000, "expected a note"),
        ('{"quarter":24,"parts":[' + "0," * 100_000 + "0]", "more than 256 parts"),
        ('{"second":100,"parts":[],"music":[' + MANY_PARTS, "too many parts"),
        (" " * (1 << 24) + "{", "characters, and 16,777,216"),
    ],
)  # fmt: skip
def test_what_is_no_such_text_is_refused_with_its_place(text, why):
    with pytest.raises(BadInput) as caught:
        REP.read(text, TASK)
    assert why in str(caught.value)
    assert len(str(caught.value)) < 200
    assert REP.faults(text, TASK) == (str(caught.value),)


def test_faults_are_told_with_their_place():
    music = '"m4/4","p0",[60,48],24,[60,12],72,"|",48,"|",96,"|",24,[20,48],24'
    text = f'{{"quarter":24,"parts":[0],"music":[{music}]}}'
    plan = Plan(bars=8, instruments=(0, 40))
    assert REP.faults(text, Compose(plan, Constraints(playable=True))) == (
        "bar 2 has 48 ticks, and 96 are full",
        "bar 1, tick 24, p0: pitch 60 is struck while it sounds",
        "bar 4, tick 24, p0: pitch 20 goes on behind the last barline",
        "bar 4, tick 24, p0: pitch 20 lies outside the range of its instrument",
        "4 bars, and 8 were asked for",
        "programs [0] play, and [0, 40] were asked for",
    )


TASKS = [
    Compose(),
    Compose(Plan(Key(-3, "minor"), Meter(6, 8), 66.4, (0, 40, 40, 128), bars=2), Constraints(steady=True)),
    Compose(Plan(instruments=(56,), meter=Meter(3, 4))),
]


def drawn(syntax, rng, length):
    """A random text of a grammar, which closes as soon as it may once it has some length."""
    matcher = LLMatcher(BYTES, LLMatcher.grammar_from_lark(syntax), log_level=0)
    text = bytearray()
    while not matcher.is_stopped():
        mask = np.frombuffer(matcher.compute_bitmask(), np.uint8)
        allowed = np.flatnonzero(np.unpackbits(mask, bitorder="little")[:256]).tolist()
        if not allowed:
            break
        closing = [byte for byte in allowed if byte in b"]}"] if len(text) > length else []
        text.append(rng.choice(closing or allowed))
        assert matcher.consume_token(text[-1]), matcher.get_error()
    assert matcher.is_accepting()
    return text.decode()


@pytest.mark.parametrize("task", TASKS)
def test_whatever_the_grammar_admits_is_read(task):
    rng = random.Random(1)
    for _ in range(60):
        text = drawn(REP.syntax(task), rng, rng.randrange(400))
        score = REP.read(text, task)
        plan = task.plan
        assert json.loads(text)
        assert plan.meter is None or str(score.meter_at(0)) == str(plan.meter)
        assert plan.key is None or score.keys.tolist() == [(0, -1, -3, 1)]
        assert plan.tempo_bpm is None or score.tempos.tolist() == [(0, 66)]
        if plan.instruments is not None:
            assert tuple(128 if p.is_drums else p.program for p in score.parts) == plan.instruments


def test_real_music_is_read_as_it_was_written_and_fits_the_grammar(corpus):
    lines = (corpus / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines()
    grammar, count = LLMatcher.grammar_from_lark(REP.syntax(TASK)), 0
    for line in lines[:: len(lines) // 40]:
        try:
            score = load_scores(corpus / json.loads(line)["path"])[0]
        except BadFile:
            continue
        text = REP.write(score, TASK)
        assert REP.read(text, TASK) == REP.quantise(score)[0]
        matcher, head = LLMatcher(BYTES, grammar, log_level=0), text.encode()[:4000]
        assert matcher.try_consume_tokens(list(head)) == len(head)
        count += 1
    assert count > 20


def test_options():
    assert create_text("event_json", ticks_per_quarter=12).write(page(), TASK).startswith('{"quarter":12,')
    with pytest.raises(BadRecipe, match="1 to 960"):
        create_text("event_json", ticks_per_quarter=0)


def test_absurd_lengths_are_refused():
    with pytest.raises(BadInput, match="too long"):
        REP.write(Score(480, TRIO, notes((1 << 60, 480, 60, 0, 64))), TASK)
