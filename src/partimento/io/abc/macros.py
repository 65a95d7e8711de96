"""Macros (`m:`): short forms that a tune defines for its own music code (ABC 2.1, section 9)."""

from __future__ import annotations

import re

LONGEST_LINE = 10_000
"""Longer lines stay as they are."""
MOST_MACROS = 100
_NOTES = "CDEFGABcdefgab"
_TRANSPOSED = re.compile(r"[h-z]")


class Macros:
    """The macros of a tune."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def define(self, text: str) -> None:
        """Take what follows `m:`: `~G3 = G{A}G{F}G`, or with the letter n for any note `~n3 = n{o}n{m}n`."""
        target, equals, meaning = (side.strip() for side in text.partition("="))
        if equals and 0 < len(target) <= 31 and len(self._texts) < MOST_MACROS:
            self._texts[target] = meaning[:200]
            self._pattern = None

    def expand(self, line: str) -> str:
        """A line of music code with macros written out; static ones win over those with n, longer over shorter."""
        if not self._texts or len(line) > LONGEST_LINE:
            return line
        if self._pattern is None:
            order = sorted(self._texts, key=lambda target: ("n" in target, -len(target)))
            self._pattern = re.compile("|".join(f"({_as_pattern(target)})" for target in order))
            self._order = order
        return self._pattern.sub(self._meaning, line)

    def _meaning(self, match: re.Match[str]) -> str:
        target = self._order[(match.lastindex or 1) - 1]
        if "n" not in target:
            return self._texts[target]
        note = match[0][target.index("n") : len(match[0]) - len(target) + target.index("n") + 1]
        return _TRANSPOSED.sub(lambda letter: _step(note, ord(letter[0]) - ord("n")), self._texts[target])


def _as_pattern(target: str) -> str:
    return re.escape(target).replace("n", "[A-Ga-g][,']*", 1)


def _step(note: str, steps: int) -> str:
    """The note some steps higher: h is six below n, z twelve above."""
    place = _NOTES.index(note[0]) + 7 * (note.count("'") - note.count(",")) + steps
    octave, step = divmod(place, 7)
    letter = _NOTES[step] if octave < 1 else _NOTES[step + 7]
    return letter + ("," * -octave if octave < 0 else "'" * (octave - 1))
