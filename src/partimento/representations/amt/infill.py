"""Which notes of a piece are given and which are to be written, when bars of some parts are to be filled in."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadPlan, InfeasibleTask
from partimento.plan import Infill
from partimento.representations.amt import codec, operations
from partimento.representations.amt.quantise import performed, programs_of, steps
from partimento.representations.amt.vocabulary import (
    ANTICIPATE,
    AUTOREGRESS,
    CONTROL,
    DURATION,
    MAX_TIME,
    REST,
)
from partimento.representations.base import Ints
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
    _check_bars(score, task)
    last = score.measures[task.last - 1]
    ticks = np.array([score.measures["onset_tick"][task.first], last["onset_tick"] + last["duration_tick"]], np.int64)
    begin, end = steps(score, ticks).tolist()
    if end > MAX_TIME:
        raise InfeasibleTask(
            f"bars {task.first + 1} to {task.last} end after {end / 100:g} s, and times end at 100 s: take `windows`"
        )
    return begin, max(end, begin + 1)


def _check_bars(score: Score, task: Infill) -> None:
    score.measure_at(0)  # says what is missing where there are no bars
    if task.last > len(score.measures):
        raise BadPlan(f"bars {task.first + 1} to {task.last}: the piece has {len(score.measures)}")


def _parts(score: Score, task: Infill) -> tuple[int, ...]:
    parts = tuple(range(len(score.parts))) if task.parts is None else task.parts
    if not parts or not all(0 <= part < len(score.parts) for part in parts):
        raise BadPlan(f"parts {', '.join(map(str, parts)) or 'none'}: the piece has parts 0 to {len(score.parts) - 1}")
    return parts


def _chosen(score: Score, note_ids: NDArray[np.int64], task: Infill) -> NDArray[np.bool_]:
    """Which notes belong to the parts."""
    order = np.argsort(score.notes["note_id"], kind="stable")
    at = order[np.searchsorted(score.notes["note_id"], note_ids, sorter=order)]
    return np.isin(score.notes["part"][at], _parts(score, task))


def _programs(score: Score, task: Infill) -> frozenset[int]:
    parts = _parts(score, task)
    changes = {c.program for c in score.programs if c.part in parts and not score.parts[c.part].is_drums}
    return frozenset(programs_of(score)[list(parts)].tolist()) | changes


def excerpts(score: Score, task: Infill, budget: int) -> Iterator[tuple[Score, Infill]]:
    """The bars to fill with as many bars around them as fit 100 s and the budget; halves of them where they do not."""
    _check_bars(score, task)
    bars = len(score.measures)
    most = bisect_left(range(bars), True, key=lambda width: not _fits(*_excerpt(score, task, width), budget))
    if most:
        yield _excerpt(score, task, most - 1)
    elif task.last - task.first > 1:
        middle = (task.first + task.last) // 2
        for first, last in ((task.first, middle), (middle, task.last)):
            yield from excerpts(score, replace(task, first=first, last=last), budget)


def _excerpt(score: Score, task: Infill, width: int) -> tuple[Score, Infill]:
    """The bars with `width` more on both sides, and the task in terms of these."""
    first, last = max(task.first - width, 0), min(task.last + width, len(score.measures))
    part = score.slice_bars(first, last)
    opens, ends = task.opens_midway or first > 0, task.ends_midway or last < len(score.measures)
    bars = {"first": task.first - first, "last": task.last - first}
    return part, replace(task, **bars, score=part, opens_midway=opens, ends_midway=ends)


def _fits(score: Score, task: Infill, budget: int) -> bool:
    try:
        return len(gap(score, task).filled()) <= budget
    except InfeasibleTask:
        return False
