"""Piano roll in text: half blocks, two pitches to a line, for a terminal of any width."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partimento.rendering.timeline import DRUM_NAMES, Timeline, timeline
from partimento.score import Score

_LABEL_WIDTH = 4
_NARROWEST, _WIDEST = 24, 400
_MOST_LINES = 24
_MOST_SHIFT = 3
_STEPS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # quarters to a column, the finest first
_DRUM_LINES = ("Kick", "Snare", "Hat", "Tom", "Cymb", "Perc")


@dataclass(frozen=True, slots=True)
class _Roll:
    """What every system of the roll has in common."""

    time: Timeline
    step: float
    """Time to a column."""
    lowest: int
    """Lowest pitch, even multiples of `bucket` below each C."""
    bucket: int
    """Pitches to half a line."""
    lines: int


def to_terminal(score: Score, width: int, bars: int | None = None) -> str:
    """A small piano roll of the first `bars` bars (None: all) for a terminal `width` columns wide.

    Each system has bar numbers, chord symbols where there are any, a line per two pitches with the Cs named,
    and a line per kind of drum. Where there is no meter, stretches of five seconds stand in for bars.
    """
    time = timeline(score)
    count = time.bars if bars is None else max(min(bars, time.bars), 1)
    columns = min(max(width, _NARROWEST), _WIDEST) - _LABEL_WIDTH
    roll = _roll(time, count, columns)
    systems = _systems(roll, count, columns)
    return "\n\n".join("\n".join(line.rstrip() for line in _system(roll, first, last)) for first, last in systems)


def _roll(time: Timeline, count: int, columns: int) -> _Roll:
    shown = ~time.notes.is_drum & (time.notes.start < time.bar_start[count])
    pitches = time.notes.pitch[shown]
    low, high = (int(pitches.min()), int(pitches.max())) if len(pitches) else (60, 59)
    bucket = max(1, -(-(high - low + 1) // (2 * _MOST_LINES)))
    lowest = low // (2 * bucket) * (2 * bucket) if bucket in (1, 2, 3) else low
    lines = -(-(high + 1 - lowest) // (2 * bucket))
    longest = float(np.diff(time.bar_start[: count + 1]).max())
    step = next((step for step in _STEPS if longest / step + 2 <= columns), longest / max(columns - 2, 1))
    return _Roll(time, step, lowest, bucket, lines)


def _systems(roll: _Roll, count: int, columns: int) -> list[tuple[int, int]]:
    """As many bars to a system as fit, each with a column for its bar line."""
    systems: list[tuple[int, int]] = []
    first, used = 0, 1
    for bar in range(count):
        need = _bar_columns(roll, bar) + 1
        if used + need > columns and bar > first:
            systems.append((first, bar))
            first, used = bar, 1
        used += need
    return [*systems, (first, count)]


def _bar_columns(roll: _Roll, bar: int) -> int:
    length = float(roll.time.bar_start[bar + 1] - roll.time.bar_start[bar])
    return max(int(np.ceil(length / roll.step - 1e-9)), 1)


def _system(roll: _Roll, first: int, last: int) -> list[str]:
    starts = np.cumsum([1] + [_bar_columns(roll, bar) + 1 for bar in range(first, last)])
    sounding = _cells(roll, first, last, starts)
    body = [_line(roll, sounding, line, starts) for line in range(roll.lines - 1, -1, -1)]
    return [*_heads(roll, first, last, starts), *body, *_drums(roll, first, last, starts)]


def _column(roll: _Roll, time: float, first: int, last: int, starts: NDArray[np.int64]) -> int:
    """Column of a time inside bars `first` to `last`."""
    bar = min(max(int(np.searchsorted(roll.time.bar_start, time + 1e-9, "right")) - 1, first), last - 1)
    inside = int((time - roll.time.bar_start[bar]) / roll.step + 1e-6)
    return int(starts[bar - first]) + min(max(inside, 0), _bar_columns(roll, bar) - 1)


def _cells(roll: _Roll, first: int, last: int, starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which half lines sound in which columns, shape (2 · lines, columns)."""
    notes, begin, end = roll.time.notes, roll.time.bar_start[first], roll.time.bar_start[last]
    cells = np.zeros((2 * roll.lines, int(starts[-1])), bool)
    here = ~notes.is_drum & (notes.start < end) & (notes.end > begin)
    for start, stop, pitch in zip(notes.start[here], notes.end[here], notes.pitch[here], strict=True):
        left = _column(roll, max(start, begin), first, last, starts)
        right = _column(roll, min(stop, end) - roll.step / 2, first, last, starts)
        cells[(int(pitch) - roll.lowest) // roll.bucket, left : max(right, left) + 1] = True
    return cells


def _line(roll: _Roll, cells: NDArray[np.bool_], line: int, starts: NDArray[np.int64]) -> str:
    pitch = roll.lowest + 2 * line * roll.bucket
    c = next((p for p in range(pitch, pitch + 2 * roll.bucket) if p % 12 == 0), None)
    label = "" if c is None else f"C{c // 12 - 1}"
    empty = [" " if c is None else "·"] * cells.shape[1]
    for start in starts:
        empty[int(start) - 1] = "│"
    halves = zip(cells[2 * line + 1].tolist(), cells[2 * line].tolist(), empty, strict=True)
    return f"{label:<{_LABEL_WIDTH}}" + "".join("█" if u and d else "▀" if u else "▄" if d else e for u, d, e in halves)


def _heads(roll: _Roll, first: int, last: int, starts: NDArray[np.int64]) -> list[str]:
    """Bar numbers, and chord symbols where there are any."""
    numbers = [(int(starts[bar - first]) - 1, roll.time.label[bar]) for bar in range(first, last)]
    chords = [
        (_column(roll, time, first, last, starts), symbol)
        for time, symbol in roll.time.chords
        if roll.time.bar_start[first] <= time < roll.time.bar_start[last]
    ]
    return [_spread(texts, int(starts[-1])) for texts in (numbers, chords) if texts]


def _spread(texts: list[tuple[int, str]], columns: int) -> str:
    """Texts at their columns, or a little later where the one before is long; left out if much later."""
    line = ""
    for column, text in texts:
        place = max(column, len(line) + bool(line))
        if place - column <= _MOST_SHIFT and place + len(text) <= columns:
            line = line.ljust(place) + text
    return " " * _LABEL_WIDTH + line


def _drums(roll: _Roll, first: int, last: int, starts: NDArray[np.int64]) -> list[str]:
    notes, begin, end = roll.time.notes, roll.time.bar_start[first], roll.time.bar_start[last]
    used = {_drum_line(int(pitch)) for pitch in notes.pitch[notes.is_drum & (notes.start < roll.time.bar_start[last])]}
    here = notes.is_drum & (notes.start >= begin) & (notes.start < end)
    lines = {name: [" "] * int(starts[-1]) for name in reversed(_DRUM_LINES) if name in used}
    for row in lines.values():
        for start in starts:
            row[int(start) - 1] = "│"
    for start, pitch in zip(notes.start[here], notes.pitch[here], strict=True):
        lines[_drum_line(int(pitch))][_column(roll, float(start), first, last, starts)] = "x"
    return [f"{name[:_LABEL_WIDTH]:<{_LABEL_WIDTH}}" + "".join(row) for name, row in lines.items()]


def _drum_line(pitch: int) -> str:
    name = DRUM_NAMES.get(pitch, "").lower()
    groups = {"kick": "Kick", "snare": "Snare", "stick": "Snare", "clap": "Snare", "hat": "Hat", "tom": "Tom",
              "crash": "Cymb", "ride": "Cymb", "china": "Cymb", "splash": "Cymb"}  # fmt: skip
    return next((line for word, line in groups.items() if word in name), "Perc")
