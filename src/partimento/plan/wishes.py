"""The wishes of a plan that are more than a number or a name: sections, tags, controls; and their form in files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from partimento.errors import BadPlan
from partimento.theory.instrument import find_instrument, instrument_name

MAX_BARS = 256
MAX_SECTIONS = 64
MAX_CONTROLS = 256
MAX_TAGS = 64
_MOST_LETTERS = 40

Feel = Literal[
    "straight", "swing", "shuffle", "waltz", "bossa nova", "samba", "latin", "reggae", "ska", "funk", "half-time",
    "double-time", "march", "rubato",
]  # fmt: skip
"""How time is felt."""
Harmony = Literal["hint", "strong beats", "beats", "always"]
"""How strictly chords and key hold: as a hint; for what is struck on strong beats, on any beat, or at all."""
TagKind = Literal["genre", "mood", "energy", "occasion"]
Dynamic = Literal["ppp", "pp", "p", "mp", "mf", "f", "ff", "fff"]
DYNAMICS: tuple[str, ...] = get_args(Dynamic)


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the form."""

    label: str
    """`A`, `verse`, `intro`; the same label means the same music again."""
    bars: int | None = None

    def __post_init__(self) -> None:
        if not self.label.strip() or len(self.label) > _MOST_LETTERS:
            raise BadPlan(f"a section is called {self.label[:50]!r}; give it a short name such as A or verse")
        if self.bars is not None and not 1 <= self.bars <= MAX_BARS:
            raise BadPlan(f"section {self.label}: {self.bars} bars; a section has 1 to {MAX_BARS}")

    def to_data(self) -> str | dict[str, int]:
        """`A`, or `{A: 8}`."""
        return self.label if self.bars is None else {self.label: self.bars}

    @classmethod
    def from_data(cls, data: Any) -> Section:
        """Read what `to_data` writes.

        Raises:
            BadPlan: it is something else.
        """
        if isinstance(data, Mapping) and len(pairs := cast("Mapping[Any, Any]", data)) == 1:
            label, bars = next(iter(pairs.items()))
            return cls(text_of(label, "form"), whole_number(bars, f"bars of section {label}"))
        return cls(text_of(data, "form"))


@dataclass(frozen=True, slots=True)
class Tag:
    """What a text says of a piece without saying how it is to sound."""

    kind: TagKind
    name: str
    score: float
    """How sure this is, 0 to 1."""

    def __post_init__(self) -> None:
        if self.kind not in get_args(TagKind):
            raise BadPlan(f"tag {self.name!r}: its kind is one of {', '.join(get_args(TagKind))}, not {self.kind!r}")
        if not self.name.strip() or len(self.name) > _MOST_LETTERS:
            raise BadPlan(f"a tag is called {self.name[:50]!r}; give it a short name such as jazz or happy")
        if not 0 <= self.score <= 1:
            raise BadPlan(f"tag {self.name!r}: a score of {self.score:g}; it lies between 0 and 1")

    def to_data(self) -> dict[str, Any]:
        """`{kind: genre, name: pop, score: 0.8}`."""
        return {"kind": self.kind, "name": self.name, "score": self.score}

    @classmethod
    def from_data(cls, data: Any) -> Tag:
        """Read what `to_data` writes; a missing score is 1.

        Raises:
            BadPlan: it is something else.
        """
        stated = mapping(data, "tags", ("kind", "name", "score"))
        missing = [name for name in ("kind", "name") if name not in stated]
        if missing:
            raise BadPlan(f"a tag has no {missing[0]}; write for example {{kind: mood, name: happy}}")
        kind, name = (text_of(stated[key], f"{key} of a tag") for key in ("kind", "name"))
        return cls(cast("TagKind", kind), name, number(stated.get("score", 1.0), f"score of tag {name}"))


@dataclass(frozen=True, slots=True)
class Control:
    """How some parts are to sound in some bars; None is not asked for."""

    parts: tuple[int, ...] | None = None
    """Indices into the plan's instruments; None: all."""
    bars: tuple[int, int] | None = None
    """First bar, from 0, and the bar behind the last, as in `Infill`; None: all."""
    density: tuple[float, float] | None = None
    """Least and most notes begun per bar."""
    polyphony: tuple[int, int] | None = None
    """Least and most notes at a time."""
    register: tuple[int, int] | None = None
    """Lowest and highest sounding MIDI pitch."""
    note_length: tuple[float, float] | None = None
    """Shortest and longest, in quarters."""
    dynamics: str | None = None
    """`pp` … `ff`."""
    complexity: float | None = None
    """0: as plain as can be, 1: as rich as can be."""

    def __post_init__(self) -> None:
        if self.parts is not None and (not self.parts or min(self.parts) < 0):
            raise BadPlan("a control speaks of no part; name parts, or leave parts out to mean all")
        if self.bars is not None and not 0 <= self.bars[0] < self.bars[1] <= MAX_BARS:
            raise BadPlan(f"a control for bars {self.bars[0] + 1} to {self.bars[1]}; a piece has 1 to {MAX_BARS}")
        for name, low, high in _CONTROL_RANGES:
            span: tuple[float, float] | None = getattr(self, name)
            if span is not None and not low <= span[0] <= span[1] <= high:
                raise BadPlan(f"{name} {span[0]:g} to {span[1]:g}: it lies between {low:g} and {high:g}")
        if self.dynamics is not None and self.dynamics not in DYNAMICS:
            raise BadPlan(f"dynamics {self.dynamics!r}; choose from {', '.join(DYNAMICS)}")
        if self.complexity is not None and not 0 <= self.complexity <= 1:
            raise BadPlan(f"complexity {self.complexity:g}; it lies between 0 and 1")

    def to_data(self, instruments: Sequence[int] | None) -> dict[str, Any]:
        """In plain words, parts by name, bars counted from 1 and inclusive."""
        names = part_names(instruments or ())
        parts = self.parts and [names[part] if part < len(names) else part + 1 for part in self.parts]
        bars = self.bars and f"{self.bars[0] + 1}-{self.bars[1]}"
        ranges = {name: list(span) for name, *_ in _CONTROL_RANGES if (span := getattr(self, name)) is not None}
        stated: dict[str, Any] = {"parts": parts, "bars": bars, **ranges, "dynamics": self.dynamics}
        return {k: v for k, v in (stated | {"complexity": self.complexity}).items() if v is not None}

    @classmethod
    def from_data(cls, data: Any, instruments: Sequence[int] | None) -> Control:
        """Read what `to_data` writes.

        Raises:
            BadPlan: a name or value is none that a control has.
        """
        known = ("parts", "bars", *(name for name, *_ in _CONTROL_RANGES), "dynamics", "complexity")
        stated = mapping(data, "controls", known)
        values: dict[str, Any] = {}
        for name, value in stated.items():
            if name == "parts":
                values[name] = tuple(_part(item, instruments) for item in items_of(value, "parts of a control"))
            elif name == "bars":
                values[name] = _bars(value)
            elif name == "dynamics":
                values[name] = text_of(value, name)
            elif name == "complexity":
                values[name] = number(value, name)
            else:
                values[name] = _span(value, name, int if name in ("polyphony", "register") else float)
        return cls(**values)

    def among(self, before: Sequence[int], after: Sequence[int]) -> Control | None:
        """The control for the same instruments in another scoring; None where none of them is left."""
        if self.parts is None:
            return self
        old, new = part_names(before), part_names(after)
        kept = tuple(new.index(old[part]) for part in self.parts if part < len(old) and old[part] in new)
        return Control(kept, *(getattr(self, name) for name in _BEHIND_PARTS)) if kept else None


_CONTROL_RANGES = (
    ("density", 0, 128), ("polyphony", 0, 32), ("register", 0, 127), ("note_length", 0, 64),
)  # fmt: skip
_BEHIND_PARTS = ("bars", "density", "polyphony", "register", "note_length", "dynamics", "complexity")


def part_names(programs: Sequence[int]) -> list[str]:
    """Names of parts, numbered where an instrument plays several: `Violin 1`, `Violin 2`, `Cello`."""
    names = [instrument_name(program) for program in programs]
    return [
        f"{name} {names[: index + 1].count(name)}" if names.count(name) > 1 else name
        for index, name in enumerate(names)
    ]


def _part(item: Any, instruments: Sequence[int] | None) -> int:
    names = part_names(instruments or ())
    if isinstance(item, int) and not isinstance(item, bool):
        if not 1 <= item <= (len(names) or 16):
            raise BadPlan(f"a control speaks of part {item}; the plan has {len(names) or 16}")
        return item - 1
    text = text_of(item, "parts of a control")
    by_name = [index for index, name in enumerate(names) if name.lower() == text.strip().lower()]
    program = find_instrument(text)
    found = by_name or [index for index, each in enumerate(instruments or ()) if each == program]
    if not found:
        raise BadPlan(f"a control speaks of {text!r}, which is none of the plan's instruments")
    return found[0]


def _bars(value: Any) -> tuple[int, int]:
    ends = str(value).replace("–", "-").split("-")
    if not 1 <= len(ends) <= 2 or not all(end.strip().isdecimal() and len(end) < 6 for end in ends):
        raise BadPlan(f"bars of a control: {value!r}; write for example 9-12")
    return int(ends[0]) - 1, int(ends[-1])


def _span(value: Any, name: str, kind: Callable[[float], float]) -> Any:
    ends = [number(end, name) for end in items_of(value, name)]
    if len(ends) != 2 or (kind is int and any(end % 1 for end in ends)):
        raise BadPlan(f"{name} has to be {'two whole numbers' if kind is int else 'two numbers'}, least and most")
    return kind(ends[0]), kind(ends[1])


# What stands in files


def text_of(value: Any, name: str, example: str = "") -> str:
    """A text.

    Raises:
        BadPlan: it is something else.
    """
    if not isinstance(value, str):
        raise BadPlan(f"{name} has to be a text{example and ' such as '}{example}")
    return value


def number(value: Any, name: str) -> float:
    """A number.

    Raises:
        BadPlan: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e9:
        raise BadPlan(f"{name} has to be a number")
    return float(value)


def whole_number(value: Any, name: str) -> int:
    """A whole number.

    Raises:
        BadPlan: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadPlan(f"{name} has to be a whole number")
    return value


def items_of(value: Any, name: str, most: int = MAX_BARS) -> list[Any]:
    """A list of bounded length.

    Raises:
        BadPlan: it is something else, or longer.
    """
    if not isinstance(value, (list, tuple)):
        raise BadPlan(f"{name} has to be a list")
    items = list(cast("Sequence[Any]", value))
    if len(items) > most:
        raise BadPlan(f"{name}: {len(items)} of them; there are at most {most}")
    return items


def choice_of(value: Any, name: str, choices: Sequence[str]) -> str:
    """One of some words.

    Raises:
        BadPlan: it is none of them.
    """
    if value not in choices:
        raise BadPlan(f"{name} {str(value)[:50]!r}: choose from {', '.join(choices)}")
    return str(value)


def mapping(value: Any, name: str, known: Sequence[str]) -> dict[str, Any]:
    """Names with values, only of known names.

    Raises:
        BadPlan: it is something else.
    """
    if not isinstance(value, Mapping):
        raise BadPlan(f"{name} has to be a list of names with values")
    stated = {str(key): each for key, each in cast("Mapping[Any, Any]", value).items()}
    if unknown := stated.keys() - set(known):
        raise BadPlan(f"{name}: there is no {sorted(unknown)[0]!r}; choose from {', '.join(known)}")
    return stated
