"""Writes one part, measure by measure."""

from __future__ import annotations

from collections.abc import Sequence

from partimento.io.musicxml.besides import Beside, Besides
from partimento.io.musicxml.content import Element
from partimento.io.musicxml.elements import add, element
from partimento.io.musicxml.engraving import accidentals, beam, join_half_bars
from partimento.io.musicxml.layout import Stream
from partimento.io.musicxml.measure_writer import (
    write_clef,
    write_key,
    write_meter,
    write_staff_lines,
    write_transpose,
)
from partimento.io.musicxml.notation_writer import Attached
from partimento.io.musicxml.note_writer import NoteWriter
from partimento.io.musicxml.prepare import Prepared
from partimento.io.musicxml.staff_signs import StaffSigns
from partimento.io.musicxml.vocabulary import TYPE_UNITS

_BEFORE_OFFSET = frozenset(["direction-type", "kind", "bass", "inversion", "degree", "frame"])
"""Elements that precede an `<offset>`."""


class PartWriter:
    """Writes the part `index` of a prepared score."""

    def __init__(self, prepared: Prepared, index: int, part_id: str, instrument_id: str, attached: Attached) -> None:
        self.prepared, self.index, self.part_id, self.attached = prepared, index, part_id, attached
        self.bars, self.part = prepared.bars, prepared.score.parts[index]
        self.notes = NoteWriter(self.part, part_id, attached, lambda ticks: ticks // prepared.tick)
        self.signs = StaffSigns(prepared, index)
        self.besides = Besides(self.signs, instrument_id)

    def write(self) -> Element:
        """The whole part."""
        part = element("part", id=self.part_id)
        numbers = self._measure_numbers()
        for index, streams in enumerate(self.prepared.streams[self.index]):
            part.append(self._write_measure(index, streams, *numbers[index]))
        return part

    def _measure_numbers(self) -> list[tuple[str, bool]]:
        """Number of each measure, and whether it counts; a bar cut in two by a repeat counts once."""
        numbers: list[tuple[str, bool]] = []
        count, missing, starts = 0, 0, self.bars.starts
        for index, meter in enumerate(self.bars.meters):
            full = int(meter.duration_quarter * self.bars.quarter)
            length = starts[index + 1] - starts[index]
            if index == 0 and length < full:
                numbers.append(("0", False))
            elif missing and length == missing:
                numbers.append((f"X{index}", False))
                missing = 0
            else:
                count += 1
                numbers.append((str(count), True))
                missing = full - length if length < full else 0
        return numbers

    def _write_measure(self, index: int, streams: Sequence[Stream], number: str, is_counted: bool) -> Element:
        measure = element("measure", number=number, implicit=None if is_counted else "yes")
        start, end = self.bars.starts[index : index + 2]
        left = self.besides.barline(index, "left")
        right = self.besides.barline(index, "right", is_last=index + 2 == len(self.bars.starts))
        if left is not None:
            measure.append(left)
        self._write_attributes(measure, index)
        for stream in streams:
            self._set_grace_types(stream)
            beam(stream, self.bars, index)
            join_half_bars(stream, self.bars, index)
        signs = self._accidentals(start, streams)
        reached = 0
        besides = self.besides.by_measure.get(index, [])
        for stream in streams:
            if reached:
                add(add(measure, "backup"), "duration", reached // self.prepared.tick)
            own = [b for b in besides if b.staff == stream.staff] if stream.is_first and besides else []
            reached = self._write_stream(measure, stream, own, signs, start, end)
        if right is not None:
            measure.append(right)
        return measure

    def _set_grace_types(self, stream: Stream) -> None:
        for piece in stream.pieces:
            if piece.is_grace:
                marks = self.attached.marks.get(piece.heads[0].note_id, ())
                stated = (mark.partition(":")[2] for mark in marks if mark.startswith("grace:"))
                piece.type = next((name for name in stated if name in TYPE_UNITS), "")

    def _accidentals(self, start: int, streams: Sequence[Stream]) -> dict[tuple[int, int], int]:
        if self.part.is_drums:
            return {}
        transpose = self.signs.transpose_at(start)
        shift = (-transpose.semitones, -transpose.fifths)
        return accidentals(streams, self.signs.fifths_at(start), shift, self.attached.with_accidental)

    def _write_stream(
        self,
        measure: Element,
        stream: Stream,
        besides: list[Beside],
        signs: dict[tuple[int, int], int],
        start: int,
        end: int,
    ) -> int:
        """Write a voice with what stands beside it; returns the tick reached."""
        waiting = sorted(besides, key=lambda b: (b.tick, b.rank))
        reached, taken = 0, 0
        for number, piece in enumerate(stream.pieces):
            if piece.is_gap and piece.end == end - start and number + 1 == len(stream.pieces):
                break
            while taken < len(waiting) and waiting[taken].tick < max(piece.end, piece.start + 1):
                self._write_beside(measure, waiting[taken], piece.start)
                taken += 1
            if len(self.signs.transpositions) > 1:
                self.notes.set_transpose(self.signs.transpose_at(min(start + piece.start, end - 1)))
            self.notes.write(measure, piece, stream, signs)
            reached = piece.end
        for beside in waiting[taken:]:
            self._write_beside(measure, beside, reached)
        return reached

    def _write_beside(self, measure: Element, beside: Beside, at: int) -> None:
        made, distance = beside.make(), (beside.tick - at) // self.prepared.tick
        if not distance:
            measure.append(made)
        elif made.tag in ("direction", "harmony"):
            last = max(i for i, child in enumerate(made) if child.tag in _BEFORE_OFFSET)
            made.insert(last + 1, element("offset", distance))
            measure.append(made)
        elif made.tag == "sound":
            add(made, "offset", distance)
            measure.append(made)
        else:
            there, back = ("forward", "backup") if distance > 0 else ("backup", "forward")
            add(add(measure, there), "duration", abs(distance))
            measure.append(made)
            add(add(measure, back), "duration", abs(distance))

    def _write_attributes(self, measure: Element, index: int) -> None:
        """Everything of the attributes that changes at the barline, in the schema's order."""
        start, made, staves, signs = self.bars.starts[index], element("attributes"), self.part.staves, self.signs
        if index == 0:
            add(made, "divisions", self.bars.quarter // self.prepared.tick)
        for _, fifths, mode_id in [key for key in signs.keys if key[0] == start]:
            write_key(made, fifths, mode_id)
        for _, meter, sign in [meter for meter in signs.meters if meter[0] == start]:
            write_meter(made, meter, sign)
        if index == 0 and staves > 1:
            add(made, "staves", staves)
        for _, clef in sorted(c for c in signs.clefs if c[0] == start):
            write_clef(made, *clef, staves)
        for _, event in [lines for lines in signs.staff_lines if lines[0] == start]:
            write_staff_lines(made, event, staves)
        for _, interval in [change for change in signs.transpositions if change[0] == start]:
            if interval or start:
                write_transpose(made, interval)
        if len(made):
            measure.append(made)
