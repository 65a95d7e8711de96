"""Engraved pages: Score ▶ MusicXML ▶ SVG through verovio ▶ PDF through typst ▶ PNG through PDFium.

Where a system is taller than the page, everything is engraved smaller.
"""

from __future__ import annotations

from partimento.rendering.sheet.drawing import to_pdf, to_png, to_pngs
from partimento.rendering.sheet.engraver import Sheet, engraved_sheet, score_to_svg, to_svg
from partimento.rendering.sheet.files import FORMATS, drawn
from partimento.rendering.sheet.parts import at_concert_pitch, part_names, part_of
from partimento.rendering.sheet.style import PAPERS, Style
from partimento.rendering.sheet.transposition import transposition

__all__ = [
    "FORMATS",
    "PAPERS",
    "Sheet",
    "Style",
    "at_concert_pitch",
    "drawn",
    "engraved_sheet",
    "part_names",
    "part_of",
    "score_to_svg",
    "to_pdf",
    "to_png",
    "to_pngs",
    "to_svg",
    "transposition",
]
