"""The form of a piece: which bars come again.

Bars are compared with one another (the self-similarity matrix of Foote 1999, "Visualizing music and audio using
self-similarity"), then units of equal length: a unit that is like an earlier one has its letter. Lengths of 2 to 16
bars and every place for the first unit are tried, and the division taken in which most comes again for fewest letters.
"""

from __future__ import annotations

import numpy as np

from partimento.analysis.facts import Section
from partimento.analysis.heard import Floats, Heard

_PLACES = 8
"""Places in a bar at which strokes are told apart."""
_ALIKE = 0.72
"""Units of this similarity or more have one letter."""
_MOST_BARS = 1024
"""Longer pieces are compared in groups of bars."""
_UNITS = (4, 8, 16, 32)
_MOST_SECTIONS = 12
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTER_COST = 0.04


def similarity(notes: Heard, lines: Floats) -> Floats:
    """How alike bars are, 0 to 1, shape (bars, bars): what is struck where, melody and bass weighing most.

    Two empty bars are alike.
    """
    columns = _bars(notes, lines)
    norm = np.linalg.norm(columns, axis=1)
    unit = columns / np.maximum(norm, 1e-9)[:, None]
    alike = unit @ unit.T
    empty = norm == 0
    alike[np.ix_(empty, empty)] = 1.0
    return alike


def _bars(notes: Heard, lines: Floats) -> Floats:
    """Strokes of each bar by pitch class and place, drums by place, shape (bars, places · 13)."""
    bars = len(lines) - 1
    bar = np.clip(np.searchsorted(lines, notes.onset + 1e-9, "right") - 1, 0, bars - 1)
    place = (notes.onset - lines[bar]) / np.maximum(np.diff(lines)[bar], 1e-9)
    place = np.clip((place * _PLACES + 1e-6).astype(np.int64), 0, _PLACES - 1)
    tone = np.where(notes.is_drum, 12, notes.pitch % 12)
    cell = (bar * _PLACES + place) * 13 + tone
    weight = _weights(notes)
    flat = np.bincount(cell, weight, minlength=bars * _PLACES * 13)
    return np.sqrt(flat).reshape(bars, -1).astype(np.float32)


def _weights(notes: Heard) -> Floats:
    """1 for what is highest or lowest of its stroke, else a third; drums a tenth."""
    if not len(notes):
        return np.empty(0)
    times, at = np.unique(notes.onset, return_inverse=True)
    high, low = np.full(len(times), -1), np.full(len(times), 128)
    pitched = ~notes.is_drum
    np.maximum.at(high, at[pitched], notes.pitch[pitched])
    np.minimum.at(low, at[pitched], notes.pitch[pitched])
    outer = (notes.pitch == high[at]) | (notes.pitch == low[at])
    return np.where(notes.is_drum, 0.1, np.where(outer, 1.0, 1 / 3)) * np.minimum(notes.length, 2.0)


def sections_of(notes: Heard, lines: Floats, first_bar: int) -> tuple[Section, ...]:
    """The sections of a piece.

    Args:
        notes: what sounds.
        lines: barlines in quarters, the last one included.
        first_bar: number of the first measure, 0 for a pickup, which belongs to the first section.
    """
    lead = 1 - first_bar
    bars = len(lines) - 1 - lead
    if bars < 1 or not len(notes):
        return ()
    step = -(-bars // _MOST_BARS)
    kept = np.unique(np.r_[np.arange(lead, len(lines), step), len(lines) - 1])
    alike = similarity(notes, lines[kept])
    starts, labels = max(
        (_divided(alike, unit, phase) for unit in _units(len(alike)) for phase in _phases(unit, len(alike))),
        key=lambda found: found[0],
    )[1:]
    return _named(starts * step + 1, labels, bars, first_bar)


def _units(bars: int) -> tuple[int, ...]:
    fitting = tuple(u for u in _UNITS if 2 * u <= bars and bars / u <= _MOST_SECTIONS)
    return fitting or (max(bars // _MOST_SECTIONS, min(bars, 4)),)


def _phases(unit: int, bars: int) -> range:
    return range(min(unit, max(bars - unit, 1)) if bars > unit else 1)


def _divided(alike: Floats, unit: int, phase: int) -> tuple[float, np.ndarray, list[int]]:
    """Worth of a division, where its sections start, and their labels."""
    bars = len(alike)
    starts = np.arange(phase, bars, unit)
    if phase:
        starts = np.r_[0, starts]
    if len(starts) > 1 and bars - starts[-1] < max(unit // 2, 1):
        starts = starts[:-1]  # a few bars behind the last unit belong to it
    ends = np.r_[starts[1:], bars]
    units = _unit_similarity(alike, starts, ends)
    labels, worth = [0], 0.0
    for k in range(1, len(starts)):
        best = int(units[k, :k].argmax())
        is_again = units[k, best] >= _ALIKE
        labels.append(labels[best] if is_again else max(labels) + 1)
        worth += (ends[k] - starts[k]) / bars * max(float(units[k, best]) - _ALIKE, 0.0) / (1 - _ALIKE)
    return worth - _LETTER_COST * (max(labels) + 1) - 0.02 * (phase > 0), starts, labels


def _unit_similarity(alike: Floats, starts: np.ndarray, ends: np.ndarray) -> Floats:
    """Mean similarity of corresponding bars, units of unequal length being unlike by what one lacks."""
    count = len(starts)
    result = np.zeros((count, count))
    for later in range(1, count):
        for earlier in range(later):
            sizes = ends[[earlier, later]] - starts[[earlier, later]]
            size = int(sizes.min())
            rows = alike[starts[earlier] + np.arange(size), starts[later] + np.arange(size)]
            result[later, earlier] = rows.sum() / sizes.max()
    return result


def _named(starts: np.ndarray, labels: list[int], bars: int, first_bar: int) -> tuple[Section, ...]:
    ends = [*(starts[1:] - 1).tolist(), bars]
    begins = [first_bar, *starts[1:].tolist()]
    return tuple(
        Section(_LETTERS[label % 26] + "'" * (label // 26), begin, end)
        for label, begin, end in zip(labels, begins, ends, strict=True)
    )
