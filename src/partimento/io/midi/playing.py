"""The notes of a score as MIDI plays them: when each begins and ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from partimento.score import Records, Score
from partimento.theory.pitch import UNSPELLED

DEFAULT_VELOCITY = 80
GRACES_PER_QUARTER = 8
FINEST_RESOLUTION = 0x7FFF
"""Ticks per quarter that MIDI can count."""
_ROUNDED_RESOLUTION = 15_120
"""For scores with more; a multiple of 2, 3, 5, 7, 16 and 27."""


def performed(score: Score) -> Records:
    """The notes with onsets and durations as played: nothing but pitch, time, velocity and part."""
    notes = score.notes.copy()
    onsets, ends = _times(score.notes, score.ticks_per_quarter)
    notes["onset_tick"] = onsets
    for name in ("voice", "staff", "grace", "tied", "cue"):
        notes[name] = 0
    notes["spelling"] = UNSPELLED
    notes["velocity"] = np.where(notes["velocity"] == 0, DEFAULT_VELOCITY, np.minimum(notes["velocity"], 127))
    by_onset = np.lexsort([notes["note_id"], ends - onsets, onsets, notes["pitch"], notes["part"]])
    by_end = np.lexsort([ends, notes["pitch"], notes["part"]])
    notes["duration_tick"][by_onset] = ends[by_end] - onsets[by_onset]  # the first of a key ends first
    return notes[np.lexsort([notes["note_id"], notes["duration_tick"], notes["pitch"], notes["part"], onsets])]


def rounded(score: Score) -> Score:
    """The score at a resolution that MIDI can count, to the nearest tick."""
    ratio = _ROUNDED_RESOLUTION / score.ticks_per_quarter

    def nearest(ticks: NDArray[np.int64] | int) -> NDArray[np.int64]:
        return np.rint(np.asarray(ticks) * ratio).astype(np.int64)

    changes: dict[str, Records] = {}
    for name in ("notes", "measures"):
        array = getattr(score, name).copy()
        onsets = nearest(array["onset_tick"])
        array["duration_tick"] = nearest(array["onset_tick"] + array["duration_tick"]) - onsets
        array["onset_tick"] = onsets
        changes[name] = array
    moved = score.map_ticks(lambda tick: nearest(tick) if np.ndim(tick) else int(nearest(tick)), lambda tick: tick)
    return replace(moved, ticks_per_quarter=_ROUNDED_RESOLUTION, **changes)


def _times(notes: Records, ticks_per_quarter: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Onset and release of each note; grace notes are played one after another before the beat."""
    onsets = notes["onset_tick"].copy()
    ends = onsets + np.maximum(notes["duration_tick"], 1)
    graces = np.flatnonzero(notes["grace"] > 0)
    if len(graces):
        columns = ("onset_tick", "part", "voice", "staff")
        groups = np.stack([notes[name][graces].astype(np.int64) for name in columns], axis=1)
        _, group = np.unique(groups, axis=0, return_inverse=True)
        number = notes["grace"][graces].astype(np.int64)
        size = np.zeros(group.max() + 1, np.int64)
        np.maximum.at(size, group.ravel(), number)
        count = size[group.ravel()]
        length = np.minimum(max(ticks_per_quarter // GRACES_PER_QUARTER, 1), np.maximum(onsets[graces] // count, 1))
        start = np.maximum(onsets[graces] - (count - number + 1) * length, 0)
        onsets[graces], ends[graces] = start, start + length
    return onsets, ends
