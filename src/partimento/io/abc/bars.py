"""The measures of one voice of ABC, and what stands at its barlines."""

from __future__ import annotations

import re

from partimento.io.abc.text import unescape
from partimento.io.abc.tokens import Sign, ending_numbers

_STYLES = {"|": "regular", "||": "light-light", "|]": "light-heavy", "[|": "heavy-light", ".|": "dotted", "[|]": "none"}
STYLE_SIGNS = {style: sign for sign, style in _STYLES.items()} | {"dashed": ".|"}
"""Style of a barline ▶ how it is written."""


class Bars:
    """Where in its measures the reading of a voice has come, and the signs that it has met."""

    def __init__(self) -> None:
        self.lengths: list[int] = []
        self.signs: list[Sign] = []
        self.lost: set[str] = set()
        self.measure = self.offset = self.longest = self.lane = 0

    def here(self, what: str, value: object, text: str = "", placement: str = "") -> None:
        """Note a sign at the current place."""
        self.signs.append(Sign(self.measure, self.offset, what, value, text, placement))

    def close_measure(self) -> None:
        """End the measure that was begun, if anything is in it."""
        length = max(self.longest, self.offset)
        self.offset = self.longest = self.lane = 0
        if length:
            self.lengths.append(length)
            self.measure += 1

    def _bar(self, match: re.Match[str]) -> None:
        if match[0] == "|":
            self.close_measure()
            return
        number = match["number"]
        sign = match[0].split(number)[0].rstrip("[ \t") if number else match[0]
        if sign == "[" or not sign:  # `[|1`
            sign = "|"
        self.close_measure()
        before, after = _colons(sign)
        if before:
            self._at_bar("backward", str(before + 1) if before > 1 else "")
        if after:
            self._at_bar("forward")
        if not before and not after and sign != "|":
            self._at_bar("style", _STYLES.get(sign) or ("light-heavy" if "]" in sign else "light-light"))
        if number:
            self._at_bar("ending", ending_numbers(number.rstrip(",.-")) or "1")

    def _start_ending(self, match: re.Match[str]) -> None:
        named, numbers = match["named"], match["numbers"]
        self._at_bar("ending", unescape(named) or "1" if numbers is None else ending_numbers(numbers.rstrip(",.-")))

    def _at_bar(self, kind: str, text: str = "") -> None:
        if self.offset:
            self.close_measure()
        self.signs.append(Sign(self.measure, 0, "bar", kind, text))


def _colons(sign: str) -> tuple[int, int]:
    """How many colons repeat what is before a barline, and what is behind it; both for `::`."""
    if "|" not in sign:
        return len(sign) // 2, len(sign) // 2
    inner = sign.strip(":")
    before, after = len(sign) - len(sign.lstrip(":")), len(sign) - len(sign.rstrip(":"))
    return before or inner.count(":"), after
