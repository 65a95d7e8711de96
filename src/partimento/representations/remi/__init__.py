"""remi: bars, positions, instruments, pitches and durations; few tokens, whole bars, a plan in the header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from partimento.errors import BadInput
from partimento.plan import Task
from partimento.representations.base import Encoded, Grid, Ints, Losses, Ranges, Special
from partimento.representations.remi import codec, vocabulary
from partimento.representations.remi.grammar import Grammar, State
from partimento.representations.remi.quantise import quantise
from partimento.score import Score


class Remi:
    """Tokens after REMI (Huang and Yang, arXiv:2002.00212), with groups of notes, a plan and a countdown of bars."""

    name = "remi"
    canonical = True
    grid = Grid("quarter", vocabulary.GRID)
    enforces = frozenset({
        "key", "meter", "tempo_bpm", "instruments", "bars", "chords", "style", "steady", "playable", "max_rest_bars",
        "max_chromatic_share", "chord_tones", "ends_on_tonic", "chord_symbols", "budget",
    })  # fmt: skip

    def __init__(self, velocities: bool = False) -> None:
        """`velocities`: whether groups of notes state theirs."""
        self._velocities = velocities
        self.vocabulary = vocabulary.build(velocities)
        self.tokens = self.vocabulary.tokens
        self._grammar = Grammar(self.vocabulary)

    @property
    def config(self) -> dict[str, Any]:
        """Options that build this representation again."""
        return {"velocities": self._velocities}

    @property
    def special(self) -> Special:
        """Ids of PAD, BOS and EOS."""
        return Special(*(self.vocabulary.first[name] for name in ("PAD", "BOS", "EOS")))

    def quantise(self, score: Score) -> tuple[Score, Losses]:
        """The score that the tokens stand for; see `quantise.quantise`."""
        return quantise(score, self._velocities)

    def encode(self, score: Score, task: Task) -> Encoded:
        """Header as prompt, measures and EOS as target.

        Raises:
            NeedsBeats: the score has no measures.
            BadInput: it has more measures than a header can state; take `windows`.
        """
        quantised, _ = self.quantise(score)
        return self._encode_quantised(quantised, task)

    def _encode_quantised(self, score: Score, task: Task) -> Encoded:
        if len(score.measures) > vocabulary.MAX_BARS:
            raise BadInput(
                f"{len(score.measures)} measures, and remi holds {vocabulary.MAX_BARS}: encode it in windows"
            )
        body, _ = codec.encode_body(score, self.vocabulary)
        return Encoded(
            codec.encode_header(score, task, self.vocabulary), np.append(body, np.int32(self.vocabulary.first["EOS"]))
        )

    def windows(self, score: Score, task: Task, budget: int) -> Iterator[tuple[Score, Task]]:
        """The piece whole, or cut at barlines into runs of measures that each fit the budget.

        A single measure that does not fit is left out.
        """
        quantised, _ = self.quantise(score)
        _, measure = codec.encode_body(quantised, self.vocabulary)
        # at a cut, meter, key, tempo and chord are stated again
        room = budget - len(codec.encode_header(quantised, task, self.vocabulary)) - 8
        costs = np.bincount(measure, minlength=len(quantised.measures)).tolist()
        for first, last in _runs(costs, room, vocabulary.MAX_BARS):
            opens, ends = first > 0, last < len(costs)
            # quantised again: a chord that goes on is spelled by the key of its window
            piece = self.quantise(quantised.slice_bars(first, last))[0] if opens or ends else quantised
            yield piece, replace(task, opens_midway=task.opens_midway or opens, ends_midway=task.ends_midway or ends)

    def decode(self, ids: Ints, task: Task) -> Score:
        """The score of header and measures; any prefix that the grammar accepts decodes."""
        return codec.decode(np.asarray(ids, np.int32), self.vocabulary)

    def start(self, task: Task) -> State:
        """The grammar before BOS; see `grammar.Grammar.start`."""
        return self._grammar.start(task)

    def step(self, state: State, token: int) -> State:
        """The grammar's state after an allowed token."""
        return self._grammar.step(state, token)

    def allowed(self, state: State) -> Ranges:
        """Ids that may follow."""
        return self._grammar.allowed(state)

    def forced(self, state: State) -> tuple[int, ...]:
        """Ids that must follow."""
        return self._grammar.forced(state)

    def shortest_end(self, state: State) -> int:
        """Tokens that close the piece from here."""
        return self._grammar.shortest_end(state)

    def transposition(self, semitones: int) -> Ints:
        """Id of each token's counterpart a number of semitones higher."""
        return vocabulary.transposition(self.vocabulary, semitones)

    def exchange(self, programs: Mapping[int, int]) -> Ints:
        """Id of each token's counterpart when programs are played by others."""
        table = np.arange(len(self.tokens), dtype=np.int32)
        first = self.vocabulary.first["Instrument"]
        for program, other in programs.items():
            table[first + program] = first + other
        return table


def _runs(costs: list[int], room: int, most: int) -> Iterator[tuple[int, int]]:
    """Runs [first, last) of items whose costs fit the room, greedily; items that fit nowhere lie between runs."""
    first, spent = 0, 0
    for index, cost in enumerate(costs):
        if spent + cost > room or index - first == most:
            if index > first:
                yield first, index
            first, spent = index, 0
        if cost > room:
            first = index + 1
        else:
            spent += cost
    if len(costs) > first:
        yield first, len(costs)


__all__ = ["Remi", "State"]
