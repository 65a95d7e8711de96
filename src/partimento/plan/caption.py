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
    """One fact in words, as they can stand in three places."""

    fact: str
    value: Any
    keyword: str
    """On its own: `D major`; empty where it would be misread in a list."""
    phrase: str
    """Behind a noun: `in D major`."""
    predicate: str = ""
    """Behind a subject that means the piece: `is in D major`."""
    sentence: str = ""
    """Where it has a subject of its own: `The flute leads`."""


class _Words:
    """Choices, one after the other, from a generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def one(self, choices: Sequence[str]) -> str:
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def some(self, items: Sequence[_Clause], least: int, most: int) -> list[_Clause]:
        """Between `least` and `most` of the items, mostly in their order."""
        most = min(most, len(items))
        count = int(self.rng.integers(min(least, most), most + 1))
        taken = np.sort(self.rng.permutation(len(items))[:count])
        if self.chance(0.3):
            taken = self.rng.permutation(taken)
        return [items[k] for k in taken]


def caption(facts: Facts, rng: np.random.Generator) -> Caption:
    """A description of a whole piece."""
    choose = _Words(rng)
    opening, stated = _opening(facts, choose)
    clauses = [clause for make in _CLAUSES for clause in make(facts, choose)]
    shape = choose.one(("one sentence", "sentences", "sentences", "keywords"))
    if shape == "keywords":
        # a progression ends where the list does: a key behind it would be one of its chords
        told = [clause for clause in choose.some(clauses, 2, len(clauses)) if clause.keyword]
        told.sort(key=lambda clause: clause.fact == "chord_summary")
        text = ", ".join([opening.partition(" ")[2], *(clause.keyword for clause in told)])
    elif shape == "one sentence":
        told = choose.some(clauses, 2, 4)
        text = _sentence(_joined(opening, told))
    else:
        told = choose.some(clauses, 3, len(clauses))
        inside = int(rng.integers(0, 3))
        text = " ".join([_sentence(_joined(opening, told[:inside])), *_sentences(told[inside:], choose)])
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
    stated |= {f"bars {c.first_bar}-{c.last_bar}": c.facts for c in told}
    return Caption(f"{_capital(span)} of {opening}. {' '.join(_sentence(c.text) for c in told)}", stated, first, last)


# The opening: what it is


def _opening(facts: Facts, choose: _Words) -> tuple[str, dict[str, Any]]:
    """`a slow, melancholic waltz`, and the facts in it."""
    stated: dict[str, Any] = {}
    adjectives = list[str]()
    if facts.tempo_bpm is not None and choose.chance(0.6):
        adjectives.append(choose.one(next(w for edge, w in words.TEMPO_ADJECTIVES if facts.tempo_bpm < edge)))
        stated["tempo_word"] = facts.tempo_word
    if facts.mood in words.MOODS and choose.chance(0.6):
        adjectives.append(choose.one(words.MOODS[facts.mood]))
        stated["mood"] = facts.mood
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


def _instruments(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if facts.instruments:
        listed = _listed(_ensemble(facts, choose))
        sentence = f"{choose.one(words.SUBJECTS)} is {choose.one(('for', 'played by', 'scored for'))} {listed}"
        yield _Clause("instruments", list(facts.instruments), listed, f"for {listed}", sentence=sentence)


def _key(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if facts.key is not None and facts.key_confidence >= _LEAST_CONFIDENCE:
        key = str(facts.key)
        yield _Clause("key", key, key, f"in {key}", choose.one((f"is in {key}", f"is written in {key}")))


def _meter(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if facts.meter is not None:
        meter = str(facts.meter)
        phrase = choose.one((f"in {meter} time", f"in {meter}"))
        yield _Clause("meter", meter, meter, phrase, choose.one((f"is {phrase}", f"moves {phrase}")))


def _tempo(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if facts.tempo_bpm is not None:
        bpm = f"{facts.tempo_bpm:.0f} bpm"
        predicate = choose.one((f"goes at {bpm}", f"is played at {bpm}", f"has a tempo of {bpm}"))
        yield _Clause("tempo_bpm", round(facts.tempo_bpm), bpm, f"at {bpm}", predicate)


def _bars(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if facts.bars:
        bars = f"{facts.bars} bar{'s' * (facts.bars > 1)}"
        yield _Clause("bars", facts.bars, bars, f"of {bars}", choose.one((f"has {bars}", f"is {bars} long")))


def _form(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    letters = facts.form
    if 1 < len(letters) <= 8 and len(set(letters)) < len(letters):
        predicate = choose.one((f"has the form {letters}", f"follows the form {letters}"))
        yield _Clause("form", letters, f"form {letters}", f"with the form {letters}", predicate)


def _roles(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    melody = next((part for part in facts.roles if part.role == "melody"), None)
    bass = next((part for part in facts.roles if part.role == "bass"), None)
    if melody is None or len(facts.roles) < 2:
        return
    name, value = _name(melody.program, choose), {"melody": melody.program}
    sentence = choose.one((f"The {name} carries the melody", f"The {name} has the tune", f"The {name} leads"))
    if bass is not None and bass.program != melody.program:
        sentence += f", and the {_name(bass.program, choose)} supports it from below"
        value["bass"] = bass.program
    yield _Clause("roles", value, "", f"with the melody in the {name}", sentence=sentence)


def _chords(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if len(facts.chord_summary) > 1:
        chords = " ".join(facts.chord_summary)
        sentence = choose.one((f"The progression {chords} comes back", f"Much of it rests on the chords {chords}"))
        yield _Clause(
            "chord_summary", chords.split(), f"chords {chords}", f"over the chords {chords}", sentence=sentence
        )


def _texture(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if facts.texture:
        texture = choose.one(words.TEXTURES[facts.texture])
        sentence = choose.one((f"The texture is {texture}", f"What we hear is {texture}"))
        yield _Clause("texture", facts.texture, texture, f"with {texture}", sentence=sentence)


def _dynamics(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if facts.dynamics:
        loud = choose.one(words.DYNAMICS[facts.dynamics])
        yield _Clause("dynamics", facts.dynamics, loud, f"that is {loud}", choose.one((f"is {loud}", f"stays {loud}")))


def _length(facts: Facts, choose: _Words) -> Iterable[_Clause]:
    if facts.seconds >= 5:
        seconds, minutes = round(facts.seconds), round(facts.seconds / 60)
        said = f"about {seconds} seconds" if seconds < 90 else f"about {minutes} minutes"
        yield _Clause("seconds", seconds, said, f"that lasts {said}", choose.one((f"lasts {said}", f"takes {said}")))


_CLAUSES: tuple[Callable[[Facts, _Words], Iterable[_Clause]], ...] = (
    _instruments, _key, _meter, _tempo, _bars, _form, _roles, _chords, _texture, _dynamics, _length,
)  # fmt: skip


# Phrases


def _phrase_caption(phrase: PhraseFacts, choose: _Words) -> Caption:
    first, last = phrase.first_bar, phrase.last_bar
    span = f"bars {first} to {last}" if last > first else f"bar {first}"
    rhythm = f"{phrase.rhythm} {choose.one(words.DENSITIES[phrase.density])}".strip()
    told = [choose.one(words.CONTOURS[phrase.contour]), f"{rhythm} rhythm"]
    stated: dict[str, Any] = {"contour": phrase.contour, "rhythm": phrase.rhythm, "density": phrase.density}
    if phrase.register != "middle" and choose.chance(0.7):
        told.append(f"in a {choose.one(words.REGISTERS[phrase.register])} register")
        stated["register"] = phrase.register
    if phrase.dynamics and choose.chance(0.7):
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


def _listed(items: Sequence[str]) -> str:
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def _joined(opening: str, clauses: Sequence[_Clause]) -> str:
    """The opening and what follows its noun; relative clauses come last."""
    phrases = sorted((clause.phrase for clause in clauses), key=lambda phrase: phrase.startswith("that "))
    relative = [phrase for phrase in phrases if phrase.startswith("that ")]
    plain = phrases[: len(phrases) - len(relative)]
    return " ".join([opening, ", ".join(plain), " and ".join(relative)]).replace("  ", " ").strip()


def _sentences(clauses: Sequence[_Clause], choose: _Words) -> Iterable[str]:
    """A sentence for each clause, or for two that speak of the piece."""
    waiting = ""
    for clause in clauses:
        if clause.sentence:
            yield _sentence(clause.sentence)
        elif waiting:
            yield _sentence(f"{choose.one(words.SUBJECTS)} {waiting} and {clause.predicate}")
            waiting = ""
        elif choose.chance(0.7):
            waiting = clause.predicate
        else:
            yield _sentence(f"{choose.one(words.SUBJECTS)} {clause.predicate}")
    if waiting:
        yield _sentence(f"{choose.one(words.SUBJECTS)} {waiting}")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sentence(text: str) -> str:
    return _capital(text.strip()) + "."
