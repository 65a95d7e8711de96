"""Reads `<note>`: pitch, rhythm, ties; tuplets and what hangs on notes through readers of their own."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from partimento.io.musicxml.content import Cursor, Element, Grace, PartContent, texts, to_number
from partimento.io.musicxml.notation_reader import NotationReader
from partimento.io.musicxml.tuplet_reader import Parts, TupletReader, unmodified
from partimento.io.musicxml.vocabulary import DRUM_AT, DRUM_STAFF, OTHER_DRUM, SOUND_PERCENT
from partimento.score import Mark, ProgramChange
from partimento.theory import pitch
from partimento.theory.pitch import UNSPELLED

_STEPS = {letter: index for index, letter in enumerate(pitch.STEPS)}
_MAX_VOICES = 1000
_SNARE = 38
_ACCIDENTAL_SIGNS = ("cautionary", "editorial", "parentheses", "bracket")


class _Unpitched(NamedTuple):
    """Where an unpitched note stands on its staff."""

    row: int
    """Index of its note."""
    key: int
    """General MIDI percussion key."""
    place: str
    """Step and octave, empty if they are not stated."""
    head: str
    """Notehead and its signs, colons between them."""


class NoteReader:
    """Reads the notes of one part into `found`.

    Args:
        cursor: where the part's reader stands; is moved.
        found: gets the notes.
        drum_keys: instrument id ▶ General MIDI percussion key.
        programs: instrument id ▶ General MIDI program, where the part has several.
        first_id: note id of the first note.
    """

    def __init__(
        self,
        cursor: Cursor,
        found: PartContent,
        drum_keys: dict[str, int],
        programs: dict[str, int],
        first_id: int,
    ) -> None:
        self.cursor, self.found, self.drum_keys, self.programs = cursor, found, drum_keys, programs
        self.next_id = first_id
        self.tuplets = TupletReader(cursor, found)
        self.notations = NotationReader(cursor.part, found)
        self._program = next(iter(programs.values()), 0)
        self._pitches: dict[tuple[str | None, ...], tuple[int, int]] = {}
        self._voices: dict[str | None, int] = {}
        self._staves: dict[str | None, int] = {None: 1}
        self._graces: dict[int, int] = {}
        self._unpitched: list[_Unpitched] = []

    def transposition_changed(self) -> None:
        """Forget what written pitches sound like."""
        self._pitches.clear()

    def read(self, element: Element) -> None:
        """Read a note or rest, and move the cursor behind it."""
        parts: Parts = {child.tag: child for child in element}
        cursor, is_grace, in_chord = self.cursor, "grace" in parts, "chord" in parts
        duration = stated = 0
        if "duration" in parts and not is_grace:
            label = parts["duration"].text
            duration = stated = cursor.durations.get(label) or cursor.duration(label)
        modification = None
        if stated and "time-modification" in parts:
            modification = self.tuplets.modification(parts, stated)
            duration = modification.duration
        elif stated and "notations" in parts and parts["notations"].find("tuplet") is not None:
            modification = unmodified(stated)
        if not in_chord:
            cursor.advance(duration, stated)
        label = parts["voice"].text if "voice" in parts else None
        voice = self._voices.get(label) or self._voice(label)
        if modification is not None and not in_chord:
            self.tuplets.read(element, parts, voice, modification)
        label = parts["staff"].text if "staff" in parts else None
        staff = self._staves.get(label) or self._staff(label)
        if "rest" in parts:
            if "notations" in parts or "lyric" in parts:
                self.notations.read_rest(element, cursor.at(cursor.chord_tick), staff)
        elif is_grace or duration:
            self._read_sound(element, parts, voice, staff, duration)
        else:
            self.found.lost["notes without a duration"] += 1

    def _voice(self, label: str | None) -> int:
        """A number of its own for each name of a voice; the name itself where it is a number."""
        name, taken = (label or "1").strip(), set(self._voices.values())
        voice = int(name) if name.isdecimal() and len(name) < 9 else 0
        if not 1 <= voice <= _MAX_VOICES or (voice in taken and label != "1" and label is not None):
            voice = next(v for v in range(1, len(taken) + 2) if v not in taken)
        self._voices[label] = voice = min(voice, 32767)
        return voice

    def _staff(self, label: str | None) -> int:
        staff = to_number(label, "staff")
        self._staves[label] = staff = staff if 1 <= staff <= 100 else 1
        return staff

    def _read_sound(self, element: Element, parts: Parts, voice: int, staff: int, duration: int) -> None:
        if "pitch" in parts:
            key = tuple([child.text for child in parts["pitch"]])
            tone = self._pitches.get(key) or self._pitch(parts["pitch"], key)
        else:
            tone = self._drum_key(parts)
        if tone is None:
            self.found.lost["notes without a playable pitch"] += 1
            return
        cursor, found, note_id = self.cursor, self.found, self.next_id
        self.next_id += 1
        place, grace, velocity, is_tied = cursor.base + cursor.chord_tick, 0, 0, False
        if staff > found.staves:
            found.staves = staff
        if "notations" in parts:
            is_single = len(parts) == len(element)
            notations = (parts["notations"],) if is_single else element.iterchildren("notations")
            is_tied = self.notations.read(notations, note_id, place, staff)
        if "tie" in parts and not is_tied:
            is_tied = any(tie.get("type") == "start" for tie in element.iterchildren("tie"))
        if "grace" in parts:
            grace = self._read_grace(parts, voice, note_id)
        if "lyric" in parts:
            self.notations.read_lyrics(element, note_id)
        if "accidental" in parts or ("notehead" in parts and "pitch" in parts):
            self._read_signs(parts, note_id)
        if (percent := element.get("dynamics")) is not None:
            velocity = min(max(round(to_number(percent, "note", float) * SOUND_PERCENT), 1), 127)
        if element.get("print-object") == "no":
            found.marks.append(Mark(note_id, "hidden"))
        if self.programs and "instrument" in parts:
            self._read_instrument(parts["instrument"], place)
        is_cue = "cue" in parts
        found.notes.append(
            (place, duration, *tone, velocity, cursor.part, voice, staff, grace, is_tied, note_id, is_cue)
        )

    def _read_grace(self, parts: Parts, voice: int, note_id: int) -> int:
        if "chord" not in parts:
            self._graces[voice] = self._graces.get(voice, 0) + 1
        name = (parts["type"].text or "") if "type" in parts else ""
        self.found.graces.append(Grace(note_id, self._graces.get(voice, 0), name))
        if parts["grace"].get("slash") == "yes":
            self.found.marks.append(Mark(note_id, "slash"))
        return 1

    def _read_signs(self, parts: Parts, note_id: int) -> None:
        """A special notehead; an accidental that stands there as a reminder."""
        if "accidental" in parts and parts["accidental"].attrib:
            sign = parts["accidental"]
            shown = next((name for name in _ACCIDENTAL_SIGNS if sign.get(name) == "yes"), None)
            if shown is not None:
                self.found.marks.append(Mark(note_id, f"accidental:{shown}"))
        if "notehead" in parts:
            self._add_head(note_id, _head(parts["notehead"]), "normal")

    def _add_head(self, note_id: int, head: str, usual: str) -> None:
        if head != usual:
            self.found.marks.append(Mark(note_id, f"notehead:{head}"))

    def _read_instrument(self, sign: Element, place: int) -> None:
        """A change to another instrument of the part."""
        program = self.programs.get(sign.get("id", ""), self._program)
        if program != self._program:
            self._program = program
            self.found.programs.append(ProgramChange(place, self.cursor.part, program))

    # Pitch

    def _pitch(self, element: Element, key: tuple[str | None, ...]) -> tuple[int, int] | None:
        """Sounding MIDI number and spelling."""
        text = texts(element)
        written, spelling, is_exact = _written_pitch(text.get("step"), text.get("alter"), text.get("octave"))
        if not is_exact:
            self.found.lost["microtones"] += 1
        sounding = written + self.cursor.transpose.semitones
        if not 0 <= sounding <= 127:
            return None
        tone = sounding, spelling + self.cursor.shift
        if is_exact:
            self._pitches[key] = tone
        return tone

    def _drum_key(self, parts: Parts) -> tuple[int, int] | None:
        """Percussion key of an unpitched note: by its instrument, else by its position and notehead."""
        if "unpitched" not in parts:
            return None
        instrument = parts["instrument"].get("id", "") if "instrument" in parts else ""
        text = texts(parts["unpitched"])
        place = f"{text.get('display-step') or 'E'}{text.get('display-octave') or '4'}"
        head = _head(parts["notehead"]) if "notehead" in parts else "normal"
        nearest = next((k for k, (where, _) in DRUM_STAFF.items() if where == place), _SNARE)
        usual = DRUM_AT.get((place, head.partition(":")[0].replace("normal", "")), nearest)
        key = self.drum_keys.get(instrument, usual)
        self._unpitched.append(_Unpitched(len(self.found.notes), key, place if "display-step" in text else "", head))
        return key, UNSPELLED

    def finish(self) -> None:
        """Keep lines without an end; settle whether the part is one for drums."""
        self.notations.finish()
        found, count = self.found, len(self._unpitched)
        found.is_drums |= count > len(found.notes) - count
        for unpitched in self._unpitched:
            note_id = found.notes[unpitched.row][10]
            if found.is_drums:
                usual_place, usual_head = DRUM_STAFF.get(unpitched.key, OTHER_DRUM)
                if unpitched.place not in ("", usual_place):
                    found.marks.append(Mark(note_id, f"display:{unpitched.place}"))
                self._add_head(note_id, unpitched.head, usual_head or "normal")
            else:
                self._read_knock(unpitched, note_id)

    def _read_knock(self, unpitched: _Unpitched, note_id: int) -> None:
        """An unpitched note among pitched ones: it has the pitch at which it stands."""
        place = unpitched.place or "B4"
        written, spelling, _ = _written_pitch(place[0], None, place[1:])
        row = self.found.notes[unpitched.row]
        self.found.notes[unpitched.row] = (*row[:2], written, spelling, *row[4:])
        self.found.marks.append(Mark(note_id, "unpitched"))
        self._add_head(note_id, unpitched.head, "normal")


def _head(sign: Element) -> str:
    """A notehead with its signs behind colons."""
    signs = [name for name in ("parentheses", "filled") if sign.get(name) == "yes"]
    signs += ["hollow"] if sign.get("filled") == "no" else []
    return ":".join(((sign.text or "").strip() or "normal", *signs))


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
