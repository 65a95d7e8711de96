"""Onsets on grids that can be read: the division of each beat, found from the notes.

A hidden Markov model solved by Viterbi: the state is how a beat of a staff divides, a beat that has notes tends to
divide like the one before, its grid has points that are struck more often than others, and onsets scatter about
their points by a normal error whose size is found as the likeliest for the part. This is the metrical model of
Raphael 2002, "Automated rhythm transcription", and of Cemgil, Desain and Kappen 2000, "Rhythm quantization for
transcription" (Computer Music Journal 24(2)), the tempo being known. Its probabilities are counted on 180,000 beats
of 488 scores (OpenScore Lieder and string quartets, Bach chorales).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from partimento.score import Records, Score
from partimento.theory.meter import Meter

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Division:
    """A way to divide a beat."""

    steps: int
    struck: tuple[float, ...]
    """Probability that each point is struck."""


def _even(steps: int, first: float = 0.75, others: float = 0.4) -> _Division:
    return _Division(steps, (first, *[others] * (steps - 1)))


_SIMPLE = (
    _Division(2, (0.91, 0.37)), _Division(4, (0.79, 0.55, 0.63, 0.94)), _Division(3, (0.75, 0.91, 0.93)),
    _Division(6, (0.62, 0.49, 0.49, 0.77, 0.77, 0.76)),
    _Division(8, (0.74, 0.33, 0.38, 0.48, 0.61, 0.43, 0.61, 0.77)), _Division(5, (0.84, 0.85, 0.84, 0.85, 0.86)),
    _Division(12, (0.44, 0.27, 0.31, 0.3, 0.44, 0.42, 0.28, 0.36, 0.5, 0.32, 0.37, 0.36)),
    _even(7, 0.8, 0.8), _even(16), _even(32), _even(24),
)  # fmt: skip
_COMPOUND = (
    _Division(3, (0.88, 0.3, 0.6)), _Division(6, (0.83, 0.51, 0.59, 0.8, 0.78, 0.61)),
    _Division(12, (0.68, 0.42, 0.43, 0.49, 0.54, 0.4, 0.49, 0.45, 0.56, 0.34, 0.36, 0.45)),
    _Division(9, (0.76, 0.65, 0.68, 0.76, 0.52, 0.64, 0.52, 0.43, 0.52)), _Division(4, (0.83, 0.67, 0.67, 0.97)),
    _even(7, 0.8, 0.8), _even(5, 0.8, 0.8), _even(18), _even(24), _even(48), _even(36),
)  # fmt: skip
_CHANGES_SIMPLE = (
    (8929, 811, 159, 56, 34, 3, 4, 1, 4), (2681, 7020, 103, 82, 69, 4, 38, 1, 3),
    (1239, 299, 8322, 95, 10, 2, 33, 1, 1), (2508, 921, 257, 5899, 211, 68, 136, 1, 1),
    (2012, 1146, 35, 292, 6456, 12, 23, 1, 23), (1193, 642, 183, 733, 183, 7064, 1, 1, 1),
    (905, 1724, 1078, 1034, 431, 1, 4741, 43, 43),
)  # fmt: skip
_CHANGES_COMPOUND = (
    (9103, 801, 67, 25, 3), (2159, 7677, 86, 52, 7), (1292, 517, 8061, 129, 1), (1923, 1154, 577, 6346, 1),
)  # fmt: skip
_RARE_CHANGE = 1e-5
_ERRORS_QUARTER = (0.0015, 0.01, 0.02, 0.035, 0.055, 0.085)
"""Deviations of onsets to choose from; the first is that of music typed in."""
_TYPED_GRIDS, _TYPED_TOLERANCE_QUARTER, _TYPED_SHARE = (8, 12), 0.003, 0.95
_GAP_ERRORS, _SPREAD_ERRORS = 2.0, 3.5
"""Notes of a chord follow each other within this many deviations, and all within that many."""
_CIRCLES = (1, 2, 3, 4, 6, 8, 12)
_MOST_FREE, _FEWEST_FREE, _LEAST_ON_BEAT, _FEWEST_ON_BEAT = 0.2, 64, 0.6, 16
_BEAT_ONLY = 0.55
"""Probability that nothing but the beat itself is struck."""


@dataclass(frozen=True, slots=True)
class Snapped:
    """Notes of a staff on their grids."""

    notes: Records
    step_tick: Ints
    """Length of a grid step where each note begins, shape (n,)."""
    is_exact: bool
    """Whether the onsets lay on the grids already."""


def snapped(notes: Records, score: Score) -> Snapped:
    """Notes (no grace notes) of one staff, their onsets moved to grid points, their lengths as they were."""
    if not len(notes):
        return Snapped(notes, np.ones(0, np.int64), True)
    beats = _Beats.of(notes["onset_tick"], score)
    paths = [_path(beats, error) for error in _ERRORS_QUARTER[: 1 if _is_typed(notes, score) else None]]
    best = int(np.argmin([cost for cost, _ in paths]))
    divisions = paths[best][1]
    if best:
        beats = _Beats.of(_together(notes["onset_tick"], _ERRORS_QUARTER[best] * score.ticks_per_quarter), score)
        divisions = _path(beats, _ERRORS_QUARTER[best])[1]
    moved = notes.copy()
    moved["onset_tick"], step = beats.moved(divisions)
    return Snapped(moved, step, best == 0)


def _is_typed(notes: Records, score: Score) -> bool:
    """Whether nearly all onsets lie where no player would put them: on thirty-second notes or triplet sixteenths."""
    quarters = notes["onset_tick"] / score.ticks_per_quarter
    away = np.min([np.abs(quarters - np.rint(quarters * steps) / steps) for steps in _TYPED_GRIDS], axis=0)
    return float(np.mean(away <= _TYPED_TOLERANCE_QUARTER)) >= _TYPED_SHARE


def _together(onsets: Ints, error_tick: float) -> Ints:
    """The onsets, those that only error can have parted (chords) at their common mean."""
    order = np.argsort(onsets, kind="stable")
    group, number, first, last = np.zeros(len(onsets), np.int64), 0, int(onsets[order[0]]), int(onsets[order[0]])
    for index in order.tolist():
        onset = int(onsets[index])
        if onset - last > _GAP_ERRORS * error_tick or onset - first > _SPREAD_ERRORS * error_tick:
            number, first = number + 1, onset
        group[index], last = number, onset
    return np.rint(np.bincount(group, onsets) / np.bincount(group)).astype(np.int64)[group]


def is_free(score: Score) -> bool:
    """Whether onsets fall anywhere in the beat, so that the meter which a file states is none of the music's."""
    return len(score.notes) >= _FEWEST_FREE and _beat_strength(score) < _MOST_FREE


def is_on_beat(score: Score) -> bool:
    """Whether onsets keep to the quarters that the file counts, though it may state no meter."""
    return len(score.notes) >= _FEWEST_ON_BEAT and _beat_strength(score) > _LEAST_ON_BEAT


def _beat_strength(score: Score) -> float:
    """Mean resultant length of the onsets on circles of a quarter and its fractions, 0 to 1, the greatest of them.

    Mardia and Jupp 2000, "Directional statistics", ch. 2; it is large for all music that keeps to a beat.
    """
    quarters = score.notes["onset_tick"] / score.ticks_per_quarter
    return max(float(abs(np.mean(np.exp(2j * np.pi * steps * quarters)))) for steps in _CIRCLES)


def beat_lengths(meter: Meter) -> tuple[Fraction, bool]:
    """Length in quarters of the beats that are divided, and whether they divide by three."""
    if meter.beat_type >= 8 and meter.beats % 3 == 0:
        return Fraction(12, meter.beat_type), True
    return (Fraction(1) if meter.beat_type < 8 or meter.beats % 2 == 0 else Fraction(4, meter.beat_type)), False


@dataclass(frozen=True, slots=True)
class _Beats:
    """Onsets by the beat in which they lie; N notes, B beats with notes."""

    starts: Ints
    """Tick of each beat, shape (B,)."""
    lengths: Ints
    """Ticks, shape (B,)."""
    is_compound: NDArray[np.bool_]
    """Shape (B,)."""
    barlines: Ints
    """Tick of the end of each beat's measure, shape (B,)."""
    of_note: Ints
    """Shape (N,)."""
    place: Floats
    """Beats after the beat, shape (N,)."""
    quarter: int
    """Ticks."""

    @classmethod
    def of(cls, onsets: Ints, score: Score) -> _Beats:
        measure = score.measure_at(onsets)
        meters = [beat_lengths(score.meter_at(int(t))) for t in score.measures["onset_tick"].tolist()]
        length = np.array([max(int(q * score.ticks_per_quarter), 1) for q, _ in meters])[measure]
        compound = np.array([c for _, c in meters], bool)[measure]
        first = score.measures["onset_tick"][measure]
        barline = first + score.measures["duration_tick"][measure]
        if score.has_pickup:  # its beats are counted from its end
            first = np.where(measure == 0, barline - -(-(barline - first) // length) * length, first)
        start = first + (onsets - first) // length * length
        beats, index, of_note = np.unique(start, return_index=True, return_inverse=True)
        barlines = np.where(onsets[index] < barline[index], barline[index], np.iinfo(np.int64).max)
        return cls(
            beats, length[index], compound[index], barlines, of_note, (onsets - start) / length, score.ticks_per_quarter
        )

    def moved(self, divisions: list[_Division]) -> tuple[Ints, Ints]:
        """Ticks of the nearest grid points, and the grids' steps, shape (N,) each; nothing moves past its barline."""
        steps = np.array([d.steps for d in divisions])[self.of_note]
        length = self.lengths[self.of_note]
        ticks = self.starts[self.of_note] + np.rint(np.rint(self.place * steps) * length / steps).astype(np.int64)
        return np.minimum(ticks, self.barlines[self.of_note]), np.maximum(length // steps, 1)


def _path(beats: _Beats, error: float) -> tuple[float, list[_Division]]:
    """Cost in nats, and the division of each beat, if onsets scatter by `error` quarters."""
    simple = _costs(beats, _SIMPLE, error)
    compound = _costs(beats, _COMPOUND, error)
    total = len(beats.of_note) * np.log(error)
    divisions: list[_Division] = []
    for start, stop in _runs(beats.is_compound):
        is_compound = bool(beats.is_compound[start])
        family, costs = (_COMPOUND, compound) if is_compound else (_SIMPLE, simple)
        changes = _change_costs(_CHANGES_COMPOUND if is_compound else _CHANGES_SIMPLE, len(family))
        cost, path = _viterbi(costs[start:stop], changes)
        total += cost
        divisions += [family[state] for state in path]
    return float(total), divisions


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = [0, *(np.flatnonzero(np.diff(flags)) + 1).tolist(), len(flags)]
    return list(pairwise(edges))


def _costs(beats: _Beats, family: tuple[_Division, ...], error: float) -> Floats:
    """Minus log likelihood of each beat's onsets on each grid, shape (B, divisions)."""
    costs = np.zeros((len(beats.starts), len(family)))
    length = (beats.lengths / beats.quarter)[beats.of_note]
    for column, division in enumerate(family):
        point = np.rint(beats.place * division.steps).astype(np.int64)
        away = (beats.place - point / division.steps) * length / error
        fit = np.bincount(beats.of_note, away**2 / 2, minlength=len(beats.starts))
        struck = np.zeros((len(beats.starts), division.steps + 1), bool)
        struck[beats.of_note, point] = True
        probability = np.array(division.struck)
        pattern = np.where(struck[:, :-1], -np.log(probability), -np.log1p(-probability)).sum(axis=1)
        pattern = np.where(struck[:, 1:-1].any(axis=1), pattern, -np.log(_BEAT_ONLY))
        costs[:, column] = fit + pattern
    return costs


def _change_costs(counts: tuple[tuple[int, ...], ...], size: int) -> Floats:
    probability = np.full((size, size), _RARE_CHANGE)
    for row, cells in enumerate(counts):
        probability[row, : len(cells)] = np.maximum(np.array(cells) / sum(cells), _RARE_CHANGE)
    rare = np.arange(len(counts), size)
    probability[rare, 0], probability[rare, rare] = 0.5, 0.5
    return -np.log(probability)


def _viterbi(costs: Floats, changes: Floats) -> tuple[float, list[int]]:
    """Cost and states of the cheapest path."""
    total, back = costs[0] + changes[0], np.zeros(costs.shape, np.int64)
    for beat in range(1, len(costs)):
        through = total[:, None] + changes
        back[beat] = through.argmin(axis=0)
        total = through.min(axis=0) + costs[beat]
    path = [int(total.argmin())]
    for beat in range(len(costs) - 1, 0, -1):
        path.append(int(back[beat, path[-1]]))
    return float(total.min()), path[::-1]
