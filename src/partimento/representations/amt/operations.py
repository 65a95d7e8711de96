"""Operations on sequences of AMT tokens: what anticipation's `ops.py` offers, on whole arrays at once.

A sequence is an array of ids, shape (3n,): time, duration and note of n events, controls, rests or separators. It
has no flag in front. Times may exceed 100 s here; `anticipation.rows` makes them count from each context's start.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partimento.errors import BadInput
from partimento.representations.amt.vocabulary import (
    CONTROL,
    DURATION,
    LEAD,
    MAX_DURATION,
    NOTE,
    RESOLUTION,
    REST,
    SEPARATOR,
)
from partimento.representations.base import Ints

Triples = NDArray[np.int32]
"""Shape (n, 3)."""
Mask = NDArray[np.bool_]


def triples(ids: ArrayLike) -> Triples:
    """Rows of time, duration, note.

    Raises:
        BadInput: the length is no multiple of three.
    """
    array = np.asarray(ids, np.int32)
    if array.size % 3:
        raise BadInput(f"{array.size} tokens are no whole triples of time, duration and note; see `repaired`")
    return array.reshape(-1, 3)


def times(rows: Triples) -> NDArray[np.int32]:
    """Time of each row in steps, of events and controls alike, shape (n,)."""
    return rows[:, 0] - CONTROL * (rows[:, 2] >= CONTROL)


def _only_events(rows: Triples, what: str) -> Triples:
    if (rows[:, 2] >= CONTROL).any():
        raise BadInput(f"{what} takes events only; separate controls and pieces first")
    return rows


def _until_separator(ids: ArrayLike) -> Triples:
    rows = triples(ids)
    ends = rows[:, 2] == SEPARATOR
    return rows[: int(ends.argmax())] if ends.any() else rows


def _step(value: float, seconds: bool) -> int:
    return int(RESOLUTION * value) if seconds else int(value)


def clip(ids: ArrayLike, start: float, end: float, clip_duration: bool = True, seconds: bool = True) -> Ints:
    """What begins in [start, end]; longer notes end with it, unless `clip_duration` is false."""
    first, last = _step(start, seconds), _step(end, seconds)
    rows = triples(ids)
    rows = rows[(times(rows) >= first) & (times(rows) <= last)]
    if clip_duration:
        release = times(rows) + rows[:, 1] - DURATION - CONTROL * (rows[:, 2] >= CONTROL)
        rows[:, 1] -= np.maximum(release - last, 0)
    return rows.ravel()


def mask(ids: ArrayLike, start: float, end: float) -> Ints:
    """What does not begin in the open interval (start, end), in seconds."""
    rows = triples(ids)
    at = times(rows) / RESOLUTION
    return rows[(at <= start) | (at >= end)].ravel()


def delete(ids: ArrayLike, criterion: Callable[[Triples], Mask]) -> Ints:
    """What a criterion, from rows of shape (n, 3) to truth of shape (n,), does not mark."""
    rows = triples(ids)
    return rows[~criterion(rows)].ravel()


def sort(ids: ArrayLike) -> Ints:
    """Events, or controls, in the order of their times; those of one time stay in order."""
    rows = triples(ids)
    return rows[np.argsort(rows[:, 0], kind="stable")].ravel()


def split(ids: ArrayLike) -> tuple[Ints, Ints]:
    """Events and controls; separators go with the controls, as in anticipation."""
    rows = triples(ids)
    is_event = rows[:, 2] < CONTROL
    return rows[is_event].ravel(), rows[~is_event].ravel()


def combine(events: ArrayLike, controls: ArrayLike) -> Ints:
    """Events, and controls made events, in the order of their times."""
    return sort(np.concatenate([np.asarray(events, np.int32), np.asarray(controls, np.int32) - CONTROL]))


def pad(ids: ArrayLike, end_time: int | None = None, density: int = RESOLUTION) -> Ints:
    """With a rest wherever nothing begins for a second, and so up to `end_time`, in steps.

    Raises:
        BadInput: there are controls or separators.
    """
    rows = _only_events(triples(ids), "pad")
    last = end_time or int(rows[:, 0].max(initial=0))
    behind = np.concatenate([rows, np.array([(last, DURATION, REST)], np.int32)])
    before = np.concatenate([np.zeros(1, np.int32), rows[:, 0]])
    return with_rests(behind, before, density)[0][:-1].ravel()


def with_rests(
    rows: Triples, before: NDArray[np.int32], density: int = RESOLUTION
) -> tuple[Triples, NDArray[np.int64]]:
    """Rows with rests before each, from the time, `before`, of what comes before it; and where each row stands then."""
    rests = np.maximum((rows[:, 0] - before - 1) // density, 0)
    place = np.cumsum(rests + 1, dtype=np.int64) - 1
    if len(place) == 0 or place[-1] == len(rows) - 1:
        return rows, place
    padded = np.empty((int(place[-1]) + 1, 3), np.int32)
    padded[place] = rows
    number = np.arange(len(padded) - len(rows)) - np.repeat(np.cumsum(rests) - rests, rests)
    at = np.repeat(place - rests, rests) + number
    padded[at, 0] = np.repeat(before, rests) + density * (number + 1)
    padded[at, 1], padded[at, 2] = DURATION, REST
    return padded, place


def unpad(ids: ArrayLike) -> Ints:
    """Without rests."""
    return delete(ids, lambda rows: rows[:, 2] == REST)


def anticipate(events: ArrayLike, controls: ArrayLike, delta: int = LEAD) -> tuple[Ints, Ints]:
    """Events with each control before them as soon as their time is no more than `delta` steps before its own.

    Returns:
        The interleaved sequence, and the controls whose time did not come.

    Raises:
        BadInput: among the events are controls or separators.
    """
    notes, given = _only_events(triples(events), "anticipate"), triples(controls)
    if not len(given):
        return notes.ravel().copy(), given.ravel()
    now = np.maximum.accumulate(np.concatenate([np.zeros(1, np.int32), notes[:, 0]]))[: len(notes)]
    due = np.maximum.accumulate(given[:, 0]) - CONTROL - delta
    place = np.searchsorted(now, due)
    placed = int((place < len(notes)).sum())
    return np.insert(notes, place[:placed], given[:placed], axis=0).ravel(), given[placed:].ravel()


def sparsity(ids: ArrayLike) -> int:
    """The longest time, in steps, for which nothing begins.

    Raises:
        BadInput: there are controls.
    """
    rows = triples(ids)
    rows = _only_events(rows[rows[:, 2] != SEPARATOR], "sparsity")
    return int(np.diff(rows[:, 0], prepend=0).max(initial=0))


def _times_of(ids: ArrayLike, instrument: int | None) -> NDArray[np.int32]:
    rows = _until_separator(ids)
    if instrument is not None:
        rows = rows[instruments_of(rows) == instrument]
    return times(rows)


def min_time(ids: ArrayLike, seconds: bool = True, instrument: int | None = None) -> float:
    """When the first piece, or an instrument in it, begins; 0 where nothing does."""
    at = _times_of(ids, instrument)
    first = int(at.min()) if len(at) else 0
    return first / RESOLUTION if seconds else first


def max_time(ids: ArrayLike, seconds: bool = True, instrument: int | None = None) -> float:
    """When the last note of the first piece, or of an instrument in it, begins; 0 where nothing does."""
    last = int(_times_of(ids, instrument).max(initial=0))
    return last / RESOLUTION if seconds else last


def instruments_of(rows: Triples) -> NDArray[np.int32]:
    """Program (128: drums) of each row, shape (n,); beyond 128 for rests and separators."""
    return (rows[:, 2] - NOTE - CONTROL * (rows[:, 2] >= CONTROL)) >> 7


def get_instruments(ids: ArrayLike) -> dict[int, int]:
    """How many notes each program (128: drums) has. Rests are no instrument here; in anticipation they are the 129."""
    rows = triples(ids)
    program = instruments_of(rows[(rows[:, 2] != REST) & (rows[:, 2] < SEPARATOR)])
    found, count = np.unique(program, return_counts=True)
    return dict(zip(found.tolist(), count.tolist(), strict=True))


def translate(ids: ArrayLike, dt: float, seconds: bool = False) -> Ints:
    """The first piece later by `dt`; what stands behind a separator stays.

    Raises:
        BadInput: a time would lie before 0.
    """
    rows = triples(ids).copy()
    first = len(_until_separator(ids))
    rows[:first, 0] += _step(dt, seconds)
    if (times(rows[:first]) < 0).any():
        raise BadInput(f"moved by {dt:g}, the music would begin before its start")
    return rows.ravel()


def stretch(ids: ArrayLike, factor: float) -> Ints:
    """Slower by a factor (2: half the tempo), with times and durations rounded and durations within what can be said.

    Raises:
        BadInput: the factor is not above 0.
    """
    if not factor > 0:
        raise BadInput(f"stretched by {factor:g}: a factor lies above 0")
    rows = triples(ids).copy()
    sounds = rows[:, 2] < SEPARATOR
    twin = CONTROL * (rows[sounds, 2] >= CONTROL)
    at, length = rows[sounds, 0] - twin, rows[sounds, 1] - twin - DURATION
    release = np.rint((at + length) * factor)
    at = np.rint(at * factor).astype(np.int32)
    lengths = np.clip(release.astype(np.int32) - at, np.minimum(length, 1), MAX_DURATION - 1)
    rows[sounds, 0], rows[sounds, 1] = at + twin, lengths + twin + DURATION
    return rows.ravel()
