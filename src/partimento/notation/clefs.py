"""The clef at the start of each staff."""

from __future__ import annotations

import numpy as np

from partimento.score import CLEF, Part, Records, Score

TREBLE, BASS, ALTO, PERCUSSION = ("G", 2, 0), ("F", 4, 0), ("C", 3, 0), ("percussion", 3, 0)
TREBLE_8, BASS_8, TREBLE_UP = ("G", 2, -1), ("F", 4, -1), ("G", 2, 1)
_Clef = tuple[str, int, int]

_OF_PROGRAM: dict[int, _Clef] = (
    dict.fromkeys((*range(24, 32), 105), TREBLE_8) | dict.fromkeys((*range(32, 40), 43), BASS_8)
    | dict.fromkeys((42, 47, 57, 58, 70), BASS) | dict.fromkeys((9, 72), TREBLE_UP) | {41: ALTO}
)  # fmt: skip
"""Instruments with a clef of their own; guitars and basses sound an octave below what is written."""
_VOICES = range(52, 55)
_MIDDLE = {TREBLE: 71, BASS: 50, TREBLE_8: 59}
_REACH = 7
"""Semitones from the middle line to the first ledger line."""


def opening_clefs(score: Score) -> Records:
    """CLEF records at tick 0 for every staff that states none."""
    stated = set(zip(score.clefs["part"].tolist(), score.clefs["staff"].tolist(), strict=True))
    rows = [
        (
            0,
            index,
            staff,
            *_clef(part, score.notes[(score.notes["part"] == index) & (score.notes["staff"] == staff)], staff),
        )
        for index, part in enumerate(score.parts)
        for staff in range(1, part.staves + 1)
        if (index, staff) not in stated
    ]
    return np.array(rows, CLEF)


def _clef(part: Part, notes: Records, staff: int) -> _Clef:
    if part.is_drums:
        return PERCUSSION
    if part.staves == 1 and part.program in _OF_PROGRAM:
        return _OF_PROGRAM[part.program]
    if not len(notes):
        return BASS if staff == 2 else TREBLE
    usable = (TREBLE, BASS, TREBLE_8) if part.program in _VOICES and part.staves == 1 else (TREBLE, BASS)
    return min(usable, key=lambda clef: _ledger_lines(notes, clef))


def _ledger_lines(notes: Records, clef: _Clef) -> int:
    """How far the notes stick out of the staff, in semitones altogether."""
    return int(np.maximum(np.abs(notes["pitch"].astype(np.int64) - _MIDDLE[clef]) - _REACH, 0).sum())
