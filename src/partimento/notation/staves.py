"""One staff or two: which parts need a grand staff, and which hand plays which note."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partimento.score import Part, Records

_KEYBOARDS = frozenset([*range(9), *range(16, 22), 23, 46])
_CHORDAL = frozenset([*range(9, 16), *range(48, 56), *range(80, 104)])
"""Two staves where they play wide chords: mallets, string and voice ensembles, synthesizers."""
_LOWEST_ON_TREBLE, _HIGHEST_ON_BASS = 55, 64

_SPLITS = np.arange(40.5, 81.5)
_OCTAVE, _FINGERS, _CLOSE = 12, 5, 4
_STRETCH_COST, _FINGER_COST, _CLOSE_COST, _HOME_COST, _MOVE_COST = 2.0, 5.0, 1.0, 0.05, 0.35
_HELD_QUARTERS = 2
"""A key is taken to be held for this long at most; afterwards the pedal holds it."""


def staff_numbers(part: Part, notes: Records, ticks_per_quarter: int) -> NDArray[np.int8]:
    """Staff of each note of a part, shape (n,): 1, or 1 and 2 where the part needs a grand staff."""
    if part.staves == 1 and not _needs_two(part.program, notes):
        return np.ones(len(notes), np.int8)
    return _hands(notes, ticks_per_quarter)


def _needs_two(program: int, notes: Records) -> bool:
    pitches = notes["pitch"]
    if program not in _KEYBOARDS | _CHORDAL or not len(pitches):
        return False
    low, high = np.percentile(pitches, (3, 97)).tolist()
    is_wide = low < _LOWEST_ON_TREBLE and high > _HIGHEST_ON_BASS
    if program in _KEYBOARDS:
        return is_wide and (high - low > 24 or _widest_chord(notes) > 0)
    return is_wide and _widest_chord(notes) > _OCTAVE


def _widest_chord(notes: Records) -> int:
    """Largest distance of pitches struck together, in semitones."""
    onsets, group = np.unique(notes["onset_tick"], return_inverse=True)
    high, low = np.full(len(onsets), -1), np.full(len(onsets), 128)
    np.maximum.at(high, group, notes["pitch"])
    np.minimum.at(low, group, notes["pitch"])
    return int((high - low).max())


def _hands(notes: Records, ticks_per_quarter: int) -> NDArray[np.int8]:
    """1 for the right hand, 2 for the left.

    A split point moves through the piece at the least cost (Viterbi): hands reach an octave and hold five
    notes, the point keeps away from the notes so that lines stay in one hand, and it moves little.
    """
    onsets, group = np.unique(notes["onset_tick"], return_inverse=True)
    costs = np.array(
        [_split_costs(pitches, near) for pitches, near in _sounding(notes, onsets, group, ticks_per_quarter)]
    )
    split = _SPLITS[_cheapest_path(costs)]
    return np.where(notes["pitch"] > split[group], 1, 2).astype(np.int8)


def _sounding(
    notes: Records, onsets: NDArray[np.int64], group: NDArray[np.int64], ticks_per_quarter: int
) -> list[tuple[list[int], list[int]]]:
    """(pitches held, pitches struck) at each onset, ascending."""
    struck: list[list[int]] = [[] for _ in onsets]
    releases: list[tuple[int, int]] = []
    longest = _HELD_QUARTERS * ticks_per_quarter
    held: list[tuple[list[int], list[int]]] = []
    by_group = np.argsort(group, kind="stable")
    rows = zip(
        notes["pitch"][by_group].tolist(),
        notes["duration_tick"][by_group].tolist(),
        group[by_group].tolist(),
        strict=True,
    )
    pending = [(pitch, min(duration, longest), at) for pitch, duration, at in rows]
    position = 0
    for index, onset in enumerate(onsets.tolist()):
        releases = [(release, pitch) for release, pitch in releases if release > onset]
        while position < len(pending) and pending[position][2] == index:
            pitch, duration, _ = pending[position]
            struck[index].append(pitch)
            releases.append((onset + duration, pitch))
            position += 1
        held.append((sorted(pitch for _, pitch in releases) or sorted(struck[index]), sorted(struck[index])))
    return held


def _split_costs(held: list[int], struck: list[int]) -> NDArray[np.float64]:
    """Cost of each split point at one onset, shape (splits,)."""
    pitches = np.array(held)
    below = np.searchsorted(pitches, _SPLITS)
    right = np.where(below < len(pitches), pitches[-1] - pitches[np.minimum(below, len(pitches) - 1)], 0)
    left = np.where(below > 0, pitches[np.maximum(below, 1) - 1] - pitches[0], 0)
    stretch = np.maximum(right - _OCTAVE, 0) + np.maximum(left - _OCTAVE, 0)
    fingers = np.maximum(below - _FINGERS, 0) + np.maximum(len(pitches) - below - _FINGERS, 0)
    near = np.maximum(_CLOSE - np.abs(np.array(struck)[:, None] - _SPLITS), 0).sum(axis=0)
    home = np.abs(_SPLITS - 60)
    return _STRETCH_COST * stretch + _FINGER_COST * fingers + _CLOSE_COST * near + _HOME_COST * home


def _cheapest_path(costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of the state at each step of the cheapest path, shape (steps,)."""
    moves = _MOVE_COST * np.abs(_SPLITS[:, None] - _SPLITS)
    total, came_from = costs[0], np.zeros(costs.shape, np.int64)
    for step in range(1, len(costs)):
        through = total[:, None] + moves
        came_from[step] = through.argmin(axis=0)
        total = through.min(axis=0) + costs[step]
    path = np.zeros(len(costs), np.int64)
    path[-1] = total.argmin()
    for step in range(len(costs) - 1, 0, -1):
        path[step - 1] = came_from[step, path[step]]
    return path
