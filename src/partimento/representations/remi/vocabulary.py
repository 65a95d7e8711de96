"""The vocabulary of `remi`, in blocks of consecutive ids."""

from __future__ import annotations

from partimento.representations.base import Ints, Longs
from partimento.representations.blocks import CHORD_KINDS, VELOCITIES, chord_member
from partimento.representations.gridded import vocabulary as gridded
from partimento.representations.gridded.vocabulary import (
    KEYS,
    MAX_BAR,
    MAX_BARS,
    MAX_COUNTDOWN,
    METERS,
    STYLES,
    TEMPOS_BPM,
)
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import DRUMS
from partimento.theory.interval import Interval
from partimento.theory.key import Key

MAX_RELEASE = 2 * MAX_BAR
"""Furthest release, from the barline at which its measure begins, that one token states; tokens add up."""
FINE = 8
"""Parts of a grid step that microtiming tells apart: 96 to a quarter, 5 ms at 120 bpm."""
SHIFTS = tuple(shift for shift in range(1 - FINE - FINE // 2, FINE) if shift)
"""Deviations from the grid, in parts of a step. Onsets use −4 to 3, and up to 7 where the next step belongs to the next
measure; releases reach further back, since they stand behind the step of their onset, however short the note."""


class Vocabulary(gridded.Vocabulary):
    """The blocks; `Pitch` + 60 is middle C."""

    @property
    def unit(self) -> int:
        """Ticks per grid step."""
        return FINE if self.size["Shift"] else 1


def chord_index(symbol: ChordSymbol | None) -> int:
    """Index of a chord without its bass in the block of chords, the first of which is no chord."""
    return 0 if symbol is None else 1 + chord_member(symbol)


def shift_index(shift: Longs) -> Longs:
    """Index in `SHIFTS` of each deviation, none of which is 0."""
    return shift - SHIFTS[0] - (shift > 0)


def build(velocities: bool, microtiming: bool, infill: bool) -> Vocabulary:
    """The vocabulary, with or without tokens for velocities, for deviations from the grid and for infilling."""
    members: list[tuple[str, list[str]]] = [
        ("PAD", ["PAD"]), ("BOS", ["BOS"]), ("EOS", ["EOS"]),
        ("Style", [f"Style_{s}" for s in STYLES]),
        ("Meter", [f"Meter_{m}" for m in METERS]),
        ("Key", [f"Key_{k}" for k in KEYS]),
        ("Tempo", [f"Tempo_{t}" for t in TEMPOS_BPM]),
        ("Bars", [f"Bars_{n + 1}" for n in range(MAX_BARS)]),
        ("Opens", ["OpensMidway"]), ("Ends", ["EndsMidway"]),
        ("Instrument", [f"Instrument_{p}" for p in range(DRUMS + 1)]),
        ("Chords", ["WithChords"]),
        ("Mask", ["Mask"] if infill else []), ("Fill", ["Fill"] if infill else []),
        ("Bar", [f"Bar_{n}" for n in range(MAX_COUNTDOWN)]),
        ("Length", [f"Length_{n + 1}" for n in range(MAX_BAR)]),
        ("Chord", ["Chord_none", *(f"Chord_{pc}_{kind}" for pc in range(12) for kind in CHORD_KINDS)]),
        ("Bass", [f"Bass_{pc}" for pc in range(12)]),
        ("Position", [f"Position_{n}" for n in range(MAX_BAR)]),
        ("Shift", [f"Shift_{n}" for n in SHIFTS] if microtiming else []),
        ("Velocity", [f"Velocity_{v}" for v in VELOCITIES] if velocities else []),
        ("Release", [f"Release_{n + 1}" for n in range(MAX_RELEASE)]),
        ("Pitch", [f"Pitch_{n}" for n in range(128)]),
        ("Drum", [f"Drum_{n}" for n in range(128)]),
    ]  # fmt: skip
    return Vocabulary.of(members)


def transposition(vocabulary: Vocabulary, semitones: int) -> Ints:
    """Id of each token's counterpart, shape (vocabulary,)."""
    table = vocabulary.same()
    if not semitones:
        return table
    interval = Interval.from_semitones(semitones)
    for index, key in enumerate(KEYS):
        if key is not None:
            moved = key.transposed(interval)
            fifths = moved.fifths + (12 if moved.fifths < -5 else -12 if moved.fifths > 6 else 0)
            table[vocabulary.first["Key"] + index] = vocabulary.first["Key"] + KEYS.index(Key(fifths, key.mode))
    vocabulary.transpose(table, "Pitch", semitones)
    vocabulary.rotate(table, "Bass", semitones)
    vocabulary.rotate(table, "Chord", semitones * len(CHORD_KINDS), 1)
    return table
