"""Plan: what a piece should be, in words a musician uses; and Task: what is to be done with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from partimento.errors import BadPlan
from partimento.score import Score
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import find_instrument, instrument_name
from partimento.theory.key import Key
from partimento.theory.meter import Meter

MAX_BARS = 256
TEMPO_RANGE_BPM = (20.0, 300.0)
MAX_INSTRUMENTS = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """Wishes for a piece; None leaves the choice to the model."""

    key: Key | None = None
    meter: Meter | None = None
    tempo_bpm: float | None = None
    """Quarter notes per minute."""
    instruments: tuple[int, ...] | None = None
    """General MIDI programs (128: drums), in score order."""
    bars: int | None = None
    chords: tuple[tuple[ChordSymbol, ...], ...] | None = None
    """Chords of each bar, evenly spread over it; shorter than the piece, they are repeated."""
    style: str | None = None
    """A style word such as `jig` or `hymn`."""
    title: str = ""

    def __post_init__(self) -> None:
        if self.bars is not None and not 1 <= self.bars <= MAX_BARS:
            raise BadPlan(f"{self.bars} bars: a piece has 1 to {MAX_BARS}")
        low, high = TEMPO_RANGE_BPM
        if self.tempo_bpm is not None and not low <= self.tempo_bpm <= high:
            raise BadPlan(f"{self.tempo_bpm:g} bpm: a tempo lies between {low:g} and {high:g}")
        if self.instruments is not None and not 1 <= len(self.instruments) <= MAX_INSTRUMENTS:
            raise BadPlan(f"{len(self.instruments)} instruments: a piece has 1 to {MAX_INSTRUMENTS}")

    def merged(self, stronger: Plan) -> Plan:
        """This plan with every wish that the stronger one states."""
        stated = {f.name: value for f in fields(stronger) if (value := getattr(stronger, f.name)) not in (None, "")}
        return replace(self, **stated)

    def to_dict(self) -> dict[str, Any]:
        """The stated wishes in plain words, for JSON and YAML; `from_dict` reads them back."""
        stated: dict[str, Any] = {
            "title": self.title or None,
            "style": self.style,
            "key": self.key and str(self.key),
            "meter": self.meter and str(self.meter),
            "tempo_bpm": self.tempo_bpm,
            "instruments": self.instruments and [instrument_name(program) for program in self.instruments],
            "bars": self.bars,
            "chords": self.chords and [" ".join(map(str, bar)) for bar in self.chords],
        }
        return {name: value for name, value in stated.items() if value is not None}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """Read what `to_dict` writes.

        Raises:
            BadPlan: a field is unknown or its text is no music.
        """
        if unknown := data.keys() - {f.name for f in fields(cls)}:
            raise BadPlan(f"a plan has no field {sorted(unknown)[0]!r}")
        return cls(
            key=Key.parse(data["key"]) if "key" in data else None,
            meter=Meter.parse(data["meter"]) if "meter" in data else None,
            tempo_bpm=float(data["tempo_bpm"]) if "tempo_bpm" in data else None,
            instruments=tuple(map(parse_instrument, data["instruments"])) if "instruments" in data else None,
            bars=int(data["bars"]) if "bars" in data else None,
            chords=tuple(tuple(map(ChordSymbol.parse, bar.split())) for bar in data["chords"])
            if "chords" in data
            else None,
            style=data.get("style"),
            title=data.get("title", ""),
        )


def parse_instrument(text: str) -> int:
    """Program (128: drums) of an instrument's name.

    Raises:
        BadPlan: no General MIDI instrument is called so.
    """
    program = find_instrument(text)
    if program is None:
        raise BadPlan(f"{text.strip()!r} is no instrument partimento knows; `partimento instruments` lists them")
    return program


@dataclass(frozen=True, slots=True)
class Constraints:
    """What a piece must hold beyond its plan; the grammar sees to it while the model writes."""

    steady: bool = False
    """Meter, key and tempo do not change, and every bar is full."""
    playable: bool = False
    """Notes lie in the instruments' usual ranges, do not strike a held note again, end with the piece, and
    instruments of one voice play one note at a time."""
    max_rest_bars: int | None = None
    """No part rests longer than this, in bars."""
    max_chromatic_share: float | None = None
    """Largest share of the sounding duration outside the key's scale."""
    chord_tones: bool = False
    """Notes struck on a beat belong to the chord in force."""
    ends_on_tonic: bool = False
    """In the last bar, what is struck on a beat or sounds to the end belongs to the tonic triad; a part that plays
    alone ends on the tonic."""
    chord_symbols: Literal["may", "must", "must not"] = "may"
    """Whether the model writes chord symbols of its own where the plan has none."""
    budget: int | None = None
    """Most tokens that the sequence may take, header included."""


@dataclass(frozen=True, slots=True)
class Compose:
    """The task to write a piece from a plan."""

    plan: Plan = field(default_factory=Plan)
    constraints: Constraints = field(default_factory=Constraints)
    opens_midway: bool = False
    """The music is an excerpt that does not begin where its piece begins."""
    ends_midway: bool = False
    """The music is an excerpt that does not end where its piece ends."""


@dataclass(frozen=True, slots=True)
class Infill:
    """The task to write some bars of some parts, the rest of the piece being given.

    For training, the piece itself is encoded and what lies in the range is the target; for composing, `score` is the
    piece whose other notes stand. All bars of some parts: to accompany the others.
    """

    first: int
    """First bar to write, from 0."""
    last: int
    """The bar behind the last one to write."""
    parts: tuple[int, ...] | None = None
    """Indices of the parts to write; None: all."""
    score: Score | None = field(default=None, compare=False, repr=False)
    """The piece; only its notes outside the range are looked at."""
    plan: Plan = field(default_factory=Plan)
    constraints: Constraints = field(default_factory=Constraints)
    opens_midway: bool = False
    """The music is an excerpt that does not begin where its piece begins."""
    ends_midway: bool = False
    """The music is an excerpt that does not end where its piece ends."""

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.last:
            raise BadPlan(f"bars {self.first + 1} to {self.last}: the first bar to write comes before the last")


Task = Compose | Infill
"""Any task; continuing and accompanying are infilling at the end and of whole parts."""
