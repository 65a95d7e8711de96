"""remi: bars, positions, instruments, pitches and durations; few tokens, whole bars, a plan in the header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadInput, InfeasibleTask
from partimento.plan import Compose, Infill, Task
from partimento.representations.base import Encoded, Grid, Ints, Longs, Losses, Special
from partimento.representations.cutting import Window, midway
from partimento.representations.grammar import Guided
from partimento.representations.gridded.quantise import quantise
from partimento.representations.gridded.vocabulary import MAX_BARS
from partimento.representations.infilling import excerpts
from partimento.representations.remi import vocabulary
from partimento.representations.remi.cutting import clipped, cut
from partimento.representations.remi.decoding import decode
from partimento.representations.remi.encoding import encode, encode_body, encode_header
from partimento.representations.remi.grammar import Grammar, State
from partimento.representations.remi.infill import Gap, gap
from partimento.representations.remi.state import GIVEN, NOTE
from partimento.score import Score


class Remi(Guided[State, Grammar]):
    """Tokens after REMI (Huang and Yang, arXiv:2002.00212), with groups of notes, a plan and a countdown of bars."""

    name = "remi"
    canonical = True
    _enforces = frozenset({
        "key", "meter", "tempo_bpm", "instruments", "bars", "chords", "style", "steady", "playable", "max_rest_bars",
        "max_chromatic_share", "harmony", "min_chord_share", "controls", "ends_on_tonic", "chord_symbols", "budget",
    })  # fmt: skip

    def __init__(self, velocities: bool = False, microtiming: bool = False, infill: bool = False) -> None:
        """A vocabulary with tokens for what is asked for.

        Args:
            velocities: groups of notes state theirs.
            microtiming: notes keep how far they are off the grid, on one of 96 steps to a quarter.
            infill: bars of some parts can be left out, to be written after all that stands around them.
        """
        self._options = {"velocities": velocities, "microtiming": microtiming, "infill": infill}
        self.vocabulary = vocabulary.build(**self._options)
        self.tokens = self.vocabulary.tokens
        self.grid = Grid("quarter", self.vocabulary.ticks_per_quarter)
        self.enforces = self._enforces | ({"infill"} if infill else set())
        self._grammar = Grammar(self.vocabulary)

    @property
    def config(self) -> dict[str, Any]:
        """Options that build this representation again; those that are off are left out, but velocities."""
        return {name: value for name, value in self._options.items() if value or name == "velocities"}

    @property
    def special(self) -> Special:
        """Ids of PAD, BOS and EOS."""
        return Special(*(self.vocabulary.first[name] for name in ("PAD", "BOS", "EOS")))

    def quantise(self, score: Score) -> tuple[Score, Losses]:
        """The score that the tokens stand for; see `gridded.quantise`."""
        return quantise(score, "remi", self._options["velocities"], self.vocabulary.unit)

    def encode(self, score: Score, task: Task) -> Encoded:
        """Header as prompt, measures and EOS as target; to fill in, all that is given and `Fill` as prompt.

        Raises:
            NeedsBeats: the score has no measures.
            BadInput: it has more measures than a header can state; take `windows`.
            BadPlan, InfeasibleTask: it has not the bars or parts that are to be filled in.
        """
        return self._encode(score, task)[0]

    def _encode(self, score: Score, task: Task) -> tuple[Encoded, Gap | None]:
        quantised, _ = self.quantise(score)
        if len(quantised.measures) > MAX_BARS:
            raise BadInput(f"{len(quantised.measures)} measures, and remi holds {MAX_BARS}: encode it in windows")
        hole = self._gap(score, quantised, task) if isinstance(task, Infill) else None
        return encode(quantised, task, self.vocabulary, hole), hole

    def _gap(self, score: Score, quantised: Score, task: Infill) -> Gap:
        if not self._options["infill"]:
            raise InfeasibleTask("these tokens cannot fill in bars: build remi with infill=True")
        return gap(score, quantised, self.vocabulary.unit, task)

    def windows(self, score: Score, task: Task, budget: int) -> Iterator[tuple[Score, Task]]:
        """The piece whole, or cut at barlines into runs of measures that each fit the budget.

        A single measure that does not fit is left out. Of bars that are to be filled in, with as many bars around them
        as fit.
        """
        quantised, _ = self.quantise(score)
        if isinstance(task, Infill):
            yield from self._excerpts(score, quantised, task, budget)
            return
        _, measure = encode_body(quantised, self.vocabulary)
        for first, last in self._runs(quantised, measure, task, budget):
            opens, ends = first > 0, last < len(quantised.measures)
            # quantised again: a chord that goes on is spelled by the key of its window
            piece = self.quantise(quantised.slice_bars(first, last))[0] if opens or ends else quantised
            yield piece, midway(task, opens, ends)

    def _runs(self, quantised: Score, measure: Longs, task: Task, budget: int) -> list[tuple[int, int]]:
        """Runs of measures that fit the budget; `measure` is that of each token."""
        # at a cut, meter, key, tempo and chord are stated again
        room = budget - len(encode_header(quantised, task, self.vocabulary)) - 8
        costs = np.bincount(measure, minlength=len(quantised.measures)).tolist()
        return list(_runs(costs, room, MAX_BARS))

    def encoded_windows(self, score: Score, task: Compose, budget: int) -> Iterator[Window]:
        """What encoding each of the windows gives, several times as fast."""
        quantised, _ = self.quantise(score)
        body = encode_body(quantised, self.vocabulary)
        runs = self._runs(quantised, body[1], task, budget)
        if runs != [(0, len(quantised.measures))]:
            quantised, body = clipped(quantised, body, runs, self.vocabulary)
        yield from cut(quantised, body, runs, task, self.vocabulary)

    def _excerpts(self, score: Score, quantised: Score, task: Infill, budget: int) -> Iterator[tuple[Score, Infill]]:
        hole = self._gap(score, quantised, task)
        whole = replace(task, first=hole.bars.start, last=hole.bars.stop, parts=hole.parts)
        for piece, part in excerpts(quantised, whole, lambda piece, part: self._fits(piece, part, budget)):
            piece, _ = self.quantise(piece)
            yield piece, replace(part, score=piece)

    def _fits(self, piece: Score, task: Infill, budget: int) -> bool:
        return len(piece.measures) <= MAX_BARS and len(self.encode(piece, task).ids) <= budget

    def decode(self, ids: Ints, task: Task) -> Score:
        """The score of header and measures, with what is filled in; any prefix that the grammar accepts decodes."""
        return decode(np.asarray(ids, np.int32), self.vocabulary)

    def start(self, task: Task) -> State:
        """The grammar before BOS; see `grammar.Grammar`.

        Raises:
            InfeasibleTask: no sequence satisfies the task.
            NeedsBeats, BadPlan: bars are to be filled in that the piece has not.
        """
        if isinstance(task, Compose):
            return self._grammar.start(task)
        if task.score is None:
            raise InfeasibleTask("bars can be filled in only in a piece: name it as the task's score")
        encoded, hole = self._encode(task.score, task)
        assert hole is not None
        return self._grammar.start_infill(task, encoded.prompt, hole)

    def forced(self, state: State) -> tuple[int, ...]:
        """Ids that must follow; what is given, which may be long, is taken at once."""
        if state.at != GIVEN:
            return super().forced(state)
        return state.queue + super().forced(self._grammar.given(state))

    def redirected(self, state: State, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits in which all wishes to leave a part that fills the measure count for the part that must play next.

        A model that would let that part rest wants the next barline, which may not come. Without this, what is left to
        draw from is whatever else it thinks of, and bars end in clusters.
        """
        is_full = state.at == NOTE and state.following >= state.length
        must = state.must_sound() if is_full else []
        if not must:
            return logits
        first, size = self.vocabulary.first, self.vocabulary.size
        leaving = [logits[first[name] : first[name] + size[name]] for name in ("EOS", "Bar", "Instrument")]
        changed = logits.copy()
        changed[first["Instrument"] + state.programs[must[0]]] = np.logaddexp.reduce(np.concatenate(leaving))
        return changed

    def transposition(self, semitones: int) -> Ints:
        """Id of each token's counterpart a number of semitones higher."""
        return vocabulary.transposition(self.vocabulary, semitones)

    def exchange(self, programs: Mapping[int, int]) -> Ints:
        """Id of each token's counterpart when programs are played by others."""
        return self.vocabulary.exchange("Instrument", programs)


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
