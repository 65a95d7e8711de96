"""Writes what stands beside the notes of a measure: attributes, directions, chord symbols, barlines."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from partimento.io.musicxml.content import Element
from partimento.io.musicxml.elements import add, clean, element, figure
from partimento.io.musicxml.vocabulary import DYNAMICS, SPAN_DIRECTIONS
from partimento.score import ChordEvent, Direction, Part, Repeat
from partimento.theory import pitch
from partimento.theory.chord import KINDS
from partimento.theory.key import MODES, NO_MODE
from partimento.theory.meter import Meter

_BELOW = frozenset(["dynamics", "crescendo", "diminuendo", "wedge-stop", "pedal"])
_JUMPS = {
    "fine": "fine",
    "dacapo": "dacapo",
    "dalsegno": "dalsegno",
    "to-coda": "tocoda",
    "segno": "segno",
    "coda": "coda",
}
_JUMP_WORDS = {"fine": "Fine", "dacapo": "D.C.", "dalsegno": "D.S.", "to-coda": "To Coda"}
_ENDING_NUMBERS = re.compile(r"[1-9]\d*(, ?[1-9]\d*)*")
_BARLINE_KINDS = frozenset(["forward", "backward", "ending-start", "ending-stop", "ending-discontinue"])


@dataclass(slots=True)
class Beside:
    """Something to be written at a tick of a measure, on a staff."""

    tick: int
    staff: int
    rank: int
    """Order among things at the same tick."""
    make: Callable[[], Element]
    """Builds the element."""


def insert_offset(made: Element, divisions: int) -> None:
    """Let a direction or chord symbol count from another place than where it is written."""
    last = [i for i, child in enumerate(made) if child.tag in ("direction-type", "kind", "bass", "inversion", "degree")]
    if made.tag in ("direction", "harmony") and divisions:
        made.insert(last[-1] + 1, element("offset", divisions))


# Attributes


def write_key(parent: Element, fifths: int, mode_id: int) -> None:
    """A key signature as written."""
    key = add(parent, "key")
    add(key, "fifths", fifths)
    if mode_id != NO_MODE:
        add(key, "mode", MODES[mode_id])


def write_meter(parent: Element, meter: Meter) -> None:
    """A time signature."""
    time = add(parent, "time")
    add(time, "beats", meter.beats)
    add(time, "beat-type", meter.beat_type)


def write_clef(parent: Element, staff: int, sign: str, line: int, octave: int, staves: int) -> None:
    """A clef."""
    clef = add(parent, "clef", number=staff if staves > 1 else None)
    add(clef, "sign", sign or "G")
    if line:
        add(clef, "line", line)
    if octave:
        add(clef, "clef-octave-change", octave)


def write_transpose(parent: Element, part: Part) -> None:
    """From written to sounding pitch, octaves apart."""
    if part.transpose:
        octaves = int(part.transpose.semitones / 12)
        transpose = add(parent, "transpose")
        add(transpose, "diatonic", part.transpose.diatonic - 7 * octaves)
        add(transpose, "chromatic", part.transpose.semitones - 12 * octaves)
        if octaves:
            add(transpose, "octave-change", octaves)


# Directions


def direction(event: Direction, number: int | None, staves: int) -> Element:
    """Words, dynamics, wedges, pedals, …; `number` tells lines apart that are open together."""
    made = element("direction", placement="below" if event.kind in _BELOW else "above")
    parent = add(made, "direction-type")
    if event.kind == "dynamics":
        _write_dynamics(add(parent, "dynamics"), event.text)
    elif event.kind in ("crescendo", "diminuendo", "wedge-stop"):
        add(parent, "wedge", type=event.kind.removeprefix("wedge-"), number=number)
    elif event.kind == "octave-shift":
        kind, _, size = event.text.partition(" ")
        add(parent, "octave-shift", type=kind, size=size or "8", number=number)
    elif event.kind == "pedal":
        add(parent, "pedal", type=event.text, line="no", sign="yes")
    elif event.kind in SPAN_DIRECTIONS:
        side = "none" if event.kind == "bracket" else None
        add(parent, event.kind, type=event.text, number=number, line_end=side)
    else:
        add(parent, "rehearsal" if event.kind == "rehearsal" else "words", event.text)
    if staves > 1:
        add(made, "staff", min(max(event.staff, 1), staves))
    return made


def _write_dynamics(parent: Element, text: str) -> None:
    if text in DYNAMICS:
        add(parent, text)
    else:
        add(parent, "other-dynamics", text)


def tempo(tempo_bpm: float, meter: Meter, *, is_shown: bool) -> Element:
    """A metronome mark in the meter's beat, in whole numbers as musicians write it, and the exact tempo."""
    if not is_shown:
        return element("sound", tempo=figure(tempo_bpm))
    made = element("direction", placement="above")
    mark = add(add(made, "direction-type"), "metronome")
    unit, is_dotted, per_quarter = ("quarter", True, 1.5) if meter.is_compound else ("quarter", False, 1.0)
    if not meter.is_compound and meter.beat_type == 2:
        unit, per_quarter = "half", 2.0
    add(mark, "beat-unit", unit)
    if is_dotted:
        add(mark, "beat-unit-dot")
    add(mark, "per-minute", figure(round(tempo_bpm / per_quarter)))
    add(made, "sound", tempo=figure(tempo_bpm))
    return made


def jump(repeat: Repeat, *, needs_words: bool) -> Element:
    """Segno, coda, fine, da capo, dal segno, to coda; with words where the score has none there."""
    value = {"segno": "segno", "coda": "coda", "dalsegno": "segno", "to-coda": "coda"}.get(repeat.kind, "yes")
    attributes = {_JUMPS[repeat.kind]: value}
    if repeat.kind not in ("segno", "coda") and not needs_words:
        return element("sound", **attributes)
    made = element("direction", placement="above")
    kind = add(made, "direction-type")
    if repeat.kind in ("segno", "coda"):
        add(kind, repeat.kind)
    else:
        add(kind, "words", repeat.text or _JUMP_WORDS[repeat.kind])
    add(made, "sound", **attributes)
    return made


def harmony(event: ChordEvent, part: Part) -> Element:
    """A chord symbol as written for a transposing part."""
    made = element("harmony")
    symbol = event.symbol and event.symbol.transposed(-part.transpose)
    _write_tone(made, "root", 0 if symbol is None else symbol.root)
    if symbol is None:
        add(made, "kind", "none", text="N.C.")
        return made
    add(made, "kind", symbol.kind, text=KINDS[symbol.kind][1] or None)
    if symbol.bass is not None:
        _write_tone(made, "bass", symbol.bass)
    return made


def _write_tone(parent: Element, tag: str, spelling: int) -> None:
    tone = add(parent, tag)
    add(tone, f"{tag}-step", pitch.STEPS[pitch.step_of(spelling)])
    if alter := pitch.alter_of(spelling):
        add(tone, f"{tag}-alter", alter)


# Barlines


def is_barline(repeat: Repeat) -> bool:
    """Whether a repeat is part of a barline; the others are jumps."""
    return repeat.kind in _BARLINE_KINDS


def barline(location: str, repeats: list[Repeat], *, is_last: bool = False) -> Element | None:
    """A barline with its repeat signs and brackets, None if it is a plain one."""
    kinds = {repeat.kind: repeat for repeat in repeats}
    if not kinds and not is_last:
        return None
    made = element("barline", location=location)
    if "forward" in kinds:
        add(made, "bar-style", "heavy-light")
    elif "backward" in kinds or is_last:
        add(made, "bar-style", "light-heavy")
    for kind in ("ending-stop", "ending-discontinue", "ending-start"):
        if kind in kinds:
            text = clean(kinds[kind].text)
            number = text if _ENDING_NUMBERS.fullmatch(text) else "1"
            add(made, "ending", text if number != text else None, number=number, type=kind.partition("-")[2])
            break
    for kind in ("backward", "forward"):
        if kind in kinds:
            times = kinds[kind].text
            add(made, "repeat", direction=kind, times=times if times.isdecimal() else None)
            break
    return made
