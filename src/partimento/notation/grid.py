"""Rhythm that can be read: every beat of a staff on one grid of sixteenths, triplets or finer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from partimento.score import Records, Score

_EXACT = (4, 3, 8, 6, 5, 16, 12)
"""Steps per quarter, from plain to fine, that a beat may keep if it lies on them already."""
_COARSE, _FINE = (4, 3), (4, 3, 8, 6)
_TOLERANCE_QUARTER = 0.004
_TRIPLET_PENALTY_QUARTER = 0.02
_REGULAR_SHARE = 0.9

_Beat = tuple[int, int]


def snapped(notes: Records, score: Score) -> Records:
    """Notes of one staff with onsets and releases on readable grids; those which are there already stay.

    Beats of music that is notated keep any usual grid they lie on. Played music goes to sixteenths or triplet
    eighths, whichever is nearer beat by beat; chords are then released together, and slight overlaps are cut.
    """
    plain = notes[notes["grace"] == 0]
    onsets, releases = plain["onset_tick"], plain["onset_tick"] + plain["duration_tick"]
    beats = _Beats(score)
    points: defaultdict[_Beat, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for kind, ticks in enumerate((onsets, releases)):
        for beat, offset in zip(*beats.locate(ticks), strict=True):
            points[beat][kind].append(offset)
    exact = {beat: _exact_grid(*both) for beat, both in points.items()}
    with_onsets = [beat for beat, both in points.items() if both[0]]
    is_regular = sum(exact[beat] is not None for beat in with_onsets) >= _REGULAR_SHARE * len(with_onsets)
    grids = {beat: _grid(exact[beat], points[beat][0], is_regular) for beat in points}
    return np.concatenate([notes[notes["grace"] > 0], _moved(plain, beats, grids, is_regular)])


class _Beats:
    """Quarters counted from each barline."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self._starts = score.measures["onset_tick"]
        self._ends = self._starts + score.measures["duration_tick"]
        self.ticks_per_quarter = score.ticks_per_quarter

    def locate(self, ticks: NDArray[np.int64]) -> tuple[list[_Beat], list[float]]:
        """(measure, beat) of each tick, and how many quarters after that beat it lies."""
        measure = self._score.measure_at(ticks)
        beat, offset = np.divmod(ticks - self._starts[measure], self.ticks_per_quarter)
        return list(zip(measure.tolist(), beat.tolist(), strict=True)), (offset / self.ticks_per_quarter).tolist()

    def snap(self, ticks: NDArray[np.int64], grids: dict[_Beat, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Each tick on its beat's grid, but not behind its measure, and the length of one step there."""
        measure = self._score.measure_at(ticks)
        beat, offset = np.divmod(ticks - self._starts[measure], self.ticks_per_quarter)
        step = self.ticks_per_quarter // np.array(
            [grids[m, b] for m, b in zip(measure.tolist(), beat.tolist(), strict=True)], np.int64
        )
        steps = (2 * offset + step) // (2 * step)
        moved = self._starts[measure] + beat * self.ticks_per_quarter + steps * step
        is_inside = ticks < self._ends[measure]
        return np.where(is_inside, np.minimum(moved, self._ends[measure]), moved), step


def _error(offsets: Iterable[float], grid: int) -> list[float]:
    return [abs(offset * grid - round(offset * grid)) / grid for offset in offsets]


def _exact_grid(onsets: Sequence[float], releases: Sequence[float]) -> int | None:
    """The plainest grid on which all onsets lie, and if possible all releases."""
    fitting = [grid for grid in _EXACT if max(_error(onsets, grid), default=0) <= _TOLERANCE_QUARTER]
    both = [grid for grid in fitting if max(_error(releases, grid), default=0) <= _TOLERANCE_QUARTER]
    return next(iter(both or fitting), None)


def _grid(exact: int | None, onsets: Sequence[float], is_regular: bool) -> int:
    if exact is not None and (is_regular or exact in _COARSE):
        return exact
    usable = _FINE if is_regular else _COARSE
    return min(
        usable,
        key=lambda grid: float(np.mean(_error(onsets, grid) or [0])) + _TRIPLET_PENALTY_QUARTER * (grid != 4),
    )


def _moved(notes: Records, beats: _Beats, grids: dict[_Beat, int], is_regular: bool) -> Records:
    notes = notes.copy()
    onset, step = beats.snap(notes["onset_tick"], grids)
    release, _ = beats.snap(notes["onset_tick"] + notes["duration_tick"], grids)
    if not is_regular:
        release = _tidied(onset, release, beats.ticks_per_quarter // 4)
    notes["onset_tick"], notes["duration_tick"] = onset, np.maximum(release - onset, step)
    return notes if is_regular else _undoubled(notes)


def _tidied(onset: NDArray[np.int64], release: NDArray[np.int64], sixteenth: int) -> NDArray[np.int64]:
    """Releases of a played staff: short overlaps end at the next onset, and chords end together."""
    starts = np.unique(onset)
    index = np.searchsorted(starts, release) - 1
    before = starts[np.maximum(index, 0)]
    overlaps = (before > onset) & (release - before <= sixteenth)
    release = np.where(overlaps, before, release)
    _, chord = np.unique(onset, return_inverse=True)
    latest = np.zeros(len(starts), np.int64)
    np.maximum.at(latest, chord, release)
    return np.where(latest[chord] - release <= sixteenth, latest[chord], release)


def _undoubled(notes: Records) -> Records:
    """Without notes that now strike with another of the same pitch; the longest stays."""
    order = np.lexsort((-notes["duration_tick"], notes["pitch"], notes["onset_tick"]))
    _, first = np.unique(notes[["onset_tick", "pitch"]][order], return_index=True)
    return notes[np.sort(order[first])]
