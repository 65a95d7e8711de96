"""Which notes of a piece are given and which are to be written, when bars of some parts are to be filled in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partimento.errors import InfeasibleTask
from partimento.plan import Infill
from partimento.representations.amt import codec, operations
from partimento.representations.amt.quantise import performed, steps
from partimento.representations.amt.vocabulary import (
    ANTICIPATE,
    AUTOREGRESS,
    CONTROL,
    DURATION,
    MAX_TIME,
    REST,
)
from partimento.representations.base import Ints
from partimento.representations.infilling import chosen_parts, span
from partimento.representations.timed import programs_of
from partimento.score import Score


@dataclass(frozen=True, slots=True)
class Gap:
    """A range of time in some parts of a piece that is to be filled.

    As in anticipation, what these parts play before the range is told as events, and all else that is given, later
    notes of theirs and all notes of the others, as controls, each five seconds ahead of its time.
    """

    begin: int
    """Step at which the range begins."""
    end: int
    """Step at which it ends."""
    before: Ints
    """Events of the parts before the range."""
    inside: Ints
    """Events that lie in the range."""
    controls: Ints
    """All that is given otherwise."""
    programs: frozenset[int]
    """What may be played in the range."""

    @property
    def flag(self) -> int:
        """How the sequence opens."""
        return ANTICIPATE if len(self.controls) else AUTOREGRESS

    def opening(self) -> tuple[Ints, Ints]:
        """All that stands before the first choice, and the controls that are still to come."""
        prompt = operations.pad(self.before, self.begin)
        placed, rest = self._with_controls(prompt)
        return np.concatenate([np.array([self.flag], np.int32), placed]), rest

    def filled(self) -> Ints:
        """The whole sequence, as it was; a rest at the end of the range closes it."""
        events = operations.pad(np.concatenate([self.before, self.inside]), self.end)
        placed, _ = self._with_controls(events)
        rest = np.array([self.end, DURATION, REST] if self.end < MAX_TIME else [], np.int32)
        return np.concatenate([np.array([self.flag], np.int32), placed, rest, codec.END])

    def _with_controls(self, events: Ints) -> tuple[Ints, Ints]:
        """Events, with the controls that are due between and behind them, and those that are not."""
        behind = np.array([self.end, DURATION, REST], np.int32)
        placed, rest = operations.anticipate(np.concatenate([events, behind]), self.controls)
        return placed[:-3], rest


def gap(score: Score, task: Infill) -> Gap:
    """What a task leaves open in a piece.

    Raises:
        NeedsBeats: the piece has no bars.
        BadPlan: it has not these bars or parts.
        InfeasibleTask: the bars lie behind the 100 s that times can state.
    """
    begin, end = _range(score, task)
    notes, _ = performed(score)
    rows = operations.triples(codec.events(notes))
    onset = rows[:, 0]
    chosen = _chosen(score, notes.note_id, task)
    before, inside = chosen & (onset < begin), chosen & (onset >= begin) & (onset < end)
    given = ~before & ~inside & (onset < MAX_TIME)
    return Gap(
        begin, end, rows[before].ravel(), rows[inside].ravel(), rows[given].ravel() + CONTROL, _programs(score, task)
    )


def _range(score: Score, task: Infill) -> tuple[int, int]:
    begin, end = steps(score, np.array(span(score, task), np.int64)).tolist()
    if end > MAX_TIME:
        raise InfeasibleTask(
            f"bars {task.first + 1} to {task.last} end after {end / 100:g} s, and times end at 100 s: take `windows`"
        )
    return begin, max(end, begin + 1)


def _chosen(score: Score, note_ids: NDArray[np.int64], task: Infill) -> NDArray[np.bool_]:
    """Which notes belong to the parts."""
    order = np.argsort(score.notes["note_id"], kind="stable")
    at = order[np.searchsorted(score.notes["note_id"], note_ids, sorter=order)]
    return np.isin(score.notes["part"][at], chosen_parts(score, task))


def _programs(score: Score, task: Infill) -> frozenset[int]:
    parts = chosen_parts(score, task)
    changes = {c.program for c in score.programs if c.part in parts and not score.parts[c.part].is_drums}
    return frozenset(programs_of(score)[list(parts)].tolist()) | changes


def fits(score: Score, task: Infill, budget: int) -> bool:
    """Whether the bars lie within 100 s, and the sequence within the budget."""
    try:
        return len(gap(score, task).filled()) <= budget
    except InfeasibleTask:
        return False
