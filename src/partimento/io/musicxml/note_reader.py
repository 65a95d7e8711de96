"""Reads `<note>`: pitch, rhythm, ties; tuplets and what hangs on notes through readers of their own."""

from __future__ import annotations

from functools import lru_cache

from partimento.io.musicxml.content import Cursor, Element, Grace, PartContent, to_number
from partimento.io.musicxml.notation_reader import NotationReader
from partimento.io.musicxml.tuplet_reader import Texts, TupletReader
from partimento.io.musicxml.vocabulary import DRUM_AT, DRUM_STAFF, OTHER_DRUM, SOUND_PERCENT
from partimento.score import Mark, ProgramChange
from partimento.theory import pitch
from partimento.theory.pitch import UNSPELLED

_STEPS = {letter: index for index, letter in enumerate(pitch.STEPS)}
_MAX_VOICES = 1000
_SNARE = 38
_ACCIDENTAL_SIGNS = ("cautionary", "editorial", "parentheses", "bracket")


class NoteReader:
    """Reads the notes of one part into `found`.

    Args:
        cursor: where the part's reader stands; is moved.
        found: gets the notes.
        drum_keys: instrument id ▶ General MIDI percussion key.
        programs: instrument id ▶ General MIDI program, where the part has several.
        first_id: note id of the first note.
        has_attributes: whether `<note>` elements have attributes that matter; looking for them takes time.
    """

    def __init__(
        self,
        cursor: Cursor,
        found: PartContent,
        drum_keys: dict[str, int],
        programs: dict[str, int],
        first_id: int,
        *,
        has_attributes: bool,
    ) -> None:
        self.cursor, self.found, self.drum_keys, self.programs = cursor, found, drum_keys, programs
        self.has_attributes = has_attributes
        self.next_id = first_id
        self.tuplets = TupletReader(cursor, found)
        self.notations = NotationReader(cursor.part, found)
        self._program = next(iter(programs.values()), 0)
        self._pitches: dict[tuple[str | None, str | None, str | None], tuple[int, int]] = {}
        self._voices: dict[str | None, int] = {}
        self._staves: dict[str | None, int] = {None: 1}
        self._graces: dict[int, int] = {}

    def transposition_changed(self) -> None:
        """Forget what written pitches sound like."""
        self._pitches.clear()

    def read(self, element: Element) -> None:
        """Read a note or rest, and move the cursor behind it."""
        text: Texts = {child.tag: child.text for child in element.iter()}  # tags inside a note are unambiguous
        cursor, is_grace, in_chord = self.cursor, "grace" in text, "chord" in text
        duration = stated = 0 if is_grace or "duration" not in text else cursor.duration(text["duration"])
        modification = self.tuplets.modification(text, stated) if stated and "actual-notes" in text else None
        if modification is not None:
            duration = modification.duration
        if not in_chord:
            cursor.advance(duration, stated)
        label = text.get("voice")
        voice = self._voices.get(label) or self._voice(label)
        if modification is not None and not in_chord:
            self.tuplets.read(element, text, voice, modification)
        staff = self._staves.get(text.get("staff")) or self._staff(text["staff"])
        if "rest" in text:
            if "notations" in text:
                self.notations.read_rest(element, cursor.at(cursor.chord_tick), staff)
        elif is_grace or duration:
            self._read_sound(element, text, voice, staff, duration)
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

    def _read_sound(self, element: Element, text: Texts, voice: int, staff: int, duration: int) -> None:
        key = text.get("step"), text.get("alter"), text.get("octave")
        tone = self._pitches.get(key) or (self._pitch(key) if "pitch" in text else self._drum_key(element, text))
        if tone is None:
            self.found.lost["notes without a playable pitch"] += 1
            return
        cursor, found, note_id = self.cursor, self.found, self.next_id
        self.next_id += 1
        place, grace, velocity, is_tied = cursor.base + cursor.chord_tick, 0, 0, False
        if staff > found.staves:
            found.staves = staff
        if "grace" in text:
            grace = self._read_grace(element, text, voice, note_id)
        if "tie" in text:
            is_tied = any(tie.get("type") == "start" for tie in element.iterchildren("tie"))
        if "notations" in text:
            is_tied |= self.notations.read(element, note_id, place, staff)
        if "lyric" in text:
            self.notations.read_lyrics(element, note_id)
        if "accidental" in text or "notehead" in text:
            self._read_signs(element, text, note_id)
        if self.has_attributes:
            velocity = self._read_attributes(element, note_id)
        if self.programs and "instrument" in text:
            self._read_instrument(element, place)
        is_cue = "cue" in text
        found.notes.append(
            (place, duration, *tone, velocity, cursor.part, voice, staff, grace, is_tied, note_id, is_cue)
        )

    def _read_grace(self, element: Element, text: Texts, voice: int, note_id: int) -> int:
        if "chord" not in text:
            self._graces[voice] = self._graces.get(voice, 0) + 1
        self.found.graces.append(Grace(note_id, self._graces.get(voice, 0), text.get("type") or ""))
        if element.find("grace").get("slash") == "yes":
            self.found.marks.append(Mark(note_id, "slash"))
        return 1

    def _read_signs(self, element: Element, text: Texts, note_id: int) -> None:
        """A special notehead; an accidental that stands there as a reminder."""
        if "accidental" in text:
            sign = element.find("accidental")
            shown = next((name for name in _ACCIDENTAL_SIGNS if sign.get(name) == "yes"), None)
            if shown is not None:
                self.found.marks.append(Mark(note_id, f"accidental:{shown}"))
        if "notehead" in text and "unpitched" not in text:
            self._read_notehead(element.find("notehead"), note_id, "normal")

    def _read_notehead(self, sign: Element, note_id: int, usual: str) -> None:
        head = (sign.text or "").strip() or "normal"
        signs = [name for name in ("parentheses", "filled") if sign.get(name) == "yes"]
        signs += ["hollow"] if sign.get("filled") == "no" else []
        if head != usual or signs:
            self.found.marks.append(Mark(note_id, ":".join(("notehead", head, *signs))))

    def _read_attributes(self, element: Element, note_id: int) -> int:
        """The velocity that an element states, 0 if it states none; whether the note is shown."""
        if element.get("print-object") == "no":
            self.found.marks.append(Mark(note_id, "hidden"))
        percent = element.get("dynamics")
        return 0 if percent is None else min(max(round(to_number(percent, "note", float) * SOUND_PERCENT), 1), 127)

    def _read_instrument(self, element: Element, place: int) -> None:
        """A change to another instrument of the part."""
        program = self.programs.get(element.find("instrument").get("id", ""), self._program)
        if program != self._program:
            self._program = program
            self.found.programs.append(ProgramChange(place, self.cursor.part, program))

    # Pitch

    def _pitch(self, key: tuple[str | None, str | None, str | None]) -> tuple[int, int] | None:
        """Sounding MIDI number and spelling."""
        written, spelling, is_exact = _written_pitch(*key)
        if not is_exact:
            self.found.lost["microtones"] += 1
        sounding = written + self.cursor.transpose.semitones
        if not 0 <= sounding <= 127:
            return None
        tone = sounding, spelling + self.cursor.shift
        if is_exact:
            self._pitches[key] = tone
        return tone

    def _drum_key(self, element: Element, text: Texts) -> tuple[int, int] | None:
        """Percussion key of an unpitched note: by its instrument, else by its position and notehead."""
        if "unpitched" not in text:
            return None
        self.found.is_drums = True
        instrument = next((child.get("id", "") for child in element.iterchildren("instrument")), "")
        place = f"{text.get('display-step') or 'E'}{text.get('display-octave') or '4'}"
        head = (text.get("notehead") or "").strip().replace("normal", "")
        nearest = next((k for k, (where, _) in DRUM_STAFF.items() if where == place), _SNARE)
        key = self.drum_keys.get(instrument, DRUM_AT.get((place, head), nearest))
        usual_place, usual_head = DRUM_STAFF.get(key, OTHER_DRUM)
        if "display-step" in text and place != usual_place:
            self.found.marks.append(Mark(self.next_id, f"display:{place}"))
        if "notehead" in text:
            self._read_notehead(element.find("notehead"), self.next_id, usual_head or "normal")
        elif usual_head:
            self.found.marks.append(Mark(self.next_id, "notehead:normal"))
        return key, UNSPELLED


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
