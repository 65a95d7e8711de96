"""From a sentence to files, with a model that is real but untrained."""

import json
import re
import threading
import time

import pytest

from partimento.cli import main
from partimento.cli.compose import gather
from partimento.io import load_score
from partimento.plan.check import check
from partimento.plan.document import load_plan
from partimento.plan.plan import Plan
from partimento.rendering.bundle import SUFFIXES

TEXT = "a jig in D major for flute and guitar, 4 bars, 100 bpm"


@pytest.fixture(scope="module")
def composed(tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    arguments = ["compose", TEXT, "--no-tags", "--seed", "7", "--model", str(tiny_model), "--out"]
    assert main([*arguments, str(folder / "new" / "jig")]) == 0
    return folder / "new"


def test_all_files_are_there_and_nothing_else(composed):
    assert {path.name for path in composed.iterdir()} == {f"jig{suffix}" for suffix in SUFFIXES}


@pytest.mark.parametrize("suffix", [".mid", ".musicxml", ".abc"])
def test_wishes_hold_in_the_files(composed, suffix):
    plan = load_plan(composed / "jig.plan.json")
    assert plan.to_dict() == {
        "style": "jig", "key": "D major", "meter": "6/8", "tempo_bpm": 100.0, "bars": 4,
        "instruments": ["Flute", "Acoustic Guitar (nylon)"],
    }  # fmt: skip
    missed = [v for v in check(plan, load_score(composed / f"jig{suffix}")) if v.followed is False]
    assert not missed


def test_the_same_command_gives_the_same_bytes(composed, tiny_model, tmp_path, capsys):
    arguments = ["compose", TEXT, "--no-tags", "--seed", "7", "--model", str(tiny_model), "--out"]
    assert main([*arguments, str(tmp_path / "jig.mid")]) == 0
    assert "seed 7" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in composed.iterdir()
    }


def test_options_are_stronger_than_text_and_text_than_a_plan(composed, tiny_model, tmp_path):
    arguments = ["compose", "for oboe", "--no-tags", "--plan", str(composed / "jig.plan.json"), "--bars", "2",
                 "--chords", "i V", "--key", "E minor", "--model", str(tiny_model), "--out",
                 str(tmp_path / "x")]  # fmt: skip
    assert main(arguments) == 0
    assert json.loads((tmp_path / "x.plan.json").read_text("utf-8"))["plan"] == {
        "style": "jig", "key": "E minor", "meter": "6/8", "tempo_bpm": 100.0, "bars": 2, "instruments": ["Oboe"],
        "chords": ["Em", "B"],
    }  # fmt: skip


def test_ctrl_c_leaves_no_file(tiny_model, tmp_path, capsys):
    import _thread

    from partimento.generation import Composer  # loaded before the clock starts

    Composer(tiny_model)
    threading.Timer(1.0, _thread.interrupt_main).start()
    started = time.perf_counter()
    text = "for string quartet, piano, flute, oboe and clarinet, 256 bars"
    assert main(["compose", text, "--model", str(tiny_model), "--out", str(tmp_path / "new" / "long")]) == 130
    assert time.perf_counter() - started < 10
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err == "partimento: stopped\n"


DAMAGED = ["[]", "3", '{"bars": "x"}', '{"plan": {"key": 5}}', '{"tempo": 3}', "[" * 100_000, "\xff"]


@pytest.mark.parametrize("content", DAMAGED, ids=lambda content: content[:20])
def test_a_damaged_plan_is_refused(content, tmp_path, capsys):
    path = tmp_path / "x.json"
    path.write_text(content, "latin-1")
    assert main(["compose", "--plan", str(path), "--out", str(tmp_path / "y")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_plan_file_may_be_bare(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"key": "D major", "bars": 8}', "utf-8")
    assert load_plan(path) == Plan.from_dict({"key": "D major", "bars": 8})


def test_the_best_of_some_is_kept_and_comes_again_by_its_seed(tiny_model, tmp_path, capsys):
    arguments = ["compose", "4 bars of 4/4 for flute", "--model", str(tiny_model)]
    assert main([*arguments, "--best-of", "3", "--seed", "5", "--out", str(tmp_path / "best")]) == 0
    said = capsys.readouterr().out
    assert re.search(r"candidate \d of 3: \d of \d wishes followed; ", " ".join(said.split()))
    told = json.loads((tmp_path / "best.plan.json").read_text("utf-8"))
    assert [row["candidate"] for row in told["chosen"]["candidates"]] == ["1", "2", "3"]
    assert "Candidates" in (tmp_path / "best.html").read_text("utf-8")
    assert main([*arguments, "--seed", str(told["made_with"]["seed"]), "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again.mid").read_bytes() == (tmp_path / "best.mid").read_bytes()
    assert main([*arguments, "--best-of", "0", "--out", str(tmp_path / "none")]) == 2


def test_how_strictly_chords_hold_can_be_said():
    assert gather(None, {"harmony": "strong beats", "bars": 4}, None) == Plan(harmony="strong beats", bars=4)
