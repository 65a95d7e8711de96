"""Reading a plan off a sentence.

Each wish is sought in turn; the words it was found in are then hidden from the searches that follow, so that
the `A7` of a progression is no key and a title names no instrument. Only explicit wishes count; what a dance
implies (a waltz is in 3/4) and what a mood hints at (lively) gives way to anything stated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from partimento.errors import BadPlan
from partimento.plan import words
from partimento.plan.chords import parse_chords
from partimento.plan.controls import find_controls
from partimento.plan.ensemble import find_instruments, find_refused, instrumentation, parse_instruments
from partimento.plan.form import find_durations, find_feels, find_forms, form_of
from partimento.plan.harmony import BLUES, MINOR_BLUES, find_keys, find_progression
from partimento.plan.plan import Plan
from partimento.plan.rhythm import felt, find_bars, find_meters, find_tempi, implied_meters
from partimento.plan.sentence import HINTED, TAKEN, Wish, any_of, before, plain
from partimento.theory.key import MINOR_MODES, Key

__all__ = [
    "STYLES",
    "Understood",
    "Wish",
    "parse_chords",
    "parse_instruments",
    "parse_prompt",
    "parse_style",
    "parse_tempo",
]

STYLES = words.STYLES
MOST_WORDS = 500
_MOST_CHARACTERS = 6_000


@dataclass(frozen=True, slots=True)
class Understood:
    """What a text asks for."""

    text: str
    plan: Plan
    wishes: tuple[Wish, ...]
    """In the order of the text."""

    def words(self, name: str) -> str:
        """The words that a field of the plan came from, parted by ` … `."""
        return " … ".join(" ".join(self.text[w.start : w.end].split()) for w in self.wishes if w.name == name)


def parse_prompt(text: str, key: Key | None = None) -> Understood:
    """Read the wishes of a sentence such as `a lively jig in D major for flute and guitar, 16 bars`.

    Args:
        text: the sentence.
        key: what Roman numerals count from, where the sentence names no key.

    Raises:
        BadPlan: the text is empty or endless, a wish is no music, or two wishes contradict each other.
    """
    if not text.strip():
        raise BadPlan("the text is empty; say what the piece should be, for example a jig in D major for flute")
    if (count := len(text.split())) > MOST_WORDS:
        raise BadPlan(f"the text has {count} words; at most {MOST_WORDS} are read")
    if len(text) > _MOST_CHARACTERS:
        raise BadPlan(f"the text has {len(text)} characters; at most {_MOST_CHARACTERS} are read")
    reading = _Reading(text, text)
    for seek in (_title, find_progression):
        reading.add(seek(reading.rest))
    others = [*_style(reading.rest), *find_feels(reading.rest)]  # string quartet: a style and four instruments
    for seek in (find_forms, find_meters, find_bars, find_tempi, find_durations, find_keys, _refused, _ensemble):
        reading.add(seek(reading.rest))
    reading.wishes += others
    return _settle(reading, key)


def parse_style(text: str) -> str:
    """The style that a word such as `jig`, `gigue` or `Christmas carol` stands for.

    Raises:
        BadPlan: the word stands for none.
    """
    word = plain(text)
    for style in (word if word in STYLES else None, *(group.get(word) for group in words.STYLE_WORDS)):
        if style:
            return style
    raise BadPlan(f"{text!r} is no style; choose one of {', '.join(STYLES)}")


def parse_tempo(text: str) -> float:
    """Quarter notes per minute of `120`, `120 bpm`, `♩ = 96` or `allegro`.

    Raises:
        BadPlan: the text is no tempo.
    """
    if re.fullmatch(r"\s*[-−]?\d+(\.\d+)?\s*", text):
        return float(text.replace("−", "-"))
    found = list(find_tempi(text))
    if not found:
        raise BadPlan(f"{text!r} is no tempo; write for example 120, 96 bpm or allegro")
    return _strongest("tempo", text, found).value


_REFUSED = re.compile(r"\b(?:not|never|instead of|rather than)\s+(?:in\s+|an?\s+)*$", re.IGNORECASE)


@dataclass
class _Reading:
    """The text, what of it is left to read, and what was found."""

    text: str
    rest: str
    wishes: list[Wish] = field(default_factory=lambda: list[Wish]())

    def add(self, found: Iterator[Wish]) -> None:
        for wish in list(found):
            if not _REFUSED.search(before(self.text, wish.start)):
                self.wishes.append(wish)
            if wish.firmness > HINTED:
                self.rest = self.rest[: wish.start] + TAKEN * (wish.end - wish.start) + self.rest[wish.end :]


def _settle(reading: _Reading, key: Key | None) -> Understood:
    kept: dict[str, Wish] = {}
    for name in ("title", "chords", "bars", "duration_seconds", "key", "style", "form", "feel"):
        if found := [wish for wish in reading.wishes if wish.name == name]:
            kept[name] = _strongest(name, reading.text, found)
    meters = [wish for wish in reading.wishes if wish.name == "meter"] or list(implied_meters(reading.rest))
    if meters:
        kept["meter"] = _strongest("meter", reading.text, meters)
    if tempi := [felt(wish, kept.get("meter")) for wish in reading.wishes if wish.name == "tempo_bpm"]:
        kept["tempo_bpm"] = _strongest("tempo", reading.text, tempi)
    values = {name: wish.value for name, wish in kept.items()}
    if "chords" in kept and not _is_chords(kept["chords"], values, kept["key"].value if "key" in kept else key):
        del kept["chords"], values["chords"]
    around = [wish for wish in reading.wishes if wish.name == "form around"]
    if around:
        values["form"] = form_of(values.get("form"), [wish.value for wish in around])
    mentions = [wish for wish in reading.wishes if wish.name in ("instruments", "without")]
    values |= _scoring(mentions, reading.text)
    controls = list(find_controls(reading.text, mentions, values.get("instruments", ())))
    values["controls"] = tuple(wish.value for wish in controls)
    sections = [replace(wish, name="form") for wish in around]
    wishes = sorted((*kept.values(), *mentions, *sections, *controls), key=lambda wish: wish.start)
    return Understood(reading.text, Plan(**values), tuple(wishes))


def _is_chords(wish: Wish, values: dict[str, Any], key: Key | None) -> bool:
    """Put chords in place of their text; those only hinted at (a 12-bar blues) need a key."""
    if wish.firmness == HINTED and key is None:
        return False
    is_minor_blues = wish.value == BLUES and key is not None and key.mode in MINOR_MODES
    values["chords"] = parse_chords(MINOR_BLUES if is_minor_blues else wish.value, key)
    return True


def _scoring(mentions: list[Wish], text: str) -> dict[str, tuple[int, ...]]:
    """Who plays, and who must not: what is named on its own plays all the same."""
    named = [wish.value for wish in mentions if wish.name == "instruments"]
    refused = {program for wish in mentions if wish.name == "without" for program in wish.value.programs}
    single = {program for mention in named if len(mention.programs) == 1 for program in mention.programs}
    refused -= single
    playing = instrumentation(named, text)
    left = tuple(program for program in playing if program not in refused)
    scoring = {"without": tuple(sorted(refused))} if refused else {}
    return scoring | ({"instruments": left} if left else {})


def _strongest(name: str, text: str, found: list[Wish]) -> Wish:
    """The firmest wish; of equals the first.

    Raises:
        BadPlan: two are equally firm, and differ.
    """
    firmness = max(wish.firmness for wish in found)
    first, *others = [wish for wish in found if wish.firmness == firmness]
    for other in others:
        if other.value != first.value and firmness > HINTED and name not in ("style", "feel", "form"):
            one, two = (" ".join(text[wish.start : wish.end].split()) for wish in (first, other))
            raise BadPlan(f"{one!r} and {two!r} contradict each other; a piece has one {name}")
    return first


_TITLE = re.compile(
    r"\"([^\"]+)\"|“([^”]+)”|„([^“”]+)[“”]|«([^»]+)»"
    r"|(?:\b(?:tune|song|piece|hymn|waltz|march|ballad|carol)\s+['‘]([A-Z][^'’]+)['’])"
    r"|(?:called|titled|entitled|named|title:?)\s+['‘]([^'’]+(?:['’]\w[^'’]*)*)['’]",
    re.IGNORECASE,
)
_NO_STYLE_AFTER_THE = ("air", "airs", "game")


def _title(text: str) -> Iterator[Wish]:
    match = _TITLE.search(text)
    if match and match[0].strip() != text.strip():
        group = match.lastindex or 1
        title = " ".join(match[group].split())
        yield from [Wish("title", title, match.start(), match.end())] if title else []


def _refused(text: str) -> Iterator[Wish]:
    for mention in find_refused(text):
        yield Wish("without", mention, mention.start, mention.end)


def _ensemble(text: str) -> Iterator[Wish]:
    for mention in find_instruments(text):
        yield Wish("instruments", mention, mention.start, mention.end)


def _style(text: str) -> Iterator[Wish]:
    for group in words.STYLE_WORDS:
        for match in any_of(group).finditer(text):
            word = plain(match[0])
            if word not in _NO_STYLE_AFTER_THE or not re.search(r"\bthe(?: open)?\s+$", before(text, match.start())):
                yield Wish("style", group[word], *match.span(), HINTED)
