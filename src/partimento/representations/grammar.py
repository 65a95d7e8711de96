"""What every grammar needs: ranges of token ids, and the tokens that follow without a choice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any, Generic, Protocol, TypeVar

from partimento.plan import Plan, Task
from partimento.representations.base import Ranges, State

ALL_PITCHES = (1 << 128) - 1
"""All bits of a set of pitches, of which bit 60 is middle C."""


class Grammar(Protocol[State]):
    """What decides how a sequence goes on; a module may be one."""

    def step(self, state: State, token: int) -> State:
        """The state after an allowed token."""
        ...

    def allowed(self, state: State) -> Ranges:
        """Ids that may follow."""
        ...

    def shortest_end(self, state: State) -> int:
        """Tokens that certainly close the sequence."""
        ...


G = TypeVar("G", bound=Grammar[Any])


class Guided(Generic[State, G]):
    """The part of a representation that its grammar answers for."""

    _grammar: G

    def step(self, state: State, token: int) -> State:
        """The grammar's state after an allowed token."""
        return self._grammar.step(state, token)

    def allowed(self, state: State) -> Ranges:
        """Ids that may follow."""
        return self._grammar.allowed(state)

    def forced(self, state: State) -> tuple[int, ...]:
        """Ids that must follow."""
        return forced(self._grammar, state)

    def shortest_end(self, state: State) -> int:
        """Tokens that close the piece from here."""
        return self._grammar.shortest_end(state)


T = TypeVar("T", bound=Task)


def in_force(task: T) -> T:
    """The task with the constraints that hold; those of no effect are left out."""
    return task if task.constraints.enforced else replace(task, constraints=task.constraints.in_force)


def rules_of(task: Task) -> Plan:
    """What of the plan the music has to keep to; its chords are written in any case, where they can be."""
    return task.plan if task.constraints.enforced else Plan(chords=task.plan.chords)


def forced(grammar: Grammar[State], state: State) -> tuple[int, ...]:
    """Ids that follow without a choice, up to where the sequence may end."""
    tokens: list[int] = []
    while True:
        (low, high), *others = grammar.allowed(state)
        if others or high - low > 1 or not grammar.shortest_end(state):
            return tuple(tokens)
        tokens.append(low)
        state = grammar.step(state, low)


def includes(ranges: Ranges, token: int) -> bool:
    """Whether a token lies in one of the ranges."""
    return any(low <= token < high for low, high in ranges)


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Half-open ranges in order, without empty ones, those that touch as one."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        elif low < high:
            found.append((low, high))
    return tuple(found)


@lru_cache(maxsize=65536)
def mask_ranges(mask: int) -> Ranges:
    """Half-open ranges of the bits that are set."""
    ranges: list[tuple[int, int]] = []
    while mask:
        low = (mask & -mask).bit_length() - 1
        filled = mask + (1 << low)
        high = (filled & -filled).bit_length() - 1
        ranges.append((low, high))
        mask &= ~((1 << high) - 1)
    return tuple(ranges)
