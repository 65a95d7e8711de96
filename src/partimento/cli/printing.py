"""`partimento print`: a file as sheet music."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from partimento.cli.console import console
from partimento.cli.files import Tune, load_tune
from partimento.errors import BadFile, BadInput
from partimento.io import write_together
from partimento.score import Score

if TYPE_CHECKING:
    from partimento.rendering.sheet import Sheet, Style


def print_pages(
    source: Path,
    /,
    *,
    out: Path,
    tune: Tune = 1,
    parts: bool = False,
    page: Literal["a4", "letter"] = "a4",
    staff: float | None = None,
    transpose: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    concert_pitch: bool = False,
    hide_empty: bool = False,
) -> None:
    """Engrave a file as sheet music: PDF, or a picture of each page.

    Pictures of several pages are numbered: jig-1.svg, jig-2.svg. Transposing instruments are written at their
    own pitch. MIDI is turned into notation first.

    **Examples**

    - `partimento print quartet.mxl --out quartet.pdf`
    - `partimento print quartet.mxl --out quartet.pdf --parts` also writes quartet-Violin_1.pdf and so on
    - `partimento print song.mid --out song.pdf --page letter --transpose "to D major"`
    - `partimento print tunes.abc --tune 12 --out jig.png --transpose -M2`

    Args:
        source: MIDI, MusicXML or ABC file.
        out: File to write, .pdf .svg or .png; it is replaced if it exists.
        tune: Which tune of a file that holds several.
        parts: Write every part to a file of its own, too.
        page: Size of the paper.
        staff: Height of a staff in millimetres, 3 to 12; by default it depends on the number of staves.
        transpose: Semitones (2, -3), an interval (M2, -m3, P5) or a key ("to D major").
        concert_pitch: Write transposing instruments as they sound.
        hide_empty: Leave out staves that rest for a whole system, after the first one.
    """
    from partimento.rendering import sheet

    if out.suffix.lower() not in sheet.FORMATS:
        raise BadFile(out, f"pages are written as {', '.join(sheet.FORMATS)}; end the name in one of these")
    style = sheet.Style(page, staff, hide_empty)
    score = _as_wanted(load_tune(source, tune), source, transpose, concert_pitch=concert_pitch)
    contents: dict[Path, bytes] = {}
    reports: list[str] = []
    with _progress() as progress:
        for path, music, is_part in _jobs(score, out, with_parts=parts):
            made = _engraved(music, style, progress, path.name, is_part=is_part)
            files = sheet.drawn(made, path)
            contents |= files
            reports.append(_report(made, list(files)))
    write_together(contents)
    for line in reports:
        console().print(line, markup=False, soft_wrap=True)


def _as_wanted(score: Score, source: Path, transpose: str | None, *, concert_pitch: bool) -> Score:
    """The score as notation with a title, transposed, at the pitch asked for.

    Raises:
        BadInput: it cannot be transposed like that.
    """
    from partimento.notation import engrave
    from partimento.rendering import sheet

    score = engrave(replace(score, title=score.title or source.stem.replace("_", " ")))
    if transpose is not None:
        try:
            score = score.transpose(sheet.transposition(transpose, score))
        except ValueError as error:
            raise BadInput(f"--transpose {transpose}: {error}; choose a smaller interval") from None
    return sheet.at_concert_pitch(score) if concert_pitch else score


def _jobs(score: Score, out: Path, *, with_parts: bool) -> Iterator[tuple[Path, Score, bool]]:
    """Where each file goes, its music, and whether that is a part."""
    from partimento.rendering import sheet

    yield out, score, False
    if with_parts and len(score.parts) > 1:
        for index, name in enumerate(sheet.part_names(score.parts)):
            yield out.with_name(f"{out.stem}-{name}{out.suffix}"), sheet.part_of(score, index), True


def _engraved(score: Score, style: Style, progress: Progress, name: str, *, is_part: bool) -> Sheet:
    from partimento.rendering import sheet

    task = progress.add_task(f"engraving {name}", total=None)

    def report(page: int, pages: int) -> None:
        progress.update(task, completed=page, total=pages)

    made = sheet.engraved_sheet(score, style, is_part=is_part, report=report)
    progress.remove_task(task)
    return made


def _report(made: Sheet, files: Sequence[Path]) -> str:
    count = len(made.pages)
    pages = f"{count} page{'s' * (count != 1)}, staves {made.staff_mm:.1f} mm high"
    return f"{files[0]} to -{count}: {pages}" if len(files) > 1 else f"{files[0]}: {pages}"


def _progress() -> Progress:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TextColumn("pages"))
    terminal = console()
    return Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal)
