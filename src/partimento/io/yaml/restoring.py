"""Parts as mappings ▶ a MusicXML document that can be printed and played.

What the cleaning drops and a document needs is made anew: part list, measure numbers, voices, `<tied>` for ties,
brackets of tuplets.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from partimento.io.musicxml.content import Element
from partimento.io.musicxml.elements import add, element, to_bytes
from partimento.io.musicxml.writer import DOCTYPE
from partimento.io.yaml.piece import PartMusic, Piece
from partimento.io.yaml.tree import expand
from partimento.io.yaml.voices import Ticks, TupletFinder, Value, VoiceFinder

_BEFORE_VOICE = frozenset(["grace", "cue", "chord", "pitch", "unpitched", "rest", "duration", "tie"])
_DRUM_CHANNEL = 10


def restored(piece: Piece) -> bytes:
    """A piece as MusicXML 4.0.

    Raises:
        ValueError: a value in it is impossible or missing; says in which part and measure.
    """
    root = element("score-partwise", version="4.0")
    part_list = add(root, "part-list")
    for index, part in enumerate(piece):
        _list_part(part_list, part, f"P{index + 1}")
    for index, part in enumerate(piece):
        try:
            root.append(_part(part, f"P{index + 1}"))
        except ValueError as error:
            raise ValueError(f"part P{index + 1}, {error}" if len(piece) > 1 else str(error)) from None
    return to_bytes(root, DOCTYPE)


def _list_part(part_list: Element, part: PartMusic, part_id: str) -> None:
    made = add(part_list, "score-part", id=part_id)
    add(made, "part-name", part.name)
    if part.program is None and not part.is_drums:
        return
    add(add(made, "score-instrument", id=f"{part_id}-I1"), "instrument-name", part.name)
    instrument = add(made, "midi-instrument", id=f"{part_id}-I1")
    if part.is_drums:
        add(instrument, "midi-channel", _DRUM_CHANNEL)
    add(instrument, "midi-program", (part.program or 0) + 1)


def _part(part: PartMusic, part_id: str) -> Element:
    made = element("part", id=part_id)
    number = 0
    for index, content in enumerate(part.measures):
        try:
            measure = expand("measure", content, made)
            if part.attributes and index == 0:
                measure.insert(0, expand("attributes", part.attributes))
            length = _finish(measure)
        except ValueError as error:
            raise ValueError(f"measure {index + 1}: {error}") from None
        is_pickup = index == 0 and length < _bar_length(measure)
        number += not is_pickup
        measure.set("number", str(number))
        if is_pickup:
            measure.set("implicit", "yes")
    return made


def _bar_length(measure: Element) -> Ticks:
    """How long the meter that a measure states would have it, in divisions; 0 where it states none."""
    divisions, time = measure.find("attributes/divisions"), measure.find("attributes/time")
    if divisions is None or time is None:
        return 0
    beats = zip(time.iterfind("beats"), time.iterfind("beat-type"), strict=True)
    quarters = sum(
        (4 * sum(map(Fraction, b.text.split("+")), Fraction(0)) / max(int(t.text), 1) for b, t in beats), Fraction(0)
    )
    return quarters * Fraction(divisions.text)


@lru_cache(4096)
def _ticks(text: str) -> Ticks:
    return int(text) if text.isdecimal() else Fraction(text)


class _Bracketed:
    """Notes of one voice, under the tuplets that are found."""

    def __init__(self) -> None:
        self._tuplets, self._notes = TupletFinder(), list[Element]()
        self._end: Ticks = 0

    def add(self, note: Element, start: Ticks, end: Ticks) -> None:
        """A note or rest; puts brackets on the first and last note of a tuplet."""
        if start != self._end:
            self._tuplets.interrupt()
        self._end = end
        self._notes.append(note)
        for kind, index in zip(("start", "stop"), self._tuplets.add(_value(note)) or (), strict=False):
            add(_notations(self._notes[index]), "tuplet", type=kind, number=1)


def _value(note: Element) -> Value:
    modification = note.find("time-modification")
    ratio = (
        (1, 1)
        if modification is None
        else tuple(int(modification.findtext(f"{n}-notes")) for n in ("actual", "normal"))
    )
    return Value(note.findtext("type") or "", len(note.findall("dot")), *ratio)


def _notations(note: Element) -> Element:
    found = note.find("notations")
    return add(note, "notations") if found is None else found


def _finish(measure: Element) -> Ticks:
    """Give notes voices, ties and tuplets; returns how far the measure reaches, in divisions."""
    voices, brackets, reached = VoiceFinder(), dict[int, _Bracketed](), 0
    voice = 1
    for child in measure.iterchildren("note", "backup", "forward"):
        duration = _ticks(child.findtext("duration") or "0")
        if child.tag != "note":
            voices.move(-duration if child.tag == "backup" else duration)
        elif child.find("chord") is None:
            duration = 0 if child.find("grace") is not None else duration
            voice = voices.add(duration, int(child.findtext("staff") or "1"))
            if duration:
                brackets.setdefault(voice, _Bracketed()).add(child, voices.position - duration, voices.position)
        reached = max(reached, voices.position)
        if child.tag == "note":
            _complete(child, voice)
    return reached


def _complete(note: Element, voice: int) -> None:
    place = sum(child.tag in _BEFORE_VOICE for child in note)
    note.insert(place, element("voice", voice))
    for index, tie in enumerate(note.findall("tie")):
        _notations(note).insert(index, element("tied", type=tie.get("type")))
