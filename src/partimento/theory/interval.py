"""Intervals: how far in semitones, and how far on the staff."""

from __future__ import annotations

from dataclasses import dataclass

_SIMPLE_DIATONIC = (0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6)


@dataclass(frozen=True, slots=True)
class Interval:
    """A directed interval, as MusicXML's `<transpose>` states it."""

    semitones: int
    diatonic: int
    """Staff steps; a third is 2."""

    @property
    def fifths(self) -> int:
        """Distance on the line of fifths, to be added to a spelling."""
        return 7 * self.semitones - 12 * self.diatonic

    @classmethod
    def from_semitones(cls, semitones: int) -> Interval:
        """The plainest name of a distance: 3 is a minor third, 6 an augmented fourth."""
        octaves, rest = divmod(semitones, 12)
        return cls(semitones, 7 * octaves + _SIMPLE_DIATONIC[rest])

    def __neg__(self) -> Interval:
        return Interval(-self.semitones, -self.diatonic)

    def __bool__(self) -> bool:
        return bool(self.semitones or self.diatonic)


UNISON = Interval(0, 0)
