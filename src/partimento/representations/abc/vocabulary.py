"""The vocabulary of `abc` tokens, in blocks of consecutive ids."""

from __future__ import annotations

from partimento.representations.blocks import CHORD_KINDS
from partimento.representations.gridded.vocabulary import (
    KEYS,
    MAX_BAR,
    MAX_BARS,
    MAX_COUNTDOWN,
    MAX_PARTS,
    METERS,
    STYLES,
    TEMPOS_BPM,
    Vocabulary,
)
from partimento.theory import pitch
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import DRUMS

LOWEST_OCTAVE, HIGHEST_OCTAVE = -2, 9
"""Octaves of written notes, 4 from middle C: B♯ of MIDI number 0 is written in octave −2."""
SIGNS = ("__", "_", "=", "^", "^^")
"""Accidentals, for an alteration of −2 … 2."""
LOWEST_ROOT, HIGHEST_ROOT = -8, 12
"""Roots and basses of chords on the line of fifths: F♭ to B♯."""
ROOTS = tuple(range(LOWEST_ROOT, HIGHEST_ROOT + 1))
CHORDS = (None, *(ChordSymbol(root, kind) for root in ROOTS for kind in CHORD_KINDS))


def note_name(index: int) -> str:
    """How ABC writes the note with an index: `C,` `C` `c` `c'`; index 0 is the C of the lowest octave."""
    octave, step = divmod(index, 7)
    octave += LOWEST_OCTAVE
    letter = pitch.STEPS[step]
    return letter + "," * (4 - octave) if octave < 5 else letter.lower() + "'" * (octave - 5)


def note_index(step: int, octave: int) -> int:
    """Index of a written note."""
    return 7 * (octave - LOWEST_OCTAVE) + step


V = Vocabulary.of([
    ("PAD", ["<PAD>"]), ("UNK", ["<UNK>"]), ("START", ["<START>"]), ("END", ["<END>"]), ("SEP", ["<SEP>"]),
    ("Style", [f"R:{style}" for style in STYLES]),
    ("Meter", [f"M:{meter}" for meter in METERS]),
    ("Tempo", [f"Q:{tempo or 'none'}" for tempo in TEMPOS_BPM]),
    ("Bars", [f"%bars:{n + 1}" for n in range(MAX_BARS)]),
    ("Opens", ["%opens-midway"]), ("Ends", ["%ends-midway"]),
    ("Instrument", [f"V:program-{program}" for program in range(DRUMS)] + ["V:drums"]),
    ("Chords", ["%chords"]),
    ("Key", [f"K:{key or 'none'}" for key in KEYS]),
    ("Bar", [f"|[r:{n}]" for n in range(MAX_COUNTDOWN)]),
    ("Length", [f"%length:{n + 1}" for n in range(MAX_BAR)]),
    ("Chord", [f'"{symbol or "N.C."}"' for symbol in CHORDS]),
    ("Bass", [f'"/{pitch.name(bass)}"' for bass in ROOTS]),
    ("Voice", [f"[V:{n + 1}]" for n in range(MAX_PARTS)]),
    ("Overlay", ["&"]), ("Rest", ["z"]), ("Open", ["["]), ("Close", ["]"]), ("Tie", ["-"]),
    ("Duration", [f"DUR:{n + 1}" for n in range(MAX_BAR)]),
    ("Sign", list(SIGNS)),
    ("Note", [note_name(index) for index in range(7 * (HIGHEST_OCTAVE - LOWEST_OCTAVE + 1))]),
    ("Drum", [f"drum:{key}" for key in range(128)]),
])  # fmt: skip
"""Where tokens look like ABC they mean what ABC means; `%` begins what is no ABC."""
