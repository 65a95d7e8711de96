"""`partimento prepare`: music into datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from partimento.cli.console import console, plain, table
from partimento.data.prepare import Options, Report
from partimento.data.prepare import prepare as prepare_dataset
from partimento.errors import BadInput

_MOST_REASONS = 10


def prepare(
    *sources: str,
    out: Path,
    context: int = 1024,
    representation: str = "remi",
    max_parts: int = 8,
    annotate: bool = True,
    workers: Annotated[int | None, Parameter(name=["--workers"])] = None,
) -> None:
    """Turn folders of music into a dataset for training.

    Equal pieces are kept once, and a piece goes to training, validation or test by its content. Files that
    cannot be used are counted, with the reasons in report.json.

    **Examples**

    - `partimento prepare my-music --out datasets/mine`
    - `partimento prepare music21:bach music21:ryansMammoth --out datasets/small --context 512`

    Args:
        sources: Files, folders, music21:NAME corpora.
        out: Folder of the dataset; it must not exist.
        context: Most tokens in a row; longer pieces are cut at barlines.
        representation: How music becomes tokens.
        max_parts: Pieces with more parts are left out.
        annotate: Fill in what the files do not state: modes, and chords for every second piece.
        workers: Processes; all cores by default.
    """
    if not sources:
        raise BadInput("no source is named; give files, folders or music21:NAME")
    if context < 64 or (workers is not None and workers < 1):
        raise BadInput(
            f"--context {context} --workers {workers}: a row has at least 64 tokens, and one worker is needed"
        )
    options = Options(context=context, max_parts=max_parts, annotate=annotate)
    report = prepare_dataset(sources, out, representation=representation, options=options, workers=workers)
    print_report(report, out)


def print_report(report: Report, out: Path) -> None:
    """Print what became of the files."""
    terminal = console()
    rows = [
        (split, f"{report.rows[split]:,}", f"{report.tokens[split]:,}", f"{report.notes[split]:,}")
        for split in report.rows
    ]
    terminal.print(table(rows, ("split", "rows", "tokens", "notes")))
    left_out = f"{len(report.failures):,} left out, " if report.failures else ""
    counts = f"{report.files:,} files, {report.pieces:,} pieces, {left_out}{report.duplicates:,} duplicates"
    terminal.print(f"{plain(str(out))}: {counts}", markup=False, soft_wrap=True)
    for reason, count in report.reasons()[:_MOST_REASONS]:
        terminal.print(f"  {count:,} × {plain(reason)}", markup=False)
