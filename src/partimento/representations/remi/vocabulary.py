"""The vocabulary of `remi`, in blocks of consecutive ids."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partimento.representations import blocks
from partimento.representations.base import Ints
from partimento.theory.chord import KINDS, ChordSymbol
from partimento.theory.instrument import DRUMS
from partimento.theory.interval import Interval
from partimento.theory.key import MODES, Key
from partimento.theory.meter import Meter
from partimento.theory.pitch import pitch_class

Ints64 = NDArray[np.int64]

GRID = 12
"""Positions per quarter: triplets and sixteenths are exact."""
MAX_BAR = 16 * GRID
"""Longest measure in grid steps."""
MAX_RELEASE = 2 * MAX_BAR
"""Furthest release, from the barline at which its measure begins, that one token states; tokens add up."""
MAX_BARS = 256
MAX_COUNTDOWN = 64
STYLES = (
    "none", "jig", "slip jig", "reel", "hornpipe", "polka", "strathspey", "waltz", "march", "air", "song",
    "hymn", "chorale", "quartet", "orchestra", "lead sheet", "game", "folk", "piano", "pop",
)  # fmt: skip
METERS = tuple(
    meter
    for beat_type in (1, 2, 4, 8, 16)
    for beats in range(1, 17)
    if (meter := Meter(beats, beat_type)).duration_quarter * GRID <= MAX_BAR
)
KEYS = (None, *(Key(fifths, mode) for mode in (None, *MODES) for fifths in range(-7, 8)))
TEMPOS_BPM = (None, *range(20, 301, 4))
VELOCITIES = tuple(range(2, 128, 4))
FINE = 8
"""Parts of a grid step that microtiming tells apart: 96 to a quarter, 5 ms at 120 bpm."""
SHIFTS = tuple(shift for shift in range(1 - FINE - FINE // 2, FINE) if shift)
"""Deviations from the grid, in parts of a step. Onsets use −4 to 3, and up to 7 where the next step belongs to the next
measure; releases reach further back, since they stand behind the step of their onset, however short the note."""
CHORD_KINDS = tuple(KINDS)
_KIND_INDEX = {kind: index for index, kind in enumerate(CHORD_KINDS)}


class Vocabulary(blocks.Vocabulary):
    """The blocks; `Pitch` + 60 is middle C."""

    @property
    def unit(self) -> int:
        """Ticks per grid step."""
        return FINE if self.size["Shift"] else 1

    @property
    def ticks_per_quarter(self) -> int:
        """Resolution of the scores that tokens stand for."""
        return GRID * self.unit


def chord_member(symbol: ChordSymbol | None) -> int:
    """Index of a chord without its bass in the block of chords."""
    if symbol is None:
        return 0
    return 1 + pitch_class(symbol.root) * len(CHORD_KINDS) + _KIND_INDEX[symbol.plain.kind]


def shift_index(shift: Ints64) -> Ints64:
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
    table = np.arange(len(vocabulary.tokens), dtype=np.int32)
    if not semitones:
        return table
    interval = Interval.from_semitones(semitones)
    for index, key in enumerate(KEYS):
        if key is not None:
            moved = key.transposed(interval)
            fifths = moved.fifths + (12 if moved.fifths < -5 else -12 if moved.fifths > 6 else 0)
            table[vocabulary.first["Key"] + index] = vocabulary.first["Key"] + KEYS.index(Key(fifths, key.mode))
    pitches = np.clip(np.arange(128) + semitones, 0, 127)
    table[slice(*vocabulary.span("Pitch"))] = vocabulary.first["Pitch"] + pitches
    table[slice(*vocabulary.span("Bass"))] = vocabulary.first["Bass"] + (np.arange(12) + semitones) % 12
    chords = np.arange(12 * len(CHORD_KINDS))
    table[slice(*vocabulary.span("Chord", 1))] = (
        vocabulary.first["Chord"] + 1 + (chords + semitones * len(CHORD_KINDS)) % len(chords)
    )
    return table
