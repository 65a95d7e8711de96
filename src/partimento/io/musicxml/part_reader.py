"""Reads one part: attributes, directions, chord symbols and barlines; notes through `NoteReader`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

from partimento.io.musicxml.content import PLACE_BITS, Cursor, Element, PartContent, number, texts
from partimento.io.musicxml.note_reader import NoteReader, dynamic_texts
from partimento.io.musicxml.vocabulary import (
    CHORD_KINDS,
    CLEF_LINES,
    DEGREE_KINDS,
    SPAN_DIRECTIONS,
    TYPE_UNITS,
    UNITS_PER_QUARTER,
)
from partimento.score import ChordEvent, Direction, Repeat
from partimento.theory import pitch
from partimento.theory.chord import ChordSymbol
from partimento.theory.interval import Interval
from partimento.theory.key import MODES, NO_MODE, Key
from partimento.theory.meter import BEAT_TYPES, Meter

_MODES = {mode: index for index, mode in enumerate(MODES)} | {"ionian": 0, "aeolian": 1}
_JUMPS = {
    "fine": "fine",
    "dacapo": "dacapo",
    "dalsegno": "dalsegno",
    "tocoda": "to-coda",
    "coda": "coda",
    "segno": "segno",
}
_TEMPO_RANGE_BPM = (1.0, 2000.0)


class PartReader:
    """Reads the measures of one part."""

    def __init__(self, ticks_per_quarter: int, part: int, drum_keys: dict[str, int], first_id: int) -> None:
        self.cursor = Cursor(ticks_per_quarter, part)
        self.found = PartContent()
        self.notes = NoteReader(self.cursor, self.found, drum_keys, first_id)
        self._handlers = {
            "note": self.notes.read,
            "backup": self._backup,
            "forward": self._forward,
            "attributes": self._attributes,
            "direction": self._direction,
            "harmony": self._harmony,
            "barline": self._barline,
            "sound": self._sound,
        }

    def read(self, measures: Iterable[Element]) -> PartContent:
        """Everything in the part.

        Raises:
            ValueError: something is no number, or absurd; says in which measure.
        """
        handlers, cursor = self._handlers, self.cursor
        for index, measure in enumerate(measures):
            cursor.begin_measure(index)
            self.notes.begin_measure()
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
            elif child.tag == "transpose":
                self._transpose(child)
            elif child.tag == "staves":
                self.found.staves = max(self.found.staves, min(number(child), 100))
            elif child.tag == "clef":
                self._clef(child, place)
            elif child.tag == "time" and child.get("number", "1") == "1":
                self._meter(child, place)
        for child in element.iterfind("key"):  # after transpose, which the schema puts last
            if child.get("number", "1") == "1":
                self._key(child, place)

    def _transpose(self, element: Element) -> None:
        values = {child.tag: number(child, float) for child in element if child.tag != "double"}
        octaves, semitones = int(values.get("octave-change", 0)), int(values.get("chromatic", 0))
        if abs(semitones) + 12 * abs(octaves) > 127:
            raise ValueError("a transposition by more than ten octaves")
        plain = Interval.from_semitones(semitones)
        interval = Interval(semitones + 12 * octaves, int(values.get("diatonic", plain.diatonic)) + 7 * octaves)
        if abs(interval.fifths) > 30:
            interval = Interval.from_semitones(interval.semitones)
        self.cursor.transpose, self.cursor.shift = interval, interval.fifths
        if not self.found.notes:
            self.found.transpose = interval
        elif interval != self.found.transpose:
            self.found.lost["changes of transposition"] += 1

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
        self.cursor.shift = key.fifths - fifths
        self.found.keys.append((place, key.fifths, _MODES.get(text.get("mode", "").lower(), NO_MODE)))

    def _meter(self, element: Element, place: int) -> None:
        beats = [b.text or "" for b in element.iterfind("beats")]
        types = [t.text or "" for t in element.iterfind("beat-type")]
        try:
            pairs = [(sum(map(int, b.split("+"))), int(t)) for b, t in zip(beats, types, strict=True)]
        except ValueError:
            pairs = []
        if not pairs or any(t not in BEAT_TYPES or not 1 <= b <= 999 for b, t in pairs):
            self.found.lost["meters that say nothing"] += 1
            return
        beat_type = max(t for _, t in pairs)
        self.found.meters.append((place, Meter(sum(b * beat_type // t for b, t in pairs), beat_type)))

    def _clef(self, element: Element, place: int) -> None:
        text = texts(element)
        sign = text.get("sign", "G")[:10]
        staff = int(element.get("number", "1"))
        line = number(element.find("line")) if text.get("line") else CLEF_LINES.get(sign, 0)
        octave = number(element.find("clef-octave-change")) if text.get("clef-octave-change") else 0
        if not (1 <= staff <= 100 and abs(line) < 100 and abs(octave) < 100):
            raise ValueError("a clef on no staff or line")
        self.found.is_drums |= sign == "percussion"
        self.found.clefs.append((place, self.cursor.part, staff, sign, line, octave))

    # Directions

    def _direction(self, element: Element) -> None:
        children = {child.tag: child for child in element}
        offset, staff, sound = children.get("offset"), children.get("staff"), children.get("sound")
        tick = self.cursor.tick + (self.cursor.ticks(offset.text, "offset") if offset is not None else 0)
        place = self.cursor.at(tick)
        staff = 1 if staff is None else max(1, min(number(staff), 100))
        has_tempo = sound is not None and "tempo" in sound.attrib
        for kind in element.iterchildren("direction-type"):
            for sign in kind:
                if sign.tag != "metronome":
                    self._sign(sign, place, staff)
                elif not has_tempo:
                    self._metronome(sign, place)
        if sound is not None:
            self._sound(sound, place)

    def _sign(self, sign: Element, place: int, staff: int) -> None:
        tag, kind = sign.tag, sign.get("type", "")
        if tag in ("words", "rehearsal"):
            self._add(place, tag, (sign.text or "").strip(), staff)
        elif tag == "dynamics":
            for text in dynamic_texts(sign):
                self._add(place, "dynamics", text, staff)
        elif tag == "wedge" and kind != "continue":
            self._add(place, "wedge-stop" if kind == "stop" else kind, "", staff, needs_text=False)
        elif tag == "octave-shift" and kind in ("up", "down"):
            self._add(place, tag, f"{kind} {sign.get('size', '8')}", staff)
        elif tag in SPAN_DIRECTIONS and kind != "continue":
            self._add(place, tag, kind, staff)
        elif tag in ("segno", "coda"):
            self._repeat(place, tag)
        elif tag != "wedge" and tag not in SPAN_DIRECTIONS:
            self.found.lost[f"<{tag}> directions"] += 1

    def _add(self, place: int, kind: str, text: str, staff: int, *, needs_text: bool = True) -> None:
        if text or not needs_text:
            self.found.directions.append(Direction(place, kind, text, self.cursor.part, staff))

    def _metronome(self, sign: Element, place: int) -> None:
        text = texts(sign)
        match = re.search(r"\d+(\.\d+)?", text.get("per-minute", ""))
        units = TYPE_UNITS.get(text.get("beat-unit", ""))
        if not match or units is None:
            self.found.lost["metronome marks without a number"] += 1
            return
        dots = min(len(sign.findall("beat-unit-dot")), 3)
        beat_quarter = units / UNITS_PER_QUARTER * (2 - 0.5**dots)
        self._tempo(place, float(match[0]) * beat_quarter, is_played=False)

    def _tempo(self, place: int, tempo_bpm: float, *, is_played: bool) -> None:
        if _TEMPO_RANGE_BPM[0] <= tempo_bpm <= _TEMPO_RANGE_BPM[1]:
            self.found.tempos.append((place, tempo_bpm, is_played))
        else:
            self.found.lost["absurd tempi"] += 1

    def _sound(self, sound: Element, place: int | None = None) -> None:
        place = self.cursor.place if place is None else place
        if "tempo" in sound.attrib:
            try:
                self._tempo(place, float(sound.get("tempo")), is_played=True)
            except ValueError:
                self.found.lost["absurd tempi"] += 1
        for attribute, kind in _JUMPS.items():
            if sound.get(attribute, "no") != "no":
                self._repeat(place, kind)

    # Chord symbols and barlines

    def _harmony(self, element: Element) -> None:
        offset = element.find("offset")
        tick = self.cursor.tick + (self.cursor.ticks(offset.text, "offset") if offset is not None else 0)
        kind, root = element.findtext("kind", "").strip(), element.find("root")
        if kind != "none" and root is None:
            self.found.lost["chords without a root"] += 1
            return
        symbol = None if kind == "none" else self._chord(element, root, kind)
        self.found.chords.append(ChordEvent(self.cursor.at(tick), symbol, self.cursor.part))

    def _chord(self, element: Element, root: Element, kind: str) -> ChordSymbol:
        known = CHORD_KINDS.get(kind)
        if known is None or known != kind:
            self.found.lost["chord kinds replaced by the nearest known"] += 1
        known = known or "major"
        for degree in element.iterfind("degree"):
            text = texts(degree)
            alter = int(float(text.get("degree-alter") or 0))
            name = f"{text.get('degree-type', '')}{text.get('degree-value', '')}{alter:+d}"
            known, before = DEGREE_KINDS.get((known, name), known), known
            self.found.lost["altered chord degrees"] += known == before
        fifths = self.cursor.shift
        bass = element.find("bass")
        spelled, bass = _tone(root) + fifths, None if bass is None else _tone(bass) + fifths
        return ChordSymbol(spelled, known, None if bass == spelled else bass)

    def _barline(self, element: Element) -> None:
        location = element.get("location", "right")
        place = self.cursor.place
        if location == "right":
            place = (self.cursor.measure + 1) << PLACE_BITS
        elif location == "left":
            place = self.cursor.measure << PLACE_BITS
        for child in element:
            if child.tag == "repeat" and child.get("direction") in ("forward", "backward"):
                self._repeat(place, child.get("direction"), child.get("times", ""))
            elif child.tag == "ending" and child.get("type") in ("start", "stop", "discontinue"):
                self._repeat(place, f"ending-{child.get('type')}", _ending_numbers(child))
            elif child.tag in ("segno", "coda"):
                self._repeat(place, child.tag)
            elif child.tag == "fermata":
                self.found.lost["fermatas on barlines"] += 1

    def _repeat(self, place: int, kind: str, text: str = "") -> None:
        self.found.repeats.append(Repeat(place, kind, text))


def _ending_numbers(ending: Element) -> str:
    numbers = re.findall(r"\d{1,4}", ending.get("number", "")) or re.findall(r"\d{1,4}", ending.text or "")
    return ", ".join(number for number in numbers if int(number))


def _tone(element: Element) -> int:
    """Spelling of a chord's root or bass."""
    text = {child.tag.partition("-")[2]: (child.text or "").strip() for child in element}
    step = pitch.STEPS.find(text.get("step") or "?")
    if step < 0 or len(text["step"]) != 1:
        raise ValueError(f"a chord on step {text.get('step', '')[:20]!r}")
    alter = int(float(text.get("alter") or 0))
    if abs(alter) > 3:
        raise ValueError(f"a chord on a tone altered by {alter}")
    return pitch.spelling(step, alter)
