"""Decorations, chord symbols and annotations of one voice of ABC."""

from __future__ import annotations

import re

from partimento.io.abc.bars import Bars
from partimento.io.abc.symbols import DYNAMICS, LETTERS, LINES, MARKS, OCTAVES, PEDALS, WEDGES, jump, parse_chord
from partimento.io.abc.text import unescape
from partimento.io.abc.vocabulary import AT_BAR

_PLACEMENTS = {"^": "", "_": "below", "<": "left", ">": "right", "@": ""}


class Decorations(Bars):
    """Reads the signs that stand before notes."""

    def __init__(self) -> None:
        super().__init__()
        self.letters = LETTERS
        self._pending_marks: list[str] = []
        self._pending_lines: list[tuple[str, bool]] = []

    def _quote(self, match: re.Match[str]) -> None:
        self.read_quoted(match["quoted"])

    def read_quoted(self, text: str) -> None:
        """Read a chord symbol or annotation, without its quotation marks."""
        if len(text) == 1 and (name := LETTERS.get(text, text)) in MARKS:  # `">"`, meant as the sign itself
            self.decorate(name)
        elif text[:1] in _PLACEMENTS and text:
            said = re.sub(r"^-?[\d.]+,-?[\d.]+", "", text[1:]) if text[0] == "@" else text[1:]
            self._annotate(said, _PLACEMENTS[text[0]])
        elif re.fullmatch(r"N\.?C\.?", text.strip()):
            self.here("chord", None, text.strip().replace("N.C.", ""))
        elif chord := parse_chord(text):
            said = unescape(text)
            self.here("chord", chord, said if said != str(chord) else "")
        elif text in ("tr", "tr."):
            self._pending_marks.append("trill-mark")
        else:
            self._annotate(text, "")

    def _annotate(self, text: str, placement: str) -> None:
        text = unescape(text)
        if said := jump(text):
            self._jump(*said)
        elif text in DYNAMICS:
            self.here("direction", "dynamics", text)
        elif text:
            self.here("direction", "words", text, placement)

    def _decoration(self, match: re.Match[str]) -> None:
        self.decorate(match["named_decoration"] or match["old_decoration"])

    def _letter_decoration(self, match: re.Match[str]) -> None:
        name = self.letters.get(match[0])
        if name and name.startswith('"'):
            self.read_quoted(name.strip('"'))
        elif name:
            self.decorate(name)
        elif name is None:
            self.lost.add(f"the sign {match[0]}")

    def decorate(self, name: str) -> None:
        """Read a decoration by its name; those unknown become marks that keep it."""
        if kind := MARKS.get(name):
            self._pending_marks.append(kind)
        elif name in LINES:
            self._pending_lines.append(LINES[name])
        elif name in DYNAMICS:
            self.here("direction", "dynamics", name)
        elif name in WEDGES:
            self.here("direction", WEDGES[name])
        elif name in OCTAVES:
            self.here("direction", "octave-shift", OCTAVES[name])
        elif name in PEDALS:
            self.here("direction", "pedal", PEDALS[name])
        elif said := jump(name):
            self._jump(*said)
        elif name.isdigit():
            self._pending_marks.append(f"fingering:{name}")
        else:
            self._pending_marks.append(f"other-notation:{name}")

    def _jump(self, kind: str, text: str) -> None:
        """Signs that are aimed at stand at the start of their measure, those that send away at its end."""
        self.here("aim" if kind in ("segno", "coda") else "leave", kind, text)

    def _marks_to_rest(self) -> None:
        """What hangs on a rest is a direction of its own."""
        for kind in self._pending_marks:
            self.here("direction", kind)
        self._pending_marks.clear()

    def _marks_to_bar(self) -> None:
        """What hangs on a barline."""
        for kind in self._pending_marks:
            self.here("direction", AT_BAR + kind)
        self._pending_marks.clear()
