"""Piano roll as a picture: a row per few bars, a colour per part, drums in a strip of their own."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import get_data_path
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.patches import Patch
from numpy.typing import NDArray

from partimento.errors import BadFile
from partimento.rendering.terminal import to_terminal as to_terminal
from partimento.rendering.timeline import DRUM_NAMES, Notes, Timeline, part_labels, timeline
from partimento.score import Score
from partimento.theory.key import Key
from partimento.theory.pitch import name as pitch_name

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D1F")
"""One per part, then hatched; colour-blind people tell them apart (Okabe and Ito 2008, yellow darkened)."""
DRUM_COLOUR = "#4D4D4D"

_WIDTH_INCH, _DPI = 14.0, 120
_LEFT_INCH, _RIGHT_INCH = 0.95, 0.25
_NUMBER_INCH, _CHORD_INCH, _STRIP_INCH, _GAP_INCH, _BOTTOM_INCH = 0.22, 0.18, 0.13, 0.12, 0.15
_BARS_IN_ROW, _QUARTERS_IN_ROW, _MOST_ROWS = 8, 36.0, 14
_MOST_SHIFT_POINT = 10.0
_BLACK_KEYS = (1, 3, 6, 8, 10)
_KIT = ("Kick", "Snare", "Side stick", "Clap", "Closed hat", "Pedal hat", "Open hat", "Low tom", "Mid tom",
        "High tom", "Ride", "Ride bell", "Crash", "Splash", "China")  # fmt: skip
_GREY, _PALE = "#555555", "#E4E4E4"


@dataclass(frozen=True, slots=True)
class _Layout:
    """What every row of the picture has in common."""

    time: Timeline
    rows: list[tuple[int, int]]
    """First bar, and the bar after the last one, of each row."""
    span: float
    """Length of the longest row."""
    lowest: int
    highest: int
    drums: list[str]
    """Names of the drums, the lowest line first."""
    looks: list[_Look]
    doubled: NDArray[np.bool_]
    """Notes that lie over the same pitch of a later part: drawn slim, so that both are seen."""

    @property
    def roll_inch(self) -> float:
        return float(np.clip(0.06 * (self.highest - self.lowest + 1), 1.2, 2.6)) if self.has_pitches else 0.0

    @property
    def has_pitches(self) -> bool:
        return self.highest >= self.lowest

    @property
    def above_inch(self) -> float:
        return _NUMBER_INCH + (_CHORD_INCH if self.time.chords else 0.0)

    @property
    def row_inch(self) -> float:
        return self.above_inch + self.roll_inch + _STRIP_INCH * len(self.drums) + _GAP_INCH


def draw(score: Score, path: Path | str | None = None) -> bytes:
    """Draw a score as a PNG, and write it where a path is given; equal scores give equal bytes.

    Raises:
        BadFile: the path cannot be written.
    """
    layout, labels = _layout(score), part_labels(score)
    head_inch = 0.75 + 0.24 * math.ceil(len(labels) / _legend_columns(labels))
    height = head_inch + len(layout.rows) * layout.row_inch + _BOTTOM_INCH
    figure = Figure(figsize=(_WIDTH_INCH, height), dpi=_DPI, facecolor="white")
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


# What goes where


def _layout(score: Score) -> _Layout:
    time = timeline(score)
    pitches = time.notes.pitch[~time.notes.is_drum]
    drums = _drum_lines(time.notes.pitch[time.notes.is_drum])
    lowest, highest = (int(pitches.min()) - 2, int(pitches.max()) + 2) if len(pitches) else (0, -1)
    if not len(pitches) and not drums:
        lowest, highest = 58, 74
    if 0 <= highest - lowest < 14:
        lowest, highest = lowest - (14 - highest + lowest) // 2, highest + (14 - highest + lowest) // 2
    rows = _rows(time)
    span = max(time.bar_start[last] - time.bar_start[first] for first, last in rows)
    return _Layout(time, rows, float(span), lowest, highest, drums, _looks(score), _doubled(time.notes))


def _doubled(notes: Notes) -> NDArray[np.bool_]:
    doubled = np.zeros(len(notes.pitch), bool)
    sounding: list[int] = []
    for row in np.lexsort((notes.start, notes.pitch)).tolist():
        sounding = [
            r for r in sounding if notes.pitch[r] == notes.pitch[row] and notes.end[r] > notes.start[row] + 1e-9
        ]
        for other in sounding:
            if notes.part[other] != notes.part[row]:
                doubled[min(other, row, key=lambda r: notes.part[r])] = True
        sounding.append(row)
    return doubled


def _rows(time: Timeline) -> list[tuple[int, int]]:
    """Bars of each row: at most eight or some 36 quarters, unless that made more than fourteen rows."""
    usual = float(np.median(np.diff(time.bar_start))) or 1.0
    full = max(min(_BARS_IN_ROW, int(_QUARTERS_IN_ROW / usual)), 1)
    full = max(full, math.ceil(time.bars / _MOST_ROWS))
    pickup = 1 if time.bars > 1 and not time.label[0] else 0  # rides along, so that rows begin at 1, 9, 17 …
    starts = [0, *range(full + pickup, time.bars, full)]
    return list(zip(starts, [*starts[1:], time.bars], strict=True))


def _drum_name(pitch: int) -> str:
    return DRUM_NAMES.get(pitch, f"Drum {pitch}")


def _drum_lines(pitches: Any) -> list[str]:
    """Names of the drums that play, from kick to cymbals, then the rest by key."""
    names = dict.fromkeys(_drum_name(int(pitch)) for pitch in np.unique(pitches))
    return sorted(names, key=lambda name: _KIT.index(name) if name in _KIT else len(_KIT))


# Title and legend


def _head(figure: Figure, score: Score, labels: list[str]) -> None:
    height = figure.get_figheight()
    left, right = _LEFT_INCH / _WIDTH_INCH, 1 - _RIGHT_INCH / _WIDTH_INCH
    baseline = 1 - 0.42 / height
    figure.text(left, baseline, _printable(score.title, 80) or "Untitled", size=15, weight="bold")
    figure.text(right, baseline, _summary(score), size=10, ha="right", color=_GREY)
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
        for look, label in zip(_looks(score), labels, strict=True)
    ]
    anchor = (left - 0.006, 1 - 0.5 / height)
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=anchor, ncols=_legend_columns(labels),
                  frameon=False, fontsize=9, handlelength=1.2, handleheight=0.9, columnspacing=1.6,
                  borderpad=0.2)  # fmt: skip


def _legend_columns(labels: list[str]) -> int:
    return max(1, min(8, int(150 / (8 + max(map(len, labels), default=1)))))


def _summary(score: Score) -> str:
    """`J.S. Bach · D major · 6/8 · ♩. = 80`, as far as it is known."""
    key = score.key_at(0)
    meter = score.meter_at(0) if len(score.meters) else None
    facts = [_printable(score.composer, 40), _key_name(key) if key else "", str(meter or "")]
    if len(score.tempos):
        beat_quarter = Fraction(3, 2) if meter and meter.is_compound and meter.beat_type == 8 else Fraction(1)
        sign = "♩." if beat_quarter > 1 else "♩"
        facts.append(f"{sign} = {float(score.tempos['tempo_bpm'][0]) / float(beat_quarter):.0f}")
    return " · ".join(fact for fact in facts if fact)


def _key_name(key: Key) -> str:
    if key.mode is None:
        return f"{abs(key.fifths)}{'♭' if key.fifths < 0 else '♯'}" if key.fifths else "no accidentals"
    return f"{pitch_name(key.tonic).replace('#', '♯').replace('b', '♭')} {key.mode}"


def _font(name: str) -> FT2Font:
    return FT2Font(f"{get_data_path()}/fonts/ttf/{name}.ttf")


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(_font("DejaVuSans").get_charmap())


def _printable(text: str, longest: int) -> str:
    """One line that the font can show and that is not read as a formula."""
    line = " ".join(text.split()).lstrip("_")
    line = "".join(c if ord(c) in _glyphs() else "□" for c in line)
    return (line if len(line) <= longest else line[: longest - 1] + "…").replace("$", r"\$")


_Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class _Look:
    face: _Rgb
    edge: _Rgb
    hatch: str | None


def _looks(score: Score) -> list[_Look]:
    """Colour and hatching of each part; drums, which have a place of their own, use up no colour."""
    looks: list[_Look] = []
    pitched = 0
    for part in score.parts:
        face = to_rgb(DRUM_COLOUR if part.is_drums else COLOURS[pitched % len(COLOURS)])
        hatch = None if part.is_drums else (None, "////", "....", "xxxx")[pitched // len(COLOURS) % 4]
        red, green, blue = face
        looks.append(_Look(face, (0.62 * red, 0.62 * green, 0.62 * blue), hatch))
        pitched += not part.is_drums
    return looks


# Rows


def _row(figure: Figure, layout: _Layout, index: int, top: float) -> None:
    """One row of bars, its upper edge at `top` of the figure."""
    height = figure.get_figheight()
    left, width = _LEFT_INCH / _WIDTH_INCH, 1 - (_LEFT_INCH + _RIGHT_INCH) / _WIDTH_INCH
    bottom = top - (layout.above_inch + layout.roll_inch) / height
    axes: list[Axes] = []
    if layout.has_pitches:
        axes.append(figure.add_axes((left, bottom, width, layout.roll_inch / height)))
        _keyboard(axes[-1], layout)
    if layout.drums:
        strip = _STRIP_INCH * len(layout.drums) / height
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


def _keyboard(axis: Any, layout: _Layout) -> None:
    low, high = layout.lowest - 0.5, layout.highest + 0.5
    axis.set_ylim(low, high)
    black = np.array([p for p in range(layout.lowest, layout.highest + 1) if p % 12 in _BLACK_KEYS])
    keys = _boxes(np.zeros(len(black)), np.ones(len(black)), black - 0.5, black + 0.5)
    transform = axis.get_yaxis_transform()
    axis.add_collection(PolyCollection(keys, facecolors="#F1F2F4", linewidths=0, transform=transform, zorder=0))
    cs = [pitch for pitch in range(layout.lowest, layout.highest + 1) if pitch % 12 == 0]
    axis.hlines([c - 0.5 for c in cs], 0, 1, transform=transform, color="#B8BCC2", lw=0.8, zorder=1)
    axis.set_yticks(cs, [f"C{pitch // 12 - 1}" for pitch in cs], fontsize=8, color=_GREY)


def _drum_axis(axis: Any, layout: _Layout) -> None:
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


def _above(axis: Any, layout: _Layout, first: int, last: int) -> None:
    """Bar numbers on the bar lines, and over them the chord symbols, as many as there is room for."""
    time = layout.time
    begin, end = time.bar_start[first], time.bar_start[last]
    numbers = [(float(time.bar_start[bar]), time.label[bar]) for bar in range(first, last) if time.label[bar]]
    chords = [(x, _pretty_chord(symbol)) for x, symbol in time.chords if begin <= x < end]
    _line_of_text(axis, layout, numbers, 2, fontsize=7.5, color=_GREY)
    _line_of_text(axis, layout, chords, 12, fontsize=9, weight="bold")


def _line_of_text(axis: Any, layout: _Layout, texts: list[tuple[float, str]], rise_point: float, **look: Any) -> None:
    """Texts at their times, `rise_point` above the row, or a little later so as not to touch the one before.

    What would be much too late is left out.
    """
    point = layout.span / (72 * (_WIDTH_INCH - _LEFT_INCH - _RIGHT_INCH))
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


def _pretty_chord(symbol: str) -> str:
    return symbol.replace("#", "♯").replace("b", "♭")


def _notes(axis: Any, layout: _Layout, first: int, last: int, is_drums: bool) -> None:
    time, notes = layout.time, layout.time.notes
    begin, end = time.bar_start[first], time.bar_start[last]
    here = (notes.is_drum == is_drums) & (notes.start < end) & ((notes.end > begin) | (notes.start >= begin))
    for part in np.unique(notes.part[here])[::-1]:  # the first part, often the melody, on top
        rows = here & (notes.part == part)
        boxes = _drum_boxes(layout, notes, rows) if is_drums else _note_boxes(layout, notes, rows)
        look = layout.looks[int(part)]
        faces = 1 - (1 - np.array(look.face)) * _depth(notes.velocity[rows])[:, None]
        shapes = PolyCollection(boxes, facecolors=faces, edgecolors=[look.edge], linewidths=0.5, zorder=3, clip_on=True)
        shapes.set_hatch(look.hatch or "")
        axis.add_collection(shapes, autolim=False)


def _depth(velocity: Any) -> Any:
    """How far from white: soft notes are paler; unknown velocities count as 80."""
    return np.interp(np.where(velocity > 0, velocity, 80), [20, 110], [0.45, 0.95])


def _note_boxes(layout: _Layout, notes: Notes, rows: Any) -> Any:
    least = layout.span * 0.0015
    start, end = (
        notes.start[rows],
        np.maximum(notes.end[rows] - layout.span * 0.0004, notes.start[rows] + least),
    )
    half = np.where(notes.is_grace[rows] | layout.doubled[rows], 0.22, 0.42)
    return _boxes(start, end, notes.pitch[rows] - half, notes.pitch[rows] + half)


def _drum_boxes(layout: _Layout, notes: Notes, rows: Any) -> Any:
    """Strokes have no length worth showing: all are equally wide."""
    line = np.array([layout.drums.index(_drum_name(int(pitch))) for pitch in notes.pitch[rows]], float)
    width = min(layout.span * 0.006, 0.2)
    return _boxes(notes.start[rows], notes.start[rows] + width, line - 0.36, line + 0.36)


def _boxes(left: Any, right: Any, bottom: Any, top: Any) -> Any:
    corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
    return np.stack([np.stack(corner, -1) for corner in corners], 1)
