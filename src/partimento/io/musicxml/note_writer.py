"""Writes `<note>` elements: heads, ties, tuplets, marks, slurs and lyrics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from partimento.io.musicxml.content import Element
from partimento.io.musicxml.elements import add, element
from partimento.io.musicxml.layout import Stream
from partimento.io.musicxml.pieces import Head, Piece
from partimento.io.musicxml.vocabulary import (
    ARTICULATIONS,
    DRUM_STAFF,
    LINES,
    MARKS_ON_NOTATIONS,
    ORNAMENTS,
    OTHER_DRUM,
    TECHNICAL,
    TYPE_UNITS,
    WITH_TEXT,
)
from partimento.score import Lyric, Part, Score
from partimento.theory import pitch

_GROUPS = {"ornaments": ORNAMENTS, "technical": TECHNICAL, "articulations": ARTICULATIONS}
_ACCIDENTALS = {
    -2: "flat-flat",
    -1: "flat",
    0: "natural",
    1: "sharp",
    2: "double-sharp",
    -3: "triple-flat",
    3: "triple-sharp",
}
_TYPE_OF_UNITS = {units: name for name, units in TYPE_UNITS.items()}
_LAST_FRAGMENT_MARKS = frozenset(["fermata", "caesura", "breath-mark"])
_MAX_LINES = 16
"""Numbers that MusicXML gives to lines open at the same time."""


class Attached:
    """What hangs on the notes of a score, by note id."""

    def __init__(self, score: Score) -> None:
        self.lyrics: dict[int, list[Lyric]] = defaultdict(list)
        self.marks: dict[int, list[str]] = defaultdict(list)
        self.lines: dict[int, list[tuple[int, str, bool]]] = defaultdict(list)
        """Note id ▶ (index of the line, kind, whether it begins here)."""
        for lyric in score.lyrics:
            self.lyrics[lyric.note_id].append(lyric)
        for mark in score.marks:
            self.marks[mark.note_id].append(mark.kind)
        for index, line in enumerate(score.spanners):
            if line.kind in LINES:
                self.lines[line.end_id].append((index, line.kind, False))
                self.lines[line.start_id].append((index, line.kind, True))

    def __contains__(self, note_id: int) -> bool:
        return note_id in self.lyrics or note_id in self.marks or note_id in self.lines


class NoteWriter:
    """Writes the notes of one part."""

    def __init__(self, part: Part, part_id: str, attached: Attached, duration: Callable[[int], int]) -> None:
        self.part, self.part_id, self.attached = part, part_id, attached
        self.duration = duration
        """Layout ticks ▶ divisions."""
        self._numbers: dict[int, tuple[str, int]] = {}

    def write(self, measure: Element, piece: Piece, stream: Stream, accidentals: dict[tuple[int, int], int]) -> None:
        """Append a chord, rest or gap to a measure."""
        if piece.is_gap:
            add(add(measure, "forward"), "duration", self.duration(piece.end - piece.start))
        elif not piece.heads:
            self._write_rest(measure, piece, stream)
        for place, index in enumerate(self._order(piece)):
            self._write_note(measure, piece, stream, piece.heads[index], place > 0, accidentals.get((id(piece), index)))

    def _order(self, piece: Piece) -> list[int]:
        """Heads from low to high, those with lyrics or marks first, as they belong to the chord."""
        heads = piece.heads
        return sorted(range(len(heads)), key=lambda i: (heads[i].note_id not in self.attached, heads[i].pitch))

    def _write_rest(self, measure: Element, piece: Piece, stream: Stream) -> None:
        note = add(measure, "note")
        add(note, "rest", measure="yes" if piece.is_bar_rest else None)
        add(note, "duration", self.duration(piece.end - piece.start))
        add(note, "voice", stream.voice)
        if not piece.is_bar_rest:
            self._write_value(note, piece, None)
        if self.part.staves > 1:
            add(note, "staff", stream.staff)
        if piece.tuplet_starts or piece.tuplet_stops:
            _write_tuplets(add(note, "notations"), piece)

    def _write_note(
        self, measure: Element, piece: Piece, stream: Stream, head: Head, in_chord: bool, alter: int | None
    ) -> None:
        note = add(measure, "note")
        if piece.is_grace:
            add(note, "grace", slash="yes" if not piece.beams else None)
        if in_chord:
            add(note, "chord")
        self._write_pitch(note, head)
        if not piece.is_grace:
            add(note, "duration", self.duration(piece.end - piece.start))
        for kind, is_tied in (("stop", head.tie_stop), ("start", head.tie_start)):
            if is_tied:
                add(note, "tie", type=kind)
        if self.part.is_drums:
            add(note, "instrument", id=f"{self.part_id}-I{head.pitch + 1}")
        add(note, "voice", stream.voice)
        self._write_value(note, piece, None if alter is None or self.part.is_drums else alter, head)
        if self.part.is_drums and DRUM_STAFF.get(head.pitch, OTHER_DRUM)[1]:
            add(note, "notehead", DRUM_STAFF[head.pitch][1])
        if self.part.staves > 1:
            add(note, "staff", head.staff)
        if not in_chord:
            for level, sign in enumerate(piece.beams, 1):
                add(note, "beam", sign, number=level)
        self._write_notations(note, piece, head, in_chord)
        if head.is_first:
            for lyric in self.attached.lyrics.get(head.note_id, ()):
                _write_lyric(note, lyric)

    def _write_pitch(self, note: Element, head: Head) -> None:
        if self.part.is_drums:
            place = DRUM_STAFF.get(head.pitch, OTHER_DRUM)[0]
            unpitched = add(note, "unpitched")
            add(unpitched, "display-step", place[0])
            add(unpitched, "display-octave", place[1:])
            return
        spelling = head.spelling - self.part.transpose.fifths
        written = head.pitch - self.part.transpose.semitones
        tag = add(note, "pitch")
        add(tag, "step", pitch.STEPS[pitch.step_of(spelling)])
        if alter := pitch.alter_of(spelling):
            add(tag, "alter", alter)
        add(tag, "octave", pitch.octave_of(written, spelling))

    def _write_value(self, note: Element, piece: Piece, alter: int | None, head: Head | None = None) -> None:
        """Type, dots, accidental and time modification."""
        name, actual, normal = piece.type, piece.actual, piece.normal
        if (
            head is not None
            and actual == 1
            and self._is_tremolo_between(head)
            and 2 * TYPE_UNITS[name] in _TYPE_OF_UNITS
        ):
            name, actual, normal = _TYPE_OF_UNITS[2 * TYPE_UNITS[name]], 2, 1
        add(note, "type", name)
        for _ in range(piece.dots):
            add(note, "dot")
        if alter is not None and alter in _ACCIDENTALS:
            add(note, "accidental", _ACCIDENTALS[alter])
        if (actual, normal) != (1, 1):
            modification = add(note, "time-modification")
            add(modification, "actual-notes", actual)
            add(modification, "normal-notes", normal)

    def _is_tremolo_between(self, head: Head) -> bool:
        kinds = self.attached.marks.get(head.note_id, ())
        return any(kind.startswith("tremolo") and kind.endswith((":start", ":stop")) for kind in kinds)

    # Notations

    def _write_notations(self, note: Element, piece: Piece, head: Head, in_chord: bool) -> None:
        notations = element("notations")
        for kind, is_tied in (("stop", head.tie_stop), ("start", head.tie_start)):
            if is_tied:
                add(notations, "tied", type=kind)
        if not in_chord:
            _write_tuplets(notations, piece)
        groups: dict[str, Element] = {}
        for index, kind, begins in self.attached.lines.get(head.note_id, ()):
            if head.is_first if begins else head.is_last:
                self._write_line(_group(notations, groups, LINES[kind]), index, kind, begins)
        for kind in self.attached.marks.get(head.note_id, ()):
            if head.is_last if kind in _LAST_FRAGMENT_MARKS else head.is_first:
                _write_mark(notations, groups, kind)
        if len(notations):
            note.append(notations)

    def _write_line(self, parent: Element, index: int, kind: str, begins: bool) -> None:
        """One end of a line, under a number that no other line has between the two ends as written."""
        if index in self._numbers:
            number = self._numbers.pop(index)[1]
        else:
            taken = {n for k, n in self._numbers.values() if k == kind}
            number = next((n for n in range(1, _MAX_LINES) if n not in taken), _MAX_LINES)
            self._numbers[index] = kind, number
        add(parent, kind, type="start" if begins else "stop", number=number)


def _group(notations: Element, groups: dict[str, Element], name: str) -> Element:
    """The element for ornaments, technical signs or articulations; `notations` itself for what needs none."""
    if not name:
        return notations
    if name not in groups:
        groups[name] = add(notations, name)
    return groups[name]


def _write_mark(notations: Element, groups: dict[str, Element], kind: str) -> None:
    tag, *rest = kind.split(":")
    name = "" if tag in MARKS_ON_NOTATIONS else next((g for g, tags in _GROUPS.items() if tag in tags), None)
    if name is None:
        return
    mark = add(_group(notations, groups, name), tag)
    if tag in WITH_TEXT and rest:
        mark.text = rest[0]
    if tag == "tremolo":
        mark.set("type", rest[1] if len(rest) > 1 else "single")
        mark.text = mark.text or "3"
    elif tag == "non-arpeggiate":
        mark.set("type", rest[0] if rest else "bottom")
    elif tag == "fermata":
        mark.set("type", "upright")


def _write_tuplets(notations: Element, piece: Piece) -> None:
    for number, span in sorted(piece.tuplet_starts, key=lambda start: start[0]):
        tuplet = add(notations, "tuplet", type="start", number=number, bracket="no" if piece.beams else "yes")
        if number > 1 or (piece.actual, piece.normal) != (span.actual, span.normal):
            for side, count in (("tuplet-actual", span.actual), ("tuplet-normal", span.normal)):
                add(add(tuplet, side), "tuplet-number", count)
    for number in sorted(piece.tuplet_stops, reverse=True):
        add(notations, "tuplet", type="stop", number=number)


def _write_lyric(note: Element, lyric: Lyric) -> None:
    tag = add(note, "lyric", number=lyric.verse)
    add(tag, "syllabic", lyric.syllabic)
    add(tag, "text", lyric.text)
    if lyric.extend:
        add(tag, "extend")
