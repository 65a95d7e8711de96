"""Note values of a staff: how long what was played would be written.

Players let go early, or hold on into the next note, so that a release says little more than which later onsets a
note was meant to reach: a note lasts to the onset that its release is nearest to, longer rather than shorter
(Temperley 2001, "The cognition of basic musical structures", ch. 3, takes registral interonset intervals in the
same way). Music that was typed in keeps its values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partimento.score import Records, Score

Ints = NDArray[np.int64]

_GRIDS = (8, 12, 20, 28, 16, 24, 32)
"""Steps per quarter on which typed releases lie."""
_PLAIN_GRIDS = (4, 6)
_TOLERANCE_QUARTER = 0.004
_EXACT_SHARE = 0.85
_HELD_OVER = 0.25
"""A note that goes on for this share of the next gap is held through it."""
_HELD_OVER_QUARTER = 0.12
_FILLED = 0.45
"""A note that sounds for this share of the time to the next one is written without a rest."""
_LONGEST_FILL_QUARTER = 2.0
_SHORTEST_QUARTER = 0.5
"""Staccato is written as eighths where there is room."""
_PEDAL, _DOWN = 64, 64
_FAR = np.iinfo(np.int64).max // 2


def has_exact_values(notes: Records, step: Ints, ticks_per_quarter: int) -> bool:
    """Whether nearly all releases lie on a plain grid, so that they mean what they say.

    Sequencers often stop typed notes early by a fixed share; what lies between the points of sixteenths, triplets
    and the grid `step` of the note's own beat, shape (n,), is no note value.
    """
    if not len(notes):
        return True
    release = (notes["onset_tick"] + notes["duration_tick"]) / ticks_per_quarter
    length = notes["duration_tick"] / ticks_per_quarter
    away = [np.abs(release * grid - np.rint(release * grid)) / grid for grid in _PLAIN_GRIDS]
    own = step / ticks_per_quarter
    away.append(np.where(length >= own, np.abs(length - np.rint(length / own) * own), 1.0))
    return float(np.mean(np.min(away, axis=0) <= _TOLERANCE_QUARTER)) >= _EXACT_SHARE


def typed(notes: Records, ticks_per_quarter: int) -> Records:
    """Notes whose releases are moved to the nearest point of a grid, at most by a hair except for a few."""
    notes = notes.copy()
    release = notes["onset_tick"] + notes["duration_tick"]
    best, nearest = np.full(len(notes), _FAR), release.copy()
    for grid in _GRIDS:
        step = ticks_per_quarter // grid
        point = np.rint(release / step).astype(np.int64) * step
        is_nearer = (np.abs(point - release) < best - step // 8) & (point > notes["onset_tick"])
        best, nearest = np.where(is_nearer, np.abs(point - release), best), np.where(is_nearer, point, nearest)
    notes["duration_tick"] = np.maximum(nearest - notes["onset_tick"], 1)
    return notes


def sounded(notes: Records, score: Score, part: int) -> dict[int, int]:
    """Note id ▶ ticks for which each note of a part sounds, with the pedal (CC 64)."""
    pedal = score.controls[(score.controls["part"] == part) & (score.controls["number"] == _PEDAL)]
    release = notes["onset_tick"] + notes["duration_tick"]
    end = release.copy()
    if len(pedal):
        is_down = np.append(False, pedal["value"] >= _DOWN)
        lifts = np.append(pedal["onset_tick"][~is_down[1:]], score.end_tick)
        state = np.searchsorted(pedal["onset_tick"], release, "right")
        end = np.where(is_down[state], np.maximum(lifts[np.searchsorted(lifts[:-1], release)], release), release)
    return dict(zip(notes["note_id"].tolist(), (end - notes["onset_tick"]).tolist(), strict=True))


def reached(notes: Records, step: Ints, score: Score, sounds: dict[int, int]) -> Records:
    """Notes of a staff that last to the onset on the staff which they reach, or for a plain value.

    Args:
        notes: the notes, their onsets on the grid, their lengths as the keys were held.
        step: length of a grid step where each note begins, shape (n,).
        score: what they belong to.
        sounds: note id ▶ ticks for which it sounded, with the pedal.
    """
    notes, quarter = notes.copy(), score.ticks_per_quarter
    onset, release = notes["onset_tick"], notes["onset_tick"] + notes["duration_tick"]
    starts = np.append(np.unique(np.append(onset, _end(score, onset))), _FAR)
    inside = np.maximum(np.searchsorted(starts, release) - 1, 0)
    last, following = starts[inside], starts[np.minimum(inside + 1, len(starts) - 1)]
    over = release - last
    is_held = (over > _HELD_OVER_QUARTER * quarter) & (over > _HELD_OVER * np.minimum(following - last, quarter))
    target = np.where((last > onset) & ~is_held, last, following)
    sounding = np.array([sounds[i] for i in notes["note_id"].tolist()], np.int64)
    notes["duration_tick"] = _released_together(onset, _values(notes, sounding, target, step, quarter), starts)
    return notes


def _end(score: Score, onset: Ints) -> int:
    """The last barline, at which all notes end, unless some begin behind it."""
    last = int(score.measures["onset_tick"][-1] + score.measures["duration_tick"][-1])
    return last if int(onset.max(initial=0)) < last else _FAR


def _released_together(onset: Ints, duration: Ints, starts: Ints) -> Ints:
    """A note of a chord does not end before its longest one, unless something else is struck."""
    chord = np.searchsorted(starts, onset)
    longest = np.zeros(len(starts), np.int64)
    np.maximum.at(longest, chord, duration)
    return np.maximum(duration, np.minimum(longest[chord], starts[chord + 1] - onset))


def _values(notes: Records, sounding: Ints, target: Ints, step: Ints, quarter: int) -> Ints:
    """Up to the target where the note nearly fills that time, else the plain value that holds it."""
    played, room = notes["duration_tick"], target - notes["onset_tick"]
    fills = _is_filled(sounding, played, room, quarter)
    return np.where(fills, room, np.minimum(_plain(played, step, quarter), room))


def _is_filled(sounding: Ints, played: Ints, room: Ints, quarter: int) -> NDArray[np.bool_]:
    return (sounding >= _FILLED * room) & (room - played <= _LONGEST_FILL_QUARTER * quarter)


def _plain(played: Ints, step: Ints, quarter: int) -> Ints:
    """The next larger value: whole steps of a tuplet, else a note without a dot."""
    is_tuplet = (32 * step) % quarter != 0
    wanted = np.maximum(played, _SHORTEST_QUARTER * quarter) * 0.98 / quarter
    plain = np.exp2(np.ceil(np.log2(wanted))) * quarter
    return np.where(is_tuplet, -(-played // step) * step, np.maximum(plain, step)).astype(np.int64)


def filled(notes: Records, sounds: dict[int, int], score: Score) -> Records:
    """Notes of a part, voices known, that last to the next onset of their voice if they nearly reached it.

    Args:
        notes: the notes as written so far.
        sounds: note id ▶ ticks for which it sounded.
        score: what they belong to.
    """
    notes = notes.copy()
    sounding = np.array([sounds.get(i, 0) for i in notes["note_id"].tolist()], np.int64)
    for voice in np.unique(notes["voice"]).tolist():
        at = np.flatnonzero((notes["voice"] == voice) & (notes["grace"] == 0))
        onset = notes["onset_tick"][at]
        starts, chord = np.unique(onset, return_inverse=True)
        longest, written = np.zeros(len(starts), np.int64), np.zeros(len(starts), np.int64)
        np.maximum.at(longest, chord, sounding[at])
        np.maximum.at(written, chord, notes["duration_tick"][at])
        room = np.append(starts, _end(score, onset))[chord + 1] - onset
        fills = _is_filled(longest[chord], written[chord], room, score.ticks_per_quarter)
        notes["duration_tick"][at] = np.where(fills, room, np.minimum(written[chord], room))
    return notes
