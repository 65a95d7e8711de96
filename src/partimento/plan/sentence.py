"""Wishes and where they stand in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from partimento.plan.words import NUMBERS

TAKEN = "\0"
"""Stands for every character that a wish has used."""
STATED, SAID, HINTED = 2, 1, 0
"""How firmly a wish is made: in figures or names, in a word such as allegro, between the lines."""

NUMBER_WORDS = "|".join(sorted((word for word in NUMBERS if " " not in word), key=len, reverse=True))
"""Finds a number in words."""
TIMES = re.compile(
    rf"\s*[,(]?\s*(?:[x×]\s*(?P<times>\d{{1,3}})\b|(?P<other_times>\d{{1,3}}|{NUMBER_WORDS})\s*(?:x\b|×|times\b)|"
    r"(?:played\s+)?twice\b)\)?",
    re.IGNORECASE,
)
"""`x2`, `(×4)`, `three times`, `twice` behind what is to be repeated."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One wish and the words it was read from."""

    name: str
    """The field of `Plan`."""
    value: Any
    start: int
    end: int
    """The words are `text[start:end]`."""
    firmness: int = STATED


def any_of(names: Iterable[str]) -> re.Pattern[str]:
    """Finds whole words, the longest of those that begin at one place, however they are spaced."""
    return _compiled(tuple(sorted(names, key=len, reverse=True)))


@cache
def _compiled(names: tuple[str, ...]) -> re.Pattern[str]:
    joined = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in names)
    return re.compile(rf"(?<![\w-])(?:{joined})(?!\w)", re.IGNORECASE)


def plain(phrase: str) -> str:
    """In small letters, with single spaces."""
    return " ".join(phrase.lower().split())


def without(text: str, pattern: re.Pattern[str]) -> str:
    """The text with all that a pattern finds taken."""
    return pattern.sub(lambda match: TAKEN * len(match[0]), text)


def before(text: str, position: int) -> str:
    """The words that lead up to a position."""
    return text[max(position - 60, 0) : position]


def times_of(match: re.Match[str]) -> int:
    """The number that `TIMES` has found."""
    count = match["times"] or match["other_times"] or "2"
    return int(count) if count.isdecimal() else NUMBERS[count.lower()]
