"""MusicXML ▶ pages as SVG through verovio."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import verovio

from partimento.errors import BadInput
from partimento.io import musicxml as musicxml_io
from partimento.notation import engrave
from partimento.rendering.sheet.heading import with_heading
from partimento.rendering.sheet.mending import mended
from partimento.rendering.sheet.source import Source, prepared
from partimento.rendering.sheet.style import Layout, Style, first_layout, options
from partimento.score import Score

_MOST_LAYOUTS = 4
_SPARE = 1.02
_PAGE_SIZE = re.compile(r'<svg width="[\d.]+mm" height="[\d.]+mm"')
_LINE_TEXT_OR_SIGN = re.compile(
    r'd="M-?\d+ (-?\d+) L-?\d+ (-?\d+)|<t(?:ext|span)[^>]* y="(\d+)"|translate\(-?\d+, (\d+)\)'
)
_TOOLTIP = re.compile(r"<title\b[^>]*>.*?</title>", re.DOTALL)
_TEXT_FONT = re.compile(r'font-family="Times(?:, serif)?"')

Report = Callable[[int, int], None]
"""Told after each page how many are drawn, and how many there are."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Engraved music."""

    pages: list[str]
    """SVG; music signs are embedded, text asks for a Times-like font."""
    title: str
    composer: str
    width_mm: float
    """Width of the paper."""
    staff_mm: float
    """Height of the staves on paper."""


def to_svg(musicxml: bytes, style: Style | None = None) -> list[str]:
    """Engrave uncompressed MusicXML.

    Returns:
        One SVG per page; music signs are embedded, text asks for a Times-like font.

    Raises:
        BadInput: the bytes are no MusicXML that can be engraved.
    """
    return _engraved(prepared(musicxml), style or Style(), None)[0]


def score_to_svg(score: Score, style: Style | None = None) -> list[str]:
    """Engrave a score, notated or performed: one SVG per page.

    Raises:
        NeedsBeats: the score has no bars.
    """
    return engraved_sheet(score, style).pages


def engraved_sheet(
    score: Score, style: Style | None = None, *, is_part: bool = False, report: Report | None = None
) -> Sheet:
    """Engrave a score, notated or performed.

    Args:
        score: any score with bars.
        style: how the pages are to look.
        is_part: whether a player reads from it: empty measures are then counted in one sign.
        report: told of each page.

    Raises:
        NeedsBeats: the score has no bars.
    """
    source = prepared(musicxml_io.write(mended(engrave(score))), joins_rests=is_part)
    pages, layout = _engraved(source, style or Style(), report)
    return Sheet(pages, source.heading.title, score.composer, layout.paper_mm[0], layout.staff_mm)


def _engraved(source: Source, style: Style, report: Report | None) -> tuple[list[str], Layout]:
    verovio.enableLog(verovio.LOG_OFF)
    toolkit: Any = verovio.toolkit()
    layout = first_layout(style, source.staves)
    toolkit.setOptions(options(style, source.staves) | layout.options())
    text = source.text(source.heading.lines_to_reserve(layout))
    if not toolkit.loadData(text) or not toolkit.getPageCount():
        raise BadInput("this MusicXML cannot be engraved; it has no score-partwise with notes that verovio can read")
    if style.hide_empty:  # which MusicXML cannot ask verovio for, but MEI can
        toolkit.loadData(toolkit.getMEI({}).replace("<scoreDef ", '<scoreDef optimize="true" ', 1))
    pages, layout = _fitting(toolkit, layout, report)
    width, height = layout.paper_mm
    size = f'<svg width="{width:g}mm" height="{height:g}mm"'
    finished: list[str] = []
    for number, page in enumerate(pages, start=1):
        page = _PAGE_SIZE.sub(size, _TOOLTIP.sub("", page), count=1)
        page = with_heading(page, source.heading, number, layout)
        finished.append(_TEXT_FONT.sub("font-family=\"Times, 'Liberation Serif', serif\"", page))
    return finished, layout


def _fitting(toolkit: Any, layout: Layout, report: Report | None) -> tuple[list[str], Layout]:
    """Pages on which the tallest system fits, and their layout."""
    pages = _pages(toolkit, report)
    for _ in range(_MOST_LAYOUTS - 1):
        excess = max(_bottom(page) for page in pages) / layout.lowest
        if excess <= 1:
            break
        layout = replace(layout, scale=layout.scale * excess * _SPARE)
        toolkit.setOptions(layout.options())
        toolkit.redoLayout()
        pages = _pages(toolkit, report)
    return pages, layout


def _pages(toolkit: Any, report: Report | None) -> list[str]:
    count = toolkit.getPageCount()
    pages: list[str] = []
    for number in range(1, count + 1):
        pages.append(toolkit.renderToSVG(number))
        if report is not None:
            report(number, count)
    return pages


def _bottom(svg: str) -> int:
    """How far below the upper margin the lowest line, text or sign reaches, in units of verovio's SVG."""
    return max((int(y) for match in _LINE_TEXT_OR_SIGN.finditer(svg) for y in match.groups() if y), default=0)
