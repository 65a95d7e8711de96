"""Parts as mappings ▶ a MusicXML document that can be printed and played.

What the cleaning drops and a document needs is made anew: part list, measure numbers, voices, `<tied>` for ties,
brackets of tuplets.
"""

from __future__ import annotations

from fractions import Fraction

from partimento.io.musicxml.content import Element
from partimento.io.musicxml.elements import add, element, to_bytes
from partimento.io.musicxml.writer import DOCTYPE
from partimento.io.yaml.piece import PartMusic, Piece
from partimento.io.yaml.time import Clock, Placed, placed_notes, value_of
from partimento.io.yaml.tree import expand
from partimento.io.yaml.voices import Span, TupletFinder

_BEFORE_VOICE = frozenset(["grace", "cue", "chord", "pitch", "unpitched", "rest", "duration", "tie"])
_DRUM_CHANNEL = 10


def restored(piece: Piece) -> bytes:
    """A piece as MusicXML 4.0.

    Raises:
        ValueError: a value in it is impossible or missing; says in which part and measure.
    """
    if not any(part.measures for part in piece):
        raise ValueError("no measures")
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
    made, clock = element("part", id=part_id), Clock()
    number = 0
    for index, content in enumerate(part.measures or [None]):
        try:
            measure = expand("measure", content, made)
            if part.attributes and index == 0:
                measure.insert(0, expand("attributes", part.attributes))
            length = _finish(measure, clock)
        except ValueError as error:
            raise ValueError(f"measure {index + 1}: {error}") from None
        is_pickup = index == 0 and length < clock.bar
        number += not is_pickup
        measure.set("number", str(number))
        if is_pickup:
            measure.set("implicit", "yes")
    return made


class _Bracketed:
    """Notes of one voice, under the tuplets that are found."""

    def __init__(self, beat: Fraction) -> None:
        self._beat, self._tuplets, self._notes = beat, TupletFinder(), list[Element]()
        self._end = Fraction(0)

    def add(self, note: Placed) -> None:
        """A note or rest; puts brackets over tuplets."""
        if note.start != self._end:
            self.finish()
        self._end = note.end
        self._notes.append(note.element)
        self._bracket(self._tuplets.add(value_of(note.element), ends_on_beat=note.end % self._beat == 0))

    def finish(self) -> None:
        """Nothing more comes."""
        self._bracket(self._tuplets.end())

    def _bracket(self, spans: list[Span]) -> None:
        for first, last in spans:
            for kind, index in (("start", first), ("stop", last)):
                add(_notations(self._notes[index]), "tuplet", type=kind, number=1)


def _notations(note: Element) -> Element:
    found = note.find("notations")
    return add(note, "notations") if found is None else found


def _finish(measure: Element, clock: Clock) -> Fraction:
    """Give notes voices, ties and tuplets; returns how far the measure reaches, in quarters."""
    brackets, reached = dict[int, _Bracketed](), Fraction(0)
    for note in placed_notes(measure, clock):
        reached = max(reached, note.end)
        if not note.is_in_chord and note.end > note.start:
            brackets.setdefault(note.voice, _Bracketed(clock.beat)).add(note)
        _complete(note.element, note.voice)
    for own in brackets.values():
        own.finish()
    return reached


def _complete(note: Element, voice: int) -> None:
    place = sum(child.tag in _BEFORE_VOICE for child in note)
    note.insert(place, element("voice", voice))
    for index, tie in enumerate(note.findall("tie")):
        _notations(note).insert(index, element("tied", type=tie.get("type")))
