"""Writes `<direction>` and `<sound>`: words, dynamics, hairpins, pedals, tempi, jumps, changes of sound."""

from __future__ import annotations

from collections.abc import Sequence

from partimento.io.musicxml.content import Element
from partimento.io.musicxml.elements import add, element, figure
from partimento.io.musicxml.vocabulary import (
    BELOW,
    DYNAMICS,
    FULL_PEDAL,
    JUMPS,
    OWN_SIGN,
    PEDAL_CONTROLS,
    PLAIN_DIRECTIONS,
    SPAN_DIRECTIONS,
    TYPE_UNITS,
)
from partimento.score import Direction, Repeat
from partimento.theory.meter import Meter

_SOUNDS = {kind: attribute for attribute, kind in JUMPS.items()}
_PEDAL_SOUNDS = {number: attribute for attribute, number in PEDAL_CONTROLS.items()}
_JUMP_WORDS = {"fine": "Fine", "dacapo": "D.C.", "dalsegno": "D.S.", "to-coda": "To Coda"}
_JUMP_TARGETS = {"segno": "segno", "coda": "coda", "dalsegno": "segno", "to-coda": "coda"}
_UPRIGHT = (
    "arco", "pizz", "div", "unis", "solo", "soli", "tutti", "con sord", "senza sord", "col legno", "sul ", "mute",
    "a2", "a 2", "gliss",
)  # fmt: skip
"""How words of playing technique begin, which stand upright; expressions stand in italics."""
_TYPED = frozenset(["string-mute", "principal-voice", "staff-divide"])


def direction(events: Sequence[Direction], number: int | None, staves: int) -> Element:
    """Directions that share a place, as one element."""
    event = events[0]
    made = element("direction", placement=event.placement or ("below" if event.kind in BELOW else "above"))
    for each in events:
        _write_sign(add(made, "direction-type"), each, number)
    if staves > 1:
        add(made, "staff", min(max(event.staff, 1), staves))
    return made


def _write_sign(parent: Element, event: Direction, number: int | None) -> None:
    kind, text = event.kind, event.text
    if kind == "dynamics":
        dynamics = add(parent, "dynamics")
        add(dynamics, text) if text in DYNAMICS else add(dynamics, "other-dynamics", text)
    elif kind in ("crescendo", "diminuendo", "wedge-stop"):
        add(parent, "wedge", type=kind.removeprefix("wedge-"), number=number)
    elif kind == "octave-shift":
        direction, _, size = text.partition(" ")
        add(parent, "octave-shift", type=direction, size=size or "8", number=number)
    elif kind == "pedal":
        add(parent, "pedal", type=text, line="no", sign="yes")
    elif kind in SPAN_DIRECTIONS:
        add(parent, kind, type=text, number=number, line_end="none" if kind == "bracket" else None)
    elif kind == "metronome":
        write_metronome(parent, text)
    elif kind in PLAIN_DIRECTIONS:
        add(parent, kind)
    elif kind in _TYPED:
        sign, _, words = text.partition(":")
        symbol = "none" if kind == "principal-voice" else None
        add(parent, kind, words or None, type=sign, symbol=symbol)
    elif kind in ("rehearsal", "symbol", "other-direction"):
        add(parent, kind, text)
    else:
        is_upright = text.startswith(_UPRIGHT)
        weight = "bold" if kind == "tempo" else None
        add(parent, "words", text, font_style=None if weight or is_upright else "italic", font_weight=weight)


# Tempi


def write_metronome(parent: Element, text: str, name: str | None = None) -> None:
    """A mark such as `quarter.=60`; in brackets where the text is."""
    bare = text.removeprefix("(").removesuffix(")")
    mark = add(parent, "metronome", parentheses="yes" if bare != text else None, id=name)
    unit, _, value = bare.partition("=")
    _write_unit(mark, unit)
    if value.rstrip(".") in TYPE_UNITS:
        _write_unit(mark, value)
    else:
        add(mark, "per-minute", value)


def _write_unit(mark: Element, unit: str) -> None:
    add(mark, "beat-unit", unit.rstrip("."))
    for _ in range(len(unit) - len(unit.rstrip("."))):
        add(mark, "beat-unit-dot")


def tempo(tempo_bpm: float, meter: Meter, name: str | None) -> Element:
    """The exact tempo; under a name also a metronome mark in the meter's beat, in whole numbers as musicians write."""
    if name is None:
        return element("sound", tempo=figure(tempo_bpm))
    made = element("direction", placement="above")
    unit, per_quarter = ("quarter.", 1.5) if meter.is_compound else ("quarter", 1.0)
    if not meter.is_compound and meter.beat_type == 2:
        unit, per_quarter = "half", 2.0
    mark = f"{unit}={figure(round(tempo_bpm / per_quarter))}"
    write_metronome(add(made, "direction-type"), mark, f"{OWN_SIGN}tempo-{name}")
    add(made, "sound", tempo=figure(tempo_bpm))
    return made


# Jumps and changes of sound


def jump(repeat: Repeat, words: Direction | None, staves: int, name: str) -> Element:
    """Segno, coda, fine, …; with the words of the score, or the usual ones under a name of their own."""
    sounds = {_SOUNDS[repeat.kind]: _JUMP_TARGETS.get(repeat.kind, "yes")}
    made = element("direction", placement="above")
    if words is not None:
        made = direction([words], None, staves)
    elif repeat.kind in ("segno", "coda"):
        add(add(made, "direction-type"), repeat.kind)
    else:
        add(
            add(made, "direction-type"),
            "words",
            _JUMP_WORDS[repeat.kind],
            font_weight="bold",
            id=f"{OWN_SIGN}jump-{name}",
        )
    add(made, "sound", **sounds)
    return made


def program_change(instrument_id: str, program: int) -> Element:
    """Another sound for what follows."""
    made = element("sound")
    add(add(made, "midi-instrument", id=instrument_id), "midi-program", program + 1)
    return made


def pedal_control(number: int, value: int) -> Element:
    """How far a pedal is down, by its MIDI controller."""
    percent = {0: "no", FULL_PEDAL: "yes"}.get(value, figure(round(value / FULL_PEDAL * 100, 4)))
    return element("sound", **{_PEDAL_SOUNDS[number]: percent})
