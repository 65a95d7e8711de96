"""Reads one part: attributes and barlines; notes, directions and chord symbols through readers of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

from partimento.io.musicxml.content import PLACE_BITS, Cursor, Element, PartContent, flat, number, texts
from partimento.io.musicxml.direction_reader import DirectionReader
from partimento.io.musicxml.harmony_reader import HarmonyReader
from partimento.io.musicxml.note_reader import NoteReader
from partimento.io.musicxml.vocabulary import BAR_STYLES, CLEF_LINES, METER_SYMBOLS
from partimento.score import Barline, Direction, Repeat, Transposition
from partimento.theory.interval import Interval
from partimento.theory.key import MODES, NO_MODE, Key
from partimento.theory.meter import BEAT_TYPES, Meter

_MODES = {mode: index for index, mode in enumerate(MODES)} | {"ionian": 0, "aeolian": 1}
_MAX_BEATS = 999


class PartReader:
    """Reads the measures of one part.

    Args:
        ticks_per_quarter: resolution of all ticks.
        part: index of the part.
        drum_keys: instrument id ▶ General MIDI percussion key.
        programs: instrument id ▶ General MIDI program.
        first_id: note id of the first note.
    """

    def __init__(
        self,
        ticks_per_quarter: int,
        part: int,
        drum_keys: dict[str, int],
        programs: dict[str, int],
        first_id: int,
    ) -> None:
        self.cursor, self.found = Cursor(ticks_per_quarter, part), PartContent()
        several = programs if len(set(programs.values())) > 1 else {}
        self.notes = NoteReader(self.cursor, self.found, drum_keys, several, first_id)
        directions, harmonies = DirectionReader(self.cursor, self.found), HarmonyReader(self.cursor, self.found)
        self._handlers = {
            "note": self.notes.read,
            "backup": self._backup,
            "forward": self._forward,
            "attributes": self._attributes,
            "direction": directions.read,
            "sound": directions.read_sound,
            "harmony": harmonies.read,
            "figured-bass": harmonies.read_figures,
            "barline": self._barline,
        }

    def read(self, measures: Iterable[Element]) -> PartContent:
        """Everything in the part.

        Raises:
            ValueError: something is no number, or absurd; says in which measure.
        """
        handlers, cursor = self._handlers, self.cursor
        for index, measure in enumerate(measures):
            cursor.begin_measure(index)
            self.notes.tuplets.begin_measure()
            try:
                for child in measure:
                    handler = handlers.get(child.tag)
                    if handler is not None:
                        handler(child)
            except ValueError as error:
                raise ValueError(f"measure {measure.get('number', index + 1)}: {error}") from None
            self.found.lengths.append(cursor.length)
        self.notes.finish()
        return self.found

    def _backup(self, element: Element) -> None:
        self.cursor.jump(-self._duration(element))

    def _forward(self, element: Element) -> None:
        self.cursor.jump(self._duration(element))

    def _duration(self, element: Element) -> int:
        return sum(abs(self.cursor.ticks(duration.text)) for duration in element.iterchildren("duration"))

    # Attributes

    def _attributes(self, element: Element) -> None:
        place = self.cursor.place
        for child in element:
            if child.tag == "divisions":
                self.cursor.set_divisions(number(child, Fraction))
            elif child.tag == "transpose" and child.get("number", "1") == "1":
                self._transpose(child, place)
            elif child.tag == "staves":
                self.found.staves = max(self.found.staves, min(number(child), 100))
            elif child.tag == "clef":
                self._clef(child, place)
            elif child.tag == "time" and child.get("number", "1") == "1":
                self._meter(child, place)
            elif child.tag == "staff-details":
                self._staff_details(child, place)
            elif child.tag == "measure-style":
                self.found.lost["measure styles"] += 1
        for child in element.iterfind("key"):  # after transpose, which the schema puts last
            if child.get("number", "1") == "1":
                self._key(child, place)

    def _transpose(self, element: Element, place: int) -> None:
        values = {child.tag: number(child, float) for child in element if child.tag != "double"}
        octaves, semitones = int(values.get("octave-change", 0)), int(values.get("chromatic", 0))
        if abs(semitones) + 12 * abs(octaves) > 127:
            raise ValueError("a transposition by more than ten octaves")
        plain = Interval.from_semitones(semitones)
        interval = Interval(semitones + 12 * octaves, int(values.get("diatonic", plain.diatonic)) + 7 * octaves)
        if abs(interval.fifths) > 30:
            interval = Interval.from_semitones(interval.semitones)
        if not place:
            self.found.transpose = interval
        elif interval != self.cursor.transpose:
            self.found.transpositions.append(Transposition(place, self.cursor.part, interval))
        self.cursor.transpose, self.cursor.shift = interval, interval.fifths
        self.notes.transposition_changed()

    def _key(self, element: Element, place: int) -> None:
        text = texts(element)
        if "fifths" not in text:
            self.found.lost["key signatures of single accidentals"] += 1
            return
        fifths = number(element.find("fifths"))
        if abs(fifths) > 7:
            self.found.lost["key signatures beyond seven accidentals"] += 1
            return
        key = Key(fifths).transposed(self.cursor.transpose)
        if self.cursor.shift != key.fifths - fifths:
            self.cursor.shift = key.fifths - fifths
            self.notes.transposition_changed()
        self.found.keys.append((place, key.fifths, _MODES.get(text.get("mode", "").lower(), NO_MODE)))

    def _meter(self, element: Element, place: int) -> None:
        beats = [flat(b.text).replace(" ", "") for b in element.iterfind("beats")]
        types = [flat(t.text) for t in element.iterfind("beat-type")]
        try:
            pairs = [(sum(map(int, b.split("+"))), int(t)) for b, t in zip(beats, types, strict=True)]
        except ValueError:
            pairs = []
        if not pairs or any(t not in BEAT_TYPES or not 1 <= b <= _MAX_BEATS for b, t in pairs):
            self.found.lost["meters that say nothing"] += 1
            return
        beat_type = max(t for _, t in pairs)
        meter = Meter(sum(b * beat_type // t for b, t in pairs), beat_type)
        self.found.meters.append((place, meter, _meter_sign(element.get("symbol", ""), beats, types)))

    def _clef(self, element: Element, place: int) -> None:
        text = texts(element)
        sign = text.get("sign", "G")[:10]
        staff = int(element.get("number", "1"))
        line = number(element.find("line")) if text.get("line") else CLEF_LINES.get(sign, 0)
        octave = number(element.find("clef-octave-change")) if text.get("clef-octave-change") else 0
        if not (1 <= staff <= 100 and abs(line) < 100 and abs(octave) < 100):
            raise ValueError("a clef on no staff or line")
        self.found.is_drums |= sign == "percussion" and not place
        self.found.clefs.append((place, self.cursor.part, staff, sign, line, octave))

    def _staff_details(self, element: Element, place: int) -> None:
        lines = flat(element.findtext("staff-lines"))
        if lines.isdecimal() and len(lines) < 3:
            staff = max(int(element.get("number", "1")), 1)
            self.found.directions.append(Direction(place, "staff-lines", lines, self.cursor.part, min(staff, 100)))

    # Barlines

    def _barline(self, element: Element) -> None:
        location = element.get("location", "right")
        place = self.cursor.place
        if location == "right":
            place = (self.cursor.measure + 1) << PLACE_BITS
        elif location == "left":
            place = self.cursor.base
        usual = ""
        for child in element:
            if child.tag == "repeat" and child.get("direction") in ("forward", "backward"):
                self._repeat(place, child.get("direction"), child.get("times", ""))
                usual = "heavy-light" if child.get("direction") == "forward" else "light-heavy"
            elif child.tag == "ending" and child.get("type") in ("start", "stop", "discontinue"):
                self._repeat(place, f"ending-{child.get('type')}", _ending_numbers(child))
            elif child.tag in ("segno", "coda"):
                self._repeat(place, child.tag)
            elif child.tag == "fermata":
                shape = flat(child.text).replace("normal", "")
                self.found.directions.append(Direction(place, "barline-fermata", shape, self.cursor.part))
        style = flat(element.findtext("bar-style"))
        if style in BAR_STYLES and style != usual:
            self.found.barlines.append(Barline(place, style))

    def _repeat(self, place: int, kind: str, text: str = "") -> None:
        self.found.repeats.append(Repeat(place, kind, text))


def _meter_sign(symbol: str, beats: list[str], types: list[str]) -> str:
    """How a meter is printed where that is no plain fraction: `common`, `3+2/8`, `3/8+2/4`."""
    if symbol in METER_SYMBOLS:
        return symbol
    if len(beats) == 1 and beats[0].isdecimal():
        return ""
    return "+".join(f"{b}/{t}" for b, t in zip(beats, types, strict=True))


def _ending_numbers(ending: Element) -> str:
    numbers = re.findall(r"\d{1,4}", ending.get("number", "")) or re.findall(r"\d{1,4}", ending.text or "")
    return ", ".join(number for number in numbers if int(number))
