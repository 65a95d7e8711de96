"""Swung eighths: played long and short, written even under a mark (as jazz has been printed since the 1930s)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from partimento.score import Direction, Records, Score

_LONG, _EVEN, _THIRD = 2 / 3, 1 / 2, 1 / 3
_NEAR = 0.06
"""In beats."""
_FEWEST, _MOST_OTHERS = 16, 0.15
_BASSES = range(32, 40)


def unswung(score: Score) -> Score:
    """The score with even eighths and the word Swing if a rhythm section swings its eighths, else as it is.

    Beats in real triplets stay. Only meters in quarters are looked at.
    """
    if not _has_rhythm_section(score) or any(score.meters["beat_type"] != 4):
        return score
    place, beat = _places(score, score.notes["onset_tick"])
    is_long, is_even, is_third = (np.unique(beat[np.abs(place - p) < _NEAR]) for p in (_LONG, _EVEN, _THIRD))
    others = len(np.union1d(is_even, is_third))
    if len(is_long) < _FEWEST or others > _MOST_OTHERS * len(is_long):
        return score
    mark = Direction(0, "words", "Swing", placement="above")
    return replace(score, notes=_evened(score, is_third), directions=(mark, *score.directions))


def _has_rhythm_section(score: Score) -> bool:
    return any(part.is_drums or part.program in _BASSES for part in score.parts)


def _places(score: Score, ticks: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Place within the beat, and tick of the beat."""
    offset = (ticks - score.measures["onset_tick"][score.measure_at(ticks)]) % score.ticks_per_quarter
    return offset / score.ticks_per_quarter, ticks - offset


def _evened(score: Score, triplets: NDArray[np.int64]) -> Records:
    notes = score.notes.copy()
    onset = _even(score, notes["onset_tick"], triplets)
    notes["duration_tick"] = _even(score, notes["onset_tick"] + notes["duration_tick"], triplets) - onset
    notes["duration_tick"] = np.where(score.notes["duration_tick"] > 0, np.maximum(notes["duration_tick"], 1), 0)
    notes["onset_tick"] = onset
    return notes


def _even(score: Score, ticks: NDArray[np.int64], triplets: NDArray[np.int64]) -> NDArray[np.int64]:
    place, beat = _places(score, ticks)
    even = np.interp(place, (0, _LONG, 1), (0, _EVEN, 1))
    moved = beat + np.rint(even * score.ticks_per_quarter).astype(np.int64)
    return np.where(np.isin(beat, triplets), ticks, moved)
