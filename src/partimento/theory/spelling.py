"""Spelling pitches that come without one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LOWEST_IN_MINOR, _LOWEST_OTHERWISE = -2, -3


def spell(
    pitches: NDArray[np.integer], fifths: NDArray[np.integer] | int, minor: NDArray[np.bool_] | bool
) -> NDArray[np.int8]:
    """Spell MIDI pitches in their key.

    Each key has a window of twelve neighbours on the line of fifths: the scale with the accidentals its music
    uses most (E♭ B♭ F♯ C♯ G♯ in C major; B♭ F♯ C♯ G♯ D♯ in A minor).

    Args:
        pitches: MIDI numbers, shape (n,).
        fifths: key signature at each note, shape (n,), or one for all.
        minor: whether the key at each note is minor, shape (n,), or one for all.

    Returns:
        Positions on the line of fifths, shape (n,).
    """
    lowest = np.asarray(fifths) + np.where(minor, _LOWEST_IN_MINOR, _LOWEST_OTHERWISE)
    return (lowest + (7 * np.asarray(pitches, np.int64) - lowest) % 12).astype(np.int8)
