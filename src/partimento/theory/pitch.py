"""Spelled pitch on the line of fifths.

A spelling is one integer: … B♭ −2, F −1, C 0, G 1, D 2 … B 5, F♯ 6 …. Together with the MIDI number it gives
step, alteration and octave, and transposing is adding. Every function takes ints or NumPy arrays alike.
"""

from __future__ import annotations

import re

from partimento.errors import BadPlan

STEPS = "CDEFGAB"
STEP_PITCH_CLASSES = (0, 2, 4, 5, 7, 9, 11)
UNSPELLED = -128
"""Spelling of a pitch whose source (MIDI) does not say how it is written."""

_ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "x": 2, "##": 2, "b": -1, "♭": -1, "bb": -2, "♭♭": -2}
_NAME = re.compile(r"([A-Ga-g])(##|#|x|bb|b|♯|♭♭|♭)?")


def spelling(step: int, alter: int) -> int:
    """Line-of-fifths position of a step (0 = C … 6 = B) with an alteration in semitones."""
    return (2 * step + 1) % 7 - 1 + 7 * alter


def step_of(spelling: int) -> int:
    """Step, 0 = C … 6 = B."""
    return 4 * spelling % 7


def alter_of(spelling: int) -> int:
    """Alteration in semitones, −1 = flat, 1 = sharp."""
    return (spelling + 1) // 7


def octave_of(pitch: int, spelling: int) -> int:
    """Octave in scientific notation (C4 = 60): B♯3 is MIDI 60 and lies in octave 3."""
    return (pitch - alter_of(spelling)) // 12 - 1


def pitch_class(spelling: int) -> int:
    """Pitch class, 0 = C … 11 = B."""
    return 7 * spelling % 12


def midi_pitch(step: int, alter: int, octave: int) -> int:
    """MIDI number of a written pitch."""
    return 12 * (octave + 1) + STEP_PITCH_CLASSES[step] + alter


def name(spelling: int) -> str:
    """`F#`, `Bb`, `C`."""
    alter = alter_of(spelling)
    return STEPS[step_of(spelling)] + ("#" * alter if alter > 0 else "b" * -alter)


def parse_name(text: str) -> int:
    """Spelling of a note name such as `F#`, `B♭`, `c`.

    Raises:
        BadPlan: the text is no note name.
    """
    match = _NAME.fullmatch(text.strip())
    if not match:
        raise BadPlan(f"{text!r} is no note name; write for example C, F# or Bb")
    return spelling(STEPS.index(match[1].upper()), _ACCIDENTALS[match[2] or ""])
