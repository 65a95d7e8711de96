"""Instruments named in a sentence: single ones, numbers of them, ensembles, lists."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from partimento.errors import BadPlan
from partimento.plan import words
from partimento.plan.plan import MAX_INSTRUMENTS, parse_instrument
from partimento.plan.sentence import TAKEN, before
from partimento.theory.instrument import ENSEMBLES, instrument_words

_ARTICLE = r"(?:(?:an?|the|some|one|any|my|our|his|her|solo|unaccompanied)\s+)*"
_INTRODUCTION = re.compile(
    r"\b(for|with|featuring|feat|on|by|instruments?|scored for|played by)\b\s*:?\s+", re.IGNORECASE
)
_LIST_END = re.compile(
    r"[.;:!?()\n"
    + TAKEN
    + r"]|\b(?:in|at|about|that|which|who|to|lasting|using|over|from|as|like|but|because|while|of|for|"
    r"with|without|featuring|by|on|where|when|so|is|are|played|playing|accompanied|should|must|may)\b",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"\s*(?:,\s*and\b|,\s*&|,|\+|&|/|\band\b|\bplus\b|\bund\b)\s*", re.IGNORECASE)
_LINK = re.compile(
    rf"\s*(?:,\s*and|,|\+|&|/|and|plus|with|und|accompanied by)\s+{_ARTICLE}|\s*[,+/-]\s*", re.IGNORECASE
)
_OPENER = re.compile(
    rf"\b(?:for|with|featuring|feat\.?|on|by|instruments?:?|and|plus)\s+{_ARTICLE}(?:[a-z]+\s+)?$",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"\b(?:no|without|not|minus|except|instead of|neither|mezzo|like)[\s-]+(?:an?\s+|any\s+|the\s+)*$",
    re.IGNORECASE,
)
_NOT_AFTER = re.compile(r"\s*-?(?:like\b|style\b|leading\b|point\b|clef\b|call\b|notes?\b|exchange\b)", re.IGNORECASE)
_MANNER = re.compile(r"(?:ly|ful|ous|ish|ing|able|ible|less|ic|ive)$")
_MODIFIER = re.compile(rf"^(?:{_ARTICLE}|\d+\s+|(?:two|three|four|five|six)\s+)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in the text that names one instrument, several of them, or an ensemble."""

    start: int
    end: int
    programs: tuple[int, ...]
    is_hesitant: bool


def find_instruments(text: str) -> list[Mention]:
    """Mentions that are wishes, in the order of the text.

    Raises:
        BadPlan: a named instrument has no sound, or a list holds something that is no instrument.
    """
    _refuse_without_sound(text)
    chains = [chain for chain in _chains(_mentions(text), text) if not _REFUSED.search(before(text, chain[0].start))]
    meant = [m for chain in chains if _is_meant(chain, text) for m in chain]
    _refuse_unknown(text, meant)
    return meant


def instrumentation(mentions: Iterable[Mention], text: str) -> tuple[int, ...]:
    """Programs of all mentions together.

    Within one list each mention counts; a mention in another list (`a piano piece for piano`) means the same
    instrument again.
    """
    chains = _chains(mentions, text)
    listed = max((len(chain) for chain in chains), default=0)
    result: list[int] = []
    for chain in chains:
        if listed > 1 and [len(mention.programs) for mention in chain] == [listed]:
            continue  # `a trio for oboe, clarinet and bassoon`: the list says who plays the trio
        seen: Counter[int] = Counter()
        for program in (program for mention in chain for program in mention.programs):
            seen[program] += 1
            if seen[program] > result.count(program):
                result.append(program)
    return tuple(result)


def parse_instruments(text: str) -> tuple[int, ...]:
    """Read a plain list: `flute, two violins and guitar`.

    Raises:
        BadPlan: an item is no instrument, or there are none or too many.
    """
    _refuse_without_sound(text)
    items = [item for item in (item.strip() for item in _SEPARATOR.split(text)) if item]
    if not items:
        raise BadPlan("no instrument is named; write for example flute, guitar")
    programs: list[int] = []
    for item in items:
        match = _pattern().fullmatch(re.sub(rf"^{_ARTICLE}", "", item, flags=re.IGNORECASE))
        programs += _programs(match) if match else (parse_instrument(item),)
    return tuple(programs)


@cache
def ensembles() -> dict[str, tuple[int, ...]]:
    """Names of ensembles ▶ programs."""
    return ENSEMBLES | words.MORE_ENSEMBLES


@cache
def _vocabulary() -> dict[str, tuple[int, ...]]:
    single = instrument_words() | words.MORE_INSTRUMENTS
    registered = {f"{register} {name}": single[name] for name in words.REGISTERED for register in words.REGISTERS}
    single = registered | single
    named = {name: (program,) for name, program in single.items()} | ensembles()
    plurals = {f"{name}s": programs for name, programs in named.items() if name[-1].isalpha() and name[-1] not in "sxi"}
    return plurals | named


@cache
def _pattern() -> re.Pattern[str]:
    names = "|".join(_flexible(name) for name in sorted(_vocabulary(), key=len, reverse=True))
    numbers = "|".join(_flexible(word) for word in sorted(words.NUMBERS, key=len, reverse=True))
    sizes = "|".join(words.CHAMBER_SIZES)
    return re.compile(
        rf"(?<!\w)(?:(?P<number>\d{{1,9}}|{numbers}|first and second|1st and 2nd|an? pair of|a couple of)"
        r"[\s-]+(?!part\b)(?:of\s+)?(?:[a-z]+\s+)??)?"
        rf"(?:(?:first|second|third|1st|2nd|3rd)\s+)?"
        rf"(?P<name>{names})(?!\w)(?:\s+(?:[1-4]|I{{1,3}}|IV)(?!\w))?(?:\s+(?P<size>{sizes})s?\b)?",
        re.IGNORECASE,
    )


def _flexible(name: str) -> str:
    return r"[\s-]+".join(map(re.escape, re.split(r"[\s-]+", name)))


def _mentions(text: str) -> list[Mention]:
    found: list[Mention] = []
    for match in _pattern().finditer(text):
        name = _normal(match["name"])
        if _NOT_AFTER.match(text, match.end()) or (
            name.endswith("voices") and re.search(r"\bin\s+$", before(text, match.start()))
        ):
            continue
        if match["number"] and re.match(r"\w+-", match[0]) and name in ("voice", "voices"):
            continue
        programs = _programs(match)
        if name == "bass" and found and text[found[-1].start : found[-1].end].lower() in ("tenor", "baritone"):
            programs = found[-1].programs  # soprano, alto, tenor and bass
        found.append(Mention(match.start(), match.end(), programs, name in words.HESITANT and not match["number"]))
    return found


def _programs(match: re.Match[str]) -> tuple[int, ...]:
    """As many copies of what is named as the number before it or the size behind it says."""
    name = _normal(match["name"])
    programs = _vocabulary()[name]
    number = _normal(match["number"] or "")
    is_plural = name.endswith(("s", "i", "x", "en"))
    if match["size"] and len(programs) == 1:
        count = words.CHAMBER_SIZES[match["size"].lower()]
    elif is_plural and number:
        count = int(number) if number.isdecimal() else words.NUMBERS.get(number, 2)
    else:
        count = 1
    if not 1 <= count * len(programs) <= MAX_INSTRUMENTS:
        raise BadPlan(f"{' '.join(match[0].split())!r}: a piece has 1 to {MAX_INSTRUMENTS} instruments")
    return programs * count


@cache
def _normal_names() -> dict[str, str]:
    return {re.sub(r"[\s-]+", " ", name): name for name in (*_vocabulary(), *words.NUMBERS)}


def _normal(name: str) -> str:
    key = re.sub(r"[\s-]+", " ", name).lower()
    return _normal_names().get(key, key)


def _chains(mentions: Iterable[Mention], text: str) -> list[list[Mention]]:
    """Mentions that only `,`, `and` and their like part belong to one list."""
    chains: list[list[Mention]] = []
    for mention in mentions:
        if chains and _LINK.fullmatch(text, chains[-1][-1].end, mention.start):
            chains[-1].append(mention)
        else:
            chains.append([mention])
    return chains


def _is_meant(chain: Sequence[Mention], text: str) -> bool:
    return not all(mention.is_hesitant for mention in chain) or _OPENER.search(before(text, chain[0].start)) is not None


@cache
def _without_sound() -> re.Pattern[str]:
    names = sorted(words.WITHOUT_SOUND, key=len, reverse=True)
    return re.compile(rf"(?<!\w)({'|'.join(_flexible(name) for name in names)})(?:e?s)?(?!\w)", re.IGNORECASE)


def _refuse_without_sound(text: str) -> None:
    for match in _without_sound().finditer(text):
        key = re.sub(r"[\s-]+", " ", match[1]).lower()
        nearest = next(near for name, near in words.WITHOUT_SOUND.items() if name.replace("-", " ") == key)
        if not _REFUSED.search(before(text, match.start())):
            raise BadPlan(f"{match[1]!r} has no sound in General MIDI; {nearest} comes nearest")


def _refuse_unknown(text: str, mentions: Sequence[Mention]) -> None:
    for introduction in _INTRODUCTION.finditer(text):
        end = _LIST_END.search(text, introduction.end())
        stop = end.start() if end else len(text)
        items = _items(text, introduction.end(), stop)
        known = [any(start < m.end and m.start < stop_ for m in mentions) for start, stop_, _ in items]
        most_words = 2 if introduction[1].lower() in ("for", "scored for", "played by") or ":" in introduction[0] else 1
        for index, (start, stop_, separator) in enumerate(items):
            between = (any(known[:index]) and any(known[index + 1 :])) or (index == 0 and any(known))
            closes = (
                index > 0 and known[index - 1] and separator.strip(" ,").lower() in ("and", "&", "+", "plus", "und")
            )
            if not known[index] and (between or closes) and _names_something(item := text[start:stop_], most_words):
                raise BadPlan(f"{_bare(item)!r} is no instrument partimento knows; `partimento instruments` lists them")


def _items(text: str, start: int, stop: int) -> list[tuple[int, int, str]]:
    """Start, end and preceding separator of each item of a list."""
    items: list[tuple[int, int, str]] = []
    separator = ""
    for match in _SEPARATOR.finditer(text, start, stop):
        items.append((start, match.start(), separator))
        start, separator = match.end(), match[0]
    return [*items, (start, stop, separator)]


def _bare(item: str) -> str:
    return _MODIFIER.sub("", item.strip()).strip()


def _names_something(item: str, most_words: int) -> bool:
    """Whether an item reads like an instrument's name: a word or two, no mood and no other musical matter."""
    names = _bare(item).lower().split()
    is_name = 1 <= len(names) <= most_words and all(re.fullmatch(r"[^\W\d_][\w'’-]{2,}", name) for name in names)
    return is_name and not any(name in words.NO_INSTRUMENTS or _MANNER.search(name) for name in names)
