"""Several sequences written side by side under a grammar, each as if it were alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from partimento.errors import Cancelled
from partimento.generation.engines import Batch, Batches, Condition, Engine, OneByOne
from partimento.generation.repetition import Repetition, units
from partimento.generation.sampling import PLAIN, Sampling, draw
from partimento.plan import Task
from partimento.representations import Redirects, Representation


def never() -> bool:
    """Whether to stop: no."""
    return False


@dataclass(frozen=True, slots=True)
class Request:
    """One sequence to be written."""

    task: Task
    rng: np.random.Generator
    """The only source of its randomness."""
    heard: Sequence[int] = ()
    """Tokens that stand already, BOS first."""
    condition: Condition | None = None
    """What a conditional model reads first."""


class Said(NamedTuple):
    """What a sequence has grown by."""

    request: int
    """Which one, from 0."""
    tokens: tuple[int, ...]
    ended: bool


def sequences(
    engine: Engine,
    representation: Representation[Any],
    requests: Sequence[Request],
    sampling: Sampling = PLAIN,
    stop: Callable[[], bool] = never,
) -> Iterator[Said]:
    """Tokens of all sequences as they are written, until the grammar has ended each.

    What comes without a choice is fed in one go, with what was drawn before it. A sequence that ends makes room for
    the next one; where an engine gains nothing by writing several at a time, they are written one after the other.

    Args:
        engine: a model over the representation's vocabulary.
        representation: its `start`, `allowed`, `forced` and `step` decide what may follow.
        requests: what is to be written.
        sampling: how it is drawn.
        stop: asked before every step.

    Raises:
        InfeasibleTask: nothing satisfies a task.
        BadRecipe: the model cannot read such a condition.
        Cancelled: `stop` says so.
    """
    most = min(engine.most_rows if isinstance(engine, Batches) else 1, len(requests))
    batch: Batch = engine.batch(most) if isinstance(engine, Batches) else OneByOne(engine)
    waiting, rows = list(reversed(range(len(requests)))), list[_Row]()
    while waiting or rows:
        if stop():
            raise Cancelled("stopped before everything was written")
        while waiting and len(rows) < most:
            number = waiting.pop()
            row = _Row(number, representation, requests[number], sampling)
            yield row.opening()
            if not row.ended:
                batch.open(requests[number].condition)
                rows.append(row)
        if rows:
            yield from _stepped(batch, rows)


def _stepped(batch: Batch, rows: list[_Row]) -> Iterator[Said]:
    """A token more in every row; those that have ended go."""
    logits = batch.feed([row.pending for row in rows], [row.allowed for row in rows])
    for row, of_row in zip(rows, logits, strict=True):
        yield row.grown(of_row)
    for place in reversed(range(len(rows))):
        if rows[place].ended:
            batch.close(place)
            last = rows.pop()
            if place < len(rows):
                rows[place] = last


def sample(
    engine: Engine,
    representation: Representation[Any],
    task: Task,
    *,
    rng: np.random.Generator,
    sampling: Sampling = PLAIN,
    heard: Sequence[int] = (),
    condition: Condition | None = None,
) -> Iterator[int]:
    """Tokens of one sequence as they are written; see `sequences`."""
    for said in sequences(engine, representation, [Request(task, rng, heard, condition)], sampling):
        yield from said.tokens


class _Row:
    """A sequence that is being written."""

    def __init__(self, number: int, representation: Representation[Any], request: Request, sampling: Sampling) -> None:
        self._number, self._representation, self._sampling = number, representation, sampling
        self._heard, self._rng = request.heard, request.rng
        self._state = representation.start(request.task)
        self._redirects = representation if isinstance(representation, Redirects) else None
        self._end = representation.special.eos
        self._repetition = (
            Repetition(units(representation.tokens), sampling.repetition) if sampling.repetition else None
        )
        self.pending: list[int] = []
        """Tokens that the model has not read yet."""
        self.ended = False

    def opening(self) -> Said:
        """What stands before anything is drawn."""
        for token in self._heard:
            self._state = self._representation.step(self._state, token)
        self.ended = self._end in self._heard
        return self._said(tuple(self._heard))

    def grown(self, logits: NDArray[np.float32]) -> Said:
        """Draw a token from logits, shape (vocabulary,), and take what follows from it."""
        if self._redirects:
            logits = self._redirects.redirected(self._state, logits)
        if self._repetition:
            logits = self._repetition.lowered(logits)
        token = draw(logits, self.allowed, self._rng, self._sampling)
        self.pending, self._state = [], self._representation.step(self._state, token)
        self.ended = token == self._end
        return self._said((token,))

    def _said(self, tokens: tuple[int, ...]) -> Said:
        """Tokens that are taken in, and those that follow them without a choice."""
        forced = self._representation.forced(self._state)
        for token in forced:
            self._state = self._representation.step(self._state, token)
        tokens += forced
        self.pending += tokens
        if self._repetition:
            for token in tokens:
                self._repetition.hear(token)
        self.ended = self.ended or self._end in forced
        if not self.ended:
            self.allowed = self._representation.allowed(self._state)
        return Said(self._number, tokens, self.ended)
