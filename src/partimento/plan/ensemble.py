"""Instruments named in a sentence: single ones, numbers of them, ensembles, lists."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from partimento.errors import BadPlan
from partimento.plan import words
from partimento.plan.instrument_names import EVERYDAY, FAMILIES, GENERAL, SPOKEN_NAMES
from partimento.plan.plan import MAX_INSTRUMENTS, parse_instrument
from partimento.plan.sentence import TAKEN, before, without
from partimento.theory.instrument import DRUMS, ENSEMBLES, instrument_words

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
_NO = r"(?:no|not|without|nor|minus|except|ohne|sans|senza|sin|avoid|omit)\b"
_LINK = re.compile(
    rf"\s*(?:,\s*and|,|\+|&|/|and|plus|with|und|et|e|y|n?or|accompanied by)\s+{_ARTICLE}(?:(?!{_NO})[a-z-]+\s+)?"
    r"|\s*[,+/-]\s*|\s+",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"\s*,?\s*(?:or|oder|ou)\s.*", re.IGNORECASE | re.DOTALL)
_REFUSAL_GOES_ON = re.compile(r"\s*(?:,?\s*(?:n?or|and|&)\b|/|&).*", re.IGNORECASE | re.DOTALL)
_OPENER = re.compile(
    rf"(?:\b(?:for|with|featuring|feat\.?|on|by|and|plus|für|mit|pour|avec|per|con)\s+|\binstruments?:?\s+|\+\s*)"
    rf"{_ARTICLE}(?:[a-z]+\s+)?$",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"\b(?:no|without|not|minus|except|excluding|instead of|neither|nor|w/o|ohne|sans|senza|sin|avoid|leave out|omit|"
    r"don't use|do not use)[\s-]+(?:an?\s+|any\s+|the\s+)*$",
    re.IGNORECASE,
)
_NOT_MEANT = re.compile(r"(?<!-)\b(?:mezzo|like|sounds? of)[\s-]+(?:an?\s+|the\s+)*$", re.IGNORECASE)
_NOT_AFTER = re.compile(
    r"\s*-?(?:like\b|style\b|inspired\b|leading\b|point\b|clef\b|call\b|notes?\b|exchange\b|tab\b|trio sonata\b)",
    re.IGNORECASE,
)
_GENRE = re.compile(r"\b(?:drum\s*(?:and|&|'?n'?)\s*bass)\b", re.IGNORECASE)
_LINE = re.compile(r"\s+(?:lines?|parts?|riffs?|grooves?|solos?|melody|chords)\b", re.IGNORECASE)
_JAZZ = re.compile(r"\b(?:jazz|swing|bebop|bop)", re.IGNORECASE)
_DRUMS_LIKE = re.compile(r"\s*-?(?:like|style)\s+(?:drums|percussion)\b", re.IGNORECASE)
_MANNER = re.compile(r"(?:ly|ful|ous|ish|ing|able|ible|less|ic|ive)$")
_MODIFIER = re.compile(rf"^(?:{_ARTICLE}|\d+\s+|(?:two|three|four|five|six)\s+)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in the text that names one instrument, several of them, or an ensemble."""

    start: int
    end: int
    programs: tuple[int, ...]
    is_hesitant: bool
    is_general: bool = False
    """Whether the name may refer to an instrument that is named better elsewhere."""


def find_instruments(text: str) -> list[Mention]:
    """Mentions that are wishes, in the order of the text.

    Raises:
        BadPlan: a named instrument has no sound, or a list holds something that is no instrument.
    """
    _refuse_without_sound(text)
    chains = [chain for chain in map(list, _wanted(text)) if chain and _is_meant(chain, text)]
    meant = [mention for chain in chains for mention in chain]
    _refuse_unknown(text, meant)
    return meant


def find_refused(text: str) -> list[Mention]:
    """Mentions of what is not to play: `no drums`, `without piano or strings`."""
    refused: list[Mention] = []
    for chain in _chains(_mentions(text), text):
        for index in range(_refused(chain, text)):
            mention = chain[index]
            name = _normal(text[mention.start : mention.end])
            refused.append(replace(mention, programs=FAMILIES.get(name, tuple(sorted(set(mention.programs))))))
    return refused


def _wanted(text: str) -> Iterator[list[Mention]]:
    """Chains without what is refused, or only another choice (`flute or oboe`)."""
    for chain in _chains(_mentions(text), text):
        first = _refused(chain, text)
        if first == 0 and _NOT_MEANT.search(before(text, chain[0].start)):
            first = 1
        behind = [None, *chain]
        yield [
            mention
            for index, mention in enumerate(chain)
            if index >= first
            and not ((left := behind[index]) and index > first and _CHOICE.fullmatch(text, left.end, mention.start))
        ]


def _refused(chain: Sequence[Mention], text: str) -> int:
    """How many mentions at the beginning of a chain are refused."""
    count = 0
    while count < len(chain) and (
        _REFUSED.search(before(text, chain[count].start))
        or (count and _REFUSAL_GOES_ON.fullmatch(text, chain[count - 1].end, chain[count].start))
    ):
        count += 1
    return count


def instrumentation(mentions: Iterable[Mention], text: str) -> tuple[int, ...]:
    """Programs of all mentions together.

    Within one list each mention counts; a mention in another list (`a piano piece for piano`) means the same
    instrument again.
    """
    chains = _chains(mentions, text)
    listed = max((len(chain) for chain in chains), default=0)
    # `a trio for oboe, clarinet and bassoon`: the list says who plays the trio
    told = [chain for chain in chains if len(chain) > 1 or not _is_listed(chain[0], listed)]
    result: list[int] = []
    for chain in told:
        seen: Counter[int] = Counter()
        for mention in chain:
            if _refers(mention, chain, told, text):
                continue
            for program in mention.programs:
                seen[program] += 1
                if seen[program] > result.count(program):
                    result.append(program)
    return _one_kit(result)


def _is_listed(mention: Mention, listed: int) -> bool:
    """Whether another list is as long as the ensemble, or long enough to be the ensemble."""
    return len(mention.programs) > 1 and listed > 1 and (listed == len(mention.programs) or listed >= 3)


def _one_kit(programs: Sequence[int]) -> tuple[int, ...]:
    """A snare drum, a ride cymbal and congas make one kit."""
    first = programs.index(DRUMS) if DRUMS in programs else len(programs)
    return tuple(each for index, each in enumerate(programs) if each != DRUMS or index == first)


def _refers(mention: Mention, chain: Sequence[Mention], chains: Sequence[Sequence[Mention]], text: str) -> bool:
    """Whether a general name means an instrument of another list, or of any if it is only about its line."""
    is_line = _LINE.match(text, mention.end) is not None
    if not mention.is_general or (not is_line and not all(each.is_general for each in chain)):
        return False
    others = (other for each in chains if each is not chain or is_line for other in each if not other.is_general)
    family = _FAMILY_OF.get(mention.programs[0], ())
    return any(program in family for other in others for program in other.programs)


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


_FAMILY_OF: dict[int, tuple[int, ...]] = {
    32: FAMILIES["bass"], 33: FAMILIES["bass"],
    24: FAMILIES["guitar"], 65: FAMILIES["sax"], 0: FAMILIES["piano"], 19: FAMILIES["organ"],
    52: FAMILIES["voice"], 53: FAMILIES["voice"], 89: FAMILIES["pad"], 80: FAMILIES["synth"],
}  # fmt: skip
"""What a general name alone stands for ▶ what it may refer to."""


@cache
def ensembles() -> dict[str, tuple[int, ...]]:
    """Names of ensembles ▶ programs."""
    return ENSEMBLES | words.MORE_ENSEMBLES


@cache
def _vocabulary() -> dict[str, tuple[int, ...]]:
    single = instrument_words() | words.MORE_INSTRUMENTS | SPOKEN_NAMES
    del single["chorus"]  # of a song
    registered = {f"{register} {name}": single[name] for name in words.REGISTERED for register in words.REGISTERS}
    single = registered | single
    named = {name: (program,) for name, program in single.items()} | ensembles()
    plurals = {f"{name}s": programs for name, programs in named.items() if name[-1].isalpha() and name[-1] not in "sxi"}
    del plurals["bass drums"]  # guitar bass drums
    return plurals | named


@cache
def _pattern() -> re.Pattern[str]:
    names = "|".join(_flexible(name) for name in sorted(_vocabulary(), key=len, reverse=True))
    numbers = "|".join(_flexible(word) for word in sorted(words.NUMBERS, key=len, reverse=True))
    sizes = "|".join(words.CHAMBER_SIZES)
    own = "|".join(_flexible(name) for name in _vocabulary() if name[0].isdigit() or name.startswith("four"))
    return re.compile(
        rf"(?<!\w)(?:(?!(?:{own})(?!\w))"
        rf"(?P<number>\d{{1,9}}|{numbers}|first and second|1st and 2nd|an? pair of|a couple of)"
        r"[\s-]+(?!part\b)(?:of\s+)?(?:[a-z]+\s+)??)?"
        rf"(?:(?:first|second|third|1st|2nd|3rd)\s+)?"
        rf"(?P<name>{names})(?!\w)(?:\s+(?:[1-4]|I{{1,3}}|IV)(?!\w))?(?:\s+(?P<size>{sizes})s?\b)?",
        re.IGNORECASE,
    )


def _flexible(name: str) -> str:
    return r"[\s-]+".join(map(re.escape, re.split(r"[\s-]+", name)))


def _mentions(text: str) -> list[Mention]:
    found: list[Mention] = []
    for match in _pattern().finditer(without(text, _GENRE)):
        name = _normal(match["name"])
        if (_NOT_AFTER.match(text, match.end()) and not _DRUMS_LIKE.match(text, match.end())) or (
            name.endswith("voices") and re.search(r"\bin\s+$", before(text, match.start()))
        ):
            continue
        if match["number"] and re.match(r"\w+-", match[0]) and name in ("voice", "voices"):
            continue
        programs = _programs(match, found, text)
        if name == "bass" and found and text[found[-1].start : found[-1].end].lower() in ("tenor", "baritone"):
            programs = found[-1].programs  # soprano, alto, tenor and bass
        is_hesitant = name in words.HESITANT or name in EVERYDAY
        is_general = name in GENERAL and not match["number"] and not match["size"]
        found.append(Mention(match.start(), match.end(), programs, is_hesitant and not match["number"], is_general))
        _share_register(found, text)
    return found


def _share_register(found: list[Mention], text: str) -> None:
    """`soprano, alto, tenor and baritone sax` are saxes: give the registers before the name the instrument."""
    register, _, name = _normal(text[found[-1].start : found[-1].end]).partition(" ")
    if register not in words.REGISTERS or name not in words.REGISTERED:
        return
    for index in range(len(found) - 2, -1, -1):
        one = _normal(text[found[index].start : found[index].end])
        linked = _LINK.fullmatch(text, found[index].end, found[index + 1].start)
        if one not in words.REGISTERS or not linked:
            return
        found[index] = replace(found[index], programs=_vocabulary()[f"{one} {name}"], is_hesitant=False)


def _programs(match: re.Match[str], found: Sequence[Mention] = (), text: str = "") -> tuple[int, ...]:
    """As many copies of what is named as the number before it or the size behind it says.

    In `a viola and cello duo` the size counts what is listed.
    """
    name = _normal(match["name"])
    programs = _vocabulary()["jazz trio" if name == "piano trio" and _JAZZ.search(text) else name]
    number = _normal(match["number"] or "")
    is_plural = name.endswith(("s", "i", "x", "en"))
    if match["size"] and len(programs) == 1:
        is_listed = found and _LINK.fullmatch(text, found[-1].end, match.start()) is not None
        count = 1 if is_listed else words.CHAMBER_SIZES[match["size"].lower()]
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
        if not _REFUSED.search(before(text, match.start())) and not _NOT_AFTER.match(text, match.end()):
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
