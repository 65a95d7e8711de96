"""Plan: what a piece should be, in words a musician uses; and Task: what is to be done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Any, Literal, get_args

from partimento.errors import BadPlan
from partimento.plan.chords import parse_chord, parse_chords
from partimento.plan.wishes import (
    MAX_BARS,
    MAX_CONTROLS,
    MAX_SECTIONS,
    MAX_TAGS,
    Control,
    Feel,
    Harmony,
    Section,
    Tag,
    choice_of,
    items_of,
    number,
    text_of,
    whole_number,
)
from partimento.score import Score
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import find_instrument, instrument_name
from partimento.theory.key import Key
from partimento.theory.meter import Meter

__all__ = ["MAX_BARS", "MAX_INSTRUMENTS", "TEMPO_RANGE_BPM", "Compose", "Constraints", "Infill", "Plan", "Task"]

TEMPO_RANGE_BPM = (20.0, 300.0)
MAX_INSTRUMENTS = 16
MAX_SECONDS = 3600.0
DEFAULT_TEMPO_BPM = 108.0
DEFAULT_METER = Meter(4, 4)
DEFAULT_SECTION_BARS = 8


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
    form: tuple[Section, ...] | None = None
    """Sections in the order in which they sound."""
    feel: Feel | None = None
    duration_seconds: float | None = None
    """How long the piece lasts; `with_bars` makes bars of it."""
    without: tuple[int, ...] = ()
    """Programs that are not to play."""
    tags: tuple[Tag, ...] = ()
    """What the piece is like, as far as that is not told by the other wishes."""
    controls: tuple[Control, ...] = ()
    """How parts are to sound; of two that disagree the later one holds."""
    harmony: Harmony | None = None
    """How strictly chords and key hold."""

    def __post_init__(self) -> None:
        if self.bars is not None and not 1 <= self.bars <= MAX_BARS:
            raise BadPlan(f"{self.bars} bars: a piece has 1 to {MAX_BARS}")
        low, high = TEMPO_RANGE_BPM
        if self.tempo_bpm is not None and not low <= self.tempo_bpm <= high:
            raise BadPlan(f"{self.tempo_bpm:g} bpm: a tempo lies between {low:g} and {high:g}")
        if self.instruments is not None and not 1 <= len(self.instruments) <= MAX_INSTRUMENTS:
            raise BadPlan(f"{len(self.instruments)} instruments: a piece has 1 to {MAX_INSTRUMENTS}")
        if self.duration_seconds is not None and not 1 <= self.duration_seconds <= MAX_SECONDS:
            raise BadPlan(f"{self.duration_seconds:g} seconds: a piece lasts 1 second to {MAX_SECONDS / 60:g} minutes")
        if self.form is not None and not 1 <= len(self.form) <= MAX_SECTIONS:
            raise BadPlan(f"a form of {len(self.form)} sections; a piece has 1 to {MAX_SECTIONS}")

    def merged(self, stronger: Plan) -> Plan:
        """This plan with every wish that the stronger one states.

        What this one says of a part goes with the part, or falls away with it. A length in bars replaces one in
        seconds, and the other way round.
        """
        stated = {f.name: value for f in fields(stronger) if (value := getattr(stronger, f.name)) not in (None, "", ())}
        if "controls" not in stated and (scoring := stated.get("instruments")):
            kept = (control.among(self.instruments or (), scoring) for control in self.controls)
            stated["controls"] = tuple(control for control in kept if control is not None)
        for name, other in (("bars", "duration_seconds"), ("duration_seconds", "bars")):
            if name in stated and other not in stated:
                stated[other] = None
        return replace(self, **stated)

    def with_bars(self) -> Plan:
        """The plan with the number of bars that its duration or its form comes to, where it states none.

        A duration fixes tempo and meter too, moderate and 4/4 where they are left open; one beside a number of bars
        fixes the tempo. Sections without a length have 8 bars.

        Raises:
            BadPlan: that makes too many bars, or no tempo at which it could be played.
        """
        meter = self.meter or DEFAULT_METER
        if self.duration_seconds is not None and self.bars is not None:
            tempo_bpm = float(round(self.bars * meter.duration_quarter * 60 / Fraction(self.duration_seconds)))
            return self if self.tempo_bpm else replace(self, meter=meter, tempo_bpm=tempo_bpm)
        if self.duration_seconds is not None:
            tempo_bpm = self.tempo_bpm or DEFAULT_TEMPO_BPM
            bars = max(round(self.duration_seconds * tempo_bpm / 60 / float(meter.duration_quarter)), 1)
            if bars > MAX_BARS:
                raise BadPlan(f"{self.duration_seconds:g} seconds at {tempo_bpm:g} bpm are {bars} bars; "
                              f"a piece has at most {MAX_BARS}: ask for less time or a slower tempo")  # fmt: skip
            return replace(self, meter=meter, tempo_bpm=tempo_bpm, bars=bars)
        if self.form and self.bars is None:
            return replace(self, bars=sum(section.bars or DEFAULT_SECTION_BARS for section in self.form))
        return self

    def to_dict(self) -> dict[str, Any]:
        """The stated wishes in plain words, for JSON and YAML; `from_dict` reads them back."""
        stated: dict[str, Any] = {
            "title": self.title or None,
            "style": self.style,
            "key": self.key and str(self.key),
            "meter": self.meter and str(self.meter),
            "tempo_bpm": self.tempo_bpm,
            "feel": self.feel,
            "instruments": self.instruments and [instrument_name(program) for program in self.instruments],
            "without": [instrument_name(program) for program in self.without] or None,
            "bars": self.bars,
            "duration_seconds": self.duration_seconds,
            "form": self.form and [section.to_data() for section in self.form],
            "chords": self.chords and [" ".join(map(str, bar)) for bar in self.chords],
            "harmony": self.harmony,
            "controls": [control.to_data(self.instruments) for control in self.controls] or None,
            "tags": [tag.to_data() for tag in self.tags] or None,
        }
        return {name: value for name, value in stated.items() if value is not None}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """Read what `to_dict` writes; chords may also be one text, and Roman numerals where there is a key.

        Raises:
            BadPlan: a field is unknown, of the wrong kind, or its text is no music.
        """
        if unknown := {str(name) for name in data} - {f.name for f in fields(cls)}:
            raise BadPlan(f"a plan has no field {sorted(unknown)[0]!r}")
        stated: dict[str, Any] = {name: _READERS[name](data[name]) for name in _READERS if name in data}
        if "chords" in data:
            stated["chords"] = _chords(data["chords"], stated.get("key"))
        controls = items_of(data.get("controls", ()), "controls", MAX_CONTROLS)
        scoring = stated.get("instruments")
        return cls(**stated, controls=tuple(Control.from_data(control, scoring) for control in controls))


def _chords(value: Any, key: Key | None) -> tuple[tuple[ChordSymbol, ...], ...]:
    if isinstance(value, str):
        return parse_chords(value, key)
    bars = [text_of(bar, "each bar of chords", "Am7 D7") for bar in items_of(value, "chords")]
    return tuple(tuple(parse_chord(token, key) for token in bar.split()) for bar in bars)


def _instruments(value: Any, name: str = "instruments") -> tuple[int, ...]:
    return tuple(parse_instrument(text_of(each, f"each of {name}", "Flute")) for each in items_of(value, name))


_READERS: dict[str, Callable[[Any], Any]] = {
    "title": lambda value: text_of(value, "title"),
    "style": lambda value: text_of(value, "style", "waltz"),
    "key": lambda value: Key.parse(text_of(value, "key", "D major")),
    "meter": lambda value: Meter.parse(text_of(value, "meter", "6/8")),
    "tempo_bpm": lambda value: number(value, "tempo_bpm"),
    "feel": lambda value: choice_of(value, "feel", get_args(Feel)),
    "instruments": _instruments,
    "without": lambda value: _instruments(value, "without"),
    "bars": lambda value: whole_number(value, "bars"),
    "duration_seconds": lambda value: number(value, "duration_seconds"),
    "form": lambda value: tuple(map(Section.from_data, items_of(value, "form", MAX_SECTIONS))),
    "harmony": lambda value: choice_of(value, "harmony", get_args(Harmony)),
    "tags": lambda value: tuple(map(Tag.from_data, items_of(value, "tags", MAX_TAGS))),
}  # fmt: skip
"""Field of a plan ▶ how a file's value is read; chords need the key, and controls the instruments."""


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
    harmony: Harmony = "hint"
    """When notes belong to the chord in force: those struck on strong beats, on any beat, or all that sound."""
    min_chord_share: float | None = None
    """Least share of each bar's sounding duration on the tones of its chords."""
    ends_on_tonic: bool = False
    """In the last bar, what is struck on a beat or sounds to the end belongs to the tonic triad; a part that plays
    alone ends on the tonic."""
    chord_symbols: Literal["may", "must", "must not"] = "may"
    """Whether the model writes chord symbols of its own where the plan has none."""
    budget: int | None = None
    """Most tokens that the sequence may take, header included."""
    enforced: bool = True
    """Whether plan and constraints are kept at all; otherwise the model reads the plan, and nothing but the budget is
    held that music does not need to be read."""

    @property
    def chord_share(self) -> float | None:
        """Least share of the sounding duration on chord tones, all of it where harmony always holds."""
        return 1.0 if self.harmony == "always" else self.min_chord_share

    @property
    def in_force(self) -> Constraints:
        """What is left of them where they are not enforced: the budget."""
        return self if self.enforced else Constraints(budget=self.budget, enforced=False)


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
