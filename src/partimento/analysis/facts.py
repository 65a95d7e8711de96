"""What can be said about a piece: the facts that plans, captions and reports are made of.

Bars count as musicians count them: from 1, a pickup being bar 0, and both ends of a range belong to it. `facts_of`
in `partimento.analysis` reads them off a score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal, TypeVar

from partimento.errors import BadInput
from partimento.theory.key import Key
from partimento.theory.meter import Meter

Role = Literal["melody", "countermelody", "accompaniment", "bass", "drums"]
Contour = Literal["rising", "falling", "arch", "valley", "level", "wave"]
Rhythm = Literal["sustained", "even", "flowing", "fragmented", "syncopated"]
Density = Literal["sparse", "moderate", "dense"]
Register = Literal["low", "middle", "high"]
Texture = Literal["monophonic", "homophonic", "melody with accompaniment", "polyphonic"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PartFacts:
    """What one part does."""

    part: int
    """Index into Score.parts."""
    program: int
    """General MIDI program, 128 for drums."""
    role: Role
    share: float
    """Share of the time in which anything sounds, 0 to 1."""
    lowest: int
    """MIDI number (of a drum for drums)."""
    highest: int
    mean_pitch: float
    """Mean MIDI number, weighed by duration."""
    notes_per_beat: float | None
    """Notes to a felt beat while the part plays; None where there are no beats."""
    polyphony: float
    """Notes that sound at once, on average, while it sounds."""


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of the form."""

    label: str
    """`A`, `B` …: equal letters sound alike."""
    first_bar: int
    last_bar: int


@dataclass(frozen=True, slots=True)
class PhraseFacts:
    """What happens in about four bars."""

    first_bar: int
    last_bar: int
    contour: Contour
    """Of the melody."""
    rhythm: Rhythm
    """Of the melody."""
    density: Density
    """Of all parts together, against the common run of music."""
    register: Register
    """Of the melody."""
    dynamics: str | None
    """`pp` to `ff`; None where the score does not say."""
    loudest_role: Role | None
    """Role of the part that is played loudest; None where all are alike or the score does not say."""
    key: Key | None
    """Where it differs from the key of the piece."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a whole piece is like; small, and as JSON by `to_dict`."""

    notes: int = 0
    """Notes that sound: tied ones are one, cue notes none."""
    seconds: float = 0.0
    """Until the last release, as written: repeats count once."""
    bars: int | None = None
    """Without a pickup; None where there are no beats."""
    key: Key | None = None
    """The key of the piece as a whole; None where nothing is pitched."""
    key_confidence: float = 0.0
    """How often a key heard so clearly is right, 0 to 1 (measured, see docs/analysis.md)."""
    key_changes: tuple[tuple[int, Key], ...] = ()
    """Bar and new key, wherever the music settles in another one."""
    meter: Meter | None = None
    """The one in force for most bars; None where there are no beats."""
    meter_is_estimated: bool = False
    """Whether the score states none and it was found from the notes."""
    meters: tuple[tuple[int, Meter], ...] = ()
    """Bar and meter, the first one included."""
    tempo_bpm: float | None = None
    """Quarters per minute, the tempo in force for most of the piece; None without beats or where none is stated."""
    tempo_word: str | None = None
    """`Grave` to `Prestissimo`."""
    instruments: tuple[int, ...] = ()
    """Programs that play, 128 for drums, in score order, each once."""
    roles: tuple[PartFacts, ...] = ()
    """The parts that play, in score order."""
    chords: tuple[str, ...] = ()
    """Chord symbols of each bar, several parted by a space, empty where none is heard; bar 1 comes first."""
    chords_are_stated: bool = False
    """Whether they stand in the score; else they are estimated from its notes."""
    chord_summary: tuple[str, ...] = ()
    """The commonest progression of two to five chords."""
    chord_summary_count: int = 0
    """How often it comes."""
    texture: Texture | None = None
    """None where nothing is pitched."""
    register: Register | None = None
    density: float = 0.0
    """Notes per second."""
    dynamics: str | None = None
    """`pp` to `ff`; None where the score does not say."""
    articulations: tuple[str, ...] = ()
    """What is frequent of legato, staccato, accented, tenuto, pizzicato, ornamented."""
    swing: bool = False
    form: str = ""
    """Sections by letters: `AABA`; empty where there are no beats."""
    sections: tuple[Section, ...] = ()
    valence: float = 0.0
    """From sad (−1) to happy (1)."""
    arousal: float = 0.0
    """From calm (−1) to excited (1)."""
    mood: str = ""
    """A word for both, empty where nothing sounds."""
    style: str | None = None
    """A style word such as `jig` or `hymn`, where the source states one."""
    phrases: tuple[PhraseFacts, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` reads them back."""
        return _plain(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Facts:
        """Read what `to_dict` writes; what is missing has its default.

        Raises:
            BadInput: a field is unknown, or one within a list is missing.
        """
        return _made(cls, data)


def _plain(value: Any) -> Any:
    if isinstance(value, Key | Meter):
        return str(value)
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _made(cls: type[_T], data: Mapping[str, Any]) -> _T:
    names = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    if unknown := data.keys() - names:
        raise BadInput(f"facts have no field {sorted(unknown)[0]!r}")
    try:
        return cls(**{name: _READERS.get(name, _same)(value) for name, value in data.items()})
    except (TypeError, ValueError) as error:
        raise BadInput(f"no facts of a piece: {error}") from error


def _same(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _many(read: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    return lambda items: tuple(read(item) for item in items)


def _from_bar(parse: Callable[[str], _T]) -> Callable[[Any], tuple[int, _T]]:
    return lambda pair: (pair[0], parse(pair[1]))


_READERS: dict[str, Callable[[Any], Any]] = {
    "key": lambda text: text and Key.parse(text),
    "meter": lambda text: text and Meter.parse(text),
    "key_changes": _many(_from_bar(Key.parse)),
    "meters": _many(_from_bar(Meter.parse)),
    "roles": _many(lambda row: _made(PartFacts, row)),
    "sections": _many(lambda row: _made(Section, row)),
    "phrases": _many(lambda row: _made(PhraseFacts, row)),
}
"""Fields whose plain form is not their own ▶ how they are read."""
