"""Fresh versions of a piece at every reading: other keys, other instruments of the same role."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from partimento.representations import Ints, Representation
from partimento.theory.instrument import DRUMS

_MELODY = (40, 110, 73, 71, 68, 74, 72, 75, 78, 56, 60, 64, 65, 66, 53, 52, 22, 21, 69, 79)
_CHORDAL = (0, 1, 4, 6, 8, 11, 12, 15, 16, 19, 20, 21, 23, 24, 25, 26, 27, 46, 48, 50, 105)
_BASS = (32, 33, 34, 35, 42, 43, 57, 58, 67, 70, 36, 38)


@dataclass(frozen=True)
class Augmentation:
    """Random transposition and exchange of instruments, on token ids."""

    representation: Representation[Any]
    semitones: int = 6
    """Pieces move by up to this many semitones up, and one fewer down."""
    swap: float = 0.5
    """Chance that an instrument is exchanged for another of its role."""

    def __call__(self, ids: Ints, rng: np.random.Generator) -> Ints:
        """Ids of another version of the piece, same shape."""
        shift = int(rng.integers(-self.semitones + 1, self.semitones + 1)) if self.semitones else 0
        return self._swapped(self._tables[shift][ids], rng)

    @cached_property
    def _tables(self) -> dict[int, Ints]:
        tables = {s: self.representation.transposition(s) for s in range(-self.semitones, self.semitones + 1)}
        return {semitones: table for semitones, table in tables.items() if table is not None}

    @cached_property
    def _instrument_ids(self) -> Ints:
        index = {token: i for i, token in enumerate(self.representation.tokens)}
        return np.array([index[f"Instrument_{program}"] for program in range(DRUMS + 1)], np.int32)

    def _swapped(self, ids: Ints, rng: np.random.Generator) -> Ints:
        """Each program of the piece exchanged, or not, for one that the piece does not use yet."""
        first = int(self._instrument_ids[0])
        used = np.unique(ids[(ids >= first) & (ids <= first + DRUMS)]) - first
        table = np.arange(len(self.representation.tokens), dtype=np.int32)
        taken = set(used.tolist())
        for program in used.tolist():
            choices = [p for p in roles(program, alone=len(used) == 1) if p not in taken]
            if choices and rng.random() < self.swap:
                chosen = int(rng.choice(choices))
                taken.add(chosen)
                table[first + program] = first + chosen
        return table[ids]


def roles(program: int, alone: bool) -> tuple[int, ...]:
    """Programs that can stand in for one: melodies for melodies, chords for chords, basses for basses.

    A program alone in its piece, and piano if the encoder named none, may become any melody instrument only if it
    is one; instruments that can play chords also take melodies over.
    """
    if program in _BASS:
        return _BASS
    if program in _MELODY:
        return _MELODY + _CHORDAL if alone else _MELODY
    return _CHORDAL if program in _CHORDAL else ()
