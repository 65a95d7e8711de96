"""Meters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from partimento.errors import BadPlan

BEAT_TYPES = (1, 2, 4, 8, 16, 32, 64)
_WORDS = {"C": (4, 4), "C|": (2, 2), "common time": (4, 4), "cut time": (2, 2), "alla breve": (2, 2)}


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature."""

    beats: int
    """Upper number."""
    beat_type: int
    """Lower number, a power of two up to 64."""

    @property
    def duration_quarter(self) -> Fraction:
        """Length of a full bar in quarters."""
        return Fraction(4 * self.beats, self.beat_type)

    @property
    def is_compound(self) -> bool:
        """6/8, 9/8, 12/8 and their like: three pulses to a beat."""
        return self.beats > 3 and self.beats % 3 == 0 and self.beat_type >= 8

    @property
    def beat_quarter(self) -> Fraction:
        """Length of one felt beat in quarters: a dotted quarter in 6/8."""
        return Fraction(4 * (3 if self.is_compound else 1), self.beat_type)

    def __str__(self) -> str:
        return f"{self.beats}/{self.beat_type}"

    @classmethod
    def parse(cls, text: str) -> Meter:
        """Read `6/8`, `C`, `C|`, `cut time`.

        Raises:
            BadPlan: the text is no meter.
        """
        if text.strip() in _WORDS:
            return cls(*_WORDS[text.strip()])
        match = re.fullmatch(r"\s*(\d{1,2})\s*/\s*(\d{1,2})\s*", text)
        if not match or not int(match[1]) or int(match[2]) not in BEAT_TYPES:
            raise BadPlan(f"{text!r} is no meter; write for example 4/4, 3/4 or 6/8")
        return cls(int(match[1]), int(match[2]))
