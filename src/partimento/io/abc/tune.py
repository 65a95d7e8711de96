"""The lines of one ABC tune: fields, directives, music code and words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

from partimento.io.abc import fields
from partimento.io.abc.lyrics import align
from partimento.io.abc.music import TOKEN, WHOLE, Voice
from partimento.io.abc.symbols import LETTERS
from partimento.io.abc.text import unescape
from partimento.score import Lyric

MAX_FIELD = 1000
"""Longest field that is read; words under notes may be longer."""
_FIELD = re.compile(r"([A-Za-z+]):(?![|:\]])(.*)")
_MAIL_BREAK = re.compile(r"=(20)?$")
"""What quoted-printable mail leaves at the end of a line."""
_VOICE_ID = re.compile(r"\s*([^\s\]]+)\s*(.*)")


@dataclass
class Tune:
    """What has been read of a tune."""

    number: str = "1"
    title: str = ""
    rhythm: str = ""
    credits: list[str] = field(default_factory=list[str])
    unit: Fraction | None = None
    meter: tuple[int, int] | None = (4, 4)
    tempo: str = ""
    key: fields.KeyField = field(default_factory=lambda: fields.parse_key("none"))
    letters: dict[str, str] = field(default_factory=lambda: dict(LETTERS))
    voices: dict[str, Voice] = field(default_factory=dict[str, Voice])
    lyrics: list[tuple[Voice, Lyric]] = field(default_factory=list[tuple[Voice, Lyric]])
    staves: list[list[list[str]]] = field(default_factory=list[list[list[str]]])
    programs: dict[str, int] = field(default_factory=dict[str, int])
    channels: dict[str, int] = field(default_factory=dict[str, int])
    channel_programs: dict[int, int] = field(default_factory=dict[int, int])
    controls: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    current: str = ""
    in_body: bool = False
    lost: set[str] = field(default_factory=set[str])
    _verse: int = 0
    _open_words: dict[tuple[str, int], bool] = field(default_factory=dict[tuple[str, int], bool])
    _continues: bool = False
    _last_field: str = ""
    _latest: str = ""

    def take(self, lines: list[str]) -> None:
        """Read the lines of the tune."""
        for line in lines:
            self._line(line)
        for voice in self.voices.values():
            voice.close()
            self.lost |= voice.lost

    def _line(self, line: str) -> None:
        match = _FIELD.match(line)
        if line.startswith("%%"):
            self._directive(line[2:])
        elif match and not (self.in_body and self._is_music(line)):
            letter = self._last_field if match[1] == "+" else match[1]
            self._last_field = letter
            self._field(letter, match[2])
        elif self.in_body:
            self._music(line)

    def _is_music(self, line: str) -> bool:
        """A line such as `d: |` is no field, though it looks like one."""
        return bool(re.match(r"[a-gA-Gz]:\s*\|", line))

    # Music code

    def voice(self) -> Voice:
        """The voice that is being written: the one named last, else the first, else a new one."""
        if not self.current:
            self.current = next(iter(self.voices), "1")
        return self._voice(self.current)

    def _voice(self, name: str) -> Voice:
        if name not in self.voices:
            self.voices[name] = voice = Voice()
            voice.letters = self.letters
            if self.in_body:
                self._begin(voice)
        return self.voices[name]

    def _begin(self, voice: Voice) -> None:
        """Give a voice what the header says."""
        voice.unit, voice.meter = int(WHOLE * self._unit()), self.meter
        voice.here("meter", self.meter)
        self._apply_staff(voice, self.key.staff)
        voice.set_key(self.key.key, self.key.alters)

    def _unit(self) -> Fraction:
        if self.unit:
            return self.unit
        is_small = self.meter is not None and Fraction(*self.meter) < Fraction(3, 4)
        return Fraction(1, 16 if is_small else 8)

    def _music(self, line: str) -> None:
        voice = self.voice()
        if not self._continues:
            voice.line = []
        self._continues = line.endswith("\\")
        self._verse = 0
        for token in TOKEN.finditer(_MAIL_BREAK.sub("", line)):
            if token.lastgroup == "inline":
                before = self.current
                self._field(token["field"], token["value"])
                voice = self.voice()
                if self.current != before:
                    voice.line = []
            else:
                voice.take(token)

    # Fields

    def _field(self, letter: str, text: str) -> None:
        reader = self._FIELD_READERS.get(letter)
        if reader is not None:
            reader(self, text.strip() if letter == "w" else text.strip()[:MAX_FIELD])
        elif letter == "W" and text.strip():
            self.lost.add("words behind the tune (W:)")
        if self.in_body:
            self.voice().refresh()

    def _read_reference(self, text: str) -> None:
        self.number = text or "1"

    def _read_title(self, text: str) -> None:
        self.title = self.title or unescape(text)

    def _read_credit(self, text: str) -> None:
        self.credits.append(unescape(text))

    def _read_rhythm(self, text: str) -> None:
        if not self.in_body:
            self.rhythm = " ".join(unescape(text).lower().split())

    def _read_part(self, text: str) -> None:
        if self.in_body and text:
            self.voice().here("rehearsal", unescape(text))

    def _read_symbol(self, text: str) -> None:
        letter, equals, name = text.partition("=")
        if equals and len(letter.strip()) == 1:
            name = name.strip().strip("!+")
            self.letters[letter.strip()] = "" if name in ("nil", "none") else name

    def _read_unit_length(self, text: str) -> None:
        unit = fields.parse_length(text)
        if unit is None:
            self.lost.add(f"L:{text[:20]}")
        elif self.in_body:
            self.voice().unit = int(WHOLE * unit)
        else:
            self.unit = unit

    def _read_meter(self, text: str) -> None:
        try:
            meter = fields.parse_meter(text)
        except ValueError:
            self.lost.add(f"M:{text[:20]}")
            return
        if self.in_body:
            self.voice().meter = meter
            self.voice().here("meter", meter)
        else:
            self.meter = meter

    def _read_tempo(self, text: str) -> None:
        if self.in_body:
            self._set_tempo(self.voice(), text)
        else:
            self.tempo = text

    def _set_tempo(self, voice: Voice, text: str) -> None:
        tempo_bpm, words = fields.parse_tempo(text, Fraction(voice.unit, WHOLE))
        if tempo_bpm is not None:
            voice.here("tempo", tempo_bpm)
        if words:
            voice.here("tempo words", unescape(words))

    def _read_key(self, text: str) -> None:
        key = fields.parse_key(text)
        if not self.in_body:
            self.key = key if key.changes_key else fields.KeyField(False, None, self.key.alters, key.staff)
            self._end_header()
            return
        self._apply_staff(self.voice(), key.staff)
        if key.changes_key:
            self.voice().set_key(key.key, key.alters)

    def _end_header(self) -> None:
        self.in_body = True
        for voice in self.voices.values():
            own = voice.clef, voice.octave, voice.transpose
            self._begin(voice)
            if any(own):
                voice.clef, voice.octave, voice.transpose = own
        if self.tempo:
            self._set_tempo(self.voice(), self.tempo)

    def _read_voice(self, text: str) -> None:
        match = _VOICE_ID.match(text)
        if not match or match[1] in ("*", "all"):
            return
        voice = self._voice(match[1])
        if self.in_body:
            self.current = match[1]
        else:
            self.current = self.current if self.current in self.voices else ""
            self._latest = match[1]
        staff = fields.parse_staff(match[2])
        name = staff.properties.get("name") or staff.properties.get("nm")
        short = next((staff.properties[p] for p in ("snm", "sname", "subname") if p in staff.properties), "")
        voice.name = unescape(name.replace("\\n", " ")) if name else voice.name
        voice.abbreviation = unescape(short) or voice.abbreviation
        self._apply_staff(voice, staff)

    def _apply_staff(self, voice: Voice, staff: fields.Staff) -> None:
        if staff.clef:
            voice.clef, voice.octave = staff.clef, staff.octave
            voice.here("clef", staff.clef)
        elif "octave" in staff.properties:
            voice.octave = staff.octave
        if staff.transpose is not None:
            voice.transpose = staff.transpose

    def _read_words(self, text: str) -> None:
        if not self.in_body:
            return
        voice = self.voice()
        self._verse += 1
        state = (self.current, self._verse)
        syllables, self._open_words[state] = align(text, voice.line, self._open_words.get(state, False))
        for syllable in syllables:
            lyric = Lyric(syllable.note, syllable.text, syllable.syllabic, self._verse, syllable.extend)
            self.lyrics.append((voice, lyric))

    # Directives

    def _directive(self, text: str) -> None:
        words = text.split()
        if not words:
            return
        if words[0] in ("score", "staves"):
            self.staves = fields.parse_staves(" ".join(words[1:])[: 10 * MAX_FIELD])
        elif words[0].upper() == "MIDI":
            self._midi([word.lower() for word in words[1:]])

    def _midi(self, words: list[str]) -> None:
        numbers = [int(word) for word in words[1:3] if re.fullmatch(r"-?\d{1,3}", word)]
        voice_id = self.current if self.in_body else self._latest or self.current
        if not words or not numbers:
            return
        match words[0], numbers:
            case "program", [program]:
                self.programs[voice_id] = program
            case "program", [channel, program]:
                self.channel_programs[channel] = program
            case "channel", [channel, *_]:
                self.channels[voice_id] = channel
            case "transpose", [semitones, *_] if abs(semitones) <= 60:
                self._voice(voice_id or "1").transpose = semitones
            case "control", [number, value] if 0 <= value <= 127:
                self.controls[voice_id, number] = value
            case _:
                pass

    _FIELD_READERS: ClassVar[dict[str, Callable[[Tune, str], None]]] = {
        "X": _read_reference, "T": _read_title, "C": _read_credit, "R": _read_rhythm, "P": _read_part,
        "I": _directive, "U": _read_symbol, "L": _read_unit_length, "M": _read_meter, "Q": _read_tempo,
        "K": _read_key, "V": _read_voice, "w": _read_words,
    }  # fmt: skip
