"""How parts are to sound, in a sentence: `busy drums`, `violin in a high register`, `staccato`, `very soft`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from partimento.plan.ensemble import Mention
from partimento.plan.instrument_names import FAMILIES
from partimento.plan.sentence import TAKEN, Wish, before
from partimento.plan.wishes import Control
from partimento.theory.instrument import DRUMS, instrument

SPARSE, BUSY, BUSY_DRUMS = (0.0, 4.0), (8.0, 128.0), (12.0, 128.0)
"""Notes begun per bar."""
SHORT, HELD, LONG = (0.0, 0.5), (0.5, 64.0), (1.0, 64.0)
"""Quarters: staccato, legato, long notes."""
ONE_NOTE, CHORDS = (1, 1), (2, 6)
SIMPLE, COMPLEX = 0.2, 0.8

_DYNAMICS = {
    "ppp": r"(?:barely|hardly) audible|pianississimo",
    "pp": r"(?:very|extremely|sehr)\s+(?:soft(?:ly)?|quiet(?:ly)?|leise)|pianissimo|whisper(?:ed|ing)?",
    "mp": r"(?:rather|fairly|moderately|quite)\s+(?:soft(?:ly)?|quiet(?:ly)?)|mezzo[\s-]?piano",
    "p": r"soft(?:ly)?|quiet(?:ly)?|leise",
    "mf": r"(?:rather|fairly|moderately|quite)\s+loud(?:ly)?|mezzo[\s-]?forte",
    "ff": r"(?:very|extremely|sehr)\s+(?:loud(?:ly)?|laut)|fortissimo",
    "fff": r"fortississimo|thunderous(?:ly)?|as\s+loud(?:ly)?\s+as\s+possible|deafening",
    "f": r"loud(?:ly)?|forte|laut",
}  # fmt: skip
_IN_ITS = r"(?:(?:in|at)\s+)?(?:an?\s+|the\s+|its\s+)?(?:very\s+)?"
_WORDS: tuple[tuple[str, Any, str], ...] = (
    ("density", SPARSE, r"sparse(?:ly)?|spacious|thin(?:ly)?[\s-]scored|uncluttered|few\s+notes"),
    ("density", BUSY, r"dense(?:ly)?|busy|busily|hectic|crowded|many\s+notes|(?:lots|plenty)\s+of\s+notes"),
    ("register", "high", rf"{_IN_ITS}(?:high|upper)[\s-]+(?:register|range|notes)|high[\s-](?:pitched|up)"),
    ("register", "low", rf"{_IN_ITS}(?:low|lower|deep)[\s-]+(?:register|range|notes)|low[\s-](?:pitched|down)"),
    ("register", "middle", rf"{_IN_ITS}(?:middle|mid)[\s-]+(?:register|range)"),
    ("note_length", SHORT, r"staccat(?:o|issimo)|short(?:,?\s+\w+)?\s+notes|detached|choppy|spiccato|marcato"),
    ("note_length", LONG, r"(?:long|sustained|held)(?:,?\s+\w+)?\s+(?:notes|tones|chords)|sustained"),
    ("note_length", HELD, r"legato|cantabile"),
    ("polyphony", CHORDS, r"play(?:s|ing)?\s+(?:(?:only|just|the|simple|soft|block|sustained|long|full|rich)\s+)*"
                          r"chords|block\s+chords|chordal"),
    ("polyphony", ONE_NOTE, r"(?:single|one)[\s-]+note(?:s|\s+at\s+a\s+time)|single[\s-](?:line|voice)|monophonic"),
    ("complexity", SIMPLE, r"(?:very\s+)?simple|easy|basic|uncomplicated"),
    ("complexity", COMPLEX, r"(?:very\s+)?complex|intricate|virtuos(?:o|ic)|elaborate|sophisticated|complicated"),
    *(("dynamics", level, pattern) for level, pattern in _DYNAMICS.items()),
    *(("dynamics", level, rf"(?<=[,;(])\s*{level}(?=\s*(?:[,;.)]|$))") for level in _DYNAMICS),
)  # fmt: skip
"""Field of a control, its value, and the words for it; of words that overlap the longest counts."""
_PATTERNS = [
    (name, value, re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", 0 if "(?<=[,;(])" in pattern else re.IGNORECASE))
    for name, value, pattern in _WORDS
]
_BARE_REGISTER = re.compile(r"(?<![\w-])(high|low|deep)(?![\w-])", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:not|no|never|without|less|nor|isn't|aren't|instead of)\s+(?:(?:too|so|very|an?|any|be|that)\s+)*$",
    re.IGNORECASE,
)
_OTHER_NOUN = re.compile(
    r"[\s-]+(?:\w+\s+)?(?:progressions?|harmon(?:y|ies)|meters?|metres?|time|form|structure|rock|tempo|spoken|energy|"
    r"school|listening|street|city|chord progression|enough)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(rf"[.;:!?\n|]|,|\bwhile\b|\bover\b|\bbut\b|(?<=\w)\s+in\s+(?=\d)|{TAKEN}{{30}}")
_SOUNDS = re.compile(r"\s*(?:plays?|sings?|holds?|are|is|stays?|remains?|keeps?)\b", re.IGNORECASE)
_RANGE = re.compile(r"\b(?:bars?|measures?|takte?)\s+(\d{1,3})\s*(?:-|–|to|bis)\s*(\d{1,3})\b", re.IGNORECASE)
_MOST_WORDS_BETWEEN = 5


@dataclass(frozen=True, slots=True)
class _Word:
    name: str
    value: Any
    start: int
    end: int


def find_controls(text: str, mentions: Sequence[Wish], instruments: Sequence[int]) -> Iterator[Wish]:
    """Controls, each for the instruments that its words stand beside, else for all.

    Args:
        text: the sentence.
        mentions: its instruments.
        instruments: who plays, in the plan.
    """
    meant = [wish.value for wish in mentions if wish.name == "instruments"]
    for word in _words(text, meant):
        if _DENIED.search(before(text, word.start)) or _OTHER_NOUN.match(text, word.end):
            continue
        near = _beside(word, text, meant)
        parts = _parts(near, instruments)
        span = _bars(word, text)
        for control in _controls(word, parts, instruments):
            yield Wish("controls", replace(control, bars=span), word.start, word.end)


def _words(text: str, mentions: Sequence[Mention]) -> list[_Word]:
    found = [_Word(name, value, *m.span()) for name, value, pattern in _PATTERNS for m in pattern.finditer(text)]
    for match in _BARE_REGISTER.finditer(text):
        level = "high" if match[1].lower() == "high" else "low"
        item = re.match(r"\s*(?:[,;.]|$)", text[match.end() :])
        if any(0 <= mention.start - match.end() <= 1 for mention in mentions) or (
            item and (re.search(r"[,;]\s*$", text[: match.start()]) or _just_before(match.start(), mentions))
        ):
            found.append(_Word("register", level, *match.span()))
    longest = [
        word
        for word in found
        if not any(word != other and _covers(other, word) for other in found)
        and not any(mention.start <= word.start and word.end <= mention.end for mention in mentions)
    ]
    return sorted(longest, key=lambda word: word.start)


def _covers(other: _Word, word: _Word) -> bool:
    overlap = other.start < word.end and word.start < other.end
    return overlap and other.end - other.start > word.end - word.start


def _just_before(start: int, mentions: Sequence[Mention]) -> bool:
    return any(0 <= start - mention.end <= 1 for mention in mentions)


def _beside(word: _Word, text: str, mentions: Sequence[Mention]) -> list[Mention]:
    """The instrument that a word describes: right behind it (`busy drums`), else the one before it in its clause."""
    for mention in mentions:
        between = text[word.end : mention.start] if mention.start >= word.end else ","
        if not _CLAUSE.search(between) and re.fullmatch(
            r"\s+(?:(?!and\b|with\b|for\b|by\b|on\b|in\b)[\w-]+\s+){0,2}", between
        ):
            return [mention]
    left = [mention for mention in mentions if mention.end <= word.start]
    if not left:
        return []
    between = text[left[-1].end : word.start]
    if _CLAUSE.search(between) or len(between.split()) > _MOST_WORDS_BETWEEN:
        return []
    if re.match(r"\s+(?:melody|tune|song|piece|chords?\b|solo|duet)", between) and word.name != "polyphony":
        return [left[-1]]
    return [*_listed_with(left, text), left[-1]] if _SOUNDS.match(between) else [left[-1]]


def _listed_with(left: Sequence[Mention], text: str) -> list[Mention]:
    """`The strings and the choir sing softly`: both do."""
    if len(left) > 1 and re.fullmatch(r"\s+and\s+(?:the\s+)?", text[left[-2].end : left[-1].start]):
        return [left[-2]]
    return []


def _parts(mentions: Sequence[Mention], instruments: Sequence[int]) -> tuple[int, ...] | None:
    if not mentions:
        return None
    programs = {program for mention in mentions for program in mention.programs}
    parts = [index for index, program in enumerate(instruments) if program in programs]
    if not parts and any(mention.is_general for mention in mentions):  # a bass line for double bass
        family = {each for name in FAMILIES for each in FAMILIES[name] if programs & set(FAMILIES[name])}
        parts = [index for index, program in enumerate(instruments) if program in family]
    return tuple(parts) or None


def _bars(word: _Word, text: str) -> tuple[int, int] | None:
    """Bars that the clause of a word names, from 0 and half-open."""
    edges = [m.end() for m in re.finditer(r"[.;:!?\n]|,", text[: word.start])]
    behind = re.search(r"[.;!?\n]|,", text[word.end :])
    clause = text[edges[-1] if edges else 0 : word.end + behind.start() if behind else len(text)]
    match = _RANGE.search(clause)
    return (int(match[1]) - 1, int(match[2])) if match and 0 < int(match[1]) <= int(match[2]) <= 256 else None


def _controls(word: _Word, parts: tuple[int, ...] | None, instruments: Sequence[int]) -> Iterator[Control]:
    """One control, or one for each part where what is high differs from part to part."""
    chosen = range(len(instruments)) if parts is None else parts
    if word.name == "register":
        for part in chosen:
            if instruments[part] != DRUMS:
                yield Control((part,), register=_register(instruments[part], word.value))
        if not instruments:
            yield Control(register={"high": (67, 108), "low": (28, 59), "middle": (53, 77)}[word.value])
    elif word.name == "polyphony":
        pitched = tuple(part for part in chosen if instruments[part] != DRUMS and _may(instruments[part], word.value))
        if pitched or not instruments:
            yield Control(None if parts is None and len(pitched) == len(instruments) else pitched or None,
                          polyphony=word.value)  # fmt: skip
    else:
        is_kit = word.value == BUSY and parts and all(instruments[part] == DRUMS for part in parts)
        value: dict[str, Any] = {word.name: BUSY_DRUMS if is_kit else word.value}
        yield Control(parts, **value)


def _may(program: int, polyphony: tuple[int, int]) -> bool:
    return polyphony == ONE_NOTE or not instrument(program).is_monophonic


def _register(program: int, level: str) -> tuple[int, int]:
    """The upper, lower or middle half of what the instrument reaches."""
    low, high = instrument(program).lowest_pitch, instrument(program).highest_pitch
    middle, quarter = (low + high) // 2, (high - low) // 4
    if level == "middle":
        return low + quarter, high - quarter
    return (middle, high) if level == "high" else (low, middle)
