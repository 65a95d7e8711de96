"""Chords under a melody: the likeliest sequence by how chords follow one another and what stands over them.

A hidden Markov model whose states are the chords of the key, solved by Viterbi as by Allan and Williams 2005,
"Harmonising chorales by probabilistic inference" (NIPS 17); its probabilities are counted (`harmony_weights`), and
both keys of the signature are tried. Chords may change with every beat, or, under a quick melody, twice a bar, or once
where the bar has an odd number of beats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from partimento.analysis.heard import beats_of
from partimento.analysis.key import estimate_key
from partimento.generation.verbs.harmony_weights import CHANGES, HABITS, UNDER
from partimento.score import Records, Score
from partimento.theory.chord import KINDS, ChordSymbol
from partimento.theory.key import MINOR_MODES, Key
from partimento.theory.pitch import pitch_class
from partimento.theory.spelling import spell

Floats = NDArray[np.float64]
_STRUCK, _HELD, _PASSING = 1.0, 0.7, 0.25
"""How much a note of the melody says about the chord: struck with it, held from before, or struck later."""
_MOST_NOTES = 1.35
"""Notes to a beat, on average, above which chords do not change with every beat, but twice a bar, or once."""
_END_WEIGHT = 1.5
"""How much more than by chance a chord must end a phrase."""
_NOISE = 0.5
"""Size of what the seed adds to each chord, in log odds, at a temperature of 1."""


class Slot(NamedTuple):
    """A stretch under one chord."""

    start: int
    end: int
    """Ticks."""
    strength: int
    """0 with a barline, 1 in the middle of a bar, 2 elsewhere."""
    pitch: int
    """Melody note that sounds at its start, or first in it; −1 where it rests."""
    tones: tuple[tuple[int, float], ...]
    """(pitch class, weight) of all its notes."""
    is_struck: bool
    """Whether a note of the melody begins with it."""
    ends_phrase: bool


@dataclass(frozen=True, slots=True)
class Harmony:
    """A chord for each slot."""

    key: Key
    chords: tuple[ChordSymbol, ...]


def slots_of(score: Score, melody: Records, marks: frozenset[int]) -> tuple[Slot, ...]:
    """Stretches in which a chord may stand.

    Args:
        score: the piece, for its beats.
        melody: notes of one voice, ties as one.
        marks: ids of notes with a fermata, which end phrases.
    """
    beats = beats_of(score)
    edges = np.rint(beats.edges * score.ticks_per_quarter).astype(np.int64)
    is_slow, most = len(melody) <= _MOST_NOTES * len(beats), int(beats.place.max(initial=0)) + 1
    step = 1 if is_slow else most if most % 2 else most // 2
    starts = _starts(beats.bar, beats.place, step)
    bounds = [*edges[starts].tolist(), int(edges[-1])]
    return tuple(
        _slot(melody, start, end, min(int(beats.place[beat]) and 1 + int(beats.place[beat]) % 2, 2), marks)
        for beat, start, end in zip(starts.tolist(), bounds[:-1], bounds[1:], strict=True)
    )


def _starts(bar: NDArray[np.int64], place: NDArray[np.int64], step: int) -> NDArray[np.int64]:
    """Beats with which a slot of so many begins; none reaches over a barline."""
    return np.flatnonzero((place % step == 0) | (np.diff(bar, prepend=-1) != 0))


def _slot(melody: Records, start: int, end: int, strength: int, marks: frozenset[int]) -> Slot:
    onset, release = melody["onset_tick"], melody["onset_tick"] + melody["duration_tick"]
    inside = melody[(onset < end) & (release > start)]
    tones: list[tuple[int, float]] = []
    for note in inside:
        begin = int(note["onset_tick"])
        weight = _HELD if begin < start else _STRUCK if begin == start else _PASSING
        tones.append((int(note["pitch"]) % 12, weight))
    is_last = len(inside) > 0 and not ((onset >= end) & (onset < end + (end - start) // 2)).any()
    ends = any(int(note["note_id"]) in marks for note in inside) or (is_last and int(release[onset < end].max()) <= end)
    pitch = int(inside["pitch"][0]) if len(inside) else -1
    return Slot(start, end, strength, pitch, tuple(tones), bool((inside["onset_tick"] == start).any()), ends)


def harmonies(score: Score, slots: tuple[Slot, ...], rng: np.random.Generator, temperature: float) -> Harmony:
    """The likeliest chords, in the likelier of the keys that the signature leaves open.

    Args:
        score: the piece, whose key counts where it states one.
        slots: as `slots_of` finds them.
        rng: decides between chords that are nearly as likely.
        temperature: how much it has to say; 0: nothing.
    """
    key = score.key_at(0)
    signature = estimate_key(score)[0].fifths if key is None else key.fifths
    modes = ("major", "minor") if key is None or key.mode is None else (_mode(key),)
    noise = {mode: rng.gumbel(size=(len(slots), len(HABITS[mode].chords))) for mode in modes}
    found = [(*_path(slots, Key(signature, mode), _NOISE * temperature * noise[mode]), mode) for mode in modes]
    _, path, mode = max(found, key=lambda one: one[0])
    home = Key(signature, mode)
    return Harmony(home, tuple(_symbol(HABITS[mode].chords[state], home) for state in path))


def _mode(key: Key) -> str:
    return "minor" if key.mode in MINOR_MODES else "major"


def _path(slots: tuple[Slot, ...], key: Key, noise: Floats) -> tuple[float, list[int]]:
    """Log probability of the best sequence, without noise on the key, and its states."""
    assert key.mode is not None
    habits = HABITS[key.mode]
    tonic = pitch_class(key.tonic)
    odds = _odds(slots, tonic, key.mode) + noise
    then = np.array(habits.then) / 10
    np.fill_diagonal(then, -np.inf)
    total, back = odds[0] + np.array(habits.first) / 10, np.zeros(odds.shape, np.int64)
    for index in range(1, len(slots)):
        stays, changes = (value / 10 for value in CHANGES[slots[index].strength])
        moved = total[:, None] + changes + then
        np.fill_diagonal(moved, total + stays)
        back[index] = moved.argmax(axis=0)
        total = moved.max(axis=0) + odds[index]
    total = total + np.array(habits.last) / 10
    path = [int(total.argmax())]
    for index in range(len(slots) - 1, 0, -1):
        path.append(int(back[index, path[-1]]))
    return float(total.max()), path[::-1]


def _odds(slots: tuple[Slot, ...], tonic: int, mode: str) -> Floats:
    """How well each chord stands under each slot, shape (slots, chords)."""
    habits = HABITS[mode]
    ends = _END_WEIGHT * (np.array(habits.at_end) - np.array(habits.beat)) / 10
    odds = np.zeros((len(slots), len(habits.chords)))
    for row, slot in zip(odds, slots, strict=True):
        for column, (degree, kind) in enumerate(habits.chords):
            row[column] = sum(weight * UNDER[kind][(tone - tonic - degree) % 12] for tone, weight in slot.tones) / 10
        row += ends * slot.ends_phrase
    return odds


def _symbol(chord: tuple[int, str], key: Key) -> ChordSymbol:
    degree, kind = chord
    root = spell(np.array([(pitch_class(key.tonic) + degree) % 12]), key.fifths, key.mode == "minor")
    return ChordSymbol(int(root[0]), kind)


def tones_of(symbol: ChordSymbol) -> tuple[int, ...]:
    """Pitch classes from the root upwards, a bass that is none of them last."""
    root = pitch_class(symbol.root)
    tones = tuple((root + tone) % 12 for tone in KINDS[symbol.kind][0])
    extra = () if symbol.bass is None or pitch_class(symbol.bass) in tones else (pitch_class(symbol.bass),)
    return tones + extra
