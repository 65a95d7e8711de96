"""The lines of one ABC tune: fields, directives, music code and words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

from partimento.io.abc import fields
from partimento.io.abc.lyrics import Verse, symbols
from partimento.io.abc.macros import Macros
from partimento.io.abc.midi import Midi
from partimento.io.abc.staves import Staves
from partimento.io.abc.symbols import LETTERS
from partimento.io.abc.text import unescape
from partimento.io.abc.tokens import TOKEN, WHOLE
from partimento.io.abc.vocabulary import PARTS_ORDER, REFERENCE, REFERENCES, VERSES
from partimento.io.abc.voice import Voice

MAX_NOTES = 300_000
MAX_SIGNS = 100_000
MAX_VOICES = 1_000
MAX_VERSES = 99
_CHECK_EVERY = 0xFFF
MAX_FIELD = 10_000
"""Longest field that is read; words under notes may be longer."""
_FIELD = re.compile(r"([A-Za-z+]):(?![|:\]])(.*)")
_MUSIC_LIKE = re.compile(r"[a-gA-Gz]:\s*\|")
"""A line such as `d: |` is no field, though it looks like one."""
_MAIL_BREAK = re.compile(r"=(20)?$")
"""What quoted-printable mail leaves at the end of a line."""
_VOICE_ID = re.compile(r"\s*([^\s\]]+)\s*(.*)")


@dataclass
class Tune:
    """What has been read of a tune."""

    number: str = "1"
    titles: list[str] = field(default_factory=list[str])
    rhythms: list[str] = field(default_factory=list[str])
    credits: list[str] = field(default_factory=list[str])
    texts: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict[str, list[str]](list))
    """Kind of direction ▶ lines that have no place in the music."""
    unit: Fraction | None = None
    meter: str = ""
    tempo: str = ""
    key: fields.KeyField = field(default_factory=lambda: fields.parse_key("none"))
    letters: dict[str, str] = field(default_factory=lambda: dict(LETTERS))
    voices: dict[str, Voice] = field(default_factory=dict[str, Voice])
    verses: defaultdict[tuple[str, int], Verse] = field(
        default_factory=lambda: defaultdict[tuple[str, int], Verse](Verse)
    )
    """(voice, number of the verse) ▶ its words."""
    staves: Staves = field(default_factory=Staves)
    midi: Midi = field(default_factory=Midi)
    current: str = ""
    in_body: bool = False
    lost: set[str] = field(default_factory=set[str])
    _macros: Macros = field(default_factory=Macros)
    _verse: int = 0
    _continues: bool = False
    _latest: str = ""

    def take(self, lines: list[str]) -> None:
        """Read the lines of the tune."""
        for line in _continued(lines):
            self._line(line)
        for voice in self.voices.values():
            voice.close()
            self.lost |= voice.lost

    def _line(self, line: str) -> None:
        match = _FIELD.match(line)
        if line.startswith("%%"):
            self._directive(line[2:])
        elif match and not (self.in_body and _MUSIC_LIKE.match(line)):
            self._field(match[1], match[2])
        elif self.in_body:
            self._music(self._macros.expand(line))

    # Music code

    def voice(self) -> Voice:
        """The voice that is being written: the one named last, else the first, else a new one."""
        if not self.current:
            self.current = next(iter(self.voices), "1")
        return self._voice(self.current)

    def _voice(self, name: str) -> Voice:
        if name not in self.voices:
            if len(self.voices) >= MAX_VOICES:
                raise OverflowError(f"tune {self.number} has more than {MAX_VOICES:,} voices; split it")
            self.voices[name] = voice = Voice()
            voice.letters = self.letters
            if self.in_body:
                self._begin(voice)
        return self.voices[name]

    def _begin(self, voice: Voice) -> None:
        """Give a voice what the header says, and it does not say itself."""
        voice.unit = int(WHOLE * self._unit())
        self._set_meter(voice, self.meter)
        if not voice.clef and not voice.octave:
            self._apply_staff(voice, self.key.staff)
        if voice.clef:
            voice.here("clef", voice.clef)
        voice.set_key(self.key.key, self.key.alters, self.key.words)

    def _unit(self) -> Fraction:
        meter = fields.parse_meter(self.meter)
        is_small = meter is not None and Fraction(*meter) < Fraction(3, 4)
        return self.unit or Fraction(1, 16 if is_small else 8)

    def _music(self, line: str) -> None:
        voice = self.voice()
        if not self._continues:
            voice.begin_line()
        self._continues = line.endswith("\\")
        self._verse = 0
        for count, token in enumerate(TOKEN.finditer(_MAIL_BREAK.sub("", line))):
            kind = token.lastgroup or "unknown"
            if kind == "inline":
                before = self.current
                self._field(token["field"], token["value"])
                voice = self.voice()
                if self.current != before:
                    voice.begin_line()
            elif kind != "space":
                Voice.HANDLERS[kind](voice, token)
            if not count & _CHECK_EVERY:
                self._check(voice)

    def _check(self, voice: Voice) -> None:
        if len(voice.items) > MAX_NOTES:
            raise OverflowError(f"tune {self.number} has more than {MAX_NOTES:,} notes in a voice; split it")
        if len(voice.signs) + len(voice.marks) > MAX_SIGNS:
            raise OverflowError(f"tune {self.number} has more than {MAX_SIGNS:,} signs in a voice; split it")

    # Fields

    def _field(self, letter: str, text: str) -> None:
        reader = self._FIELD_READERS.get(letter)
        if reader is not None:
            reader(self, text.strip() if letter == "w" else text.strip()[:MAX_FIELD])
        elif letter in REFERENCES and text.strip():
            self.texts[REFERENCE + letter].append(unescape(text[:MAX_FIELD]))
        if self.in_body:
            self.voice().refresh()

    def _read_reference(self, text: str) -> None:
        self.number = text or "1"

    def _read_title(self, text: str) -> None:
        if self.in_body and unescape(text):
            self.voice().here("direction", "words", unescape(text))
        elif not self.in_body:
            self.titles.append(unescape(text))

    def _read_credit(self, text: str) -> None:
        self.credits.append(unescape(text))

    def _read_rhythm(self, text: str) -> None:
        if not self.in_body and unescape(text):
            self.rhythms.append(unescape(text).lower())

    def _read_part(self, text: str) -> None:
        if unescape(text) and self.in_body:
            self.voice().here("direction", "rehearsal", unescape(text))
        elif unescape(text):
            self.texts[PARTS_ORDER].append(unescape(text))

    def _read_words_behind(self, text: str) -> None:
        self.texts[VERSES].append(unescape(text))

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
            fields.parse_meter(text)
        except ValueError:
            self.lost.add(f"M:{text[:20]}")
            return
        if self.in_body:
            self._set_meter(self.voice(), text)
        else:
            self.meter = text

    def _set_meter(self, voice: Voice, text: str) -> None:
        voice.meter = fields.parse_meter(text)
        voice.here("meter", voice.meter, fields.meter_sign(text))

    def _read_tempo(self, text: str) -> None:
        if self.in_body:
            self._set_tempo(self.voice(), text)
        else:
            self.tempo = text

    def _set_tempo(self, voice: Voice, text: str) -> None:
        tempo = fields.parse_tempo(text, Fraction(voice.unit, WHOLE))
        if tempo.tempo_bpm is not None:
            voice.here("tempo", tempo.tempo_bpm)
        if tempo.words:
            voice.here("direction", "tempo", tempo.words)
        if tempo.mark:
            voice.here("direction", "metronome", tempo.mark)

    def _read_key(self, text: str) -> None:
        key = fields.parse_key(text)
        if not self.in_body:
            self.key = key if key.changes_key else fields.KeyField(False, None, self.key.alters, key.staff)
            self._end_header()
            return
        self._apply_staff(self.voice(), key.staff)
        if key.changes_key:
            self.voice().set_key(key.key, key.alters, key.words)

    def _end_header(self) -> None:
        for voice in self.voices.values():
            self._begin(voice)
        self.in_body = True
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
        voice.name = unescape(re.sub(r"(?<!\\)\\n", " ", name)) if name else voice.name
        voice.abbreviation = unescape(re.sub(r"(?<!\\)\\n", " ", short)) or voice.abbreviation
        self._apply_staff(voice, staff)

    def _apply_staff(self, voice: Voice, staff: fields.Staff) -> None:
        if staff.clef:
            voice.clef, voice.octave = staff.clef, staff.octave
            if self.in_body:
                voice.here("clef", staff.clef)
        elif "octave" in staff.properties:
            voice.octave = staff.octave
        if staff.transpose is not None:
            voice.set_transposition(staff.transpose)

    def _read_words(self, text: str) -> None:
        if self.in_body:
            line = self.voice().line()
            self._verse += 1
            if self._verse <= MAX_VERSES:
                self.verses[self.current, self._verse].take(text, line)

    def _read_symbols(self, text: str) -> None:
        voice = self.voice()
        for note, name, quoted in symbols(text, voice.line()):
            voice.sign_note(note, name, quoted)

    # Directives

    def _directive(self, text: str) -> None:
        words = text.split()
        if words and words[0] in ("score", "staves") and not self.staves.parts:
            self.staves = Staves.parse(" ".join(words)[: 10 * MAX_FIELD])
        elif words and words[0].upper() == "MIDI":
            name = self.current if self.in_body else self._latest or self.current
            self.midi.take([word.lower() for word in words[1:]], name, self.voice if self.in_body else self._named)

    def _named(self) -> Voice:
        return self._voice(self._latest or self.current or "1")

    _FIELD_READERS: ClassVar[dict[str, Callable[[Tune, str], None]]] = {
        "X": _read_reference, "T": _read_title, "C": _read_credit, "R": _read_rhythm, "P": _read_part,
        "I": _directive, "U": _read_symbol, "L": _read_unit_length, "M": _read_meter, "Q": _read_tempo,
        "K": _read_key, "V": _read_voice, "w": _read_words, "W": _read_words_behind, "s": _read_symbols,
        "m": lambda tune, text: tune._macros.define(text),
    }  # fmt: skip


def _continued(lines: Iterable[str]) -> list[str]:
    """The lines, those that begin with `+:` joined to what they go on."""
    joined: list[str] = []
    for line in lines:
        if line.startswith("+:") and joined:
            joined[-1] += " " + line[2:].strip()
        else:
            joined.append(line)
    return joined
