"""Training sequences as anticipation makes them: some notes become controls, pieces stand one behind another.

A version of a piece is plain, or has spans of five seconds, notes at random, or some of its instruments given as
controls (Thickstun et al., arXiv:2306.08620). Every row is a flag and 341 triples; times count from its start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from partimento.representations.amt import operations
from partimento.representations.amt.codec import END
from partimento.representations.amt.operations import Mask, Triples
from partimento.representations.amt.vocabulary import (
    ANTICIPATE,
    AUTOREGRESS,
    CONTEXT,
    CONTROL,
    LEAD,
    MAX_INSTRUMENTS,
    MAX_TIME,
    RESOLUTION,
    SEPARATOR,
)
from partimento.representations.base import Ints

SPAN_RATE = 0.05
"""Spans begin this often per second outside of spans, on average."""
RANDOM_RATES = 10
"""A random version has one to nine tenths of the notes as controls."""
MIN_EVENTS = 100
MIN_SECONDS, MAX_SECONDS = 10, 3600

Rng = np.random.Generator


def refusal(events: Ints) -> str | None:
    """Why anticipation would leave a piece out of its training data, None where it would not."""
    seconds = operations.max_time(events)
    if len(events) < 3 * MIN_EVENTS:
        return f"fewer than {MIN_EVENTS} notes"
    if seconds < MIN_SECONDS:
        return f"shorter than {MIN_SECONDS} s"
    if seconds > MAX_SECONDS:
        return f"longer than {MAX_SECONDS} s"
    if len(operations.get_instruments(events)) > MAX_INSTRUMENTS:
        return f"more than {MAX_INSTRUMENTS} instruments"
    return None


def spans(events: Ints, rng: Rng, rate: float = SPAN_RATE) -> tuple[Ints, Ints]:
    """Events and controls, these in spans of five seconds that begin at random; events are sorted by time."""
    rows = operations.triples(events)
    at, given, index = rows[:, 0], np.zeros(len(rows), bool), 0
    while index < len(rows):
        start = int(at[index]) + int(RESOLUTION * rng.exponential(1 / rate))
        first = int(np.searchsorted(at, start))
        if first == len(rows):
            break
        index = int(np.searchsorted(at, int(at[first]) + LEAD))
        given[first:index] = True
    return _divided(rows, given)


def at_random(events: Ints, rng: Rng, share: float) -> tuple[Ints, Ints]:
    """Events and controls, these drawn one by one."""
    rows = operations.triples(events)
    return _divided(rows, rng.random(len(rows)) < share)


def of_instruments(events: Ints, programs: Iterable[int]) -> tuple[Ints, Ints]:
    """Events and controls, these all that some programs play."""
    rows = operations.triples(events)
    return _divided(rows, np.isin(operations.instruments_of(rows), list(programs)))


def _divided(rows: Triples, given: Mask) -> tuple[Ints, Ints]:
    return rows[~given].ravel(), rows[given].ravel() + CONTROL


def _plain(events: Ints, rng: Rng) -> tuple[Ints, Ints]:
    return events, events[:0]


def _some(events: Ints, rng: Rng) -> tuple[Ints, Ints]:
    return at_random(events, rng, int(rng.integers(1, RANDOM_RATES)) / RANDOM_RATES)


def _some_instruments(events: Ints, rng: Rng) -> tuple[Ints, Ints]:
    """At least one instrument as controls, but not all."""
    programs = list(operations.get_instruments(events))
    if len(programs) < 2:
        return _plain(events, rng)
    count = int(rng.integers(1, len(programs)))
    return of_instruments(events, rng.choice(programs, count, replace=False).tolist())


VERSIONS: tuple[Callable[[Ints, Rng], tuple[Ints, Ints]], ...] = (
    _plain, spans, _some, _some, _some, _some, _some_instruments, _some_instruments, _some_instruments,
    _some_instruments,
)  # fmt: skip
"""The versions of a piece, in turn; published models have seen each piece in thirty."""


def version(events: Ints, number: int, rng: Rng) -> Ints:
    """One version of a piece as a sequence of events, rests and controls without a flag; number 0, 10 … is plain."""
    end = int(operations.max_time(events, seconds=False))
    written, given = VERSIONS[number % len(VERSIONS)](events, rng)
    placed, late = operations.anticipate(operations.pad(written, end), given)
    return np.concatenate([placed, late])


def rows(pieces: Iterable[Ints], rng: Rng, *, versions: int = 1, context: int = CONTEXT) -> Iterator[Ints]:
    """Training rows of pieces one behind another, three separators before each; what fills no row is left out.

    A row's flag tells of the version that goes on at its start. Rows that last 100 s or longer cannot be said and
    are left out too.

    Args:
        pieces: events as `Amt.events` gives them, shape (3n,).
        rng: draws what becomes a control.
        versions: how many versions of each piece follow one another, see `VERSIONS`.
        context: length of a row, 1 and a multiple of 3.
    """
    width, waiting, flag = context - 1, np.empty(0, np.int32), AUTOREGRESS
    for events in pieces:
        for number in range(versions):
            own = AUTOREGRESS if number % len(VERSIONS) == 0 else ANTICIPATE
            flag = flag if len(waiting) else own
            waiting = np.concatenate([waiting, END, version(events, number, rng)])
            whole = len(waiting) // width * width
            for body in waiting[:whole].reshape(-1, width):
                if (row := _from_zero(body)) is not None:
                    yield np.concatenate([np.array([flag], np.int32), row])
                flag = own
            waiting = waiting[whole:]


def _from_zero(body: Ints) -> NDArray[np.int32] | None:
    """A row whose first piece begins at time 0; None where times pass 100 s."""
    moved = operations.triples(operations.translate(body, -operations.min_time(body, seconds=False)))
    at = operations.times(moved)[moved[:, 2] != SEPARATOR]
    return None if at.max(initial=0) >= MAX_TIME else moved.ravel()
