"""Writes `<note>` elements: heads, ties, values and beams; what hangs on them through `NotationWriter`."""

from __future__ import annotations

from collections.abc import Callable

from partimento.io.musicxml.content import Element
from partimento.io.musicxml.elements import add, element, figure
from partimento.io.musicxml.layout import Stream
from partimento.io.musicxml.notation_writer import Attached, NotationWriter, write_lyric, write_marks, write_tuplets
from partimento.io.musicxml.pieces import Head, Piece
from partimento.io.musicxml.vocabulary import DRUM_STAFF, OTHER_DRUM, SOUND_PERCENT, TYPE_UNITS
from partimento.score import Part
from partimento.theory import pitch
from partimento.theory.interval import Interval

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
_HEAD_ATTRIBUTES = {"parentheses": ("parentheses", "yes"), "filled": ("filled", "yes"), "hollow": ("filled", "no")}


def head_order(piece: Piece, attached: Attached) -> list[int]:
    """Indices of heads from low to high, those with lyrics or marks first, as they belong to the chord."""
    heads = piece.heads
    if len(heads) < 2:
        return list(range(len(heads)))
    return sorted(range(len(heads)), key=lambda i: (heads[i].note_id not in attached, heads[i].pitch))


class NoteWriter:
    """Writes the notes of one part.

    Args:
        part: the part.
        part_id: its id in the document.
        attached: what hangs on the notes.
        duration: layout ticks ▶ divisions.
    """

    def __init__(self, part: Part, part_id: str, attached: Attached, duration: Callable[[int], int]) -> None:
        self.part, self.part_id, self.attached, self.duration = part, part_id, attached, duration
        self.transpose = part.transpose
        self._notations = NotationWriter(attached)

    def set_transpose(self, interval: Interval) -> None:
        """Write the notes that follow so that they sound `interval` away."""
        self.transpose = interval

    def write(self, measure: Element, piece: Piece, stream: Stream, accidentals: dict[tuple[int, int], int]) -> None:
        """Append a chord, rest or gap to a measure."""
        if piece.is_gap:
            add(add(measure, "forward"), "duration", self.duration(piece.end - piece.start))
        elif not piece.heads:
            self._write_rest(measure, piece, stream)
        for place, index in enumerate(head_order(piece, self.attached)):
            self._write_note(measure, piece, stream, piece.heads[index], place > 0, accidentals.get((id(piece), index)))

    def _write_rest(self, measure: Element, piece: Piece, stream: Stream) -> None:
        note = add(measure, "note")
        add(note, "rest", measure="yes" if piece.is_bar_rest else None)
        add(note, "duration", self.duration(piece.end - piece.start))
        add(note, "voice", stream.voice)
        if not piece.is_bar_rest:
            self._write_value(note, piece, piece.type, (piece.actual, piece.normal), None, ())
        if self.part.staves > 1:
            add(note, "staff", stream.staff)
        notations = element("notations")
        write_tuplets(notations, piece)
        write_marks(notations, piece.rest_signs)
        if len(notations):
            note.append(notations)

    def _write_note(
        self, measure: Element, piece: Piece, stream: Stream, head: Head, in_chord: bool, alter: int | None
    ) -> None:
        marks = self.attached.marks.get(head.note_id, ())
        note = add(measure, "note")
        if head.velocity:
            note.set("dynamics", figure(round(head.velocity / SOUND_PERCENT, 2)))
        if "hidden" in marks:
            note.set("print-object", "no")
        if piece.is_grace:
            add(note, "grace", slash="yes" if "slash" in marks else None)
        if head.is_cue:
            add(note, "cue")
        if in_chord:
            add(note, "chord")
        self._write_pitch(note, head, marks)
        if not piece.is_grace:
            add(note, "duration", self.duration(piece.end - piece.start))
        if not head.is_cue:
            for kind, is_tied in (("stop", head.tie_stop), ("start", head.tie_start)):
                if is_tied:
                    add(note, "tie", type=kind)
        if self.part.is_drums:
            add(note, "instrument", id=f"{self.part_id}-I{head.pitch + 1}")
        add(note, "voice", stream.voice)
        name, ratio = self._shown_value(piece, marks)
        self._write_value(
            note, piece, name, ratio, None if self.part.is_drums or "unpitched" in marks else alter, marks
        )
        self._write_notehead(note, head, marks)
        if self.part.staves > 1:
            add(note, "staff", head.staff)
        if not in_chord:
            for level, sign in enumerate(piece.beams, 1):
                add(note, "beam", sign, number=level)
        self._notations.write(note, piece, head, marks, in_chord=in_chord)
        if head.is_first:
            for lyric in self.attached.lyrics.get(head.note_id, ()):
                write_lyric(note, lyric)

    # Pitch and value

    def _write_pitch(self, note: Element, head: Head, marks: tuple[str, ...] | list[str]) -> None:
        if self.part.is_drums:
            usual = DRUM_STAFF.get(head.pitch, OTHER_DRUM)[0]
            place = next((m.partition(":")[2] for m in marks if m.startswith("display:")), usual)
            unpitched = add(note, "unpitched")
            add(unpitched, "display-step", place[0])
            add(unpitched, "display-octave", place[1:])
            return
        if "unpitched" in marks:
            unpitched = add(note, "unpitched")
            add(unpitched, "display-step", pitch.STEPS[pitch.step_of(head.spelling)])
            add(unpitched, "display-octave", pitch.octave_of(head.pitch, head.spelling))
            return
        spelling = head.spelling - self.transpose.fifths
        tag = add(note, "pitch")
        add(tag, "step", pitch.STEPS[pitch.step_of(spelling)])
        if alter := pitch.alter_of(spelling):
            add(tag, "alter", alter)
        add(tag, "octave", pitch.octave_of(head.pitch - self.transpose.semitones, spelling))

    def _shown_value(self, piece: Piece, marks: tuple[str, ...] | list[str]) -> tuple[str, tuple[int, int]]:
        """Note type and ratio; the two notes of a tremolo show the value of both."""
        name, ratio = piece.type, (piece.actual, piece.normal)
        is_between = any(m.startswith("tremolo") and m.endswith((":start", ":stop")) for m in marks)
        double = 2 * TYPE_UNITS.get(name, 0)
        if is_between and not piece.is_grace and piece.actual == 1 and double in _TYPE_OF_UNITS:
            return _TYPE_OF_UNITS[double], (2, 1)
        return name, ratio

    def _write_value(
        self,
        note: Element,
        piece: Piece,
        name: str,
        ratio: tuple[int, int],
        alter: int | None,
        marks: tuple[str, ...] | list[str],
    ) -> None:
        """Type, dots, accidental and time modification."""
        add(note, "type", name)
        for _ in range(piece.dots):
            add(note, "dot")
        if alter is not None and alter in _ACCIDENTALS:
            shown = next((m.partition(":")[2] for m in marks if m.startswith("accidental:")), None)
            sign = add(note, "accidental", _ACCIDENTALS[alter])
            if shown is not None:
                sign.set(shown, "yes")
        if ratio != (1, 1):
            modification = add(note, "time-modification")
            add(modification, "actual-notes", ratio[0])
            add(modification, "normal-notes", ratio[1])

    def _write_notehead(self, note: Element, head: Head, marks: tuple[str, ...] | list[str]) -> None:
        usual = DRUM_STAFF.get(head.pitch, OTHER_DRUM)[1] if self.part.is_drums else ""
        stated = next((m.split(":")[1:] for m in marks if m.startswith("notehead:")), [usual])
        if stated[0]:
            sign = add(note, "notehead", stated[0])
            for name in stated[1:]:
                sign.set(*_HEAD_ATTRIBUTES[name])
