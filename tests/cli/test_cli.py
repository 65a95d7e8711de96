"""The command line: help, what it prints, what it refuses."""

import subprocess
import sys
from pathlib import Path

import pytest

from partimento.cli import main
from partimento.io import load_score

COMMANDS = ("compose", "plan", "instruments", "show", "convert", "play", "print", "data", "prepare", "train")
TUNES = """X:1
T:The Test Jig
C:Trad.
M:6/8
L:1/8
Q:3/8=110
K:D
|:"D"DFA "G"B2A|"A7"AFE "D"D3|"D"DFA "G"B2d|"A7"cBA "D"d3:|

X:2
T:Second [red]tune[/red]
M:3/4
L:1/4
K:Am
A c e|a2 e|c A E|A3|
"""


@pytest.fixture
def tunes(tmp_path) -> Path:
    path = tmp_path / "tunes.abc"
    path.write_text(TUNES, "utf-8")
    return path


@pytest.fixture
def run(capsys):
    """Runs a command line; gives its exit status, stdout and stderr."""

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return run


def files_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_help_loads_no_command_and_nothing_heavy():
    code = (
        "import sys; from partimento.cli import main; status = main(['--help']); "
        "heavy = {'torch', 'numpy', 'verovio', 'lxml', 'partimento.cli.compose'} & set(sys.modules); "
        "sys.exit(status or (f'loaded {heavy}' if heavy else 0))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8")
    assert result.returncode == 0, result.stderr
    assert all(command in result.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_examples(run, command):
    status, out, _ = run(command, "--help")
    assert status == 0
    assert "Example" in out
    assert f"partimento {command}" in out


REFUSED = [
    (["composer"], "do you mean compose?"),
    (["xyz"], "see partimento --help"),
    (["show"], "requires an argument"),
    (["show", "none.mid"], "none.mid: no such file"),
    (["show", "tunes.abc", "--tune", "3"], "has 2 tunes"),
    (["show", "tunes.abc", "--bars", "x"], "--bars"),
    (["convert", "tunes.abc", "x.foo"], "use one of .mid"),
    (["convert", "tunes.abc", "tunes.abc/x.mid"], "tunes.abc/x.mid"),
    (["play", "tunes.abc", "--out", "x.aac"], ".wav"),
    (["play", "tunes.abc", "--out", "tunes.abc/x.wav"], "no folder can be made"),
    (["print", "tunes.abc", "--out", "x.gif"], ".pdf, .svg, .png"),
    (["plan", ""], "empty"),
    (["prepare", "--out", "data"], "no source"),
    (["prepare", "nowhere", "--out", "data"], "nowhere"),
    (["train", "none.yaml"], "none.yaml"),
    (["compose", ""], "empty"),
    (["compose", "la " * 4000], "4000 words"),
    (["compose", "for flute and zyxophone"], "'zyxophone'"),
    (["compose", "J major"], "'J major'"),
    (["compose", "--key", "J major"], "'J major'"),
    (["compose", "in 0/4"], "'0/4'"),
    (["compose", "--meter", "0/4"], "'0/4'"),
    (["compose", "bars −1"], "-1 bars"),
    (["compose", "--bars", "-1"], "-1 bars"),
    (["compose", "--tempo", "9999"], "9999 bpm"),
    (["compose", "--instruments", "flute, kazoo"], "'kazoo'"),
    (["compose", "--chords", "D Q"], "'Q'"),
    (["compose", "--style", "opera"], "'opera' is no style"),
    (["compose", "--seed", "-3"], "--seed -3"),
    (["compose", "--plan", "tunes.abc"], "no JSON"),
    (["compose", "--out", "tunes.abc/jig"], "cannot be written to"),
    (["compose", "--out", "."], "names no file"),
    (["compose", "--model", "tunes.abc"], "tunes.abc"),
    (["compose", "--temperature", "warm"], "--temperature"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=lambda value: " ".join(value)[:50])
def test_refused_in_one_line_and_no_file(run, tunes, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    status, _, err = run(*arguments)
    assert status == 2
    assert err.startswith("partimento: ")
    assert message in err.replace("\\", "/")
    assert err.count("\n") == 1
    assert files_in(tmp_path) == ["tunes.abc"]


def test_the_process_ends_with_the_status(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "partimento", "compose", "J major", "--out", str(tmp_path / "x")],
        capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert files_in(tmp_path) == []


def test_show(run, tunes):
    status, out, _ = run("show", tunes, "--tune", "2", "--bars", "2")
    assert status == 0
    lines = dict(line.split(maxsplit=1) for line in out.splitlines() if line.split()[1:])
    assert lines["title"].strip() == "Second [red]tune[/red]"
    assert lines["key"].strip() == "A minor"
    assert lines["meter"].strip() == "3/4"
    assert lines["bars"].strip() == "4"
    assert "E4–A5" in out
    assert "▀" in out


def test_convert_says_what_it_wrote(run, tunes, tmp_path):
    status, out, _ = run("convert", tunes, tmp_path / "new" / "jig.musicxml")
    assert status == 0
    assert "MusicXML, 1 part, 4 bars, 18 notes" in out
    assert load_score(tmp_path / "new" / "jig.musicxml").title == "The Test Jig"


def test_print_and_play(run, tunes, tmp_path):
    assert run("print", tunes, "--out", tmp_path / "jig.png")[0] == 0
    assert run("print", tunes, "--out", tmp_path / "jig.svg")[0] == 0
    assert run("play", tunes, "--out", tmp_path / "jig.ogg")[0] == 0
    starts = {".png": b"\x89PNG", ".svg": b"<svg", ".ogg": b"OggS"}
    assert all(start in (tmp_path / f"jig{suffix}").read_bytes()[:200] for suffix, start in starts.items())


def test_plan_names_the_words(run):
    status, out, _ = run("plan", "a jig in D major for two flutes")
    assert status == 0
    assert ["key", "D", "major", "in", "D", "major", "stated"] in [line.split() for line in out.splitlines()]
    assert "free to choose" in run("plan", "something nice")[1]


def test_instruments_can_be_searched(run):
    _, out, _ = run("instruments", "fiddle")
    assert [line.split()[0] for line in out.splitlines() if line[:1].isdigit()] == ["110"]
