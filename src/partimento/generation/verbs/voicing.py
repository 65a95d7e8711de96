"""Four parts for chords under a melody, by the rules of strict writing.

Every way to give the tones of a chord to alto, tenor and bass is a state; the cheapest path through the chords is found
by Viterbi. What costs: parallel and direct fifths and octaves, crossing and wide spacing, tones that are missing or
doubled and should not be, leaps, leading tones and sevenths that do not resolve, inversions where they are weak
(Aldwell and Schachter 2011, "Harmony and voice leading", ch. 5-9). Parallels are never bought by less than all of the
others together, so that they are left only where a melody leaves no way round them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from partimento.generation.verbs.harmonies import Slot, tones_of
from partimento.theory.chord import ChordSymbol
from partimento.theory.key import MINOR_MODES, Key
from partimento.theory.pitch import pitch_class

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Range = tuple[int, int]

ALTO, TENOR, BASS = (53, 74), (47, 69), (40, 62)
"""Usual sounding pitches of the voices."""
_CENTRE = (65, 58, 50)
_CENTRE_COST = (0.012, 0.012, 0.01)
PARALLEL_COST, _DIRECT_COST = 60.0, 2.0
_CROSSING_COST, _UNISON_COST, _WIDE_COST, _OVERLAP_COST = 14.0, 1.0, 4.0, 1.5
_NO_THIRD, _NO_ROOT, _NO_SEVENTH, _NO_FIFTH = 12.0, 12.0, 6.0, 1.2
_DOUBLED_LEADING, _DOUBLED_SEVENTH, _DOUBLED_THIRD = 10.0, 8.0, 0.9
_INVERSION = (0.0, 0.9, 6.0, 2.0)
"""Of root, third, fifth and seventh in the bass."""
_WEAK_END = 8.0
_LEADING_COST, _SEVENTH_COST = 4.0, 4.0
_MOST_STATES = 400


@dataclass(frozen=True, slots=True)
class Chord:
    """What has to be voiced."""

    soprano: int
    tones: tuple[int, ...]
    """Pitch classes from the root upwards."""
    leading: int
    """Pitch class of the tone that must not be doubled, −1 for none."""
    ends: bool
    """Whether it ends a phrase, where an inversion is weak."""


def voiced(
    slots: Sequence[Slot], chords: Sequence[ChordSymbol], key: Key, ranges: Sequence[Range] = (ALTO, TENOR, BASS)
) -> Ints:
    """Alto, tenor and bass of each slot, shape (slots, 3), sounding pitches.

    Args:
        slots: with the melody's pitches, none of which is −1.
        chords: one to a slot.
        key: says what is a leading tone.
        ranges: lowest and highest pitch of the three parts.
    """
    wanted = [_chord(slot, symbol, key) for slot, symbol in zip(slots, chords, strict=True)]
    spans = tuple((int(low), int(high)) for low, high in ranges)
    states, costs = zip(*(_states(chord, spans) for chord in wanted), strict=True)
    total, back = costs[0], [np.zeros(len(costs[0]), np.int64)]
    for index in range(1, len(wanted)):
        moves = total[:, None] + _moves(wanted[index - 1], states[index - 1], wanted[index], states[index])
        back.append(moves.argmin(axis=0))
        total = moves.min(axis=0) + costs[index]
    path = [int(total.argmin())]
    for index in range(len(wanted) - 1, 0, -1):
        path.append(int(back[index][path[-1]]))
    return np.array([states[index][state, 1:] for index, state in enumerate(reversed(path))])


def _chord(slot: Slot, symbol: ChordSymbol, key: Key) -> Chord:
    tones = tones_of(symbol)
    third = (tones[0] + 4) % 12
    # of a major chord a fifth above, or a semitone below, another root: its third leads
    leading = (pitch_class(key.tonic) + 11) % 12
    leads = leading if leading in tones and (third == leading or tones[0] == leading) else -1
    if symbol.kind in ("dominant", "diminished", "half-diminished", "diminished-seventh"):
        leads = third if symbol.kind == "dominant" else tones[0]
    is_tonic = key.mode not in MINOR_MODES and tones[0] == pitch_class(key.tonic)
    return Chord(slot.pitch, tones, -1 if is_tonic and symbol.kind == "major" else leads, slot.ends_phrase)


@cache
def _states(chord: Chord, ranges: tuple[Range, ...]) -> tuple[Ints, Floats]:
    """Soprano, alto, tenor and bass of every voicing, shape (n, 4), and what each costs; the cheapest only."""
    alto, tenor, bass = (
        np.array([p for p in range(low, high + 1) if p % 12 in chord.tones], np.int64) for low, high in ranges
    )
    grid = np.stack(np.meshgrid(alto, tenor, bass, indexing="ij"), axis=-1).reshape(-1, 3)
    grid = grid[(grid[:, 0] >= grid[:, 1]) & (grid[:, 1] >= grid[:, 2])]
    states = np.column_stack([np.full(len(grid), chord.soprano), grid])
    costs = _cost(chord, states)
    best = np.argsort(costs, kind="stable")[:_MOST_STATES]
    return states[best], costs[best]


def _cost(chord: Chord, states: Ints) -> Floats:
    classes = states % 12
    count = np.stack([(classes == tone).sum(axis=1) for tone in chord.tones], axis=1)
    cost = sum(
        missing * (count[:, place] == 0)
        for place, missing in enumerate((_NO_ROOT, _NO_THIRD, _NO_FIFTH, _NO_SEVENTH)[: len(chord.tones)])
    )
    cost = cost + _DOUBLED_THIRD * np.maximum(count[:, 1] - 1, 0)
    if len(chord.tones) > 3:
        cost += _DOUBLED_SEVENTH * np.maximum(count[:, 3] - 1, 0)
    if chord.leading >= 0:
        cost += _DOUBLED_LEADING * np.maximum((classes == chord.leading).sum(axis=1) - 1, 0)
    for place, tone in enumerate(chord.tones[:4]):
        weak = _INVERSION[place] + (_WEAK_END if chord.ends and place else 0)
        cost += weak * (classes[:, 3] == tone)
    gaps = states[:, :-1] - states[:, 1:]
    cost += _CROSSING_COST * (gaps[:, 0] < 0) + _UNISON_COST * (gaps == 0).sum(axis=1)
    cost += _WIDE_COST * (np.maximum(gaps[:, :2] - 12, 0).sum(axis=1) + np.maximum(gaps[:, 2] - 21, 0)) / 2
    for voice, (centre, weight) in enumerate(zip(_CENTRE, _CENTRE_COST, strict=True), 1):
        cost += weight * (states[:, voice] - centre) ** 2
    return cost


def _moves(before: Chord, old: Ints, after: Chord, new: Ints) -> Floats:
    """What each move from one voicing to another costs, shape (old, new)."""
    move = new[None, :, :] - old[:, None, :]
    size = np.abs(move)
    cost = 0.22 * size[:, :, 1:3].sum(axis=2) + 0.07 * size[:, :, 3]
    cost += 2.5 * (size[:, :, 1:3] > 5).sum(axis=2) + 6.0 * (size[:, :, 1:3] > 7).sum(axis=2)
    bass = size[:, :, 3]
    cost += 1.5 * (bass == 6) + 8.0 * ((bass > 7) & (bass != 12)) + 1.5 * (bass == 12)
    if before.tones != after.tones:
        cost += 0.6 * (bass == 0)
    cost += _clashes(old, new, move) + _overlaps(old, new) + _resolutions(before, old, after, move)
    return cost


def _clashes(old: Ints, new: Ints, move: Ints) -> Floats:
    """Parallel fifths and octaves between any two voices, and direct ones between the outer two."""
    cost = np.zeros(move.shape[:2])
    for high, low in combinations(range(4), 2):
        was, comes = (old[:, high] - old[:, low]) % 12, (new[:, high] - new[:, low]) % 12
        is_moving = (move[:, :, high] != 0) & (move[:, :, low] != 0)
        for interval in (0, 7):
            cost += PARALLEL_COST * (is_moving & (was == interval)[:, None] & (comes == interval)[None, :])
    comes = (new[:, 0] - new[:, 3]) % 12
    is_same_way = np.sign(move[:, :, 0]) * np.sign(move[:, :, 3]) > 0
    return cost + _DIRECT_COST * (is_same_way & (np.abs(move[:, :, 0]) > 2) & np.isin(comes, (0, 7))[None, :])


def _overlaps(old: Ints, new: Ints) -> Floats:
    """A voice that goes beyond where its neighbour was."""
    above = (new[None, :, 1:] > old[:, None, :-1]).sum(axis=2)
    below = (new[None, :, :-1] < old[:, None, 1:]).sum(axis=2)
    return _OVERLAP_COST * (above + below)


def _resolutions(before: Chord, old: Ints, after: Chord, move: Ints) -> Floats:
    """Leading tones that do not rise, and sevenths that do not fall, by step, where the next chord has the goal."""
    cost = np.zeros(move.shape[:2])
    if before.tones == after.tones:
        return cost
    if before.leading >= 0 and (before.leading + 1) % 12 in after.tones:
        is_leading = (old % 12 == before.leading)[:, None, 1:]
        weight = np.array([0.5, 0.5, 1.0]) * _LEADING_COST
        cost += (is_leading & (move[:, :, 1:] != 1)) @ weight
    if len(before.tones) > 3:
        is_seventh = (old % 12 == before.tones[3])[:, None, 1:]
        cost += _SEVENTH_COST * (is_seventh & ~np.isin(move[:, :, 1:], (0, -1, -2))).sum(axis=2)
    return cost
