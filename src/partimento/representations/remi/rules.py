"""What a control asks of one part in one bar."""

from __future__ import annotations

from typing import NamedTuple

from partimento.representations.grammar import ALL_PITCHES
from partimento.theory.instrument import DRUMS, instrument

UNLIMITED = 1 << 30


class Rule(NamedTuple):
    """Bounds for the notes that a part begins in a bar; lengths in ticks."""

    pitches: int = ALL_PITCHES
    """Mask of the register; drums have none."""
    struck: int = 1
    """Least notes that sound when the part strikes, as far as pitches are free."""
    sounding: int = UNLIMITED
    """Most notes that sound at a time; 0: the part is silent."""
    shortest: int = 1
    longest: int = UNLIMITED
    least: int = 0
    """Least notes that begin, as far as there is room."""
    most: int = UNLIMITED

    def pitches_of(self, program: int) -> int:
        """How many pitches an instrument has in the register."""
        if program == DRUMS:
            return UNLIMITED
        spec = instrument(program)
        return (self.pitches & (2 << spec.highest_pitch) - (1 << spec.lowest_pitch)).bit_count()

    @property
    def is_silent(self) -> bool:
        """Whether the part rests."""
        return not (self.most and self.sounding)


FREE = Rule()
