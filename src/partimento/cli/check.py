"""`partimento check`: what a piece does of what was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

import partimento
from partimento.cli.console import console, plain
from partimento.cli.files import Tune, load_tune
from partimento.errors import BadFile, BadInput
from partimento.evaluation.checking import CheckReport, report
from partimento.evaluation.copy_index import CopyHashes, hashes_of
from partimento.plan import Plan
from partimento.plan.document import load_plan
from partimento.plan.parse import parse_prompt
from partimento.score import Score

_STYLES = {True: "green", False: "bold red", None: "bright_black"}
STARTER = Path(partimento.__file__).parent / "models" / "starter"
_SIGNS = {True: "yes", False: "NO", None: "–"}


def check(
    source: Path,
    /,
    *,
    prompt: str | None = None,
    plan: Path | None = None,
    tune: Tune = 1,
    model: Path | None = None,
    out: Path | None = None,
    as_json: bool = False,
) -> None:
    """Show what a piece does of what was asked for, measured on its notes.

    The prompt is printed with what is followed in green, what is violated in red and what notes cannot tell in grey.
    Wishes of the prompt are stronger than those of a plan file.

    **Examples**

    - `partimento check song.mid --prompt "a slow waltz in D minor for piano"`
    - `partimento check out/jig.musicxml --plan out/jig.plan.json --out out/jig.html`
    - `partimento check song.mid --prompt "happy, 120 bpm" --as-json`

    Args:
        source: MIDI, MusicXML or ABC file.
        prompt: What was asked for, in words.
        plan: What was asked for, as a plan file.
        tune: Which tune of a file that holds several.
        model: Folder of the model that wrote it, with whose training music it is compared; the one that comes with
            the package by default.
        out: Page to write, .html, with the score and its sound beside it.
        as_json: Print JSON instead.
    """
    if prompt is None and plan is None:
        raise BadInput('say what was asked for: --prompt "a waltz in D minor", or --plan FILE')
    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        raise BadFile(out, "the page is written as .html; end the name in that")
    understood = parse_prompt(prompt) if prompt is not None else None
    wishes = load_plan(plan) if plan else Plan()
    wishes = wishes.merged(understood.plan) if understood else wishes
    score = load_tune(source, tune)
    hashes = copy_index(model)
    found = report(wishes, understood, score, hashes.check(score) if hashes else None)
    if as_json:
        print(json.dumps(found.to_dict(), indent=2, ensure_ascii=False))
    else:
        print_report(found)
    if out is not None:
        _write_page(found, score, out)
        console().print(f"{out}: page", markup=False, soft_wrap=True)


def copy_index(model: Path | None) -> CopyHashes | None:
    """The index of a model's training music, None where it has none; by default of the model that comes along."""
    return hashes_of(model or STARTER)


def print_report(found: CheckReport) -> None:
    """Print the prompt in colours, the table of verdicts, and what is wrong besides."""
    terminal = console()
    if found.text:
        terminal.print(coloured(found))
        terminal.print()
    terminal.print(verdict_table(found))
    for fault in found.faults:
        terminal.print(Text(f"degenerate: {plain(fault)}", _STYLES[False]))
    is_copy = found.copied is not None and found.copied.is_copy
    terminal.print(Text(plain(found.copy_words), _STYLES[False] if is_copy else _STYLES[None]))
    terminal.print(Text(f"{found.followed} wishes followed, {found.violated} violated", "bold"))


def coloured(found: CheckReport) -> Text:
    """The prompt, each phrase in the colour of what became of it."""
    line = Text()
    for words, phrase in found.spans():
        line.append("".join(c if c.isprintable() else " " for c in words), _STYLES[phrase.followed] if phrase else "")
    return line


def verdict_table(found: CheckReport) -> Table:
    """Every verdict in its colour."""
    grid = Table("wish", "asked", "measured", "holds", box=None, pad_edge=False, header_style="bold")
    for verdict in found.verdicts:
        cells = (verdict.wish, verdict.asked, verdict.found, _SIGNS[verdict.followed])
        grid.add_row(*(Text(plain(cell), _STYLES[verdict.followed]) for cell in cells))
    return grid


def page_maker(
    found: CheckReport, title: str, candidates: Sequence[Sequence[str]] = ()
) -> Callable[[Sequence[str], bytes, str], str]:
    """Makes the page of a report from pages as SVG, a piano roll as PNG and the name of a sound file."""
    from partimento.evaluation.check_page import Pictures, check_page

    return lambda sheet, roll, sound: check_page(found, title, Pictures(sheet, roll, sound), candidates)


def _write_page(found: CheckReport, score: Score, out: Path) -> None:
    from partimento.io import make_folder, write_together
    from partimento.rendering import audio, piano_roll, sheet

    sound = out.with_suffix(".wav")
    pages = sheet.score_to_svg(score) if len(score.measures) and len(score.notes) else []
    html = page_maker(found, score.title)(pages, piano_roll.draw(score) if len(score.notes) else b"", sound.name)
    make_folder(out.parent)
    if not sound.exists():
        audio.save_audio(audio.render(score), sound)
    write_together({out: html.encode()})
