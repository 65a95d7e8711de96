"""What a reader finds in one part, before the bars of all parts are laid one behind the other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from partimento.score import (
    Barline,
    ChordEvent,
    Direction,
    Lyric,
    Mark,
    ProgramChange,
    Repeat,
    Spanner,
    Transposition,
    Tuplet,
)
from partimento.theory.interval import UNISON, Interval
from partimento.theory.meter import Meter

Element = Any
"""An lxml element; lxml has no types."""

PLACE_BITS = 40
MAX_DURATION = 10**9
"""Divisions; longer notes are absurd."""


class Grace(NamedTuple):
    """What is settled about a grace note when all measures are known."""

    note_id: int
    ordinal: int
    """Counts the grace notes (chords of them) of a voice."""
    type: str
    """Note type as written, empty if it is not stated."""


@dataclass(slots=True)
class PartContent:
    """Music of one part.

    A place is `measure << PLACE_BITS | tick within the measure`; events hold it as `onset_tick`.
    """

    lengths: list[int] = field(default_factory=list[int])
    """Ticks that each measure lasts in this part."""
    notes: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])
    """Rows of score.NOTE, a place as onset; columns in the order of that type."""
    graces: list[Grace] = field(default_factory=list[Grace])
    meters: list[tuple[int, Meter, str]] = field(default_factory=list[tuple[int, Meter, str]])
    """Place, meter, how it is printed where that is no fraction (`common`, `3+2`)."""
    keys: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])
    """Place, sounding fifths, mode id."""
    tempos: list[tuple[int, float, bool]] = field(default_factory=list[tuple[int, float, bool]])
    """Place, quarters per minute, whether the file states it for playback."""
    clefs: list[tuple[int, int, int, str, int, int]] = field(default_factory=list[tuple[int, int, int, str, int, int]])
    """Rows of score.CLEF."""
    controls: list[tuple[int, int, int, int]] = field(default_factory=list[tuple[int, int, int, int]])
    """Rows of score.CONTROL."""
    programs: list[ProgramChange] = field(default_factory=list[ProgramChange])
    transpositions: list[Transposition] = field(default_factory=list[Transposition])
    chords: list[ChordEvent] = field(default_factory=list[ChordEvent])
    tuplets: list[Tuplet] = field(default_factory=list[Tuplet])
    directions: list[Direction] = field(default_factory=list[Direction])
    repeats: list[Repeat] = field(default_factory=list[Repeat])
    barlines: list[Barline] = field(default_factory=list[Barline])
    lyrics: list[Lyric] = field(default_factory=list[Lyric])
    marks: list[Mark] = field(default_factory=list[Mark])
    spanners: list[Spanner] = field(default_factory=list[Spanner])
    transpose: Interval = UNISON
    staves: int = 1
    is_drums: bool = False
    lost: Counter[str] = field(default_factory=Counter[str])
    """What could not be kept, and how often."""


@dataclass(slots=True)
class Cursor:
    """Where in its part a reader stands."""

    ticks_per_quarter: int
    part: int
    measure: int = 0
    base: int = 0
    """Place of the measure's start."""
    tick: int = 0
    chord_tick: int = 0
    """Onset of the note that a further note of its chord joins."""
    length: int = 0
    """Furthest tick reached in this measure."""
    stated: int = 0
    """Where the durations in the file add up to; differs from `tick` where the file has rounded tuplets."""
    exact: dict[int, int] = field(default_factory=dict[int, int])
    """Stated place ▶ tick, in a measure with rounded tuplets."""
    scale: int | Fraction = 1
    """Ticks to a MusicXML division."""
    transpose: Interval = UNISON
    shift: int = 0
    """Fifths from written to sounding spelling, those of a respelled key included."""
    durations: dict[str | None, int] = field(default_factory=dict[str | None, int])
    """Texts of `<duration>` met since the last change of divisions ▶ ticks."""

    @property
    def place(self) -> int:
        """The present place."""
        return self.at(self.tick)

    def at(self, tick: int) -> int:
        """The place of a tick in the present measure."""
        return self.base | max(tick, 0)

    def set_divisions(self, divisions: Fraction) -> None:
        """Count in other divisions of the quarter from here on."""
        scale = self.ticks_per_quarter / divisions
        self.scale = scale.numerator if scale.denominator == 1 else scale
        self.durations.clear()

    def begin_measure(self, measure: int) -> None:
        """Go to a measure's start."""
        self.measure, self.base = measure, measure << PLACE_BITS
        self.tick = self.chord_tick = self.length = self.stated = 0
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

    def duration(self, text: str | None) -> int:
        """The text of a note's `<duration>` in ticks.

        Raises:
            ValueError: as `ticks`, or it is negative.
        """
        ticks = self.durations.get(text)
        if ticks is None:
            ticks = self.durations[text] = self.ticks(text)
            if ticks < 0:
                raise ValueError("a note with a negative duration")
        return ticks

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


def flat(text: str | None) -> str:
    """A text on one line, with single spaces."""
    return " ".join((text or "").split())
