"""What a piece does of what was asked for, printed, as JSON and as a page."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from partimento.cli import main
from partimento.cli.check import coloured, verdict_table
from partimento.evaluation.checking import report
from partimento.io import load_score
from partimento.plan.parse import parse_prompt

TUNE = "X:1\nT:A tune\nM:4/4\nL:1/8\nQ:1/4=100\nK:D\ndefg abag|fedc d4|\n"
PROMPT = "in D major, 4/4, 3 bars, 100 bpm"


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    path = tmp_path / "tune.abc"
    path.write_text(TUNE, "utf-8")
    return path


def test_the_report_is_printed(tune: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tune), "--prompt", PROMPT, "--model", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(PROMPT)
    assert "3 wishes followed, 1 violated" in said
    assert "the model has no index" in said


def test_in_colour(tune: Path) -> None:
    understood = parse_prompt(PROMPT)
    found = report(understood.plan, understood, load_score(tune))
    terminal = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=100)
    terminal.print(coloured(found), verdict_table(found))
    text = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[1;31m3 bars\x1b[0m" in text
    assert "\x1b[32m4/4\x1b[0m" in text


def test_as_json(tune: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"key": "D major", "bars": 2}), "utf-8")
    arguments = ["check", str(tune), "--plan", str(plan), "--prompt", "3 bars", "--as-json", "--model", str(tmp_path)]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert {verdict["wish"]: verdict["followed"] for verdict in found["verdicts"]} | {"key": True, "bars": False} == {
        verdict["wish"]: verdict["followed"] for verdict in found["verdicts"]
    }
    assert [(phrase["words"], phrase["followed"]) for phrase in found["phrases"]] == [("3 bars", False)]


def test_as_a_page(tune: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "page.html"
    assert main(["check", str(tune), "--prompt", PROMPT, "--out", str(out), "--model", str(tmp_path)]) == 0
    assert {path.name for path in out.parent.iterdir()} == {"page.html", "page.wav"}
    assert "data:image/svg+xml" in out.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        ([], "say what was asked for"),
        (["--prompt", "a waltz", "--out", "page.pdf"], ".html"),
        (["--prompt", " "], "the text is empty"),
        (["--plan", "missing.json"], "missing.json"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    tune: Path, arguments: list[str], mend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(tune), *arguments]) == 2
    said = capsys.readouterr().err
    assert mend in said
    assert said.count("\n") == 1


def test_a_model_gets_an_index(tmp_path: Path, tune: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book, dataset, model = tmp_path / "book.abc", tmp_path / "dataset", tmp_path / "model"
    body = TUNE.splitlines()[-1]
    book.write_text("\n".join(f"X:{n}\nK:D\n{body.replace('a', 'abcdefgB'[n - 1]) * 3}" for n in range(1, 9)), "utf-8")
    assert main(["prepare", str(book), "--out", str(dataset), "--workers", "1"]) == 0
    assert main(["copies", str(dataset), "--model", str(model)]) == 2
    model.mkdir()
    (model / "config.json").write_text("{}", "utf-8")
    assert main(["copies", str(dataset), "--model", str(model)]) == 0
    capsys.readouterr()
    assert main(["check", str(tune), "--prompt", PROMPT, "--model", str(model)]) == 0
    assert "COPIED: longest run shared with a training piece" in capsys.readouterr().out
