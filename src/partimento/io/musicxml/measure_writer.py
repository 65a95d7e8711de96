"""Writes attributes and barlines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from partimento.io.musicxml.content import Element
from partimento.io.musicxml.elements import add, clean, element
from partimento.io.musicxml.vocabulary import CLEF_LINES, METER_SYMBOLS
from partimento.score import Direction, Repeat
from partimento.theory.interval import Interval
from partimento.theory.key import MODES, NO_MODE
from partimento.theory.meter import Meter

_ENDING_NUMBERS = re.compile(r"[1-9]\d*(, ?[1-9]\d*)*")
_FRACTIONS = re.compile(r"\d{1,3}(\+\d{1,3})*/\d{1,2}(\+\d{1,3}(\+\d{1,3})*/\d{1,2})*")
_BARLINE_KINDS = frozenset(["forward", "backward", "ending-start", "ending-stop", "ending-discontinue"])

# Attributes


def write_key(parent: Element, fifths: int, mode_id: int) -> None:
    """A key signature as written."""
    key = add(parent, "key")
    add(key, "fifths", fifths)
    if mode_id != NO_MODE:
        add(key, "mode", MODES[mode_id])


def write_meter(parent: Element, meter: Meter, sign: str) -> None:
    """A time signature, printed as `sign` says, if it does."""
    time = add(parent, "time", symbol=sign if sign in METER_SYMBOLS else None)
    for beats, beat_type in meter_fractions(meter, sign) or [(str(meter.beats), str(meter.beat_type))]:
        add(time, "beats", beats)
        add(time, "beat-type", beat_type)


def meter_fractions(meter: Meter, sign: str) -> list[tuple[str, str]]:
    """`3+2/8+1/4` as beats and beat types; empty where that is not the meter."""
    if not _FRACTIONS.fullmatch(sign):
        return []
    found = re.findall(r"\+?([\d+]+?)/(\d+)", sign)
    types = [int(beat_type) for _, beat_type in found]
    if max(types) != meter.beat_type or any(t == 0 or meter.beat_type % t for t in types):
        return []
    counts = [sum(map(int, beats.split("+"))) for beats, _ in found]
    total = sum(c * meter.beat_type // t for c, t in zip(counts, types, strict=True))
    return found if total == meter.beats and (len(found) > 1 or "+" in found[0][0]) else []


def write_clef(parent: Element, staff: int, sign: str, line: int, octave: int, staves: int) -> None:
    """A clef."""
    clef = add(parent, "clef", number=staff if staves > 1 else None)
    add(clef, "sign", sign or "G")
    if line and not (sign == "percussion" and line == CLEF_LINES[sign]):
        add(clef, "line", line)
    if octave:
        add(clef, "clef-octave-change", octave)


def write_staff_lines(parent: Element, event: Direction, staves: int) -> None:
    """How many lines a staff has."""
    details = add(parent, "staff-details", number=event.staff if staves > 1 else None)
    add(details, "staff-lines", event.text)


def write_transpose(parent: Element, interval: Interval) -> None:
    """From written to sounding pitch, octaves apart."""
    octaves = int(interval.semitones / 12)
    transpose = add(parent, "transpose")
    add(transpose, "diatonic", interval.diatonic - 7 * octaves)
    add(transpose, "chromatic", interval.semitones - 12 * octaves)
    if octaves:
        add(transpose, "octave-change", octaves)


# Barlines


def is_barline(repeat: Repeat) -> bool:
    """Whether a repeat is part of a barline; the others are jumps."""
    return repeat.kind in _BARLINE_KINDS


def barline(
    location: str, repeats: Sequence[Repeat], style: str, fermatas: Sequence[str], *, is_last: bool = False
) -> Element | None:
    """A barline with its repeat signs, brackets and fermatas, None if it is a plain one.

    Args:
        location: left, right or middle.
        repeats: signs that stand there.
        style: as in `Barline`, empty for what the signs make usual.
        fermatas: their shapes.
        is_last: whether the piece ends there.
    """
    kinds = {repeat.kind: repeat for repeat in repeats}
    usual = "heavy-light" if "forward" in kinds else "light-heavy" if "backward" in kinds or is_last else ""
    style = style or usual
    if not (kinds or style or fermatas):
        return None
    made = element("barline", location=location)
    if style:
        add(made, "bar-style", style)
    for shape in fermatas:
        add(made, "fermata", shape or None, type="upright")
    for kind in ("ending-stop", "ending-discontinue", "ending-start"):
        if kind in kinds:
            number, text = ending_number(kinds[kind].text)
            add(made, "ending", text, number=number, type=kind.partition("-")[2])
            break
    for kind in ("backward", "forward"):
        if kind in kinds:
            times = kinds[kind].text
            add(made, "repeat", direction=kind, times=times if times.isdecimal() else None)
            break
    return made


def ending_number(text: str) -> tuple[str, str | None]:
    """Numbers of an ending, and what is printed where that differs."""
    text = clean(text)
    number = text if not text or _ENDING_NUMBERS.fullmatch(text) else "1"
    return number, text if number != text and text else None
