"""Meter, number of bars and tempo in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from partimento.errors import BadPlan
from partimento.plan import words
from partimento.plan.plan import MAX_BARS
from partimento.plan.sentence import HINTED, SAID, TAKEN, Wish, any_of, before, plain, without
from partimento.theory.meter import Meter
from partimento.theory.tempo import TEMPO_WORDS

_METER = re.compile(
    r"(?<![\d/.\w])([-−]?\d+)\s*/\s*(\d+)(?![\d/])(?!\s*-?(?:an?\s+)?(?:hours?|minutes?|steps?|tones?|notes?|speed)\b)"
)
_METER_IN_WORDS = re.compile(
    r"\b(two|three|four|five|six|seven|nine|twelve)(?:-(two|four|eight)\b|\s+(two|four|eight)\s+(?:time|meter|metre)\b)",
    re.IGNORECASE,
)


def find_meters(text: str) -> Iterator[Wish]:
    """Meters in figures and words."""
    for match in _METER.finditer(text):
        yield Wish("meter", Meter.parse(f"{match[1]}/{match[2]}"), *match.span())
    for match in _METER_IN_WORDS.finditer(text):
        beats, beat_type = (words.NUMBERS[word.lower()] for word in match.groups() if word)
        yield Wish("meter", Meter(beats, beat_type), *match.span())
    for match in any_of(words.METER_WORDS).finditer(text):
        yield Wish("meter", Meter.parse(words.METER_WORDS[plain(match[0])]), *match.span())


def implied_meters(text: str) -> Iterator[Wish]:
    """Meters of the dances that are named."""
    for match in any_of((*words.DANCE_METERS, *words.STYLE_WORDS[0])).finditer(text):
        dance = plain(match[0])
        if meter := words.DANCE_METERS.get(words.STYLE_WORDS[0].get(dance, dance)):
            yield Wish("meter", Meter.parse(meter), *match.span(), HINTED)


_NUMBER = r"(?P<number>(?<![\w.])(?:minus\s+)?[-−]?\d+(?:[.,]\d+)*|\b(?:{})\b)".format(
    "|".join(re.sub(" |-", r"[\\s-]+", word) for word in sorted(words.NUMBERS, key=len, reverse=True))
)
_BARS = re.compile(
    rf"{_NUMBER}[\s-]*(?:full\s+)?(?:bars?|measures?|takte?n?|mm|mesures?|battute|compases)\b"
    r"(?!\s*-?(?:of\s+)?(?:each|phrases?|sections?|intro\w*|outro|coda|groups?|units?|rests?|pickup|loops?)\b)",
    re.IGNORECASE,
)
_EVERY = re.compile(r"\b(?:every|each|first|last|next)\s+(?:the\s+)?$", re.IGNORECASE)
_BARS_AFTER = re.compile(
    r"\b(?:bars|measures|takte)\s*[:=]?\s*(?P<number>[-−]?\d+(?:\.\d+)?)\b(?!\s*(?:to|and|-|–|/)\s*\d)",
    re.IGNORECASE,
)


def find_bars(text: str) -> Iterator[Wish]:
    """Numbers of bars.

    Raises:
        BadPlan: one is no whole number.
    """
    for pattern in (_BARS, _BARS_AFTER):
        for match in pattern.finditer(text):
            if _EVERY.search(before(text, match.start())):
                continue
            yield Wish("bars", _bar_count(match["number"], match[0]), *match.span())
            text = text[: match.start()] + TAKEN * len(match[0]) + text[match.end() :]


def _bar_count(number: str, phrase: str) -> int:
    word = re.sub(r"[\s-]+", " ", number.lower().replace("−", "-").replace("minus ", "-", 1))
    for known, value in words.NUMBERS.items():
        if known.replace("-", " ") == word:
            return value
    digits = number.lower().replace("−", "-").replace("minus", "-").replace(" ", "").replace("--", "-")
    if not re.fullmatch(r"-?\d{1,9}", digits):
        raise BadPlan(f"{' '.join(phrase.split())!r}: a piece has a whole number of bars, 1 to {MAX_BARS}")
    return int(digits)


_FIGURE = r"([-−]?\d+(?:\.\d+)?)"
_BPM = re.compile(
    rf"(?:(?<![\w.])(\d+)\s*(?:-|–|to)\s*)?(?:(?<![\w.])|(?<=[-–])){_FIGURE}\s*-?"
    r"(?:bpm|b\.p\.m\.?|(?:beats|quarters|quarter notes|crotchets)\s+(?:per|a|each)\s+minute)(?!\w)",
    re.IGNORECASE,
)
_TEMPO_MARK = re.compile(
    r"(?:\btempo\s*(?:mark\s*)?(?:of|is|at|around|about|=|:)?\s*|\bbpm\s*[:=]?\s*|\bm\.\s?m\.?\s*"
    r"|(?P<beat>♩\.|♩|𝅗𝅥|♪|\b(?:crotchet|minim|q|(?:dotted quarter|quarter|half|eighth)(?:[\s-]notes?)?))"
    r"\s*=\s*)"
    rf"{_FIGURE}(?![\w/])",
    re.IGNORECASE,
)
_AT = re.compile(r"\bat\s+(\d{2,3})(?=\s*(?:$|[,.;]|(?:for|with|in|and)\b))", re.IGNORECASE)
_DOTTED = re.compile(
    r"(?<![\w.])(\d{2,3})\s+(dotted[\s-]+(?:quarters?|crotchets?)|half[\s-]+notes|minims)(?!\w)", re.IGNORECASE
)
_LISTED = re.compile(r"(?:[,;|]|(?<=\0))\s*(?P<bpm>\d{2,3})(?=\s*(?:[,;|]|\.?\s*$))")
"""A figure that stands alone in a list: `chiptune, C minor, 160`."""
_SLOW_STRINGS = re.compile(r"\s+(?:synth\s+)?string", re.IGNORECASE)
"""General MIDI has slow strings."""
_BEATS_QUARTER = {
    "♩.": 1.5, "♩": 1.0, "𝅗𝅥": 2.0, "♪": 0.5, "d": 1.5, "q": 1.0, "c": 1.0, "h": 2.0, "m": 2.0, "e": 0.5,
}  # fmt: skip
"""Sign, or first letter of a note's name ▶ its length in quarters."""


def find_tempi(text: str) -> Iterator[Wish]:
    """Tempi in figures, in words, and as moods suggest them, in quarters per minute."""
    for match in _BPM.finditer(text):
        low = float(match[1]) if match[1] else None
        value = float(match[2].replace("−", "-"))
        yield Wish("tempo_bpm", value if low is None else (low + value) / 2, *match.span())
    for match in _TEMPO_MARK.finditer(without(text, _BPM)):
        beat = (match["beat"] or "quarter").lower()
        length_quarter = _BEATS_QUARTER[beat if beat in _BEATS_QUARTER else beat[0]]
        yield Wish("tempo_bpm", float(match[2].replace("−", "-")) * length_quarter, *match.span())
    for match in _DOTTED.finditer(text):
        length_quarter = 1.5 if match[2].lower().startswith("dotted") else 2.0
        yield Wish("tempo_bpm", float(match[1]) * length_quarter, *match.span())
    for match in _LISTED.finditer(text):
        if 40 <= int(match["bpm"]) <= 240:
            yield Wish("tempo_bpm", float(match["bpm"]), *match.span("bpm"))
    for match in _AT.finditer(text):
        yield Wish("tempo_bpm", float(match[1]), *match.span())
    spoken = TEMPO_WORDS | words.MORE_TEMPO_WORDS
    for match in any_of(spoken).finditer(text):
        if match[0].lower() == "slow" and _SLOW_STRINGS.match(text, match.end()):
            continue
        yield Wish("tempo_bpm", float(spoken[plain(match[0])]), *match.span(), SAID)
    for match in any_of(words.MOOD_TEMPI_BPM).finditer(text):
        yield Wish("tempo_bpm", float(words.MOOD_TEMPI_BPM[plain(match[0])]), *match.span(), HINTED)


def felt(wish: Wish, meter: Wish | None) -> Wish:
    """A mood is about beats, which are longer than quarters in compound time, if not quite as slow for it."""
    if wish.firmness > HINTED or meter is None or not meter.value.is_compound:
        return wish
    return Wish(wish.name, float(round(1.25 * wish.value)), wish.start, wish.end, HINTED)
