"""Which accidentals and notes may come next in `abc`.

Sets of pitches are bit masks (bit 60 is middle C).
"""

from __future__ import annotations

from functools import lru_cache

from partimento.representations.abc.vocabulary import HIGHEST_OCTAVE, LOWEST_OCTAVE, note_index
from partimento.representations.base import Ranges
from partimento.representations.grammar import mask_ranges
from partimento.theory import pitch

Held = tuple[int, int]
"""MIDI number and spelling of a note."""


@lru_cache(maxsize=64)
def signature(fifths: int) -> tuple[int, ...]:
    """Alteration of each step from C to B under a key signature."""
    return tuple((fifths + 5 - pitch.spelling(step, 0)) // 7 for step in range(7))


@lru_cache(maxsize=256)
def written(fifths: int, sign: int | None) -> tuple[Held | None, ...]:
    """MIDI number and spelling of every written note behind an accidental, None where it cannot stand there.

    An accidental that the signature gives anyway is not written.
    """
    found: list[Held | None] = []
    for octave in range(LOWEST_OCTAVE, HIGHEST_OCTAVE + 1):
        for step in range(7):
            given = signature(fifths)[step]
            alter = given if sign is None else sign
            number = pitch.midi_pitch(step, alter, octave)
            is_written = sign != given and 0 <= number <= 127
            found.append((number, pitch.spelling(step, alter)) if is_written else None)
    return tuple(found)


@lru_cache(maxsize=16384)
def notes_of(fifths: int, sign: int | None, mask: int) -> int:
    """Mask of the written notes behind an accidental whose pitches are in a mask."""
    held = enumerate(written(fifths, sign))
    return sum(1 << index for index, note in held if note is not None and mask >> note[0] & 1)


@lru_cache(maxsize=4096)
def placed(note: Held, fifths: int) -> tuple[int | None, int]:
    """Accidental and index of a note as it is written under a signature."""
    number, spelling = note
    step, alter = pitch.step_of(spelling), pitch.alter_of(spelling)
    sign = None if alter == signature(fifths)[step] else alter
    return sign, note_index(step, pitch.octave_of(number, spelling))


def note_ranges(fifths: int, sign: int | None, mask: int, owed: tuple[Held, ...]) -> Ranges:
    """Indices of written notes behind an accidental: of pitches in a mask, and those that are owed as they are."""
    notes = notes_of(fifths, sign, mask)
    for note in owed:
        own_sign, index = placed(note, fifths)
        if own_sign == sign:
            notes |= 1 << index
    return mask_ranges(notes)


def signs(fifths: int, mask: int, owed: tuple[Held, ...]) -> list[int]:
    """Accidentals, as alterations, behind which some note may stand."""
    wanted = {placed(note, fifths)[0] for note in owed}
    return [sign for sign in range(-2, 3) if sign in wanted or notes_of(fifths, sign, mask)]
