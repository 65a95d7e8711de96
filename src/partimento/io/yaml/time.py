"""Where the notes of a measure stand, as durations, backups and forwards have it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from partimento.io.musicxml.content import Element
from partimento.io.yaml.voices import Value, VoiceFinder
from partimento.theory.meter import BEAT_TYPES, Meter


@dataclass(slots=True)
class Clock:
    """How a part counts."""

    divisions: str = "1"
    meter: Meter | None = None
    beat: Fraction = Fraction(1)
    """Of the present measure, in quarters."""
    bar: Fraction = Fraction(0)
    """How long the present measure should be, in quarters; 0 where no meter says."""

    def take(self, attributes: Element) -> None:
        """Count on as they say."""
        self.divisions = attributes.findtext("divisions") or self.divisions
        time = attributes.find("time")
        if time is not None:
            found = zip(time.iterfind("beats"), time.iterfind("beat-type"), strict=True)
            pairs = [(sum(map(int, beats.text.split("+"))), int(kind.text)) for beats, kind in found]
            if all(beats and kind in BEAT_TYPES for beats, kind in pairs):
                finest = max(kind for _, kind in pairs)
                self.meter = Meter(sum(beats * finest // kind for beats, kind in pairs), finest)

    def begin(self) -> None:
        """The meter so far is that of the measure."""
        if self.meter is not None:
            self.beat, self.bar = self.meter.beat_quarter, self.meter.duration_quarter


class Placed(NamedTuple):
    """A note or rest in its measure."""

    element: Element
    voice: int
    start: Fraction
    """In quarters from the start of the measure."""
    end: Fraction
    is_in_chord: bool


def placed_notes(measure: Element, clock: Clock) -> Iterator[Placed]:
    """The notes of a measure as they come; takes note of what its attributes change."""
    voices, voice, start, has_begun = VoiceFinder(), 1, Fraction(0), False
    clock.begin()
    for child in measure:
        tag = child.tag
        if tag == "attributes":
            clock.take(child)
            if not has_begun:
                clock.begin()
        elif tag in ("note", "backup", "forward"):
            has_begun = True
            is_grace = child.find("grace") is not None
            duration = Fraction(0) if is_grace else _quarters(child.findtext("duration") or "0", clock.divisions)
            is_in_chord = child.find("chord") is not None
            if tag != "note":
                voices.move(-duration if tag == "backup" else duration)
                continue
            if not is_in_chord:
                start = voices.position
                voice = voices.add(duration, int(child.findtext("staff") or "1"))
            yield Placed(child, voice, start, start + duration, is_in_chord)


@lru_cache(4096)
def _quarters(duration: str, divisions: str) -> Fraction:
    return Fraction(duration) / (Fraction(divisions) or 1)


def value_of(note: Element) -> Value:
    """How a note or rest is written."""
    found = note.find("time-modification")
    actual, normal = (1, 1) if found is None else (int(found.findtext(f"{n}-notes")) for n in ("actual", "normal"))
    return Value(note.findtext("type") or "", len(note.findall("dot")), actual, normal)
