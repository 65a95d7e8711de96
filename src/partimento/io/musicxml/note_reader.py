"""Reads `<note>`: pitch, rhythm, ties, tuplets, lyrics and everything that hangs on a note."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import prod

from partimento.io.musicxml.content import Cursor, Element, PartContent, number, texts, to_number
from partimento.io.musicxml.vocabulary import (
    ARTICULATIONS,
    DRUM_AT,
    DRUM_STAFF,
    LINES,
    MARKS_ON_NOTATIONS,
    ORNAMENTS,
    TECHNICAL,
    TYPE_UNITS,
    UNITS_PER_QUARTER,
    WITH_TEXT,
)
from partimento.score import Direction, Lyric, Mark, Spanner, Tuplet
from partimento.theory import pitch
from partimento.theory.pitch import UNSPELLED

_STEPS = {letter: index for index, letter in enumerate(pitch.STEPS)}
_SIGNS = {"articulations": ARTICULATIONS, "ornaments": ORNAMENTS, "technical": TECHNICAL}
_MAX_VOICES = 1000
_SNARE = 38

_Texts = dict[str, str | None]
"""Tag ▶ text of everything inside a note."""


@dataclass(slots=True)
class _Group:
    """Notes under the same time modification without a bracket."""

    start: int
    end: int
    ratio: tuple[int, int]
    unit: Fraction


class NoteReader:
    """Reads the notes of one part into `found`."""

    def __init__(self, cursor: Cursor, found: PartContent, drum_keys: dict[str, int], first_id: int) -> None:
        self.cursor, self.found, self.drum_keys = cursor, found, drum_keys
        self.next_id = first_id
        self._voices: dict[str, int] = {}
        self._staves: dict[str | None, int] = {}
        self._graces: dict[int, int] = {}
        self._lines: dict[tuple[str, str], tuple[int, int, bool]] = {}
        self._brackets: dict[int, dict[str, tuple[int, int, int]]] = {}
        self._groups: dict[int, _Group] = {}
        self._sounded: dict[int, int] = {}
        self._verses: dict[str, int] = {}

    def begin_measure(self) -> None:
        """Tuplets do not cross barlines."""
        self._brackets.clear()
        self._sounded.clear()
        self._groups.clear()

    def finish(self) -> None:
        """Count the lines that never met their other end."""
        self.found.lost["lines without an end"] += len(self._lines)

    def read(self, element: Element) -> None:
        """Read a note or rest, and move the cursor behind it."""
        text = {child.tag: child.text for child in element.iter()}  # tags inside a note are unambiguous
        cursor, is_grace, in_chord = self.cursor, "grace" in text, "chord" in text
        stated = duration = 0 if is_grace or "duration" not in text else cursor.ticks(text["duration"])
        if duration < 0:
            raise ValueError("a note with a negative duration")
        if "time-modification" in text and duration:
            duration = self._exact_duration(text, stated)
        if not in_chord:
            cursor.advance(duration, stated)
        label = text.get("voice") or "1"
        voice = self._voices.get(label) or self._voice(label)
        if "time-modification" in text and not (is_grace or in_chord or "cue" in text):
            self._read_tuplets(element, text, voice, duration)
        if "rest" in text:
            self._graces.pop(voice, None)
            if "fermata" in text:
                self.found.lost["fermatas on rests"] += 1
        elif "cue" in text:
            self.found.lost["cue notes"] += 1
        elif is_grace or duration:
            self._read_sound(element, text, voice, duration)
        else:
            self.found.lost["notes without a duration"] += 1

    def _exact_duration(self, text: _Texts, stated: int) -> int:
        """The duration that note type and tuplet say, where the file has only rounded it to its divisions."""
        actual, normal, _ = self._modification(text, stated)
        plain = Fraction(TYPE_UNITS.get(text.get("type") or "", 0) * self.cursor.ticks_per_quarter, UNITS_PER_QUARTER)
        for dotted in (Fraction(3, 2), Fraction(7, 4)) if "dot" in text else (Fraction(1),):
            exact = plain * dotted * normal / actual
            if exact.denominator == 1 and exact > 0 and abs(exact - stated) < self.cursor.scale:
                return int(exact)
        return stated

    def _voice(self, label: str) -> int:
        """A number of its own for each name of a voice; the name itself where it is a number."""
        taken = set(self._voices.values())
        voice = int(label) if label.strip().isdecimal() and len(label) < 9 else 0
        if not 1 <= voice <= _MAX_VOICES or voice in taken:
            voice = next(v for v in range(1, len(taken) + 2) if v not in taken)
        self._voices[label] = voice = min(voice, 32767)
        return voice

    def _read_sound(self, element: Element, text: _Texts, voice: int, duration: int) -> None:
        pitch_spelling = self._pitch(text) if "pitch" in text else self._drum_key(element, text)
        if pitch_spelling is None:
            self.found.lost["notes without a playable pitch"] += 1
            return
        staff = self._staff(text["staff"]) if "staff" in text else 1
        if staff > self.found.staves:
            self.found.staves = staff
        is_grace = "grace" in text
        grace = self._grace(voice, is_grace, "chord" in text) if is_grace or voice in self._graces else 0
        place, note_id = self.cursor.at(self.cursor.chord_tick), self.next_id
        self.next_id += 1
        is_tied = "tie" in text and any(tie.get("type") == "start" for tie in element.iterchildren("tie"))
        if "notations" in text:
            for notations in element.iterchildren("notations"):
                is_tied |= self._read_notations(notations, note_id, place, staff)
        if "lyric" in text:
            for lyric in element.iterchildren("lyric"):
                self._read_lyric(lyric, note_id)
        row = (place, duration, *pitch_spelling, 0, self.cursor.part, voice, staff, grace, is_tied, note_id, False)
        self.found.notes.append(row)

    def _staff(self, label: str | None) -> int:
        if label not in self._staves:
            staff = to_number(label, "staff")
            self._staves[label] = staff if 1 <= staff <= 100 else 1
        return self._staves[label]

    def _grace(self, voice: int, is_grace: bool, in_chord: bool) -> int:
        if not is_grace:
            self._graces.pop(voice, None)
            return 0
        if not in_chord or voice not in self._graces:
            self._graces[voice] = min(self._graces.get(voice, 0) + 1, 127)
        return self._graces[voice]

    def _pitch(self, text: _Texts) -> tuple[int, int] | None:
        """Sounding MIDI number and spelling."""
        written, spelling, is_exact = _written_pitch(text.get("step"), text.get("alter"), text.get("octave"))
        if not is_exact:
            self.found.lost["microtones"] += 1
        sounding = written + self.cursor.transpose.semitones
        if not 0 <= sounding <= 127:
            return None
        return sounding, spelling + self.cursor.shift

    def _drum_key(self, element: Element, text: _Texts) -> tuple[int, int] | None:
        """Percussion key of an unpitched note: by its instrument, else by its position and notehead."""
        if "unpitched" not in text:
            return None
        self.found.is_drums = True
        instrument = next((child.get("id", "") for child in element.iterchildren("instrument")), "")
        place = f"{text.get('display-step') or 'E'}{text.get('display-octave') or '4'}"
        head = (text.get("notehead") or "").strip().replace("normal", "")
        nearest = next((k for k, (where, _) in DRUM_STAFF.items() if where == place), _SNARE)
        return self.drum_keys.get(instrument, DRUM_AT.get((place, head), nearest)), UNSPELLED

    # Tuplets

    def _read_tuplets(self, element: Element, text: _Texts, voice: int, duration: int) -> None:
        actual, normal, unit = self._modification(text, duration)
        onset = self.cursor.chord_tick
        if "rest" not in text:
            self._sounded[voice] = onset
        signs = [sign for notations in element.iterchildren("notations") for sign in notations.iterchildren("tuplet")]
        brackets = self._brackets.setdefault(voice, {})
        for sign in signs:
            if sign.get("type") == "start":
                outer = prod((Fraction(a, n) for _, a, n in brackets.values()), start=Fraction(1))
                brackets[sign.get("number", "1")] = (onset, *_ratio(sign, actual, normal, outer))
        if not brackets and (actual, normal) != (2, 1):  # 2:1 marks tremolos between two notes
            self._extend_group(voice, onset, onset + duration, (actual, normal), unit)
        for sign in signs:
            if sign.get("type") == "stop" and sign.get("number", "1") in brackets:
                self._add_tuplet(voice, *brackets.pop(sign.get("number", "1")), onset + duration)

    def _add_tuplet(self, voice: int, start: int, actual: int, normal: int, end: int) -> None:
        if self._sounded.get(voice, -1) < start:  # nothing but rests
            return
        self.found.tuplets.append(Tuplet(self.cursor.at(start), end - start, self.cursor.part, voice, actual, normal))

    def _modification(self, text: _Texts, duration: int) -> tuple[int, int, Fraction]:
        """Actual notes, normal notes, and the written length in ticks of the note value that is counted."""
        actual, normal = (to_number(text.get(tag), tag) for tag in ("actual-notes", "normal-notes"))
        if not (1 <= actual <= 1000 and 1 <= normal <= 1000):
            raise ValueError(f"a tuplet of {actual} in the time of {normal}")
        units = TYPE_UNITS.get(text.get("normal-type") or text.get("type") or "")
        if units is None:
            return actual, normal, Fraction(duration * actual, normal)
        return actual, normal, Fraction(units * self.cursor.ticks_per_quarter, UNITS_PER_QUARTER)

    def _extend_group(self, voice: int, onset: int, end: int, ratio: tuple[int, int], unit: Fraction) -> None:
        """Find the extent of tuplets that show no bracket: full when `normal` units are reached."""
        group = self._groups.get(voice)
        if group is None or group.end != onset or group.ratio != ratio:
            group = self._groups[voice] = _Group(onset, onset, ratio, unit)
        group.end, group.unit = end, min(unit, group.unit)
        if group.unit and (end - group.start) % (ratio[1] * group.unit) == 0:
            self._add_tuplet(voice, group.start, *ratio, end)
            del self._groups[voice]

    # What hangs on a note

    def _read_notations(self, notations: Element, note_id: int, place: int, staff: int) -> bool:
        """Read slurs, marks and dynamics; returns whether a tie begins."""
        is_tied, lines = False, list[Element]()
        for sign in notations:
            tag = sign.tag
            if tag == "tied":
                is_tied |= sign.get("type") == "start"
            elif tag in _SIGNS:
                lines += [child for child in sign if child.tag in LINES]
                for child in sign:
                    if child.tag not in LINES:
                        self._read_mark(child, note_id, _SIGNS[tag])
            elif tag in LINES:
                lines.append(sign)
            elif tag == "dynamics":
                self.found.directions += (
                    Direction(place, "dynamics", t, self.cursor.part, staff) for t in dynamic_texts(sign)
                )
            elif tag != "tuplet":
                self._read_mark(sign, note_id, MARKS_ON_NOTATIONS)
        for line in sorted(lines, key=lambda line: line.get("type") != "stop"):
            self._read_line(line, note_id, place)
        return is_tied

    def _read_mark(self, sign: Element, note_id: int, known: frozenset[str]) -> None:
        if sign.tag not in known:
            self.found.lost[f"<{sign.tag}> signs"] += 1
            return
        kind = [sign.tag]
        if sign.tag in WITH_TEXT:
            kind.append((sign.text or "").strip() or sign.get("smufl", ""))
        if sign.tag in ("tremolo", "non-arpeggiate") and sign.get("type", "single") != "single":
            kind.append(sign.get("type"))
        self.found.marks.append(Mark(note_id, ":".join(filter(None, kind))))

    def _read_line(self, sign: Element, note_id: int, place: int) -> None:
        """Pair the ends of a line; between voices of a measure the stop may be written before the start."""
        key, is_start = (sign.tag, sign.get("number", "1")), sign.get("type") == "start"
        if sign.get("type") not in ("start", "stop"):
            return
        other = self._lines.pop(key, None)
        if other is not None and other[2] != is_start and other[0] != note_id and (not is_start or other[1] >= place):
            ends = (note_id, other[0]) if is_start else (other[0], note_id)
            self.found.spanners.append(Spanner(sign.tag, *ends))
        else:
            self.found.lost["lines without an end"] += other is not None
            self._lines[key] = (note_id, place, is_start)

    def _read_lyric(self, lyric: Element, note_id: int) -> None:
        text = "".join(_lyric_text(child) for child in lyric if child.tag in ("text", "elision"))
        if not text.strip():
            return
        parts = texts(lyric)
        syllabic = parts.get("syllabic", "")
        syllabic = syllabic if syllabic in ("begin", "middle", "end") else "single"
        verse = self._verse(lyric.get("number", "1"))
        self.found.lyrics.append(Lyric(note_id, text.strip(), syllabic, verse, "extend" in parts))

    def _verse(self, label: str) -> int:
        if label not in self._verses:
            digits = label[-3:] if label[-3:].isdecimal() else label[-1:] if label[-1:].isdecimal() else "0"
            self._verses[label] = int(digits) or len(self._verses) + 1
        return self._verses[label]


@lru_cache(4096)
def _written_pitch(step: str | None, alter: str | None, octave: str | None) -> tuple[int, int, bool]:
    """MIDI number, spelling, and whether the alteration is a whole number of semitones."""
    try:
        index, exact_alter, height = _STEPS[(step or "").strip()], float(alter or 0), int(octave or "")
    except (KeyError, ValueError):
        raise ValueError(f"<pitch> says {step!r:.9} {alter!r:.9} {octave!r:.9}, which is no pitch") from None
    if not (abs(exact_alter) <= 4 and abs(height) < 20):
        raise ValueError(f"<pitch> says {step} {alter!r:.9} {octave!r:.9}, which is absurd")
    whole = round(exact_alter)
    return pitch.midi_pitch(index, whole, height), pitch.spelling(index, whole), whole == exact_alter


def dynamic_texts(dynamics: Element) -> list[str]:
    """`p`, `sfz`, … in a `<dynamics>` element."""
    signs = [(sign.text or "").strip() if sign.tag == "other-dynamics" else str(sign.tag) for sign in dynamics]
    return [sign for sign in signs if sign]


def _ratio(sign: Element, actual: int, normal: int, outer: Fraction) -> tuple[int, int]:
    """The ratio of one bracket: as it states, else what the note's ratio leaves beside the outer brackets."""
    stated = [sign.find(f"{which}/tuplet-number") for which in ("tuplet-actual", "tuplet-normal")]
    if all(s is not None for s in stated):
        counts = number(stated[0]), number(stated[1])
        if all(1 <= count <= 1000 for count in counts):
            return counts
    if outer == 1:
        return actual, normal
    left = Fraction(actual, normal) / outer
    return left.numerator, left.denominator


def _lyric_text(child: Element) -> str:
    return child.text or ("‿" if child.tag == "elision" else "")
