"""Single marks and directions as MusicXML has elements for them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from partimento.io.musicxml.content import flat
from partimento.io.musicxml.elements import clean
from partimento.io.musicxml.vocabulary import (
    ARTICULATIONS,
    BELOW,
    DRUM_STAFF,
    FERMATA_SHAPES,
    MARKS_ON_NOTATIONS,
    ORNAMENTS,
    OTHER_DRUM,
    PEDALS,
    PLAIN_DIRECTIONS,
    SIGNS_ON_RESTS,
    TECHNICAL,
    TYPE_UNITS,
    UNITS_PER_QUARTER,
    WITH_TEXT,
    WITH_TYPE,
)
from partimento.score import Direction, Mark, Score

_SIGNS = ARTICULATIONS | ORNAMENTS | TECHNICAL | MARKS_ON_NOTATIONS
_GRACE_KINDS = frozenset(["after", *TYPE_UNITS])
_ACCIDENTAL_SIGNS = frozenset(["cautionary", "editorial", "parentheses", "bracket"])
_HEAD_FLAGS = ("parentheses", "filled", "hollow")
_HARMONICS = frozenset(["natural", "artificial", "base-pitch", "touching-pitch", "sounding-pitch"])
_ONCE = frozenset(["slash", "hidden", "unpitched", "accidental", "notehead", "display"])
_UNIT = "|".join(TYPE_UNITS)
_METRONOME = re.compile(rf"(\()?(?:{_UNIT})\.*=[^=()]+(?(1)\))")
_DISPLAY = re.compile(r"[A-G]\d")
_NOTEHEAD = re.compile(r"[a-z][a-z -]*")
_STAFF_LINES = re.compile(r"\d{1,2}")
_OCTAVE_SHIFT = re.compile(r"(?:up|down) [1-9]\d?")
_BEND = re.compile(r"-?\d{1,3}(\.\d{1,3})?( pre-bend| release)?( with-bar)?")
_TYPES = {
    "tremolo": frozenset(["start", "stop", "unmeasured"]),
    "other-notation": frozenset(["start", "stop"]),
    "non-arpeggiate": frozenset(["top"]),
    "arpeggiate": frozenset(["up", "down"]),
    "string-mute": frozenset(["on", "off"]),
    "principal-voice": frozenset(["start", "stop"]),
    "staff-divide": frozenset(["down", "up", "up-down"]),
    "dashes": frozenset(["start", "stop"]),
    "bracket": frozenset(["start", "stop"]),
    "pedal": PEDALS,
}
"""Marks and directions with a type ▶ types other than the usual one."""
_WITH_WORDS = frozenset(["words", "tempo", "rehearsal", "dynamics", "figured-bass", "symbol", "other-direction"])
_KNOWN = (
    _WITH_WORDS
    | frozenset(["crescendo", "diminuendo", "wedge-stop", "metronome", "octave-shift", "staff-lines"])
    | frozenset(["barline-fermata", *PLAIN_DIRECTIONS, *SIGNS_ON_RESTS])
    | (_TYPES.keys() - WITH_TYPE.keys())
)
"""Kinds of directions; others are written as words."""


def said_marks(score: Score) -> Iterable[Mark]:
    """The marks that can be written; of what a note has only once, the first."""
    rows = {row[10]: (row[2], row[5], row[8] > 0 and not row[1]) for row in score.notes.tolist()}
    seen: set[tuple[int, str]] = set()
    for mark in score.marks:
        if mark.note_id in rows:
            pitch, part, is_grace = rows[mark.note_id]
            kind = _said_mark(flat(clean(mark.kind)), pitch, score.parts[part].is_drums, is_grace)
            key = mark.note_id, kind.partition(":")[0]
            if kind and not (key[1] in _ONCE and key in seen):
                yield Mark(mark.note_id, kind)
            seen.add(key)


def _said_mark(kind: str, pitch: int, is_drums: bool, is_grace: bool) -> str:
    """A mark as it can be written, empty for one that cannot."""
    tag, *rest = kind.split(":")
    if tag == "hidden" or (tag == "slash" and is_grace) or (tag == "unpitched" and not is_drums):
        return tag
    if tag == "grace":
        return kind if is_grace and kind.partition(":")[2] in _GRACE_KINDS else ""
    if tag == "accidental":
        return f"{tag}:{rest[0]}" if rest and rest[0] in _ACCIDENTAL_SIGNS and not is_drums else ""
    if tag in ("notehead", "display"):
        return _said_head(tag, rest, DRUM_STAFF.get(pitch, OTHER_DRUM) if is_drums else None)
    return _said_sign(tag, rest) if tag in _SIGNS else ""


def _said_head(tag: str, rest: list[str], usual: tuple[str, str] | None) -> str:
    """A notehead, or the place of a drum on its staff, where they are not the usual ones."""
    if tag == "display":
        is_said = usual is not None and rest and _DISPLAY.fullmatch(rest[0]) and rest[0] != usual[0]
        return f"{tag}:{rest[0]}" if is_said else ""
    head = rest[0] if rest and _NOTEHEAD.fullmatch(rest[0]) else "normal"
    flags = [flag for flag in _HEAD_FLAGS if flag in rest[1:]]
    flags = flags[:-1] if "filled" in flags and "hollow" in flags else flags
    usual_head = usual[1] or "normal" if usual else "normal"
    return ":".join((tag, head, *flags)) if flags or head != usual_head else ""


def _said_sign(tag: str, rest: list[str]) -> str:
    text = rest[0].strip() if tag in WITH_TEXT and rest else ""
    type_ = rest[-1] if tag in WITH_TYPE and rest and rest[-1] in _TYPES[tag] else ""
    text = "" if text == type_ else text
    if tag == "tremolo":
        text = text if text.isdecimal() and len(text) == 1 and int(text) < 9 else "3"
    elif tag == "bend":
        text = text if _BEND.fullmatch(text) else "0"
    elif tag == "harmonic":
        text = " ".join(inner for inner in text.split() if inner in _HARMONICS)
    elif tag == "fermata":
        text = text if text in FERMATA_SHAPES else ""
    return ":".join(filter(None, (tag, text, type_)))


# Directions


def said_direction(event: Direction, staves: int) -> Direction | None:
    """A direction as it can be written, None for one that cannot."""
    kind, text = event.kind, _said_text(event.kind, flat(clean(event.text)))
    if text is None:
        return None
    usual = "below" if kind in BELOW else "above"
    placement = event.placement if event.placement in ("above", "below") and event.placement != usual else ""
    staff = min(max(event.staff, 1), staves)
    if kind in SIGNS_ON_RESTS or kind in ("barline-fermata", "staff-lines", "figured-bass"):
        placement = ""
        staff = 1 if kind in ("barline-fermata", "figured-bass") else staff
    return replace(event, kind=kind if kind in _KNOWN else "words", text=text, staff=staff, placement=placement)


def metronome_bpm(text: str) -> float:
    """Quarters per minute that a metronome mark says, 0 if it says none."""
    unit, _, value = text.strip("()").partition("=")
    number, dots = re.search(r"\d+(\.\d+)?", value), len(unit) - len(unit.rstrip("."))
    if not number or value.rstrip(".") in TYPE_UNITS:
        return 0.0
    return float(number[0]) * TYPE_UNITS[unit.rstrip(".")] / UNITS_PER_QUARTER * (2 - 0.5 ** min(dots, 3))


def _said_text(kind: str, text: str) -> str | None:
    """The text of a direction, None where it says nothing."""
    if kind in ("crescendo", "diminuendo", "wedge-stop") or kind in PLAIN_DIRECTIONS:
        return ""
    if kind == "barline-fermata":
        return text if text in FERMATA_SHAPES else ""
    if kind in SIGNS_ON_RESTS:
        return _said_sign(kind, text.split(":")).partition(":")[2]
    if kind == "octave-shift":
        return "stop" if text.startswith("stop") else text if _OCTAVE_SHIFT.fullmatch(text) else None
    if kind in _TYPES:
        type_, _, words = text.partition(":")
        words = f":{words.strip()}" if words.strip() and kind == "principal-voice" else ""
        return type_ + words if type_ in _TYPES[kind] else None
    pattern = {"metronome": _METRONOME, "staff-lines": _STAFF_LINES}.get(kind)
    return text if text and (pattern is None or pattern.fullmatch(text)) else None
