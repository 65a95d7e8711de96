"""The vocabulary of `performance`, in blocks of consecutive ids."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from partimento.representations.base import Ints
from partimento.representations.blocks import Vocabulary
from partimento.representations.remi.vocabulary import CHORD_KINDS, VELOCITIES
from partimento.theory.instrument import DRUMS

RESOLUTION = 100
"""Steps per second."""
MAX_SHIFT = 100
"""Longest time that one token lets pass, in steps."""


def build(chords: bool) -> Vocabulary:
    """The vocabulary, with or without the tokens of a chord progression."""
    return Vocabulary.of([
        ("PAD", ["PAD"]), ("BOS", ["BOS"]), ("EOS", ["EOS"]),
        ("Opens", ["OpensMidway"]), ("Ends", ["EndsMidway"]),
        ("Program", [f"Program_{program}" for program in range(DRUMS + 1)]),
        ("NoteOff", [f"NoteOff_{pitch}" for pitch in range(128)]),
        ("DrumOff", [f"DrumOff_{pitch}" for pitch in range(128)]),
        ("NoteOn", [f"NoteOn_{pitch}" for pitch in range(128)]),
        ("DrumOn", [f"DrumOn_{pitch}" for pitch in range(128)]),
        ("Velocity", [f"Velocity_{velocity}" for velocity in VELOCITIES]),
        ("TimeShift", [f"TimeShift_{steps}" for steps in range(1, MAX_SHIFT + 1)]),
        ("ChordBar", ["ChordBar"] if chords else []),
        ("Chord", [f"Chord_{root}_{kind}" for root in range(12) for kind in CHORD_KINDS] if chords else []),
        ("Bass", [f"Bass_{tone}" for tone in range(12)] if chords else []),
    ])  # fmt: skip


def transposition(vocabulary: Vocabulary, semitones: int) -> Ints:
    """Id of each token's counterpart a number of semitones higher, shape (vocabulary,)."""
    table = np.arange(len(vocabulary.tokens), dtype=np.int32)
    pitches = np.clip(np.arange(128) + semitones, 0, 127)
    for block in ("NoteOff", "NoteOn"):
        table[slice(*vocabulary.span(block))] = vocabulary.first[block] + pitches
    for block, tone in (("Chord", len(CHORD_KINDS)), ("Bass", 1)):
        if size := vocabulary.size[block]:
            moved = (np.arange(size) + semitones * tone) % size
            table[slice(*vocabulary.span(block))] = vocabulary.first[block] + moved
    return table


def exchange(vocabulary: Vocabulary, programs: Mapping[int, int]) -> Ints | None:
    """Id of each token's counterpart when programs are played by others; None where drums are among them.

    Drums have notes of their own.
    """
    if any(DRUMS in pair and pair != (DRUMS, DRUMS) for pair in programs.items()):
        return None
    table = np.arange(len(vocabulary.tokens), dtype=np.int32)
    first = vocabulary.first["Program"]
    for program, other in programs.items():
        table[first + program] = first + other
    return table
