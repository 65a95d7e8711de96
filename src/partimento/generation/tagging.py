"""What a text says between the lines: genre, mood, energy, occasion; and by a language model, all that it asks for.

The words that state no wish are compared, one to four at a time, with descriptions of the tags (`tag_words`): both are
turned into vectors by the embedded sentence encoder (all-MiniLM-L6-v2), and the cosine of the nearest pair says how
sure a tag is. A language model may read the text instead, or besides. What the parser has read always stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from partimento.data.chat import Writer
from partimento.errors import BadInput, BadPlan
from partimento.generation.tag_words import DESCRIPTIONS
from partimento.plan.parse import Understood
from partimento.plan.plan import Plan
from partimento.plan.sentence import HINTED, TAKEN, Wish
from partimento.plan.wishes import MAX_TAGS, Tag

if TYPE_CHECKING:
    from partimento.models.text_encoder import TextEncoder

LEAST_SCORE = 0.3
"""A tag less sure than this is left out."""
MOST_OF_A_KIND = 4
_SLOPE, _MIDDLE = 16.5, 0.849
"""Score = logistic(slope (cosine − middle)), fitted to the tags of the captions among the 200 prompts."""
_MOST_SPANS = 400
_MOST_TOKENS = 64
_MOST_ANSWER_CHARACTERS = 20_000
_HIDDEN = frozenset((
    "key", "meter", "tempo_bpm", "instruments", "without", "bars", "duration_seconds", "chords", "title", "form",
))  # fmt: skip
"""Wishes whose words say nothing of the mood."""
_EMPTY_WORDS = (
    "a an the with of and or in on at to is are it its for by this that as from into over has have be was not i you we "
    "my your me need give make please write compose song piece music tune track feel feeling mood sound short led "
    "featuring like some something style theme want would very quite"
)
_EMPTY = frozenset(_EMPTY_WORDS.split())
_NOUNS = frozenset(("song", "music", "tune", "piece", "theme"))
"""Of these, those that a description may end with."""
_CLAUSE = re.compile(rf"[.,;:!?()|{TAKEN}\n]+")
_WORD = re.compile(r"\S+")
_DENIED = re.compile(r"\b(?:no|not|never|without|less|nor|isn't|instead of)\s+(?:(?:too|so|very|an?|any)\s+)*$", re.I)

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Span:
    text: str
    start: int
    end: int


class Tagger:
    """Compares texts with the descriptions of the tags."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._tags = [(kind, name) for kind, names in DESCRIPTIONS.items() for name in names]

    def tags(self, understood: Understood) -> list[Wish]:
        """Tags as wishes with the words that each comes from, the surest of each kind first."""
        spans = list(_spans(understood))[:_MOST_SPANS]
        if not spans:
            return []
        vectors_SW = self._encoder.sentences([span.text for span in spans], _MOST_TOKENS)
        descriptions_DW, tag_D = self._descriptions
        cosines_SD = vectors_SW @ descriptions_DW.T
        found: list[Wish] = []
        for index, (kind, name) in enumerate(self._tags):
            nearest_S = cosines_SD[:, tag_D == index].max(axis=1)
            span = spans[int(nearest_S.argmax())]
            score = round(float(1 / (1 + np.exp(-_SLOPE * (nearest_S.max() - _MIDDLE)))), 2)
            if score >= LEAST_SCORE:
                found.append(Wish("tags", Tag(cast(Any, kind), name, score), span.start, span.end, HINTED))
        return list(_surest(found))

    @cached_property
    def _descriptions(self) -> tuple[Floats, NDArray[np.intp]]:
        """Vectors of all descriptions, shape (descriptions, width), and the tag that each belongs to."""
        pairs = [
            (index, text.strip())
            for index, (kind, name) in enumerate(self._tags)
            for text in DESCRIPTIONS[kind][name].split(";")
        ]
        return self._encoder.sentences([text for _, text in pairs], _MOST_TOKENS), np.array([i for i, _ in pairs])


def tagged(understood: Understood, wishes: list[Wish]) -> Understood:
    """What was understood, with tags."""
    tags = tuple(wish.value for wish in wishes)
    all_wishes = tuple(sorted((*understood.wishes, *wishes), key=lambda wish: wish.start))
    return replace(understood, plan=replace(understood.plan, tags=tags), wishes=all_wishes)


def embedded_tagger() -> Tagger | None:
    """A tagger with the encoder that comes as a package; None where that is not installed."""
    from partimento.models.text_encoder import has_embedded_encoder, text_encoder  # loads torch

    return Tagger(text_encoder("")) if has_embedded_encoder() else None


def _surest(found: list[Wish]) -> Iterator[Wish]:
    for kind in DESCRIPTIONS:
        of_kind = [wish for wish in found if wish.value.kind == kind]
        of_kind.sort(key=lambda wish: -wish.value.score)
        yield from of_kind[: 1 if kind == "energy" else MOST_OF_A_KIND]


def _spans(understood: Understood) -> Iterator[_Span]:
    """One to four words of a clause that state no wish, each different text once."""
    text, seen = understood.text, set[str]()
    for wish in understood.wishes:
        if wish.name in _HIDDEN and wish.firmness > HINTED:
            text = text[: wish.start] + TAKEN * (wish.end - wish.start) + text[wish.end :]
    position = 0
    for edge in [*_CLAUSE.finditer(text), None]:
        clause_end = edge.start() if edge else len(text)
        words = [(match.start(), match.end()) for match in _WORD.finditer(text, position, clause_end)]
        for length in range(1, 5):
            for first in range(len(words) - length + 1):
                start, end = words[first][0], words[first + length - 1][1]
                phrase = text[start:end]
                if phrase.lower() not in seen and _says_something(phrase) and not _DENIED.search(text[:start][-40:]):
                    seen.add(phrase.lower())
                    yield _Span(phrase, start, end)
        position = edge.end() if edge else clause_end


def _says_something(phrase: str) -> bool:
    words = phrase.lower().split()
    ends_well = words[-1] not in _EMPTY or (len(words) > 1 and words[-1] in _NOUNS)
    return words[0] not in _EMPTY and ends_well and any(c.isalpha() for c in phrase)


# By a language model

INSTRUCTION = (
    "You read what a musician asks for, and answer with one JSON object and nothing else. Its fields, all optional: "
    "key (D major, F# minor, G dorian), meter (6/8), tempo_bpm (number), instruments (list of General MIDI names), "
    "without (list of such names that must not play), bars (whole number), duration_seconds (number), chords (list "
    "with one text for each bar), form (list of section names), feel (swing, shuffle, waltz, bossa nova …), and tags: "
    "a list of {kind, name, score}, score from 0 to 1. State only what the text says. Kinds and names of tags: "
    + "; ".join(f"{kind}: {', '.join(names)}" for kind, names in DESCRIPTIONS.items())
    + "."
)
_FIELDS = (
    "key", "meter", "tempo_bpm", "instruments", "without", "bars", "duration_seconds", "chords", "form", "feel", "tags",
)  # fmt: skip


def read_by(writer: Writer, understood: Understood, seed: int = 0) -> Understood:
    """What a language model makes of a text, below what the parser has read.

    Raises:
        BadInput: the model cannot be reached, or its answer is no such plan.
    """
    answer = writer.write(understood.text, seed)
    try:
        plan = _plan_of(answer)
    except BadPlan as error:
        raise BadInput(f"{writer.name}: its answer is no plan: {error}") from None
    tags = [Wish("tags", tag, len(understood.text), len(understood.text), HINTED) for tag in plan.tags]
    return tagged(replace(understood, plan=plan.merged(understood.plan)), tags)


def _plan_of(answer: str) -> Plan:
    """The plan in an answer; a fence of code around it is taken off.

    Raises:
        BadPlan: it is no JSON object, or has other fields, values or tags than it was asked for.
    """
    if len(answer) > _MOST_ANSWER_CHARACTERS:
        raise BadPlan(f"it has {len(answer)} characters")
    bare = re.sub(r"\A\s*```(?:json)?|```\s*\Z", "", answer).strip()
    try:
        content = json.loads(bare)
    except (ValueError, RecursionError):
        raise BadPlan("it is no JSON") from None
    if not isinstance(content, dict):
        raise BadPlan("it is no JSON object")
    stated = {name: value for name, value in cast(dict[str, Any], content).items() if value is not None}
    if unknown := stated.keys() - set(_FIELDS):
        raise BadPlan(f"a field {sorted(unknown)[0]!r} was not asked for")
    plan = Plan.from_dict({name: value for name, value in stated.items() if value != []})
    for tag in plan.tags[:MAX_TAGS]:
        if tag.name not in DESCRIPTIONS[tag.kind]:
            raise BadPlan(f"{tag.name!r} is no {tag.kind}")
    return plan
