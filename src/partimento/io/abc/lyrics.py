r"""Syllables of `w:` lines and signs of `s:` lines, and the notes that they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from partimento.io.abc.text import unescape

_TOKEN = re.compile(r"(?P<syllable>(?:\\[-_*|~]|\\.|[^\s\-_*|\\])+)|(?P<sign>[-_*|])|(?P<space>\s+)|.")
_TILDE = re.compile(r"\\.|~")
_NUMBER = re.compile(r"^\d{1,2}\.[~ ]?(?=.)")
_SYMBOL = re.compile(r'(?P<deco>!(?P<name>[^!\s]{1,30})!)|(?P<quote>"(?P<text>[^"]*)")|(?P<sign>[*|])')


@dataclass(slots=True)
class Syllable:
    """One syllable of a `w:` line."""

    note: int
    text: str
    syllabic: str
    """As MusicXML has it."""
    extend: bool = False


@dataclass(slots=True)
class Verse:
    """Where the words of one verse of a voice have come."""

    syllables: list[Syllable] = field(default_factory=list[Syllable])
    is_inside_word: bool = False

    def take(self, text: str, notes: list[tuple[int, int]]) -> None:
        """Lay syllables under the notes of a music line.

        Args:
            text: what follows `w:`.
            notes: (index, measure) of each note of the line.
        """
        place = 0
        is_glued = False
        for token in _TOKEN.finditer(_NUMBER.sub("", text.strip())):
            sign = token["sign"]
            if place >= len(notes) and not (sign == "-" and is_glued):
                break
            if token["syllable"]:
                is_glued = self._add(notes[place][0], _text(token["syllable"]))
                place += 1
            elif sign == "-" and is_glued:
                self.syllables[-1].syllabic = "middle" if self.syllables[-1].syllabic == "end" else "begin"
                self.is_inside_word, is_glued = True, False
            elif sign == "|":
                place = next_bar(notes, place)
            elif sign:
                if sign == "_" and self.syllables:
                    self.syllables[-1].extend = True
                place += 1
                is_glued = False
            else:
                is_glued = is_glued and not token["space"]

    def _add(self, note: int, text: str) -> bool:
        """Lay a syllable under a note; a blank one is none."""
        if text:
            self.syllables.append(Syllable(note, text, "end" if self.is_inside_word else "single"))
            self.is_inside_word = False
        return bool(text)


def _text(syllable: str) -> str:
    """Plain text of a syllable; a bare `~` is a space."""
    return unescape(_TILDE.sub(lambda match: " " if match[0] == "~" else match[0], syllable))


def next_bar(notes: list[tuple[int, int]], place: int) -> int:
    """Where the notes of the next measure begin, behind the note before `place`."""
    measure = notes[place - 1][1] if place else notes[0][1] - 1
    return next((index for index in range(place, len(notes)) if notes[index][1] > measure), len(notes))


def symbols(text: str, notes: list[tuple[int, int]]) -> Iterator[tuple[int, str, str]]:
    """Signs of an `s:` line: note index, name of a decoration or empty, quoted text or empty."""
    place = 0
    for token in _SYMBOL.finditer(text):
        if place >= len(notes):
            return
        if token["sign"] == "|":
            place = next_bar(notes, place)
            continue
        if not token["sign"]:
            yield notes[place][0], token["name"] or "", token["text"] or ""
        place += 1
