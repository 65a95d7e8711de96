"""Writes one part, measure by measure."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from partimento.io.musicxml.content import Element
from partimento.io.musicxml.elements import add, element
from partimento.io.musicxml.engraving import accidentals, beam, join_half_bars
from partimento.io.musicxml.layout import Stream
from partimento.io.musicxml.measure_writer import (
    Beside,
    barline,
    direction,
    harmony,
    insert_offset,
    is_barline,
    jump,
    tempo,
    write_clef,
    write_key,
    write_meter,
    write_transpose,
)
from partimento.io.musicxml.note_writer import Attached, NoteWriter
from partimento.io.musicxml.prepare import Prepared, written_fifths
from partimento.io.musicxml.vocabulary import SPAN_DIRECTIONS
from partimento.score import Direction, Repeat
from partimento.theory.meter import Meter

_GUITARS, _BASSES, _VIOLA = range(24, 32), range(32, 40), 41
_LOW_PITCH = 57
"""Staves whose middle written pitch lies lower get a bass clef."""
_ENDS = frozenset(["fine", "dacapo", "dalsegno", "to-coda"])

Clef = tuple[int, str, int, int]
"""Staff, sign, line, octave change."""


class PartWriter:
    """Writes the part `index` of a prepared score."""

    def __init__(self, prepared: Prepared, index: int, part_id: str, attached: Attached) -> None:
        self.prepared, self.index = prepared, index
        self.score, self.bars, self.part = prepared.score, prepared.bars, prepared.score.parts[index]
        self.notes = NoteWriter(self.part, part_id, attached, lambda ticks: ticks // prepared.tick)
        self.part_id = part_id
        self.keys = self._written_keys()
        self.clefs = self._all_clefs()
        self.meters = [(int(t) * prepared.scale, Meter(int(b), int(k))) for t, b, k in self.score.meters.tolist()]
        self.besides: dict[int, list[Beside]] = defaultdict(list)
        self.barlines: dict[tuple[int, str], list[Repeat]] = defaultdict(list)
        self._collect()

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
        length = self.bars.starts[index + 1] - self.bars.starts[index]
        is_last = index + 2 == len(self.bars.starts)
        left = barline("left", self.barlines.get((index, "left"), []))
        right = barline("right", self.barlines.get((index, "right"), []), is_last=is_last)
        if left is not None:
            measure.append(left)
        self._write_attributes(measure, index)
        for stream in streams:
            beam(stream, self.bars, index)
            join_half_bars(stream, self.bars, index)
        signs = self._accidentals(index, streams)
        reached = 0
        for stream in streams:
            if reached:
                add(add(measure, "backup"), "duration", reached // self.prepared.tick)
            own = [b for b in self.besides.get(index, []) if b.staff == stream.staff] if stream.is_first else []
            reached = self._write_stream(measure, stream, own, signs, length)
        if right is not None:
            measure.append(right)
        return measure

    def _accidentals(self, index: int, streams: Sequence[Stream]) -> dict[tuple[int, int], int]:
        if self.part.is_drums:
            return {}
        transpose = self.part.transpose
        row = bisect_right(self.keys, self.bars.starts[index], key=lambda key: key[0]) - 1
        return accidentals(
            streams, self.keys[max(row, 0)][1] if self.keys else 0, (-transpose.semitones, -transpose.fifths)
        )

    def _write_stream(
        self,
        measure: Element,
        stream: Stream,
        besides: list[Beside],
        signs: dict[tuple[int, int], int],
        length: int,
    ) -> int:
        """Write a voice with what stands beside it; returns the tick reached."""
        waiting = sorted(besides, key=lambda b: (b.tick, b.rank))
        reached = 0
        for piece in stream.pieces:
            if piece.is_gap and piece.end == length:
                break
            while waiting and waiting[0].tick < max(piece.end, piece.start + 1):
                self._write_beside(measure, waiting.pop(0), piece.start)
            self.notes.write(measure, piece, stream, signs)
            reached = piece.end
        for beside in waiting:
            self._write_beside(measure, beside, reached)
        return reached

    def _write_beside(self, measure: Element, beside: Beside, at: int) -> None:
        made, distance = beside.make(), (beside.tick - at) // self.prepared.tick
        if made.tag in ("direction", "harmony") or not distance:
            insert_offset(made, distance)
            measure.append(made)
            return
        there, back = ("forward", "backup") if distance > 0 else ("backup", "forward")
        add(add(measure, there), "duration", abs(distance))
        measure.append(made)
        add(add(measure, back), "duration", abs(distance))

    # Attributes

    def _written_keys(self) -> list[tuple[int, int, int]]:
        """(layout tick, written fifths, mode id) of each key change of this part."""
        if self.part.is_drums:
            return []
        shift, scale = self.part.transpose.fifths, self.prepared.scale
        rows = {
            t: (t * scale, written_fifths(f, shift), m)
            for t, p, f, m in self.score.keys.tolist()
            if p in (-1, self.index)
        }
        return list(rows.values())

    def _all_clefs(self) -> list[tuple[int, Clef]]:
        rows = self.score.clefs[self.score.clefs["part"] == self.index].tolist()
        found = [(t * self.prepared.scale, (s, g, n, o)) for t, _, s, g, n, o in rows if 1 <= s <= self.part.staves]
        first = {clef[0] for tick, clef in found if tick == 0}
        return [(0, self._default_clef(s)) for s in range(1, self.part.staves + 1) if s not in first] + found

    def _default_clef(self, staff: int) -> Clef:
        notes = self.prepared.notes[self.index]
        pitches = notes["pitch"][notes["staff"] == staff] - self.part.transpose.semitones
        program = self.part.program
        if self.part.is_drums:
            return staff, "percussion", 0, 0
        if self.part.staves > 1:
            middle = float(np.median(pitches)) if len(pitches) else 0.0
            is_low = middle < _LOW_PITCH if len(pitches) else staff > 1
            return (staff, "F", 4, 0) if is_low else (staff, "G", 2, 0)
        if program in _GUITARS and not self.part.transpose:
            return staff, "G", 2, -1
        if program in _BASSES and not self.part.transpose:
            return staff, "F", 4, -1
        if program == _VIOLA:
            return staff, "C", 3, 0
        return (staff, "F", 4, 0) if len(pitches) and np.median(pitches) < _LOW_PITCH else (staff, "G", 2, 0)

    def _write_attributes(self, measure: Element, index: int) -> None:
        """Everything of the attributes that changes at the barline."""
        start, made = self.bars.starts[index], element("attributes")
        if index == 0:
            add(made, "divisions", self.bars.quarter // self.prepared.tick)
        for _, fifths, mode_id in [key for key in self.keys if key[0] == start]:
            write_key(made, fifths, mode_id)
        for _, meter in [meter for meter in self.meters if meter[0] == start]:
            write_meter(made, meter)
        if index == 0 and self.part.staves > 1:
            add(made, "staves", self.part.staves)
        for _, clef in sorted(c for c in self.clefs if c[0] == start):
            write_clef(made, *clef, self.part.staves)
        if index == 0:
            write_transpose(made, self.part)
        if len(made):
            measure.append(made)

    # What stands beside the notes

    def _collect(self) -> None:
        """Find the measure of everything that is not a note."""
        scale = self.prepared.scale
        for repeat in self.score.repeats:
            self._collect_repeat(repeat, repeat.onset_tick * scale)
        self._collect_directions()
        for event in self.score.chords:
            if event.part == self.index:
                self._beside(event.onset_tick * scale, 1, 3, lambda event=event: harmony(event, self.part))
        if self.index == 0:
            self._collect_tempos()
        for tick, fifths, mode_id in self.keys:
            self._inside(tick, 1, lambda made, a=fifths, b=mode_id: write_key(made, a, b))
        for tick, meter in self.meters:
            self._inside(tick, 1, lambda made, a=meter: write_meter(made, a))
        for tick, clef in self.clefs:
            self._inside(tick, clef[0], lambda made, a=clef: write_clef(made, *a, self.part.staves))

    def _beside(self, tick: int, staff: int, rank: int, make: Callable[[], Element], *, at_end: bool = False) -> None:
        """Put something into the measure around a tick, or at the end of the one before."""
        starts = self.bars.starts
        index = min(bisect_right(starts, tick) - 1, len(starts) - 2)
        if at_end and index and starts[index] == tick:
            index -= 1
        self.besides[index].append(Beside(tick - starts[index], staff, rank, make))

    def _inside(self, tick: int, staff: int, write: Callable[[Element], None]) -> None:
        """Attributes that change elsewhere than at a barline."""
        if tick in self.bars.starts[:-1]:
            return

        def make() -> Element:
            made = element("attributes")
            write(made)
            return made

        self._beside(tick, staff, 0, make)

    def _collect_repeat(self, repeat: Repeat, tick: int) -> None:
        starts = self.bars.starts
        if not is_barline(repeat):
            if self.index == 0:
                words = {d.onset_tick for d in self.score.directions if d.kind == "words"}
                needs_words = repeat.onset_tick not in words
                is_end = repeat.kind in _ENDS
                self._beside(tick, 1, 1, lambda: jump(repeat, needs_words=needs_words), at_end=is_end)
            return
        is_left = repeat.kind in ("forward", "ending-start")
        if is_left and tick in starts[:-1]:
            self.barlines[starts.index(tick), "left"].append(repeat)
        elif not is_left and tick in starts[1:]:
            self.barlines[starts.index(tick) - 1, "right"].append(repeat)
        elif 0 < tick < starts[-1]:
            self._beside(tick, 1, 0, lambda: barline("middle", [repeat]) or element("barline", location="middle"))

    def _collect_tempos(self) -> None:
        shown: set[int] = set()
        for tick, bpm in {int(t): float(b) for t, b in self.score.tempos.tolist()}.items():
            place = tick * self.prepared.scale
            measure = bisect_right(self.bars.starts, place)
            meter = self.score.meter_at(tick)
            is_shown = measure not in shown
            shown.add(measure)
            self._beside(place, 1, 1, lambda b=bpm, m=meter, s=is_shown: tempo(b, m, is_shown=s))

    def _collect_directions(self) -> None:
        opened: dict[tuple[str, int], list[tuple[int, str]]] = defaultdict(list)
        for event in self.score.directions:
            if event.part != self.index:
                continue
            family = "wedge" if event.kind in ("crescendo", "diminuendo", "wedge-stop") else event.kind
            is_stop = event.kind == "wedge-stop" or (event.kind in SPAN_DIRECTIONS and event.text == "stop")
            number = None
            if is_stop:
                waiting = opened[family, event.staff]
                number, text = waiting.pop(0) if waiting else (1, "")
                if event.kind == "octave-shift":
                    event = Direction(
                        event.onset_tick,
                        event.kind,
                        f"stop {text.partition(' ')[2]}",
                        event.part,
                        event.staff,
                    )
            elif family == "wedge" or family in SPAN_DIRECTIONS - {"pedal"}:
                taken = {n for (kind, _), line in opened.items() if kind == family for n, _ in line}
                number = next(n for n in range(1, len(taken) + 2) if n not in taken)
                opened[family, event.staff].append((number, event.text))
            staff = min(max(event.staff, 1), self.part.staves)
            make = lambda e=event, n=number: direction(e, n, self.part.staves)  # noqa: E731
            self._beside(event.onset_tick * self.prepared.scale, staff, 0 if is_stop else 2, make, at_end=is_stop)
