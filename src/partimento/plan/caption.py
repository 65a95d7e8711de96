"""Captions: what is known of a piece, in English, many ways.

A caption is put together from clauses, each of which states one fact. Which facts are told, in which order and in
which words is drawn from a generator, so that a model does not learn one phrasing. Every clause says which fact it
states, and what a caption states in figures or names `parse_prompt` reads off it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from partimento.analysis.facts import Facts, PhraseFacts
from partimento.plan import caption_words as words
from partimento.theory.instrument import instrument_name

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
_LEAST_CONFIDENCE = 0.5
"""A key less sure than this is not told."""


@dataclass(frozen=True, slots=True)
class Caption:
    """A description and what it states."""

    text: str
    facts: dict[str, Any]
    """Name of each fact that the text states, with its value in plain words."""
    first_bar: int | None = None
    """First bar that it speaks of, from 1; None: the whole piece."""
    last_bar: int | None = None


@dataclass(frozen=True, slots=True)
class _Clause:
    """One fact in words."""

    fact: str
    value: Any
    phrase: str
    """What can follow a noun: `in D major`."""
    sentence: str
    """The same as a sentence, without its full stop."""


class _Words:
    """Choices, one after the other, from a generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def one(self, choices: Sequence[str]) -> str:
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def some(self, items: Sequence[_Clause], least: int, most: int) -> list[_Clause]:
        """Between `least` and `most` of the items, in any order."""
        order = self.rng.permutation(len(items))[: int(self.rng.integers(least, max(most, least) + 1))]
        return [items[k] for k in order]


def caption(facts: Facts, rng: np.random.Generator) -> Caption:
    """A description of a whole piece."""
    choose = _Words(rng)
    opening, stated = _opening(facts, choose)
    clauses = [clause for make in _CLAUSES for clause in make(facts, choose)]
    told = choose.some(clauses, min(2, len(clauses)), len(clauses))
    shape = choose.one(("one sentence", "sentences", "sentences", "words"))
    if shape == "words":
        text = ", ".join([opening.partition(" ")[2], *(_bare(clause.phrase) for clause in told)])
    elif shape == "one sentence":
        text = _sentence(" ".join([opening, _listed([clause.phrase for clause in told], ", ")]))
    else:
        inside = int(rng.integers(0, 3))
        text = _sentence(" ".join([opening, *(clause.phrase for clause in told[:inside])]))
        text = " ".join([text, *(_sentence(clause.sentence) for clause in told[inside:])])
    return Caption(text, stated | {clause.fact: clause.value for clause in told})


def phrase_captions(facts: Facts, rng: np.random.Generator) -> tuple[Caption, ...]:
    """A description of each phrase: `bars 5 to 8: rising melody, fragmented dense rhythm`."""
    return tuple(_phrase_caption(phrase, _Words(rng)) for phrase in facts.phrases)


def excerpt_caption(facts: Facts, first: int, last: int, rng: np.random.Generator) -> Caption:
    """A description of bars `first` to `last` (from 1) of a piece, by the phrases that lie in them."""
    choose = _Words(rng)
    inside = [p for p in facts.phrases if p.first_bar <= last and p.last_bar >= first]
    told = [_phrase_caption(phrase, choose) for phrase in inside]
    opening, stated = _opening(facts, choose)
    span = f"bars {first} to {last}"
    where = choose.one((f"{_capital(span)} of {opening}", f"From {opening}, {span}"))
    texts = [where, *(caption.text for caption in told)]
    stated |= {f"bars {c.first_bar}-{c.last_bar}": c.facts for c in told}
    return Caption(". ".join(texts) + ".", stated, first, last)


# The opening: what it is


def _opening(facts: Facts, choose: _Words) -> tuple[str, dict[str, Any]]:
    """`a slow, melancholic waltz`, and the facts in it."""
    stated: dict[str, Any] = {}
    adjectives = list[str]()
    if facts.tempo_bpm is not None and choose.chance(0.6):
        adjectives.append(choose.one(next(w for edge, w in words.TEMPO_ADJECTIVES if facts.tempo_bpm < edge)))
        stated["tempo_word"] = facts.tempo_word
    if facts.mood_word and choose.chance(0.6):
        adjectives.append(choose.one(words.MOODS.get(facts.mood_word, (facts.mood_word,))))
        stated["mood_word"] = facts.mood_word
    noun = choose.one(words.NOUNS)
    if facts.style and facts.style != "none" and choose.chance(0.8):
        noun = {"game": "video game piece", "orchestra": "orchestral piece", "quartet": "quartet movement"}.get(
            facts.style, facts.style
        )
        noun = {"folk": "folk tune", "piano": "piano piece", "pop": "pop song"}.get(noun, noun)
        stated["style"] = facts.style
    described = " ".join([", ".join(dict.fromkeys(adjectives)), noun]).strip()
    return f"{'an' if described[0] in 'aeiou' else 'a'} {described}", stated


# Clauses


def _key(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if facts.key is not None and facts.key_confidence >= _LEAST_CONFIDENCE:
        key = str(facts.key)
        sentence = choose.one((f"It is in {key}", f"The key is {key}", f"It is written in {key}"))
        yield _Clause("key", key, f"in {key}", sentence)


def _meter(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if facts.meter is not None:
        meter = str(facts.meter)
        sentence = choose.one((f"It is in {meter} time", f"The meter is {meter}", f"It moves in {meter}"))
        yield _Clause("meter", meter, choose.one((f"in {meter} time", f"in {meter}")), sentence)


def _tempo(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if facts.tempo_bpm is not None:
        bpm = f"{facts.tempo_bpm:.0f} bpm"
        sentence = choose.one((f"The tempo is {bpm}", f"It is played at {bpm}", f"It goes at {bpm}"))
        yield _Clause("tempo_bpm", round(facts.tempo_bpm), f"at {bpm}", sentence)


def _bars(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if facts.bars:
        bars = f"{facts.bars} bar{'s' * (facts.bars > 1)}"
        sentence = choose.one((f"It has {bars}", f"It is {bars} long"))
        yield _Clause("bars", facts.bars, choose.one((f"of {bars}", f"with {bars}")), sentence)


def _instruments(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if facts.instruments:
        listed = _listed(_ensemble(facts, choose))
        sentence = choose.one((f"It is for {listed}", f"It is played by {listed}", f"The instruments are {listed}"))
        yield _Clause("instruments", list(facts.instruments), f"for {listed}", sentence)


def _roles(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    melody = next((part for part in facts.roles if part.role == "melody"), None)
    bass = next((part for part in facts.roles if part.role == "bass"), None)
    if melody is None or len(facts.roles) < 2:
        return
    name = _name(melody.program, choose)
    sentence = choose.one((f"The {name} carries the melody", f"The {name} has the tune", f"The {name} leads"))
    phrase = choose.one((f"led by the {name}", f"with the melody in the {name}"))
    if bass is not None and bass.program != melody.program:
        sentence += f" and the {_name(bass.program, choose)} plays the bass line"
    yield _Clause("roles", {"melody": melody.program, "bass": bass and bass.program}, phrase, sentence)


def _texture(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if facts.texture in words.TEXTURES:
        texture = choose.one(words.TEXTURES[facts.texture])
        yield _Clause(
            "texture", facts.texture, f"with {texture}", choose.one((f"It is {texture}", f"We hear {texture}"))
        )


def _form(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    letters = facts.form
    if 1 < len(letters) <= 8 and len(set(letters)) < len(letters):
        sentence = choose.one((f"Its form is {letters}", f"The sections follow one another as {letters}"))
        yield _Clause("form", letters, f"with the form {letters}", sentence)


def _chords(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if len(facts.chord_summary) > 1:
        chords = " ".join(facts.chord_summary)
        sentence = choose.one((f"The progression {chords} comes back", f"Much of it rests on the chords {chords}"))
        yield _Clause("chord_summary", list(facts.chord_summary), f"over the chords {chords}", sentence)


def _dynamics(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if facts.dynamics in words.DYNAMICS:
        loud = choose.one(words.DYNAMICS[facts.dynamics])
        yield _Clause("dynamics", facts.dynamics, f"that is {loud}", f"It is {loud}")


def _length(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if facts.seconds >= 5:
        seconds = round(facts.seconds)
        minutes = round(facts.seconds / 60)
        said = f"{seconds} seconds" if seconds < 90 else f"{minutes} minute{'s' * (minutes > 1)}"
        sentence = choose.one((f"It lasts about {said}", f"It takes about {said}"))
        yield _Clause("seconds", seconds, f"that lasts about {said}", sentence)


_CLAUSES: tuple[Callable[[Facts, _Words], Iterable[_Clause]], ...] = (
    _key, _meter, _tempo, _bars, _instruments, _roles, _texture, _form, _chords, _dynamics, _length,
)  # fmt: skip


# Phrases


def _phrase_caption(phrase: PhraseFacts, choose: _Words) -> Caption:
    first, last = phrase.first_bar, phrase.last_bar
    span = f"bars {first} to {last}" if last > first else f"bar {first}"
    rhythm = " ".join(dict.fromkeys([phrase.rhythm, choose.one(words.DENSITIES[phrase.density])]))
    told = [choose.one(words.CONTOURS[phrase.contour]), f"{rhythm} rhythm"]
    stated: dict[str, Any] = {"contour": phrase.contour, "rhythm": phrase.rhythm, "density": phrase.density}
    if phrase.register != "middle" and choose.chance(0.7):
        told.append(f"in a {choose.one(words.REGISTERS[phrase.register])} register")
        stated["register"] = phrase.register
    if phrase.dynamics in words.DYNAMICS and choose.chance(0.7):
        told.append(choose.one(words.DYNAMICS[phrase.dynamics]))
        stated["dynamics"] = phrase.dynamics
    if phrase.key is not None:
        told.append(f"in {phrase.key}")
        stated["key"] = str(phrase.key)
    return Caption(f"{span}: {', '.join(told)}", stated, first, last)


# Words together


def _ensemble(facts: Facts, choose: _Words) -> list[str]:
    """Names of the instruments, each with its number where several parts play it."""
    counts = Counter(part.program for part in facts.roles)
    named = list[str]()
    for program in facts.instruments:
        count, name = counts[program], _name(program, choose)
        several = 1 < count < len(_NUMBERS) and program not in words.UNCOUNTED
        named.append(f"{_NUMBERS[count]} {_plural(name)}" if several else name)
    return named


def _name(program: int, choose: _Words) -> str:
    return choose.one(words.INSTRUMENTS.get(program, (instrument_name(program).lower(),)))


def _plural(name: str) -> str:
    return name + "es" if name.endswith(("ss", "sh", "ch")) else name + "s" * (not name.endswith("s"))


def _listed(items: Sequence[str], joint: str = ", ") -> str:
    if joint == ", " and len(items) > 1 and not items[0].startswith(("in ", "at ", "of ", "with ", "for ")):
        return f"{', '.join(items[:-1])} and {items[-1]}"
    return joint.join(items)


def _bare(phrase: str) -> str:
    """A phrase as a keyword: `in D major` ▶ `D major`."""
    head, _, rest = phrase.partition(" ")
    return rest if head in ("in", "at", "for", "of", "with") else phrase


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sentence(text: str) -> str:
    return _capital(text.strip()) + "."
