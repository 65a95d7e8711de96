"""bpe: byte-pair encoding over the tokens of any representation (Gage 1994; Sennrich et al., arXiv:1508.07909).

Pairs of neighbours that are frequent become tokens of their own, over and over; sequences become shorter, the
vocabulary larger (for music: Fradet et al., arXiv:2301.11975). What can be said, and when, is as in the representation
inside: a merged token may come where all that it stands for may, one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from partimento.errors import BadRecipe
from partimento.plan import Task
from partimento.representations.base import Encoded, Grid, Ints, Losses, Ranges, Representation, Special
from partimento.representations.grammar import forced, includes, merged
from partimento.score import Score

_FIRST_CHARACTER = 0xF0000
"""Ids become characters of the private planes 15 and 16, of which there are 131,068 in all."""
_UNLIMITED = 1 << 30


@dataclass
class _Node:
    """Where some merged tokens are that begin alike."""

    token: int = -1
    """The one that ends here."""
    then: dict[int, _Node] = field(default_factory=dict[int, "_Node"])


class Bpe:
    """Another representation with merged tokens behind its own, whose ids stay."""

    name = "bpe"
    canonical = False

    def __init__(
        self, inner: str = "remi", config: Mapping[str, Any] | None = None, merges: Sequence[Sequence[int]] = ()
    ) -> None:
        """`inner` and `config`: the representation inside; `merges`: pairs of ids, each a token more; see `train_bpe`.

        Raises:
            BadRecipe: there is no such representation, or a pair joins what is no token yet or a special one.
        """
        from partimento.representations import create  # the registry that this class itself stands in

        self.inner: Representation[Any] = create(inner, **(config or {}))
        self.merges = [(int(left), int(right)) for left, right in merges]
        self._expansions = _expansions(self.inner, self.merges)
        names = self.inner.tokens
        self.tokens = (*names, *("+".join(names[i] for i in e) for e in self._expansions[len(names) :]))
        self._lengths = np.array([len(e) for e in self._expansions])
        self._starts = np.cumsum(self._lengths) - self._lengths
        self._flat = np.array([i for e in self._expansions for i in e], np.int32)
        self._tokenizer = Tokenizer(_model(self._expansions, self.merges))
        self._root = _trie(self._expansions, len(names))
        self._found = lru_cache(maxsize=256)(self._find)

    @property
    def config(self) -> dict[str, Any]:
        """Options that build this representation again, as JSON can hold them."""
        return {"inner": self.inner.name, "config": self.inner.config, "merges": [list(pair) for pair in self.merges]}

    @property
    def special(self) -> Special:
        """Ids by their role, as inside."""
        return self.inner.special

    @property
    def grid(self) -> Grid:
        """As inside."""
        return self.inner.grid

    @property
    def enforces(self) -> frozenset[str]:
        """As inside."""
        return self.inner.enforces

    # Tokens

    def merge(self, ids: Ints) -> Ints:
        """Ids of the representation inside, shape (n,), as fewer or as many."""
        text = "".join(map(_character, ids.tolist()))
        return np.array(self._tokenizer.encode(text, add_special_tokens=False).ids if text else [], np.int32)

    def expand(self, ids: Ints) -> Ints:
        """What merged ids stand for; the inverse of `merge`."""
        lengths = self._lengths[ids]
        ends = np.cumsum(lengths)
        return self._flat[
            np.arange(ends[-1] if len(ends) else 0) + np.repeat(self._starts[ids] - ends + lengths, lengths)
        ]

    def quantise(self, score: Score) -> tuple[Score, Losses]:
        """As inside."""
        return self.inner.quantise(score)

    def encode(self, score: Score, task: Task) -> Encoded:
        """Prompt and target, merged each for itself."""
        encoded = self.inner.encode(score, task)
        return Encoded(self.merge(encoded.prompt), self.merge(encoded.target))

    def decode(self, ids: Ints, task: Task) -> Score:
        """The score of what the ids stand for."""
        return self.inner.decode(self.expand(np.asarray(ids, np.int32)), task)

    def windows(self, score: Score, task: Task, budget: int) -> Iterator[tuple[Score, Task]]:
        """Windows of the representation inside, as long as they may be when merged."""
        for piece, part in self.inner.windows(score, task, _UNLIMITED):
            yield from self._fitting(piece, part, budget)

    def _fitting(self, piece: Score, task: Task, budget: int) -> Iterator[tuple[Score, Task]]:
        """A window, or the windows that it has to be divided into."""
        encoded = self.inner.encode(piece, task)
        length, room = len(self.merge(encoded.prompt)) + len(self.merge(encoded.target)), len(encoded.ids)
        if length <= budget:
            yield piece, task
            return
        tried = max(room * budget // length, budget)
        while tried < room:
            parts = list(self.inner.windows(piece, task, tried))
            if len(parts) > 1 and _size(score for score, _ in parts) >= _size([piece]):
                for part, its_task in parts:
                    yield from self._fitting(part, its_task, budget)
                return
            tried = (tried + room + 1) // 2  # something too long would have been left out
        yield from self.inner.windows(piece, task, budget)

    # Grammar

    def start(self, task: Task) -> Any:
        """The grammar before the first token, as inside; a budget counts what merged tokens stand for."""
        return self.inner.start(task)

    def step(self, state: Any, token: int) -> Any:
        """The grammar's state after all that an allowed token stands for."""
        for inside in self._expansions[token]:
            state = self.inner.step(state, inside)
        return state

    def allowed(self, state: Any) -> Ranges:
        """Ids that may follow."""
        return self._found(state)

    def _find(self, state: Any) -> Ranges:
        single = self.inner.allowed(state)
        return merged([*single, *((token, token + 1) for token in self._reachable(state, single, self._root))])

    def _reachable(self, state: Any, allowed: Ranges, node: _Node) -> Iterator[int]:
        """Merged tokens below a node whose parts may follow one another from a state."""
        for token, then in node.then.items():
            if includes(allowed, token):
                if then.token >= 0:
                    yield then.token
                if then.then:
                    after = self.inner.step(state, token)
                    yield from self._reachable(after, self.inner.allowed(after), then)

    def forced(self, state: Any) -> tuple[int, ...]:
        """Ids that must follow."""
        return forced(self, state)

    def shortest_end(self, state: Any) -> int:
        """Tokens that close the piece from here, none of them merged."""
        return self.inner.shortest_end(state)

    # Counterparts

    def transposition(self, semitones: int) -> Ints | None:
        """Counterparts as inside where nothing is merged, else None: transpose what `expand` gives and `merge` it."""
        return None if self.merges else self.inner.transposition(semitones)

    def exchange(self, programs: Mapping[int, int]) -> Ints | None:
        """As `transposition`."""
        return None if self.merges else self.inner.exchange(programs)


def train_bpe(representation: Representation[Any], sequences: Iterable[Ints], vocabulary_size: int) -> Bpe:
    """A representation with the pairs merged that are most frequent in some sequences.

    Special tokens are merged with nothing. The same sequences give the same merges.

    Args:
        representation: whose ids the sequences are.
        sequences: arrays of ids, shape (n,); prompts and targets apart, if nothing is to be merged across.
        vocabulary_size: how many tokens there are to be in all; fewer where no pair occurs twice.

    Raises:
        BadRecipe: that is less than the representation has.
    """
    known = len(representation.tokens)
    if vocabulary_size < known:
        raise BadRecipe(f"a vocabulary of {vocabulary_size}: {representation.name} alone has {known} tokens")
    alphabet = [_character(i) for i in range(known)]
    trainer = BpeTrainer(vocab_size=vocabulary_size, min_frequency=2, initial_alphabet=alphabet, show_progress=False)
    tokenizer = Tokenizer(BPE())
    tokenizer.train_from_iterator(_words(sequences, set(representation.special)), trainer)
    ids = {character: i for i, character in enumerate(alphabet)}
    merges: list[list[int]] = []
    for left, right in json.loads(tokenizer.to_str())["model"]["merges"]:
        merges.append([ids[left], ids[right]])
        ids.setdefault(left + right, len(ids))
    return Bpe(representation.name, representation.config, merges)


def _words(sequences: Iterable[Ints], special: set[int]) -> Iterator[str]:
    """Sequences as text, divided at special tokens."""
    for sequence in sequences:
        is_special = np.isin(sequence, list(special))
        for word in np.split(sequence, np.flatnonzero(is_special[1:] != is_special[:-1]) + 1):
            if len(word) and int(word[0]) not in special:
                yield "".join(map(_character, word.tolist()))


def _character(token: int) -> str:
    return chr(_FIRST_CHARACTER + token)


def _expansions(inner: Representation[Any], merges: Sequence[tuple[int, int]]) -> list[tuple[int, ...]]:
    """What each id stands for inside; two ways to merge the same give one token."""
    special = set(inner.special)
    expansions: list[tuple[int, ...]] = [(i,) for i in range(len(inner.tokens))]
    known = set(expansions)
    for pair in merges:
        if any(not 0 <= i < len(expansions) or i in special for i in pair):
            raise BadRecipe(f"bpe: the merge {list(pair)} joins what is no token yet, or a special one")
        merged = expansions[pair[0]] + expansions[pair[1]]
        if merged not in known:
            known.add(merged)
            expansions.append(merged)
    return expansions


def _model(expansions: Sequence[tuple[int, ...]], merges: Sequence[tuple[int, int]]) -> BPE:
    texts = ["".join(map(_character, expansion)) for expansion in expansions]
    return BPE({text: i for i, text in enumerate(texts)}, [(texts[left], texts[right]) for left, right in merges])


def _trie(expansions: Sequence[tuple[int, ...]], first: int) -> _Node:
    """The merged tokens, from `first` on, by what they stand for."""
    root = _Node()
    for token in range(first, len(expansions)):
        node = root
        for inside in expansions[token]:
            node = node.then.setdefault(inside, _Node())
        node.token = token
    return root


def _size(scores: Iterable[Score]) -> tuple[int, int]:
    """Measures and notes in all."""
    sizes = [(len(score.measures), len(score.notes)) for score in scores]
    return sum(measures for measures, _ in sizes), sum(notes for _, notes in sizes)
