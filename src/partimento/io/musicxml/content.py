"""What a reader finds in one part, before the bars of all parts are laid one behind the other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from partimento.score import ChordEvent, Direction, Lyric, Mark, Repeat, Spanner, Tuplet
from partimento.theory.interval import UNISON, Interval
from partimento.theory.meter import Meter

Element = Any
"""An lxml element; lxml has no types."""

PLACE_BITS = 40
MAX_DURATION = 10**7
"""Quarters; longer notes are absurd."""


@dataclass(slots=True)
class PartContent:
    """Music of one part. A place is `measure << PLACE_BITS | tick within the measure`; events hold it as `onset_tick`."""

    lengths: list[int] = field(default_factory=list)
    """Ticks that each measure lasts in this part."""
    notes: list[tuple[int, ...]] = field(default_factory=list)
    """Rows of score.NOTE, a place as onset; columns in the order of that type."""
    meters: list[tuple[int, Meter]] = field(default_factory=list)
    keys: list[tuple[int, int, int]] = field(default_factory=list)
    """Place, sounding fifths, mode id."""
    tempos: list[tuple[int, float, bool]] = field(default_factory=list)
    """Place, quarters per minute, whether the file states it for playback."""
    clefs: list[tuple[int, int, int, str, int, int]] = field(default_factory=list)
    """Rows of score.CLEF."""
    chords: list[ChordEvent] = field(default_factory=list)
    tuplets: list[Tuplet] = field(default_factory=list)
    directions: list[Direction] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)
    lyrics: list[Lyric] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    spanners: list[Spanner] = field(default_factory=list)
    transpose: Interval = UNISON
    staves: int = 1
    is_drums: bool = False
    lost: Counter[str] = field(default_factory=Counter)
    """What could not be kept, and how often."""


@dataclass(slots=True)
class Cursor:
    """Where in its part a reader stands."""

    ticks_per_quarter: int
    part: int
    measure: int = 0
    tick: int = 0
    chord_tick: int = 0
    """Onset of the note that a further note of its chord joins."""
    length: int = 0
    """Furthest tick reached in this measure."""
    divisions: Fraction = Fraction(1)
    transpose: Interval = UNISON

    @property
    def place(self) -> int:
        """The present place."""
        return self.at(self.tick)

    def at(self, tick: int) -> int:
        """The place of a tick in the present measure."""
        return self.measure << PLACE_BITS | max(tick, 0)

    def ticks(self, element: Element) -> int:
        """A `<duration>` or `<offset>` in ticks, rounded where the file counts in fractions."""
        text = element.text or ""
        try:
            ticks = int(text) * self.ticks_per_quarter / self.divisions
        except ValueError:
            ticks = number(element, float) * self.ticks_per_quarter / self.divisions
        if abs(ticks) > MAX_DURATION * self.ticks_per_quarter:
            raise ValueError(f"<{element.tag}> {text[:20]} is absurd")
        return round(ticks)


def number(element: Element, kind: Any = int) -> Any:
    """The number inside an element.

    Raises:
        ValueError: there is none.
    """
    try:
        value = kind(element.text or "")
    except ValueError:
        raise ValueError(f"<{element.tag}> says {str(element.text)[:20]!r}, which is no number") from None
    if value != value or abs(value) > 1e15:
        raise ValueError(f"<{element.tag}> says {str(element.text)[:20]!r}, which is absurd")
    return value


def texts(element: Element) -> dict[str, str]:
    """Child tag ▶ text, stripped."""
    return {child.tag: (child.text or "").strip() for child in element}
