"""Engraved pages as files."""

from __future__ import annotations

from pathlib import Path

from partimento.rendering.sheet.drawing import to_pdf, to_pngs
from partimento.rendering.sheet.engraver import Sheet

FORMATS = (".pdf", ".svg", ".png")
_PNG_DPI = 200
_MM_PER_INCH = 25.4


def drawn(made: Sheet, path: Path) -> dict[Path, bytes]:
    """The files that a sheet makes: one PDF, or a picture of each page, which are numbered where there are several.

    Args:
        made: what `engraved_sheet` made.
        path: where, ending in one of `FORMATS`.
    """
    if path.suffix.lower() == ".pdf":
        return {path: to_pdf(made.pages, made.title, made.composer)}
    if path.suffix.lower() == ".png":
        pages = list(to_pngs(made.pages, round(made.width_mm / _MM_PER_INCH * _PNG_DPI)))
    else:
        pages = [page.encode() for page in made.pages]
    if len(pages) == 1:
        return {path: pages[0]}
    digits = len(str(len(pages)))
    return {path.with_name(f"{path.stem}-{n:0{digits}}{path.suffix}"): page for n, page in enumerate(pages, start=1)}
