r"""Syllables of `w:` lines and the notes that they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from partimento.io.abc.text import unescape

_TOKEN = re.compile(r"(?P<syllable>(?:\\[-_*|~]|\\.|[^\s\-_*|\\])+)|(?P<sign>[-_*|])|(?P<space>\s+)|.")
_NUMBER = re.compile(r"^\d{1,2}\.[~ ]?(?=.)")


class LyricLine:
    """One syllable of a `w:` line: note index, text, MusicXML syllabic, whether it is held."""

    __slots__ = ("extend", "note", "syllabic", "text")

    def __init__(self, note: int, text: str, syllabic: str) -> None:
        self.note = note
        self.text = text
        self.syllabic = syllabic
        self.extend = False


def align(text: str, notes: list[tuple[int, int]], continues: bool) -> tuple[list[LyricLine], bool]:
    """Syllables under the notes of a music line.

    Args:
        text: what follows `w:`.
        notes: (index, measure) of each note of the line.
        continues: whether the line before ended inside a word.

    Returns:
        The syllables, and whether this line ends inside a word.
    """
    syllables: list[LyricLine] = []
    place = 0
    is_glued = False
    for token in _TOKEN.finditer(_NUMBER.sub("", text.strip())):
        sign = token["sign"]
        if place >= len(notes) and not (sign == "-" and is_glued):
            break
        if token["syllable"]:
            syllables.append(LyricLine(notes[place][0], _text(token["syllable"]), "end" if continues else "single"))
            continues, is_glued = False, True
            place += 1
        elif sign == "-" and is_glued:
            syllables[-1].syllabic = "middle" if syllables[-1].syllabic == "end" else "begin"
            continues, is_glued = True, False
        elif sign == "|":
            place = next(_next_bar(notes, place), len(notes))
        elif sign:
            if sign == "_" and syllables:
                syllables[-1].extend = True
            place += 1
            is_glued = False
        else:
            is_glued = is_glued and not token["space"]
    return syllables, continues


def _text(syllable: str) -> str:
    return unescape(re.sub(r"\\([-_*|~])", r"\1", syllable.replace("\\~", "\0").replace("~", " ")).replace("\0", "~"))


def _next_bar(notes: list[tuple[int, int]], place: int) -> Iterator[int]:
    measure = notes[place - 1][1] if place else notes[0][1] - 1
    return (index for index in range(place, len(notes)) if notes[index][1] > measure)
