"""abc: music as tokens that read like ABC notation, its voices interleaved bar by bar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from partimento.errors import BadInput
from partimento.plan import Infill, Task
from partimento.representations.abc import decode, encode, grammar
from partimento.representations.abc.quantise import quantise
from partimento.representations.abc.state import State
from partimento.representations.abc.vocabulary import V
from partimento.representations.base import Encoded, Grid, Ints, Losses, Special
from partimento.representations.blocks import moves_drums
from partimento.representations.cutting import midway
from partimento.representations.grammar import Grammar, Guided
from partimento.representations.gridded.vocabulary import GRID, MAX_BARS
from partimento.score import Score


class AbcTokens(Guided[State, Grammar[State]]):
    """Notes as ABC spells them, durations as `DUR:n` in twelfths of a quarter, all voices bar by bar."""

    name = "abc"
    canonical = True
    _grammar = grammar
    grid = Grid("quarter", GRID)
    enforces = frozenset({
        "key", "meter", "tempo_bpm", "instruments", "bars", "chords", "style", "steady", "chord_symbols", "budget",
    })  # fmt: skip

    def __init__(self) -> None:
        self.vocabulary = V
        self.tokens = self.vocabulary.tokens

    @property
    def config(self) -> dict[str, Any]:
        """No options."""
        return {}

    @property
    def special(self) -> Special:
        """Ids of `<PAD>`, `<START>` and `<END>`."""
        return Special(*(self.vocabulary.first[name] for name in ("PAD", "START", "END")))

    def quantise(self, score: Score) -> tuple[Score, Losses]:
        """The score that the tokens stand for; see `quantise.quantise`."""
        return quantise(score)

    def encode(self, score: Score, task: Task) -> Encoded:
        """Header as prompt, measures and END as target.

        Raises:
            NeedsBeats: the score has no measures.
            BadInput: it has more measures than a header can state (take `windows`), or the task is to infill.
        """
        if isinstance(task, Infill):
            raise BadInput("abc writes whole pieces; to infill take another representation, such as amt")
        quantised, _ = self.quantise(score)
        if len(quantised.measures) > MAX_BARS:
            raise BadInput(f"{len(quantised.measures)} measures, and abc holds {MAX_BARS}: encode it in windows")
        return self._encode_quantised(quantised, task)

    def _encode_quantised(self, score: Score, task: Task) -> Encoded:
        body, _ = encode.encode_body(score)
        return Encoded(encode.encode_header(score, task), np.append(body, np.int32(self.vocabulary.first["END"])))

    def windows(self, score: Score, task: Task, budget: int) -> Iterator[tuple[Score, Task]]:
        """The piece whole, or cut at barlines into runs of measures that each fit the budget.

        A single measure that does not fit is left out.
        """
        quantised, _ = self.quantise(score)
        # at a cut, the chord is stated again
        room = budget - len(encode.encode_header(quantised, task)) - 8
        within, opening = self._costs(quantised), self._costs(_cut_at_barlines(quantised))
        first = 0
        while first < len(quantised.measures):
            last = _run(first, within, opening, room)
            while last > first:
                piece, its_task = _excerpt(quantised, task, first, last)
                if len(self._encode_quantised(piece, its_task).ids) <= budget:
                    yield piece, its_task
                    break
                last -= 1
            first = max(last, first + 1)

    def _costs(self, score: Score) -> list[int]:
        """Tokens of each measure."""
        _, measure = encode.encode_body(score)
        return np.bincount(measure, minlength=len(score.measures)).tolist()

    def decode(self, ids: Ints, task: Task) -> Score:
        """The score of header and measures; any prefix that the grammar accepts decodes."""
        return decode.decode(np.asarray(ids, np.int32))

    def start(self, task: Task) -> State:
        """The grammar before START; see `grammar.start`."""
        return grammar.start(task)

    def transposition(self, semitones: int) -> None:
        """None: accidentals depend on the key."""

    def exchange(self, programs: Mapping[int, int]) -> Ints | None:
        """Id of each token's counterpart when programs are played by others; None where drums are among them."""
        return None if moves_drums(programs) else V.exchange("Instrument", programs)


def _run(first: int, within: list[int], opening: list[int], room: int) -> int:
    """The measure behind a run that begins at `first` and fits the room; `first` itself where none does.

    Args:
        first: measure with which the run begins.
        within: tokens of each measure, notes included that are tied to it.
        opening: tokens of each measure, had the piece begun with it.
        room: most tokens.
    """
    last, spent = first, opening[first]
    while spent <= room and last - first < MAX_BARS:
        last += 1
        if last == len(within):
            break
        spent += within[last]
    return last


def _cut_at_barlines(score: Score) -> Score:
    """The score with notes that end with their measure."""
    notes, measures = score.notes.copy(), score.measures
    index = score.measure_at(notes["onset_tick"])
    end = (measures["onset_tick"] + measures["duration_tick"])[index]
    notes["duration_tick"] = np.minimum(notes["duration_tick"], end - notes["onset_tick"])
    return replace(score, notes=notes)


def _excerpt(score: Score, task: Task, first: int, last: int) -> tuple[Score, Task]:
    opens, ends = first > 0, last < len(score.measures)
    piece = score.slice_bars(first, last) if opens or ends else score
    return piece, midway(task, opens, ends)


__all__ = ["AbcTokens", "State"]
