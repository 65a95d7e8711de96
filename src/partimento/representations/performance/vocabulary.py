"""The vocabulary of `performance`, in blocks of consecutive ids."""

from __future__ import annotations

from partimento.representations.base import Ints
from partimento.representations.blocks import CHORD_KINDS, VELOCITIES, Vocabulary
from partimento.theory.instrument import DRUMS

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
    table = vocabulary.same()
    for block in ("NoteOff", "NoteOn"):
        vocabulary.transpose(table, block, semitones)
    for block, tone in (("Chord", len(CHORD_KINDS)), ("Bass", 1)):
        vocabulary.rotate(table, block, semitones * tone)
    return table
