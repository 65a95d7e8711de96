"""The form of a piece: which stretches of bars come again.

Bars are compared with one another (the self-similarity matrix of Foote 1999, "Visualizing music and audio using
self-similarity"). Runs along its diagonals are stretches that come again (Goto 2003, "A chorus-section detecting method
for musical audio signals"): where they begin and end, the piece is cut, and a section that is like an earlier one has
its letter.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from partimento.analysis.facts import Section
from partimento.analysis.heard import Floats, Heard

_PLACES = 8
"""Places in a bar at which strokes are told apart."""
_LEAST_ALIKE, _MOST_ALIKE, _ABOVE_MEDIAN = 0.6, 0.9, 0.27
"""Stretches count as the same if they are this much more alike than bars of the piece commonly are, within limits.
Unlike bars have about 0.3, a verse with another accompaniment 0.6 to 0.9; all have more where one rhythm goes
through."""
_SHORTEST = 4
"""Bars to a section."""
_MOST_SECTIONS = 12
"""Where there would be more, those that follow one another most often are joined."""
_MOST_BARS = 1024
"""Longer pieces are compared in groups of bars."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class _Run(NamedTuple):
    """Bars [start, stop) that come again `lag` bars later."""

    start: int
    stop: int
    lag: int
    worth: float


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
    kept = np.unique(np.r_[np.arange(lead, len(lines) - 1, step), len(lines) - 1])
    alike = similarity(notes, lines[kept])
    least = least_alike(alike)
    cuts, labels = _joined(*labelled(alike, _cuts(_runs(alike, least), len(alike)), least))
    starts = [first_bar, *(step * cut + 1 for cut in cuts[1:-1])]
    ends = [*(start - 1 for start in starts[1:]), bars]
    order = {label: k for k, label in enumerate(dict.fromkeys(labels))}
    return tuple(Section(_name(order[label]), *span) for label, *span in zip(labels, starts, ends, strict=True))


def _name(letter: int) -> str:
    return _LETTERS[letter % len(_LETTERS)] + "'" * (letter // len(_LETTERS))


def similarity(notes: Heard, lines: Floats) -> Floats:
    """How alike bars are, 0 to 1, shape (bars, bars): what is struck where, melody and bass weighing most.

    Two empty bars are alike.
    """
    columns = _bars(notes, lines)
    norm = np.linalg.norm(columns, axis=1)
    unit = columns / np.maximum(norm, 1e-9)[:, None]
    alike = np.round(unit @ unit.T, 9)  # so that the order of summation decides nothing
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
    return np.sqrt(flat).reshape(bars, -1)


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


def least_alike(alike: Floats) -> float:
    """How alike stretches have to be."""
    others = alike[np.triu_indices(len(alike), 1)]
    common = float(np.median(others)) if len(others) else 0.0
    return min(max(common + _ABOVE_MEDIAN, _LEAST_ALIKE), _MOST_ALIKE)


def _runs(alike: Floats, least: float) -> list[_Run]:
    """Stretches that come again, the most telling first; none explains bars that another one explained before it."""
    found = [run for lag in range(_SHORTEST, len(alike) - _SHORTEST + 1) for run in _along(alike, lag, least)]
    is_explained = np.zeros(len(alike), bool)
    kept: list[_Run] = []
    for run in sorted(found, key=lambda run: (-run.worth, run.lag, run.start)):
        target = slice(run.start + run.lag, run.stop + run.lag)
        if np.count_nonzero(~is_explained[target]) >= _SHORTEST:
            is_explained[target] = True
            kept.append(run)
    return kept


def _along(alike: Floats, lag: int, least: float) -> list[_Run]:
    """Runs on one diagonal."""
    line = np.diagonal(alike, lag)
    total = np.zeros(len(line) + 1)
    np.cumsum(line, out=total[1:])
    is_like = total[_SHORTEST:] - total[:-_SHORTEST] >= least * _SHORTEST
    if not is_like.any():
        return []
    edges = np.flatnonzero(np.diff(np.pad(is_like, 1)))
    runs: list[_Run] = []
    for start, stop in zip(edges[::2].tolist(), (edges[1::2] + _SHORTEST - 1).tolist(), strict=True):
        first, last = _best_within(np.asarray(total - least * np.arange(len(total)), np.float64), start, stop)
        if last - first >= _SHORTEST:
            runs.append(_Run(first, last, lag, round(float(total[last] - total[first]), 6)))
    return runs


def _best_within(worth: Floats, start: int, stop: int) -> tuple[int, int]:
    """The span [first, last) within another over which a running sum grows most."""
    inside = worth[start : stop + 1]
    gain = inside - np.minimum.accumulate(inside)
    last = int(gain.argmax())
    return start + int(inside[: last + 1].argmin()), start + last


def _cuts(runs: list[_Run], bars: int) -> list[int]:
    """Where sections begin: at both edges of all runs, and where a cut in one half of a run falls in the other."""
    cuts = [0, bars]

    def cut(bar: int) -> bool:
        is_new = all(abs(bar - other) >= _SHORTEST for other in cuts)
        if is_new:
            cuts.append(bar)
        return is_new

    for run in runs:
        for bar in (run.start, run.start + run.lag, run.stop, run.stop + run.lag):
            cut(bar)
    while any(
        cut(bar + shift)
        for run in runs
        for bar in tuple(cuts)
        for shift, low in ((run.lag, run.start), (-run.lag, run.start + run.lag))
        if low < bar < low + run.stop - run.start
    ):  # fmt: skip
        pass
    return sorted(cuts)


def labelled(alike: Floats, cuts: list[int], least: float) -> tuple[list[int], list[int]]:
    """The cuts, and a number for each section: that of the first one it is like, or its own."""
    labels: list[int] = []
    for later, (start, stop) in enumerate(pairwise(cuts)):
        likeness = [_likeness(alike, cuts[k], cuts[k + 1], start, stop) for k in range(later)]
        best = int(np.argmax(likeness)) if likeness else 0
        labels.append(labels[best] if likeness and likeness[best] >= least else later)
    return cuts, labels


def _likeness(alike: Floats, start: int, stop: int, other: int, end: int) -> float:
    """Mean similarity of corresponding bars; what one section lacks counts as unlike."""
    size = min(stop - start, end - other)
    rows = np.arange(size)
    return float(alike[start + rows, other + rows].sum()) / max(stop - start, end - other)


def _joined(cuts: list[int], labels: list[int]) -> tuple[list[int], list[int]]:
    """Sections that always follow one another are one, and more are joined while there are too many."""
    while len(labels) > 1:
        counts, pairs = Counter(labels), Counter(pairwise(labels))
        bound = [pair for pair, n in pairs.items() if pair[0] != pair[1] and counts[pair[0]] == counts[pair[1]] == n]
        if not bound and len(labels) <= _MOST_SECTIONS:
            break
        pair = bound[0] if bound else pairs.most_common(1)[0][0]
        cuts, labels = _join(cuts, labels, pair)
    return cuts, labels


def _join(cuts: list[int], labels: list[int], pair: tuple[int, int]) -> tuple[list[int], list[int]]:
    new, new_cuts, new_labels, place = max(labels) + 1, list[int](), list[int](), 0
    while place < len(labels):
        is_here = tuple(labels[place : place + 2]) == pair
        new_cuts.append(cuts[place])
        new_labels.append(new if is_here else labels[place])
        place += 1 + is_here
    return [*new_cuts, cuts[-1]], new_labels
