"""Clefs: at the start of each staff, and where its notes stay away for bars.

An engraver changes the clef where that saves more ledger lines than the change costs to read (Gould 2011, "Behind
bars", p. 7); the cheapest clefs for all bars are found by Viterbi.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partimento.score import CLEF, Part, Records, Score

_Clef = tuple[str, int, int]
TREBLE, BASS, ALTO, TENOR, PERCUSSION = ("G", 2, 0), ("F", 4, 0), ("C", 3, 0), ("C", 4, 0), ("percussion", 3, 0)
TREBLE_8, BASS_8, TREBLE_UP = ("G", 2, -1), ("F", 4, -1), ("G", 2, 1)

_OF_PROGRAM: dict[int, tuple[_Clef, ...]] = (
    dict.fromkeys((*range(24, 32), 105), (TREBLE_8,)) | dict.fromkeys((*range(32, 40), 43), (BASS_8,))
    | dict.fromkeys((42, 57, 70), (BASS, TENOR, TREBLE)) | dict.fromkeys((47, 58), (BASS,))
    | dict.fromkeys((9, 72), (TREBLE_UP,)) | {41: (ALTO, TREBLE)}
    | dict.fromkeys((40, 56, *range(64, 70), 71, 73, 74), (TREBLE,))
)  # fmt: skip
"""Instruments with clefs of their own, the usual one first; guitars and basses sound an octave lower than written."""
_VOICES = range(52, 55)
_MIDDLE = {TREBLE: 71, BASS: 50, TREBLE_8: 59, ALTO: 60, TENOR: 57}
_REACH = 9
"""Semitones from the middle line to the first ledger line's far side."""
_CHANGE_COST, _UNUSUAL_COST, _FIRST_COST = 90.0, 0.4, 30.0
"""In semitones of ledger lines: to change, for each note in an unusual clef, and to begin in one."""


def written_clefs(score: Score) -> Records:
    """CLEF records for every staff that states none."""
    stated = set(zip(score.clefs["part"].tolist(), score.clefs["staff"].tolist(), strict=True))
    rows: list[tuple[int, int, int, str, int, int]] = []
    for index, part in enumerate(score.parts):
        for staff in range(1, part.staves + 1):
            if (index, staff) not in stated:
                rows += [(tick, index, staff, *clef) for tick, clef in _clefs(score, index, part, staff)]
    return np.array(rows, CLEF)


def _clefs(score: Score, index: int, part: Part, staff: int) -> list[tuple[int, _Clef]]:
    """(tick, clef) of each clef on a staff."""
    usable = _usable(part, staff)
    notes = score.notes[(score.notes["part"] == index) & (score.notes["staff"] == staff)]
    if len(usable) == 1 or not len(notes):
        return [(0, usable[0])]
    costs = _costs(notes, score, usable, part)
    path = _cheapest(costs)
    starts = np.flatnonzero(np.diff(path, prepend=-1)).tolist()
    return [(int(score.measures["onset_tick"][bar]) if bar else 0, usable[path[bar]]) for bar in starts]


def _usable(part: Part, staff: int) -> tuple[_Clef, ...]:
    """Clefs that a staff may have, the usual one first."""
    if part.is_drums:
        return (PERCUSSION,)
    if part.staves > 1:
        return (BASS, TREBLE) if staff == 2 else (TREBLE, BASS)
    if part.program in _VOICES:
        return (TREBLE, TREBLE_8, BASS)
    return _OF_PROGRAM.get(part.program, (TREBLE, BASS))


def _costs(notes: Records, score: Score, usable: tuple[_Clef, ...], part: Part) -> NDArray[np.float64]:
    """Ledger lines in each bar under each clef, shape (bars, clefs)."""
    bars = score.measure_at(notes["onset_tick"])
    written = notes["pitch"].astype(np.int64) - part.transpose.semitones
    costs = np.zeros((len(score.measures), len(usable)))
    for column, clef in enumerate(usable):
        away = np.maximum(np.abs(written - _MIDDLE[clef]) - _REACH, 0) + _UNUSUAL_COST * (column > 0)
        np.add.at(costs[:, column], bars, away)
    if part.program in _VOICES and part.staves == 1:
        costs[:] = costs.sum(axis=0)  # a singer keeps one clef
    return costs


def _cheapest(costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Column of the cheapest clef in each bar."""
    total = costs[0] + _FIRST_COST * (np.arange(costs.shape[1]) > 0)
    back = np.zeros(costs.shape, np.int64)
    for bar in range(1, len(costs)):
        changed = total.min() + _CHANGE_COST
        back[bar] = np.where(total <= changed, np.arange(costs.shape[1]), total.argmin())
        total = np.minimum(total, changed) + costs[bar]
    path = np.zeros(len(costs), np.int64)
    path[-1] = total.argmin()
    for bar in range(len(costs) - 1, 0, -1):
        path[bar - 1] = back[bar, path[bar]]
    return path
