"""One staff or two: which parts need a grand staff."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partimento.notation.hands import hands
from partimento.score import Part, Records

_KEYBOARDS = frozenset([*range(9), *range(16, 22), 23, 46])
_CHORDAL = frozenset([*range(9, 16), *range(48, 56), *range(80, 104)])
"""Two staves where they play wide chords: mallets, string and voice ensembles, synthesizers."""
_LOWEST_ON_TREBLE, _HIGHEST_ON_BASS = 55, 64
_OCTAVE = 12


def staff_numbers(part: Part, notes: Records, ticks_per_quarter: int) -> NDArray[np.int8]:
    """Staff of each note of a part, shape (n,): 1, or 1 and 2 where the part needs a grand staff."""
    if part.staves == 1 and not _needs_two(part.program, notes):
        return np.ones(len(notes), np.int8)
    return hands(notes, ticks_per_quarter)


def _needs_two(program: int, notes: Records) -> bool:
    pitches = notes["pitch"]
    if program not in _KEYBOARDS | _CHORDAL or not len(pitches):
        return False
    low, high = np.percentile(pitches, (3, 97)).tolist()
    is_wide = low < _LOWEST_ON_TREBLE and high > _HIGHEST_ON_BASS
    if program in _KEYBOARDS:
        return _widest_chord(notes) > 0 and (is_wide or high - low > _OCTAVE)
    return is_wide and _widest_chord(notes) > _OCTAVE


def _widest_chord(notes: Records) -> int:
    """Largest distance of pitches struck together, in semitones."""
    onsets, group = np.unique(notes["onset_tick"], return_inverse=True)
    high, low = np.full(len(onsets), -1), np.full(len(onsets), 128)
    np.maximum.at(high, group, notes["pitch"])
    np.minimum.at(low, group, notes["pitch"])
    return int((high - low).max())
