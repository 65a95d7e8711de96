"""performance: notes begin and end, time passes; what was played, to a hundredth of a second, without a beat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from partimento.plan import Task
from partimento.representations.base import Encoded, Grid, Ints, Losses, Special
from partimento.representations.blocks import moves_drums
from partimento.representations.cutting import midway
from partimento.representations.grammar import Guided
from partimento.representations.performance import codec, vocabulary
from partimento.representations.performance.chords import bars_of, between, tokens_of
from partimento.representations.performance.grammar import Grammar
from partimento.representations.performance.quantise import Performed, as_score, performed, quantise
from partimento.representations.performance.state import State
from partimento.representations.performance.windows import cut
from partimento.representations.timed import RESOLUTION
from partimento.score import Score


class Performance(Guided[State, Grammar]):
    """Events after Oore et al. (arXiv:1808.03715), as in Music Transformer (arXiv:1809.04281), with programs."""

    name = "performance"
    canonical = True
    grid = Grid("second", RESOLUTION)
    enforces = frozenset({"instruments", "playable", "budget"})

    def __init__(self, chords: bool = False) -> None:
        """`chords`: whether the prompt states the chords of the task's plan, bar by bar."""
        self._chords = chords
        self.vocabulary = vocabulary.build(chords)
        self.tokens = self.vocabulary.tokens
        self._grammar = Grammar(self.vocabulary)

    @property
    def config(self) -> dict[str, Any]:
        """Options that build this representation again."""
        return {"chords": self._chords}

    @property
    def special(self) -> Special:
        """Ids of PAD, BOS and EOS."""
        return Special(*(self.vocabulary.first[name] for name in ("PAD", "BOS", "EOS")))

    def quantise(self, score: Score) -> tuple[Score, Losses]:
        """The score that the tokens stand for; see `quantise.quantise`."""
        return quantise(score)

    def encode(self, score: Score, task: Task) -> Encoded:
        """BOS and what the task states as prompt, events and EOS as target."""
        return self._encode(performed(score)[0], task)

    def _encode(self, notes: Performed, task: Task) -> Encoded:
        events, _ = codec.encode_events(notes, self.vocabulary)
        end = np.int32(self.vocabulary.first["EOS"])
        return Encoded(codec.encode_header(task, self.vocabulary), np.append(events, end))

    def windows(self, score: Score, task: Task, budget: int) -> Iterator[tuple[Score, Task]]:
        """The piece whole, or cut where notes begin; see `windows.cut`.

        Where chords are to be the prompt and the plan states none, each window's task states those of its bars; a
        quarter of the budget is theirs at most.
        """
        room = budget - len(codec.encode_header(midway(task, True, True), self.vocabulary)) - 1
        bars = bars_of(score) if self._chords and task.plan.chords is None else []
        for_chords = min(sum(tokens_of(bar.chords) for bar in bars), budget // 4)
        for notes, start, opens, ends in cut(performed(score)[0], self.vocabulary, room - for_chords):
            chords = between(bars, start, start + int(notes.release.max(initial=0)), for_chords)
            plan = task.plan if chords is None else replace(task.plan, chords=chords)
            yield as_score(notes), replace(midway(task, opens, ends), plan=plan)

    def decode(self, ids: Ints, task: Task) -> Score:
        """The score of the events; notes of a prefix that still sound end with it."""
        return as_score(codec.decode_events(np.asarray(ids, np.int32), self.vocabulary))

    def start(self, task: Task) -> State:
        """The grammar before BOS; see `grammar.Grammar.start`."""
        return self._grammar.start(task)

    def transposition(self, semitones: int) -> Ints:
        """Id of each token's counterpart a number of semitones higher; drums stay."""
        return vocabulary.transposition(self.vocabulary, semitones)

    def exchange(self, programs: Mapping[int, int]) -> Ints | None:
        """Id of each token's counterpart when programs are played by others; None where drums are exchanged."""
        return None if moves_drums(programs) else self.vocabulary.exchange("Program", programs)


__all__ = ["Performance", "State"]
