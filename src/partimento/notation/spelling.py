"""Names for notes: ps13s1 (Meredith 2006, "The ps13 pitch spelling algorithm", J. New Music Research 35(2)).

Every note is named as each of the twelve possible tonics would have it, major and minor intervals above it, and
each tonic has as many votes as it has notes in the neighbourhood. Meredith fixes the names of the tonics from the
first note of a piece; here they lie about the key in force.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partimento.score import KEY, Records, Score
from partimento.theory.pitch import UNSPELLED

_BEFORE, _AFTER = 10, 42
"""Notes of the context, Meredith's best (K_pre, K_post)."""
_LOWEST_TONIC = -3
"""Name of the flattest tonic on the line of fifths, seen from the signature: E flat in C major and A minor."""
_INTERVALS = np.array([0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5])
"""Semitones above the tonic ▶ interval on the line of fifths."""
_RANGE = 40
"""Names lie between -_RANGE and _RANGE."""


def spelled(score: Score) -> Records:
    """The notes, those without a spelling named in the key in force; drums stay without."""
    notes = score.notes.copy()
    is_drum = np.array([part.is_drums for part in score.parts], bool)[notes["part"]]
    pitched = np.flatnonzero(~is_drum)
    bare = notes["spelling"][pitched] == UNSPELLED
    if bare.any():
        notes["spelling"][pitched[bare]] = _names(notes[pitched], _signatures(score, notes[pitched]))[bare]
    return notes


def _signatures(score: Score, notes: Records) -> NDArray[np.int64]:
    """Fifths of the key signature at each note, 0 where none is stated, shape (n,)."""
    fifths = np.zeros(len(notes), np.int64)
    for part in np.unique(notes["part"]).tolist():
        at = notes["part"] == part
        keys = score.keys[np.isin(score.keys["part"], (-1, part))]
        keys = keys if len(keys) else np.array([(0, -1, 0, 0)], KEY)
        row = np.maximum(np.searchsorted(keys["onset_tick"], notes["onset_tick"][at], "right") - 1, 0)
        fifths[at] = keys["fifths"][row]
    return fifths


def _names(notes: Records, fifths: NDArray[np.int64]) -> NDArray[np.int8]:
    """Places on the line of fifths, shape (n,)."""
    order = np.lexsort((notes["pitch"], notes["onset_tick"]))
    chroma = notes["pitch"][order].astype(np.int64) % 12
    votes = np.zeros((len(order), 2 * _RANGE + 1))
    counts = _counts(chroma)
    for tonic in range(12):
        lowest = fifths[order] + _LOWEST_TONIC
        name = lowest + (7 * tonic - lowest) % 12 + _INTERVALS[(chroma - tonic) % 12]
        votes[np.arange(len(order)), name + _RANGE] += counts[:, tonic]
    names = np.empty(len(order), np.int8)
    names[order] = votes.argmax(axis=1) - _RANGE
    return names


def _counts(chroma: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each pitch class occurs around each note, shape (n, 12)."""
    sums = np.zeros((len(chroma) + 1, 12), np.int64)
    sums[1:] = np.cumsum(np.eye(12, dtype=np.int64)[chroma], axis=0)
    index = np.arange(len(chroma))
    return sums[np.minimum(index + _AFTER, len(chroma))] - sums[np.maximum(index - _BEFORE, 0)]
