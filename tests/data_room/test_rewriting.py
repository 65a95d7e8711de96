"""Captions in other words, by a real server on loopback."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from partimento.analysis.facts import Facts
from partimento.cli import main
from partimento.data.captions import FILE, caption_dataset, read_captions
from partimento.data.chat import Server, writer
from partimento.data.rewriting import INSTRUCTION, rewritten
from partimento.errors import BadFile, BadInput
from partimento.theory.key import Key
from partimento.theory.meter import Meter

FACTS = Facts(
    notes=80, seconds=30.0, bars=16, key=Key.parse("D major"), key_confidence=0.9, meter=Meter(6, 8), tempo_bpm=120.0,
    tempo_word="Allegro", instruments=(73, 24), mood="happy", style="jig",
)  # fmt: skip


class Listener(ThreadingHTTPServer):
    """A server that answers what `answer(text)` gives, and keeps its requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, dict[str, Any], str | None]] = []
        self.answer: Callable[[str], tuple[int, str]] = lambda text: (200, f"Listen: {text}")
        self.url = f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        listener = cast(Listener, self.server)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        listener.requests.append((self.path, body, self.headers.get("Authorization")))
        status, text = listener.answer(body["messages"][-1]["content"])
        content = json.dumps({"choices": [{"message": {"content": text}}]}).encode()
        self.send_response(status)
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


@pytest.fixture
def dataset(tmp_path):
    """A dataset's table of pieces: three with facts, one without."""
    facts = json.dumps(FACTS.to_dict())
    table = {"piece": ["a", "b", "c", "d"], "facts": [facts, facts, "{}", facts]}
    pq.write_table(pa.table(table), tmp_path / "pieces.parquet")
    return tmp_path


def test_words_that_keep_the_facts_are_taken(server):
    by = Server(server.url, "m", INSTRUCTION, "secret")
    assert rewritten("A jig in D major for flute, 16 bars.", by, 3) == "Listen: A jig in D major for flute, 16 bars."
    path, body, key = server.requests[0]
    assert (path, body["model"], body["seed"], key) == ("/v1/chat/completions", "m", 3, "Bearer secret")


@pytest.mark.parametrize(
    "answer",
    ["A jig in E major for flute, 16 bars.", "A jig for flute, 16 bars.", "A jig in D major for oboe, 16 bars.", "Yes"],
)
def test_words_that_change_a_fact_are_not(server, answer):
    server.answer = lambda text: (200, answer)
    assert rewritten("A jig in D major for flute, 16 bars.", Server(server.url, "m", INSTRUCTION), 0) is None


def test_a_busy_server_is_asked_again_and_one_that_refuses_is_not(server, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    answers = iter([(503, ""), (200, "In D major, a jig.")])
    server.answer = lambda text: next(answers)
    assert rewritten("A jig in D major.", Server(server.url, "m", INSTRUCTION), 0) == "In D major, a jig."
    server.answer = lambda text: (401, "")
    with pytest.raises(BadInput, match="401"):
        rewritten("A jig in D major.", Server(server.url, "m", INSTRUCTION), 0)
    assert len(server.requests) == 3


def test_writers_that_cannot_be_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(BadInput, match="which of its models"):
        writer("http://127.0.0.1:1/v1", INSTRUCTION)
    with pytest.raises(BadInput, match="does the server run"):
        Server("http://127.0.0.1:1/v1", "m", INSTRUCTION).write("x", 0)
    with pytest.raises(BadInput, match=r"there is no such file|llama-cpp-python"):
        writer(str(tmp_path / "missing.gguf"), INSTRUCTION)


def test_every_piece_with_facts_gets_its_captions(dataset):
    counts = caption_dataset(dataset, each=2, seed=5)
    found = read_captions(dataset)
    assert (counts.pieces, counts.captions) == (3, 6)
    assert {piece: len(captions) for piece, captions in found.items()} == {"a": 2, "b": 2, "d": 2}
    assert all(caption.facts for captions in found.values() for caption in captions)
    first = (dataset / FILE).read_bytes()
    caption_dataset(dataset, each=2, seed=5)
    assert (dataset / FILE).read_bytes() == first
    caption_dataset(dataset, each=2, seed=6)
    assert (dataset / FILE).read_bytes() != first


def test_a_run_that_was_stopped_asks_only_for_the_rest(dataset, server):
    def falls_silent(text):
        return (200, f"Listen: {text}") if len(server.requests) < 3 else (400, "")

    server.answer = falls_silent
    with pytest.raises(BadInput):
        caption_dataset(dataset, writer=Server(server.url, "m", INSTRUCTION))
    assert not (dataset / FILE).exists()
    asked = len(server.requests)
    server.answer = lambda text: (200, f"Listen: {text}")
    counts = caption_dataset(dataset, writer=Server(server.url, "m", INSTRUCTION))
    assert (counts.rewritten, len(server.requests) - asked) == (3, 1)
    table = pq.read_table(dataset / FILE).to_pydict()
    assert set(table["by"]) == {"m"}
    assert [text.removeprefix("Listen: ") for text in table["text"]] == table["before"]
    assert [path.name for path in sorted(dataset.iterdir())] == [FILE, "pieces.parquet"]


def test_datasets_without_facts_are_refused(tmp_path):
    with pytest.raises(BadFile, match="no dataset"):
        caption_dataset(tmp_path)
    pq.write_table(pa.table({"piece": ["a"], "facts": [""]}), tmp_path / "pieces.parquet")
    with pytest.raises(BadInput, match="--facts"):
        caption_dataset(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["pieces.parquet"]


def test_the_command(dataset, server, capsys):
    assert main(["data", "caption", str(dataset), "--each", "2"]) == 0
    assert "6 captions of 3 pieces" in capsys.readouterr().out
    assert main(["data", "caption", str(dataset), "--rewrite", server.url, "--model", "m"]) == 0
    assert "3 in the words of m" in capsys.readouterr().out
    assert main(["data", "caption", str(dataset), "--each", "0"]) == 2
