"""The syntax of a text as a grammar for llguidance, with what a plan says as literals.

Made from one description of what stands where, for both styles. It counts the children of a measure, so that keys are
in order and none stands twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from partimento.io.yaml.text import Style, scalar
from partimento.io.yaml.tree import place_key
from partimento.io.yaml.whole import SEPARATOR
from partimento.plan import Task
from partimento.plan.plan import MAX_INSTRUMENTS
from partimento.theory.instrument import DRUMS

MOST_CHILDREN = 300
"""Of one part in one measure."""
_WORD = r"[^\s:#'\"\[\]{},]+"
_WORDS = rf"({_WORD}|[:#]{_WORD})*( {_WORD}({_WORD}|[:#]{_WORD})*)*#*"
_TEXT = rf"'([^'\n]|'')*'|\"([^\"\\\n]|\\[^\n])*\"|[^\s:#'\"\[\]{{}},&*!|>%@`?-]{_WORDS}"


@dataclass(frozen=True)
class Leaf:
    """A text that matches a pattern."""

    pattern: str


class Field(NamedTuple):
    """An entry of a mapping."""

    key: str
    value: Value
    is_optional: bool


@dataclass(frozen=True)
class Map:
    """A mapping."""

    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Listed:
    """One value, or a list of two or more."""

    value: Leaf | Map


@dataclass(frozen=True)
class Either:
    """One of several."""

    values: tuple[Leaf | Map, ...]


Value = Leaf | Map | Listed | Either


def _words(text: str) -> Leaf:
    return Leaf("|".join(map(scalar, text.split())))


def _map(**fields: Value) -> Map:
    """Fields by name: `_` for `-`, `at_` for `@`; optional ones end in `_`."""
    names = [(re.sub("^at_", "@", key.removesuffix("_")).replace("_", "-"), key.endswith("_")) for key in fields]
    return Map(tuple(Field(key, value, opt) for (key, opt), value in zip(names, fields.values(), strict=True)))


_NULL, _YES, _ANY = Leaf("null"), Leaf("'yes'"), Leaf(_TEXT)
_NATURAL, _INTEGER, _DECIMAL = Leaf("'[0-9]{1,2}'"), Leaf("'-?[0-9]{1,2}'"), Leaf(r"'[0-9]{1,7}(\.[0-9]{1,6})?'")
_DIVISIONS, _COUNT = Leaf("'[1-9][0-9]{0,5}'"), Leaf("'[1-9][0-9]?'")
_PROGRAM = Leaf("'([1-9][0-9]?|1[01][0-9]|12[0-8])'")
_STEP, _OCTAVE = Leaf("[A-G]"), Leaf("'-?[0-9]'")
_ALTER = Leaf("'-?[1-3]'")
_PLACE = _map(display_step=_STEP, display_octave=_OCTAVE)
_TIME = _map(
    at_symbol_=_words("common cut single-number note dotted-note"),
    beats=Listed(Leaf(r"'[1-9][0-9]{0,2}'|[1-9][0-9]?(\+[1-9][0-9]?){1,19}")),
    beat_type=Listed(Leaf("'(1|2|4|8|16|32|64)'")),
)
_MODE = _words("major minor dorian phrygian lydian mixolydian aeolian ionian locrian")
_KEY = _map(fifths=Leaf("'(-[1-7]|[0-7])'"), mode_=_MODE)
_CLEF = _map(at_number_=_COUNT, sign=_words("G F C percussion TAB jianpu none"), line_=_INTEGER)
_TRANSPOSE = _map(diatonic_=_INTEGER, chromatic=_INTEGER, octave_change_=_INTEGER)
_VALUE = {
    "tie_": Listed(_map(at_type=_words("start stop"))),
    "type": _words("256th 128th 64th 32nd 16th eighth quarter half whole breve long"),
    "dot_": Listed(_NULL),
    "accidental_": _words("flat-flat flat natural sharp double-sharp triple-flat triple-sharp sharp-sharp"),
    "time_modification_": _map(actual_notes=_COUNT, normal_notes=_COUNT),
    "staff_": _COUNT,
}
_PITCHES: tuple[dict[str, Value], ...] = (
    {"pitch": _map(step=_STEP, alter_=_ALTER, octave=_OCTAVE)}, {"unpitched": _PLACE},
)  # fmt: skip
_NOTES = tuple(
    _map(**before, chord_=_NULL, **pitch, **after, **_VALUE)
    for pitch in _PITCHES
    for before, after in (
        ({"cue_": _NULL}, {"duration": _DECIMAL}),
        ({"grace": Either((_NULL, _map(at_slash=_YES))), "cue_": _NULL}, {}),
    )
)
_RESTS = (
    _map(rest=_map(at_measure=_YES), duration=_DECIMAL, staff_=_COUNT),
    _map(
        rest=_NULL,
        duration=_DECIMAL,
        **{name: value for name, value in _VALUE.items() if name[:3] not in ("tie", "acc")},
    ),
)
_DEGREE = _map(degree_value=Leaf("'([1-9]|1[0-3])'"), degree_alter=_INTEGER, degree_type=_words("add alter subtract"))
_KIND = Leaf("[A-Za-z][a-zA-Z0-9-]{0,40}")
_HARMONY = _map(
    root=_map(root_step=_STEP, root_alter_=_ALTER),
    kind=Either((_KIND, Map((Field("@text", _ANY, False), Field("#text", _KIND, False))))),
    bass_=_map(bass_step=_STEP, bass_alter_=_ALTER),
    degree_=Listed(_DEGREE),
    frame_=_map(
        frame_strings=_NATURAL, frame_frets=_NATURAL, first_fret_=_NATURAL,
        frame_note=Listed(_map(string=_NATURAL, fret=_NATURAL)),
    ),
    offset_=Leaf("'-?[0-9]{1,6}'"),
)  # fmt: skip


def syntax(task: Task, style: Style) -> str:
    """A grammar in the Lark dialect of llguidance; see https://github.com/guidance-ai/llguidance."""
    return _Grammar(style, task).text()


def answer_syntax(task: Task, style: Style, parts: int) -> str:
    """The same for measures alone, of so many parts."""
    return _Grammar(style, task).text(parts)


class _Grammar:
    """Rules as they are needed."""

    def __init__(self, style: Style, task: Task) -> None:
        self._style, self._task, self._plan = style, task, task.plan
        self._rules: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def text(self, going_on: int = 0) -> str:
        """The whole grammar; of measures alone where a number of parts goes on."""
        wanted = self._plan.instruments
        counts = range(1, MAX_INSTRUMENTS + 1) if wanted is None else [len(wanted)]
        start = self._measures(going_on) if going_on else " | ".join(self._piece(count) for count in counts)
        return "\n".join([f"start: {start}", *(f"{name}: {rule}" for name, rule in self._rules.items())]) + "\n"

    def _rule(self, expression: str, terminal: bool = False) -> str:
        """The name of a rule."""
        if expression not in self._names:
            self._names[expression] = f"{'T' if terminal else 'r'}{len(self._names)}"
            self._rules[self._names[expression]] = expression
        return self._names[expression]

    # A piece

    def _piece(self, parts: int) -> str:
        return self._rule(f"{self._head(parts)} {_quoted(SEPARATOR)} {self._measures(parts)}")

    def _measures(self, parts: int) -> str:
        times = "+" if self._plan.bars is None else f"{{{self._plan.bars}}}"
        return f"{self._rule(self._measure(parts))}{times}"

    def _head(self, parts: int) -> str:
        attributes = _map(
            divisions=_DIVISIONS,
            **({"key_": _KEY} if self._plan.key is None else {"key": self._key()}),
            time=self._meter(),
            staves_=_COUNT,
            clef_=Listed(_CLEF),
            **({"transpose_": _TRANSPOSE} if self._plan.key is None else {}),
        )
        if parts == 1:
            return self._entries(attributes, "")
        return " ".join(self._header(index) + " " + self._entries(attributes, "  ") for index in range(parts))

    def _header(self, index: int) -> str:
        wanted = self._plan.instruments
        program = _PROGRAM if wanted is None or wanted[index] == DRUMS else Leaf(f"'{wanted[index] + 1}'")
        said = _map(part_name=_ANY, midi_program=program)
        drums = _quoted("  midi-channel: '10'\n")
        drums = f"({drums})?" if wanted is None else drums if wanted[index] == DRUMS else ""
        return f"{_quoted(f'P{index + 1}:' + chr(10))} {self._entries(said, '  ')} {drums}"

    def _key(self) -> Map:
        key = self._plan.key
        return (
            _KEY
            if key is None
            else _map(fifths=Leaf(f"'{key.fifths}'"), **({"mode": _words(key.mode)} if key.mode else {}))
        )

    def _meter(self) -> Map:
        meter = self._plan.meter
        return _TIME if meter is None else _map(beats=Leaf(f"'{meter.beats}'"), beat_type=Leaf(f"'{meter.beat_type}'"))

    # A measure

    def _measure(self, parts: int) -> str:
        if parts == 1:
            return f"{_quoted('- ')} {self._content('  ')}"
        deeper = f"{_quoted(chr(10) + '    ')} {self._content('    ')}"
        inside = self._rule(f"{_quoted(' null' + chr(10))} | {deeper}")
        return " ".join(f"{_quoted(('  ' if index else '- ') + f'P{index + 1}:')} {inside}" for index in range(parts))

    def _content(self, indent: str) -> str:
        """Everything in a measure of one part; the first line is indented already."""
        following = ""
        child = self._rule(" | ".join(self._child(tag, maps, indent) for tag, maps in self._children().items()))
        for index in reversed(range(MOST_CHILDREN)):
            more = f"({_quoted(indent)} {following})?" if following else ""
            following = self._rule(f"{_quoted(place_key(index, ''))} {child} {more}")
        opening = f"{self._child('attributes', (self._changes(),), indent)} ({_quoted(indent)} {following})?"
        empty = f" | {_quoted('null' + chr(10))}" if indent == "  " else ""
        return self._rule(f"{following} | {opening}{empty}")

    def _children(self) -> dict[str, tuple[Map, ...]]:
        duration = _map(duration=_DECIMAL)
        return {
            "note": (*_NOTES, *_RESTS),
            "backup": (duration,),
            "forward": (duration,),
            "harmony": (_HARMONY,),
            "sound": (_map(at_tempo=_DECIMAL, offset_=Leaf("'-?[0-9]{1,6}'")),),
            "attributes": (self._changes(),),
        }

    def _changes(self) -> Map:
        """Attributes that change; what the plan settles does not."""
        steady = self._task.constraints.steady
        key = {} if steady or self._plan.key is not None else {"key_": _KEY}
        time = {} if steady or self._plan.meter is not None else {"time_": _TIME}
        return _map(**key, **time, clef_=Listed(_CLEF), **({"transpose_": _TRANSPOSE} if key else {}))

    def _child(self, tag: str, maps: tuple[Map, ...], indent: str) -> str:
        value = self._rule(" | ".join(self._value(own, indent) for own in maps))
        return f"{_quoted(tag + ':')} {value}"

    # Values

    def _value(self, value: Value, indent: str) -> str:
        """What stands behind `key:`, to the end of its last line."""
        if self._style == "flow":
            return f"{_quoted(' ')} {self._inside(value)} {_quoted(chr(10))}"
        if isinstance(value, Leaf):
            return f"{_quoted(' ')} {self._leaf(value)} {_quoted(chr(10))}"
        if isinstance(value, Map):
            return f"{_quoted(chr(10))} {self._entries(value, indent + '  ')}"
        if isinstance(value, Either):
            return self._rule(" | ".join(self._value(own, indent) for own in value.values))
        item = self._rule(f"{_quoted(indent + '- ')} {self._item(value.value, indent)}")
        return self._rule(f"{self._value(value.value, indent)} | {_quoted(chr(10))} {item} {item}+")

    def _item(self, value: Leaf | Map, indent: str) -> str:
        if isinstance(value, Leaf):
            return f"{self._leaf(value)} {_quoted(chr(10))}"
        return self._entries(value, indent + "  ", is_opened=True)

    def _entries(self, value: Map, indent: str, *, is_opened: bool = False) -> str:
        """The lines of a mapping."""
        lines = [f"{_quoted(indent + scalar(f.key) + ':')} {self._value(f.value, indent)}" for f in value.fields]
        first = [f"{_quoted(scalar(f.key) + ':')} {self._value(f.value, indent)}" for f in value.fields]
        return self._sequence(value, first if is_opened else lines, lines)

    def _inside(self, value: Value) -> str:
        """A value in braces."""
        if isinstance(value, Leaf):
            return self._leaf(value)
        if isinstance(value, Either):
            return self._rule(" | ".join(map(self._inside, value.values)))
        if isinstance(value, Listed):
            item = self._inside(value.value)
            return self._rule(f"{item} | {_quoted('[')} {item} ({_quoted(', ')} {item})+ {_quoted(']')}")
        entries = [f"{_quoted(scalar(f.key, is_inside=True) + ': ')} {self._inside(f.value)}" for f in value.fields]
        inner = self._sequence(value, entries, [f"{_quoted(', ')} {entry}" for entry in entries])
        return f"{_quoted('{')} {inner} {_quoted('}')}"

    def _sequence(self, value: Map, first: list[str], others: list[str]) -> str:
        """Fields in order, at least one, the first of them written in its own way."""
        optional = [field.is_optional for field in value.fields]
        rest = [self._rule(f"({other})?") if opt else other for other, opt in zip(others, optional, strict=True)]
        count = optional.index(False) + 1 if False in optional else len(optional)
        return self._rule(" | ".join(" ".join([first[k], *rest[k + 1 :]]) for k in range(count)))

    def _leaf(self, value: Leaf) -> str:
        pattern = value.pattern.replace("/", r"\/")
        return self._rule(f"/{pattern}/", terminal=True)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
