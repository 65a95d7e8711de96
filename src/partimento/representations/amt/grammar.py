"""The grammar of AMT sequences: which token may follow, given what stands and what the task asks for.

Each token has its place (time, duration, note), time does not run back, no more than 64 events begin together,
no more than 16 instruments play. Among notes that are valid nothing is forbidden, so that they keep the
probabilities that a model gives them: a time behind the end of the piece is allowed and closes it, as in
anticipation's sampler, instead of leaving its probability to the times before.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from partimento.errors import InfeasibleTask
from partimento.plan import Infill, Plan, Task
from partimento.representations.amt.infill import gap
from partimento.representations.amt.vocabulary import (
    AUTOREGRESS,
    CONTROL,
    DURATION,
    LEAD,
    MAX_DURATION,
    MAX_INSTRUMENTS,
    MAX_STRUCK,
    MAX_TIME,
    NOTE,
    RESOLUTION,
    REST,
    SEPARATOR,
)
from partimento.representations.base import Ranges
from partimento.representations.grammar import mask_ranges, merged, rules_of
from partimento.theory.instrument import DRUMS

AT_TIME, AT_DURATION, AT_NOTE, AT_NOTE_OR_REST, AT_END = range(5)
_ALL = (1 << DRUMS + 1) - 1
_UNLIMITED = 1 << 40
_CLOSING = (DURATION, REST, SEPARATOR, SEPARATOR, SEPARATOR)
"""What follows a time behind the end."""
_SEPARATOR = (SEPARATOR, SEPARATOR + 1)
_DURATIONS = ((DURATION, NOTE),)


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """What a task asks for, the same in all states of a sequence."""

    budget: int = _UNLIMITED
    """Most tokens."""
    programs: int = _ALL
    """Instruments that may play, one bit each."""
    begin: int = 0
    """First step at which something may begin."""
    end: int = MAX_TIME
    """Step from which on nothing may begin; a time there closes the piece."""
    closes_from: int = 0
    """Step from which on separators may close the piece."""
    release: int = _UNLIMITED
    """Step at which everything has ended."""
    is_excerpt: bool = False
    """Whether the sequence may stop after any note, since its piece goes on."""
    controls: tuple[int, ...] = ()
    """Tokens of notes that are given, each to be placed in its time."""
    due: tuple[int, ...] = ()
    """Step from which on each of them is due."""


class State(NamedTuple):
    """Where a sequence stands."""

    limits: Limits
    spent: int = 0
    """Tokens so far."""
    at: int = AT_TIME
    now: int = 0
    """Time of the last event."""
    struck: int = 0
    """Events that begin now."""
    played: int = 0
    """Instruments that have played, one bit each."""
    placed: int = 0
    """Controls that stand already, or in the queue."""
    queue: tuple[int, ...] = ()
    """Tokens that must follow."""


def start(task: Task) -> State:
    """The state before the flag.

    Raises:
        InfeasibleTask: the piece is longer than 100 s, or the budget too small for what is given.
        NeedsBeats, BadPlan: bars are to be filled in that the piece has not.
    """
    state = _to_fill(task) if isinstance(task, Infill) else _to_compose(rules_of(task), task)
    needed = len(state.queue) + 3
    if needed > state.limits.budget:
        raise InfeasibleTask(f"what is given needs {needed} tokens, and {state.limits.budget} are allowed")
    return state


def _to_compose(plan: Plan, task: Task) -> State:
    end, bar = MAX_TIME, 0
    if plan.bars is not None and plan.meter is not None and plan.tempo_bpm is not None:
        bar_seconds = float(plan.meter.duration_quarter) * 60 / plan.tempo_bpm
        end, bar = round(plan.bars * bar_seconds * RESOLUTION), round(bar_seconds * RESOLUTION)
        if end > MAX_TIME:
            raise InfeasibleTask(
                f"{plan.bars} bars of {plan.meter} at {plan.tempo_bpm:g} bpm last {end / RESOLUTION:.0f} s, and a "
                "sequence holds 100 s: write them in several"
            )
    limits = Limits(
        budget=_budget(task),
        programs=_ALL if plan.instruments is None else _bits(plan.instruments),
        end=end,
        closes_from=max(end - bar, 0) if end < MAX_TIME else 0,
        release=end if end < MAX_TIME else _UNLIMITED,
        is_excerpt=task.ends_midway,
    )
    return State(limits, queue=(AUTOREGRESS,))


def _to_fill(task: Infill) -> State:
    if task.score is None:
        raise InfeasibleTask("bars can be filled in only in a piece: name it as the task's score")
    hole = gap(task.score, task)
    opening, rest = hole.opening()
    wanted = rules_of(task).instruments
    programs = hole.programs if wanted is None else hole.programs & set(wanted)
    if not programs:
        raise InfeasibleTask("none of the plan's instruments plays in the parts that are to be written")
    limits = Limits(
        budget=_budget(task),
        programs=_bits(programs),
        begin=hole.begin,
        end=hole.end,
        closes_from=0 if hole.end == MAX_TIME else MAX_TIME,
        controls=tuple(rest.tolist()),
        due=tuple((rest[::3] - CONTROL - LEAD).tolist()),
    )
    stood = opening[1::3][opening[3::3] < CONTROL]
    return State(limits, now=int(stood.max(initial=0)), queue=tuple(opening.tolist()))


def _budget(task: Task) -> int:
    budget = task.constraints.budget
    return _UNLIMITED if budget is None else budget


def _bits(programs: frozenset[int] | set[int] | tuple[int, ...]) -> int:
    return sum(1 << program for program in set(programs))


def step(state: State, token: int) -> State:
    """The state after a token that `allowed` admits."""
    limits, spent, at, now, struck, played, placed, queue = state
    spent += 1
    if queue:
        queue = queue[1:]
        at = AT_END if token == SEPARATOR and not queue else AT_TIME
    elif at == AT_TIME:
        if token == SEPARATOR:
            queue = (SEPARATOR, SEPARATOR)
        elif token >= limits.end:
            queue = _CLOSING
        else:
            at = AT_DURATION
            if token != now:
                now, struck = token, 0
    elif at == AT_DURATION:
        at = AT_NOTE_OR_REST if token == DURATION else AT_NOTE
    elif at != AT_END:
        at, struck = AT_TIME, struck + 1
        if token != REST:
            played |= 1 << (token - NOTE >> 7)
        if limits.due:
            due = bisect_right(limits.due, now)
            if due > placed:
                placed, queue = due, limits.controls[3 * placed : 3 * due]
    return State(limits, spent, at, now, struck, played, placed, queue)


def allowed(state: State) -> Ranges:
    """Ids that may follow, as half-open ranges."""
    if state.queue:
        return ((state.queue[0], state.queue[0] + 1),)
    if state.at == AT_TIME:
        return _times(state)
    if state.at == AT_DURATION:
        room = state.limits.release - state.now
        return _DURATIONS if room >= MAX_DURATION - 1 else ((DURATION, DURATION + room + 1),)
    if state.at == AT_END:
        return (_SEPARATOR,)
    played, programs = state.played, state.limits.programs
    return _notes(programs & played if played.bit_count() >= MAX_INSTRUMENTS else programs, state.at == AT_NOTE_OR_REST)


def _times(state: State) -> Ranges:
    limits = state.limits
    room = (limits.budget - state.spent - 3) // 3
    if room < 1:
        return (_SEPARATOR,)
    low, high = max(state.now + (state.struck >= MAX_STRUCK), limits.begin), limits.end
    first_beyond = state.placed + room - 1
    if first_beyond < len(limits.due):  # this control and those behind it no longer fit
        high = min(high, limits.due[first_beyond])
    ranges = ((low, high),) if low < high else ()
    if limits.end < MAX_TIME:
        ranges = ((low, MAX_TIME),) if high >= limits.end else (*ranges, (limits.end, MAX_TIME))
    return (*ranges, _SEPARATOR) if state.now >= limits.closes_from or not ranges else ranges


@lru_cache(maxsize=4096)
def _notes(programs: int, with_rest: bool) -> Ranges:
    """Ids of the notes of instruments, and the rest behind them."""
    spans = [(NOTE + 128 * low, NOTE + 128 * high) for low, high in mask_ranges(programs)]
    return merged(spans + [(REST, REST + 1)] * with_rest)


def shortest_end(state: State) -> int:
    """Tokens that certainly close the sequence."""
    limits, queue = state.limits, state.queue
    if state.at == AT_END:
        return 0
    if queue:
        return len(queue) if queue[-1] == SEPARATOR else len(queue) + _close(state, len(queue))
    if state.at == AT_TIME:
        return _close(state, 0)
    rest = 2 if state.at == AT_DURATION else 1
    rest += 3 * (bisect_right(limits.due, state.now) - state.placed)
    return rest + _close(state, rest)


def _close(state: State, first: int) -> int:
    """Tokens that close the sequence between two notes, after `first` more tokens."""
    limits = state.limits
    if limits.is_excerpt:
        return 0
    is_short = limits.budget - state.spent - first < 6
    return 3 if is_short or state.now >= limits.closes_from else 6
