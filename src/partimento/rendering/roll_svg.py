"""Piano roll as SVG: the same picture as the PNG, as rectangles and text that scale and can be edited."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from partimento.io import write_bytes
from partimento.rendering.roll_layout import (
    BLACK_KEYS,
    BOTTOM_INCH,
    LEFT_INCH,
    RIGHT_INCH,
    STRIP_INCH,
    WIDTH_INCH,
    Edges,
    Layout,
    Look,
    Rgb,
    depth,
    drum_edges,
    layout_of,
    legend_columns,
    looks_of,
    note_edges,
    one_line,
    pretty_chord,
    summary,
)
from partimento.rendering.timeline import part_labels
from partimento.score import Score

_INCH = 100  # units of the picture to an inch
_LEFT, _RIGHT = LEFT_INCH * _INCH, (WIDTH_INCH - RIGHT_INCH) * _INCH
_SHADES = 6
_LETTER = 5.2  # width of a letter of the legend
_STYLE = (
    "text{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;fill:#555;font-size:10px}"
    ".title{font-size:21px;font-weight:bold;fill:#000}.facts{font-size:13px;text-anchor:end}"
    ".chord{font-size:12px;font-weight:bold;fill:#000}.key{font-size:10px;text-anchor:end}"
    ".drum{font-size:9px;text-anchor:end}.legend{font-size:12px;fill:#000}"
    ".black{fill:#f1f2f4}.c{stroke:#b8bcc2}.beat{stroke:#e4e4e4;stroke-width:.8}.bar{stroke:#8a8f98;stroke-width:1.2}"
    ".strip{fill:#faf7f2}.line{stroke:#e8e2d8;stroke-width:.8}"
)


def to_svg(score: Score, path: Path | str | None = None) -> str:
    """Draw a score as SVG, and write it where a path is given; equal scores give equal text.

    Raises:
        BadFile: the path cannot be written.
    """
    layout, labels = layout_of(score), part_labels(score)
    head = (0.75 + 0.24 * math.ceil(len(labels) / legend_columns(labels))) * _INCH
    height = head + (len(layout.rows) * layout.row_inch + BOTTOM_INCH) * _INCH
    width = WIDTH_INCH * _INCH
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:.0f}" width="{width:g}">',
        f'<style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
        *_head(score, labels),
    ]
    for index in range(len(layout.rows)):
        lines += _row(layout, index, head + index * layout.row_inch * _INCH)
    text = "\n".join([*lines, "</svg>\n"])
    if path is not None:
        write_bytes(Path(path), text.encode())
    return text


def _head(score: Score, labels: list[str]) -> Iterator[str]:
    yield _text(_LEFT, 42, one_line(score.title, 80) or "Untitled", "title")
    yield _text(_RIGHT, 42, summary(score), "facts")
    columns = legend_columns(labels)
    widest = max((min(len(label), 40) for label in labels), default=1) * _LETTER * 1.3 + 40
    for index, (look, label) in enumerate(zip(looks_of(score), labels, strict=True)):
        x, y = _LEFT + index % columns * widest, 66 + 24 * (index // columns)
        yield f'<rect x="{x:.0f}" y="{y - 10}" width="16" height="12" fill="{_colour(look.face)}" {_edge(look)}/>'
        yield _text(x + 22, y, one_line(label, 40) or "–", "legend")


def _row(layout: Layout, index: int, top: float) -> Iterator[str]:
    """A row of bars, its upper edge `top` below that of the picture."""
    first, last = layout.rows[index]
    roll = top + layout.above_inch * _INCH
    strip = roll + layout.roll_inch * _INCH
    bottom = strip + STRIP_INCH * len(layout.drums) * _INCH
    x = _Scale(layout.time.bar_start[first], layout.span / (_RIGHT - _LEFT), _LEFT)
    end = float(x(layout.time.bar_start[last]))
    pitch = _Scale(layout.highest + 0.5, -(layout.highest - layout.lowest + 1) / max(strip - roll, 1e-9), roll)
    line = _Scale(len(layout.drums) - 0.5, -1 / (STRIP_INCH * _INCH), strip)
    if layout.has_pitches:
        yield from _keyboard(layout, pitch, end)
    yield from _drum_lines(layout, line, end)
    yield from _grid(layout, x, first, last, (roll, bottom))
    yield from _above(layout, x, first, last, roll)
    yield from _notes(layout, first, last, x, pitch, line)


class _Scale:
    """From values to places in the picture: the value at `origin`, and how much there is to a unit."""

    def __init__(self, value: float, per_unit: float, origin: float) -> None:
        self._value, self._per_unit, self._origin = value, per_unit, origin

    def __call__(self, value: Any) -> Any:
        return self._origin + (np.asarray(value) - self._value) / self._per_unit


def _keyboard(layout: Layout, y: _Scale, end: float) -> Iterator[str]:
    keys = range(layout.lowest, layout.highest + 1)
    height = float(y(0) - y(1))
    tops = [float(y(key + 0.5)) for key in keys if key % 12 in BLACK_KEYS]
    black = "".join(f"M{_LEFT:g} {top:.1f}H{end:.1f}v{height:.1f}H{_LEFT:g}z" for top in tops)
    yield f'<path class="black" d="{black}"/>'
    for c in (key for key in keys if key % 12 == 0):
        yield f'<path class="c" d="M{_LEFT:g} {y(c - 0.5):.1f}H{end:.1f}"/>'
        yield _text(_LEFT - 6, float(y(c)) + 3, f"C{c // 12 - 1}", "key")


def _drum_lines(layout: Layout, y: _Scale, end: float) -> Iterator[str]:
    for index, name in enumerate(layout.drums):
        top, bottom = float(y(index + 0.5)), float(y(index - 0.5))
        size = f'width="{end - _LEFT:.1f}" height="{bottom - top:.1f}"'
        yield f'<rect class="strip" x="{_LEFT:g}" y="{top:.1f}" {size}/>'
        yield f'<path class="line" d="M{_LEFT:g} {bottom:.1f}H{end:.1f}"/>'
        yield _text(_LEFT - 6, bottom - 3, name, "drum")


def _grid(layout: Layout, x: _Scale, first: int, last: int, edges: tuple[float, float]) -> Iterator[str]:
    time, (top, bottom) = layout.time, edges
    beats = time.beat[(time.beat > time.bar_start[first]) & (time.beat < time.bar_start[last])]
    if len(beats) <= 160:
        yield f'<path class="beat" d="{_uprights(x(beats), top, bottom)}"/>'
    bars = np.r_[time.bar_start[first : last : math.ceil((last - first) / 64)], time.bar_start[last]]
    yield f'<path class="bar" d="{_uprights(x(bars), top, bottom)}"/>'
    if last == time.bars:
        final = _uprights(x(time.bar_start[last : last + 1]), top, bottom)
        yield f'<path stroke="#444" stroke-width="4" d="{final}"/>'


def _uprights(places: Any, top: float, bottom: float) -> str:
    return "".join(f"M{place:.1f} {top:.1f}V{bottom:.1f}" for place in places)


def _above(layout: Layout, x: _Scale, first: int, last: int, top: float) -> Iterator[str]:
    """Bar numbers and chord symbols, those left out that would touch the one before."""
    time = layout.time
    begin, end = time.bar_start[first], time.bar_start[last]
    numbers = [(float(time.bar_start[bar]), time.label[bar]) for bar in range(first, last) if time.label[bar]]
    chords = [(at, pretty_chord(symbol)) for at, symbol in time.chords if begin <= at < end]
    for texts, rise, kind, letter in ((numbers, 3, "number", 6.0), (chords, 16, "chord", 7.5)):
        free = -math.inf
        for at, text in texts:
            place = float(x(at)) + 1
            if place >= free:
                yield _text(place, top - rise, text, kind)
                free = place + len(text) * letter + 3


def _notes(layout: Layout, first: int, last: int, x: _Scale, pitch: _Scale, line: _Scale) -> Iterator[str]:
    """A path for each part and shade, the first part, often the melody, on top."""
    time, notes = layout.time, layout.time.notes
    begin, end = time.bar_start[first], time.bar_start[last]
    here = (notes.start < end) & ((notes.end > begin) | (notes.start >= begin))
    shade = np.rint(depth(notes.velocity) * _SHADES).astype(int)
    for part in np.unique(notes.part[here])[::-1].tolist():
        look = layout.looks[part]
        for level in np.unique(shade[here & (notes.part == part)]).tolist():
            rows = here & (notes.part == part) & (shade == level)
            is_drums = bool(notes.is_drum[rows].any())
            edges = drum_edges(layout, rows) if is_drums else note_edges(layout, rows)
            boxes = _boxes(edges, x, line if is_drums else pitch, (_LEFT, float(x(end))))
            colour = _colour(tuple(1 - (1 - c) * level / _SHADES for c in look.face))
            yield f'<path fill="{colour}" {_edge(look)} d="{boxes}"/>'


def _boxes(edges: Edges, x: _Scale, y: _Scale, limits: tuple[float, float]) -> str:
    left, right = (np.clip(x(edge), *limits) for edge in edges[:2])
    bottom, top = y(edges[2]), y(edges[3])
    rows = zip(left.tolist(), top.tolist(), (right - left).tolist(), (bottom - top).tolist(), strict=True)
    return "".join(f"M{a:.1f} {b:.1f}h{w:.1f}v{h:.1f}h{-w:.1f}z" for a, b, w, h in rows)


def _edge(look: Look) -> str:
    """The line around notes: dashed where the PNG hatches, for parts after the last colour."""
    dashes = {None: "", "////": "3 1.5", "....": "1 1.5", "xxxx": "5 2"}[look.hatch]
    if not dashes:
        return f'stroke="{_colour(look.edge)}" stroke-width=".5"'
    return f'stroke="#000" stroke-width="1" stroke-dasharray="{dashes}"'


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _colour(colour: Rgb | tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in colour)
