"""Piano roll as a picture: a row per few bars, a colour per part, drums in a strip of their own."""

from __future__ import annotations

import io
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import get_data_path
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.patches import Patch

from partimento.errors import BadFile
from partimento.rendering.roll_layout import (
    BLACK_KEYS,
    BOTTOM_INCH,
    LEFT_INCH,
    RIGHT_INCH,
    STRIP_INCH,
    WIDTH_INCH,
    Edges,
    Layout,
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
from partimento.rendering.timeline import Timeline, part_labels
from partimento.score import Score

_DPI = 120
_MOST_SHIFT_POINT = 10.0
_GREY, _PALE = "#555555", "#E4E4E4"


def draw(score: Score, path: Path | str | None = None) -> bytes:
    """Draw a score as a PNG, and write it where a path is given; equal scores give equal bytes.

    Raises:
        BadFile: the path cannot be written.
    """
    layout, labels = layout_of(score), part_labels(score)
    head_inch = 0.75 + 0.24 * math.ceil(len(labels) / legend_columns(labels))
    height = head_inch + len(layout.rows) * layout.row_inch + BOTTOM_INCH
    figure = Figure(figsize=(WIDTH_INCH, height), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    _head(figure, score, labels)
    for index in range(len(layout.rows)):
        _row(figure, layout, index, 1 - (head_inch + index * layout.row_inch) / height)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    if path is not None:
        _write(Path(path), buffer.getvalue())
    return buffer.getvalue()


def _write(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise BadFile(path, f"cannot be written ({error.strerror})") from None


# Title and legend


def _head(figure: Figure, score: Score, labels: list[str]) -> None:
    height = figure.get_figheight()
    left, right = LEFT_INCH / WIDTH_INCH, 1 - RIGHT_INCH / WIDTH_INCH
    baseline = 1 - 0.42 / height
    figure.text(left, baseline, _printable(score.title, 80) or "Untitled", size=15, weight="bold")
    figure.text(right, baseline, _printable(summary(score), 120), size=10, ha="right", color=_GREY)
    if not labels:
        return
    handles = [
        Patch(
            facecolor=look.face,
            edgecolor=look.edge,
            hatch=look.hatch,
            lw=0.5,
            label=_printable(label, 40) or "–",
        )
        for look, label in zip(looks_of(score), labels, strict=True)
    ]
    anchor = (left - 0.006, 1 - 0.5 / height)
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=anchor, ncols=legend_columns(labels),
                  frameon=False, fontsize=9, handlelength=1.2, handleheight=0.9, columnspacing=1.6,
                  borderpad=0.2)  # fmt: skip


def _font(name: str) -> FT2Font:
    return FT2Font(f"{get_data_path()}/fonts/ttf/{name}.ttf")


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(_font("DejaVuSans").get_charmap())


def _printable(text: str, longest: int) -> str:
    """One line that the font can show and that is not read as a formula."""
    line = "".join(c if ord(c) in _glyphs() else "□" for c in one_line(text.lstrip(" _"), longest))
    return line.replace("$", r"\$")


# Rows


def _row(figure: Figure, layout: Layout, index: int, top: float) -> None:
    """One row of bars, its upper edge at `top` of the figure."""
    height = figure.get_figheight()
    left, width = LEFT_INCH / WIDTH_INCH, 1 - (LEFT_INCH + RIGHT_INCH) / WIDTH_INCH
    bottom = top - (layout.above_inch + layout.roll_inch) / height
    axes: list[Axes] = []
    if layout.has_pitches:
        axes.append(figure.add_axes((left, bottom, width, layout.roll_inch / height)))
        _keyboard(axes[-1], layout)
    if layout.drums:
        strip = STRIP_INCH * len(layout.drums) / height
        axes.append(figure.add_axes((left, bottom - strip, width, strip)))
        _drum_axis(axes[-1], layout)
    first, last = layout.rows[index]
    for axis in axes:
        axis.set_xlim(layout.time.bar_start[first], layout.time.bar_start[first] + layout.span)
        _bar_lines(axis, layout.time, first, last)
        _plain(axis)
        _notes(axis, layout, first, last, is_drums=layout.drums != [] and axis is axes[-1])
    _above(axes[0], layout, first, last)


def _plain(axis: Any) -> None:
    axis.set_xticks([])
    axis.tick_params(length=0, pad=4)
    for spine in axis.spines.values():
        spine.set_visible(False)


def _keyboard(axis: Any, layout: Layout) -> None:
    low, high = layout.lowest - 0.5, layout.highest + 0.5
    axis.set_ylim(low, high)
    black = np.array([p for p in range(layout.lowest, layout.highest + 1) if p % 12 in BLACK_KEYS])
    keys = _boxes((np.zeros(len(black)), np.ones(len(black)), black - 0.5, black + 0.5))
    transform = axis.get_yaxis_transform()
    axis.add_collection(PolyCollection(keys, facecolors="#F1F2F4", linewidths=0, transform=transform, zorder=0))
    cs = [pitch for pitch in range(layout.lowest, layout.highest + 1) if pitch % 12 == 0]
    axis.hlines([c - 0.5 for c in cs], 0, 1, transform=transform, color="#B8BCC2", lw=0.8, zorder=1)
    axis.set_yticks(cs, [f"C{pitch // 12 - 1}" for pitch in cs], fontsize=8, color=_GREY)


def _drum_axis(axis: Any, layout: Layout) -> None:
    count = len(layout.drums)
    axis.set_ylim(-0.5, count - 0.5)
    axis.set_facecolor("#FAF7F2")
    axis.hlines(
        np.arange(count + 1) - 0.5,
        0,
        1,
        transform=axis.get_yaxis_transform(),
        color="#E8E2D8",
        lw=0.6,
        zorder=1,
    )
    axis.set_yticks(range(count), layout.drums, fontsize=6.5, color=_GREY)


def _bar_lines(axis: Any, time: Timeline, first: int, last: int) -> None:
    step = math.ceil((last - first) / 64)
    low, high = axis.get_ylim()
    beats = time.beat[(time.beat > time.bar_start[first]) & (time.beat < time.bar_start[last])]
    if len(beats) <= 160:
        axis.vlines(beats, low, high, color=_PALE, lw=0.6, zorder=1)
    axis.vlines(
        np.r_[time.bar_start[first:last:step], time.bar_start[last]],
        low,
        high,
        color="#8A8F98",
        lw=0.9,
        zorder=2,
    )
    axis.axvspan(time.bar_start[last], time.bar_start[-1] + axis.get_xlim()[1], color="white", lw=0, zorder=1.5)
    if last == time.bars:
        axis.vlines(time.bar_start[last], low, high, color="#444444", lw=3, zorder=2)


def _above(axis: Any, layout: Layout, first: int, last: int) -> None:
    """Bar numbers on the bar lines, and over them the chord symbols, as many as there is room for."""
    time = layout.time
    begin, end = time.bar_start[first], time.bar_start[last]
    numbers = [(float(time.bar_start[bar]), time.label[bar]) for bar in range(first, last) if time.label[bar]]
    chords = [(x, pretty_chord(symbol)) for x, symbol in time.chords if begin <= x < end]
    _line_of_text(axis, layout, numbers, 2, fontsize=7.5, color=_GREY)
    _line_of_text(axis, layout, chords, 12, fontsize=9, weight="bold")


def _line_of_text(axis: Any, layout: Layout, texts: list[tuple[float, str]], rise_point: float, **look: Any) -> None:
    """Texts at their times, `rise_point` above the row, or a little later so as not to touch the one before.

    What would be much too late is left out.
    """
    point = layout.span / (72 * (WIDTH_INCH - LEFT_INCH - RIGHT_INCH))
    free = -math.inf
    for x, text in texts:
        place = max(x, free)
        if place - x <= _MOST_SHIFT_POINT * point:
            axis.annotate(text, (place, 1), xycoords=axis.get_xaxis_transform(), xytext=(1, rise_point),
                          textcoords="offset points", annotation_clip=False, **look)  # fmt: skip
            free = place + (_width_point(text, look["fontsize"]) + 4) * point


def _width_point(text: str, size_point: float) -> float:
    font = _font("DejaVuSans-Bold")
    font.set_size(size_point, 72)
    font.set_text(text)
    return font.get_width_height()[0] / 64


def _notes(axis: Any, layout: Layout, first: int, last: int, is_drums: bool) -> None:
    time, notes = layout.time, layout.time.notes
    begin, end = time.bar_start[first], time.bar_start[last]
    here = (notes.is_drum == is_drums) & (notes.start < end) & ((notes.end > begin) | (notes.start >= begin))
    for part in np.unique(notes.part[here])[::-1]:  # the first part, often the melody, on top
        rows = here & (notes.part == part)
        boxes = _boxes(drum_edges(layout, rows) if is_drums else note_edges(layout, rows))
        look = layout.looks[int(part)]
        faces = 1 - (1 - np.array(look.face)) * depth(notes.velocity[rows])[:, None]
        shapes = PolyCollection(boxes, facecolors=faces, edgecolors=[look.edge], linewidths=0.5, zorder=3, clip_on=True)
        shapes.set_hatch(look.hatch or "")
        axis.add_collection(shapes, autolim=False)


def _boxes(edges: Edges) -> Any:
    left, right, bottom, top = edges
    corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
    return np.stack([np.stack(corner, -1) for corner in corners], 1)
