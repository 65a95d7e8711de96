"""Whole pieces as rows of tokens: cut into windows, each of them encoded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from partimento.plan import Compose, Task
from partimento.representations.base import Encoded, Representation
from partimento.score import Score

T = TypeVar("T", bound=Task)


def midway(task: T, opens: bool, ends: bool) -> T:
    """The task for a part of a piece that opens, or ends, where the piece does not."""
    return replace(task, opens_midway=task.opens_midway or opens, ends_midway=task.ends_midway or ends)


class Window(NamedTuple):
    """A part of a piece as tokens."""

    encoded: Encoded
    notes: int
    """Number of notes in it."""


@runtime_checkable
class CutsQuickly(Protocol):
    """A representation that makes windows as tokens in one go, the same as one after another, but faster."""

    def encoded_windows(self, score: Score, task: Compose, budget: int) -> Iterator[Window]:
        """What `windows` gives, encoded."""
        ...


def encoded_windows(representation: Representation[Any], score: Score, task: Task, budget: int) -> Iterator[Window]:
    """The windows of a score as tokens, each as long as the budget allows.

    Args:
        representation: how music becomes tokens.
        score: a whole piece.
        task: what its tokens are for.
        budget: most tokens of a window.
    """
    if isinstance(representation, CutsQuickly) and isinstance(task, Compose):
        yield from representation.encoded_windows(score, task, budget)
        return
    for window, its_task in representation.windows(score, task, budget):
        yield Window(representation.encode(window, its_task), len(window.notes))


def even_windows(representation: Representation[Any], score: Score, task: Task, budget: int) -> list[Window]:
    """As few windows as the budget allows, of nearly equal length: the shortest budget of some tried is taken."""
    longest = list(encoded_windows(representation, score, task, budget))
    total = sum(len(window.encoded.ids) for window in longest)
    if len(longest) < 2:
        return longest
    notes = sum(window.notes for window in longest)
    for slack in (1.02, 1.05, 1.1, 1.2, 1.35, 1.5):
        shorter = min(math.ceil(total / len(longest) * slack), budget)
        found = list(encoded_windows(representation, score, task, shorter))
        if len(found) <= len(longest) and sum(window.notes for window in found) == notes:
            return found
    return longest
