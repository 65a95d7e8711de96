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
MAX_DURATION = 10**9
"""Divisions; longer notes are absurd."""


@dataclass(slots=True)
class PartContent:
    """Music of one part.

    A place is `measure << PLACE_BITS | tick within the measure`; events hold it as `onset_tick`.
    """

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
    stated: int = 0
    """Where the durations in the file add up to; differs from `tick` where the file has rounded tuplets."""
    exact: dict[int, int] = field(default_factory=dict)
    """Stated place ▶ tick, in a measure with rounded tuplets."""
    scale: int | Fraction = 1
    """Ticks to a MusicXML division."""
    transpose: Interval = UNISON
    shift: int = 0
    """Fifths from written to sounding spelling, those of a respelled key included."""

    @property
    def place(self) -> int:
        """The present place."""
        return self.at(self.tick)

    def at(self, tick: int) -> int:
        """The place of a tick in the present measure."""
        return self.measure << PLACE_BITS | max(tick, 0)

    def set_divisions(self, divisions: Fraction) -> None:
        """Count in other divisions of the quarter from here on."""
        scale = self.ticks_per_quarter / divisions
        self.scale = scale.numerator if scale.denominator == 1 else scale

    def begin_measure(self, measure: int) -> None:
        """Go to a measure's start."""
        self.measure, self.tick, self.chord_tick, self.length, self.stated = measure, 0, 0, 0, 0
        self.exact.clear()

    def advance(self, duration: int, stated: int) -> None:
        """Move behind a note that lasts `duration`, which the file rounds to `stated` ticks."""
        self.chord_tick = self.tick
        self.tick += duration
        self.stated += stated
        if self.tick != self.stated:
            self.exact[self.stated] = self.tick
        if self.tick > self.length:
            self.length = self.tick

    def jump(self, distance: int) -> None:
        """Move by a `<backup>` or `<forward>`, in stated ticks."""
        self.stated = max(self.stated + distance, 0)
        self.tick = self.exact.get(self.stated, self.stated)
        self.length = max(self.length, self.tick)

    def ticks(self, text: str | None, tag: str = "duration") -> int:
        """The text of a `<duration>` or `<offset>` in ticks, rounded where the file counts in fractions.

        Raises:
            ValueError: it is no number, or absurd.
        """
        try:
            count = int(text or "")
        except ValueError:
            count = Fraction(to_number(text, tag, float))
        if abs(count) > MAX_DURATION:
            raise ValueError(f"<{tag}> {count} is absurd")
        return round(count * self.scale)


def to_number(text: str | None, tag: str, kind: Any = int) -> Any:
    """The number that the text of a tag says.

    Raises:
        ValueError: it says none.
    """
    try:
        value = kind((text or "").strip())
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"<{tag}> says {text!r:.20}, which is no number") from None
    if value != value or abs(value) > 1e15:
        raise ValueError(f"<{tag}> says {text!r:.20}, which is absurd")
    return value


def number(element: Element, kind: Any = int) -> Any:
    """The number inside an element; raises as `to_number`."""
    return to_number(element.text, element.tag, kind)


def texts(element: Element) -> dict[str, str]:
    """Child tag ▶ text, stripped."""
    return {child.tag: (child.text or "").strip() for child in element}
