"""Grace notes: what is struck in passing just before a longer note.

Duration says it, as in Temperley 2001, "The cognition of basic musical structures", p. 47, who leaves such
"extrametrical" notes out of the metrical grid.
"""

from __future__ import annotations

import numpy as np

from partimento.score import Records, Score

_SHORTEST_S, _LONGEST_S, _LONGEST_QUARTER = 0.035, 0.09, 0.17
"""From a grace note to its main note; what is nearer is a chord that was not struck quite together."""
_NEAREST_SEMITONES, _FEWEST_TIMES = 4, 3
_LEGATO_QUARTER = 0.02
"""A grace note follows its main note's predecessor after a rest or while that sounds, not at its very end."""


def with_graces(score: Score) -> Score:
    """The score with notes that are very short, alone and next to the note on which they fall as its grace notes.

    Runs of short notes are no grace notes, and neither is what continues a dotted rhythm; drums keep their strokes.
    """
    notes = score.notes.copy()
    for index, part in enumerate(score.parts):
        if not part.is_drums:
            at = np.flatnonzero((notes["part"] == index) & (notes["voice"] == 0) & (notes["grace"] == 0))
            _mark(notes, at, score)
    return score.with_notes(notes)


def _mark(notes: Records, at: np.ndarray[tuple[int, ...], np.dtype[np.int64]], score: Score) -> None:
    """Make grace notes of those rows of a part that are such (in place)."""
    at = at[np.argsort(notes["onset_tick"][at], kind="stable")]
    onset = notes["onset_tick"][at]
    starts, first, count = np.unique(onset, return_index=True, return_counts=True)
    gaps = np.diff(starts, append=np.iinfo(np.int64).max)
    quarter = score.ticks_per_quarter
    seconds = np.diff(score.seconds_at(starts), append=np.inf)
    is_short = (seconds >= _SHORTEST_S) & (seconds <= _LONGEST_S) & (gaps <= _LONGEST_QUARTER * quarter) & (count == 1)
    for k in np.flatnonzero(is_short).tolist():
        if (k and is_short[k - 1]) or is_short[k + 1]:
            continue
        row, mains = int(at[first[k]]), at[first[k + 1] : first[k + 1] + count[k + 1]]
        if _is_passing(notes, row, mains) and not _ends_at(notes[at], int(starts[k]), _LEGATO_QUARTER * quarter):
            notes["grace"][row], notes["duration_tick"][row] = 1, 0
            notes["onset_tick"][row] = starts[k + 1]


def _is_passing(notes: Records, row: int, mains: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> bool:
    """Whether a note is a neighbour of a much longer one and does not reach far into it."""
    distance = np.abs(notes["pitch"][mains].astype(np.int64) - int(notes["pitch"][row]))
    near = mains[(distance > 0) & (distance <= _NEAREST_SEMITONES)]
    length, until = int(notes["duration_tick"][row]), int(notes["onset_tick"][mains[0]] - notes["onset_tick"][row])
    return len(near) > 0 and length <= 2 * until and int(notes["duration_tick"][near].max()) >= _FEWEST_TIMES * length


def _ends_at(notes: Records, tick: int, tolerance: float) -> bool:
    return bool((np.abs(notes["onset_tick"] + notes["duration_tick"] - tick) <= tolerance).any())
