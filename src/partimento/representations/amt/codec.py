"""Between performed notes and AMT tokens, and where a long piece is cut."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partimento.errors import BadInput
from partimento.representations.amt import operations
from partimento.representations.amt.operations import Triples
from partimento.representations.amt.quantise import Notes, as_score
from partimento.representations.amt.vocabulary import (
    AUTOREGRESS,
    CONTROL,
    DURATION,
    MAX_TIME,
    NOTE,
    RESOLUTION,
    REST,
    SEPARATOR,
    SIZE,
)
from partimento.representations.base import Ints
from partimento.score import Score

END = np.full(3, SEPARATOR, np.int32)
"""What closes a piece."""
_FLAG = np.array([AUTOREGRESS], np.int32)
_TIME, _DURATION, _NOTE, _REST, _CONTROL, _OTHER = 0, 1, 2, 3, 4, 9
_LONGEST_LEAD = 10 * RESOLUTION
_LATEST = np.iinfo(np.int32).max - SIZE


def events(notes: Notes) -> Ints:
    """Notes without rests and flags, shape (3n,); times count on beyond 100 s.

    Raises:
        BadInput: the last one lies months behind the first.
    """
    if len(notes.onset) and notes.onset[-1] > _LATEST:
        raise BadInput(f"a note begins after {notes.onset[-1] // RESOLUTION:,} s: mend the tempi of this piece")
    rows = np.empty((len(notes.onset), 3), np.int32)
    rows[:, 0], rows[:, 1] = notes.onset, notes.duration + DURATION
    rows[:, 2] = (notes.program << 7) + notes.pitch + NOTE
    return rows.ravel()


def encode(notes: Notes, ends: bool) -> Ints:
    """Flag, events with rests, and three separators where the piece ends."""
    return np.concatenate([_FLAG, operations.pad(events(notes)), END if ends else END[:0]])


class Cuts(NamedTuple):
    """Sections of the notes of a piece, one behind another; columns of shape (s,)."""

    first: NDArray[np.int64]
    """Index of the first note."""
    last: NDArray[np.int64]
    """Index behind the last note."""
    start: NDArray[np.int64]
    """Step from which time counts."""

    def of(self, notes: Notes) -> tuple[Notes, NDArray[np.int64]]:
        """All their notes, in their own time and order, and the section of each."""
        sections = np.repeat(np.arange(len(self.first)), self.last - self.first)
        return notes.take(slice(0, len(sections))).from_steps(self.start, sections), sections


def cuts(notes: Notes, budget: int, ends_midway: bool) -> Cuts:
    """Sections that each fit 100 s and the budget.

    The first counts from the start of the piece, unless it is long silent; the others from their first note.
    """
    onset, found = notes.onset, list[tuple[int, int, int]]()
    room, first = (budget - 1) // 3, 0
    earlier = np.concatenate([np.zeros(1, np.int64), onset])[:-1]
    rests = np.maximum((onset - earlier - 1) // RESOLUTION, 0)
    cost = np.cumsum(rests + 1)  # triples up to and with each note
    while first < len(onset) and room > 0:
        start = int(onset[first])
        before = int(cost[first]) - 1  # triples before this note, its rests too
        if first == 0 and start <= _LONGEST_LEAD and before < room // 2:
            start = before = 0
        last = min(int(onset.searchsorted(start + MAX_TIME)), int(cost.searchsorted(before + room, side="right")))
        if last == len(onset) and not ends_midway and int(cost[-1]) - before >= room:  # no room for the separators
            last -= 1
        if last <= first:
            break
        found.append((first, last, start))
        first = last
    return Cuts(*np.array(found, np.int64).reshape(-1, 3).T)


def encode_sections(notes: Notes, sections: Cuts, ends: bool) -> Iterator[Ints]:
    """What `encode` makes of each section, all made at once; `ends` is said of the last."""
    inside, _ = sections.of(notes)
    rows = operations.triples(events(inside))
    before = np.concatenate([np.zeros(1, np.int32), rows[:-1, 0]])[: len(rows)]
    before[sections.first] = 0
    padded, place = operations.with_rests(rows, before)
    edges = [0, *(place[sections.last - 1] + 1).tolist()]
    for number, (low, high) in enumerate(pairwise(edges)):
        is_last = ends and number == len(edges) - 2
        yield np.concatenate([_FLAG, padded[low:high].ravel(), END if is_last else END[:0]])


def repaired(ids: ArrayLike) -> tuple[Ints, int]:
    """The whole triples of any ids of AMT, and how many tokens had to be dropped; see `Amt.repaired`."""
    array = np.asarray(ids, np.int64).ravel()
    opens = len(array) > 0 and array[0] in (AUTOREGRESS, AUTOREGRESS + 1)
    array = array[int(opens) :]
    at, ends = _starts(_kinds(array)), np.flatnonzero(array == SEPARATOR)
    bare = len(array) - 3 * len(at) - len(ends)
    runs = ends[np.diff(ends, prepend=-2) > 1]
    rows = np.concatenate([array[at[:, None] + np.arange(3)], np.full((len(runs), 3), SEPARATOR)])
    order = np.argsort(np.concatenate([at, runs]), kind="stable")
    return rows[order].astype(np.int32).ravel(), bare


def _kinds(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which kind of token each id is; twins are higher by `_CONTROL`."""
    twin = (ids >= CONTROL) & (ids < SEPARATOR)
    plain = ids - CONTROL * twin
    kind = np.searchsorted([DURATION, NOTE, REST, REST + 1], plain, side="right")
    return np.where((ids < 0) | (ids >= SEPARATOR), _OTHER, kind + _CONTROL * twin)


def _starts(kinds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where whole triples begin."""
    if len(kinds) < 3:
        return np.empty(0, np.int64)
    first, second, third = kinds[:-2], kinds[1:-1], kinds[2:]
    is_event = (first == _TIME) & (second == _DURATION) & ((third == _NOTE) | (third == _REST))
    is_control = (first == _CONTROL) & (second == _CONTROL + _DURATION) & (third == _CONTROL + _NOTE)
    return np.flatnonzero(is_event | is_control)


def decode(ids: ArrayLike) -> Score:
    """The score of whole triples, events and controls together; pieces follow where the one before has ended."""
    return performance(_consecutive(operations.triples(ids)))


def performance(rows: Triples) -> Score:
    """The score of events and controls, shape (n, 3), in any order, without separators."""
    time, duration, note = rows[rows[:, 2] != REST].astype(np.int64).T
    twin = CONTROL * (note >= CONTROL)
    order = np.argsort(time - twin, kind="stable")
    time, duration, note = ((column - twin)[order] for column in (time, duration, note))
    program, pitch = np.divmod(note - NOTE, 128)
    return as_score(Notes(time, np.maximum(duration - DURATION, 1), program, pitch, np.arange(len(order))))


def _consecutive(rows: Triples) -> Triples:
    """Rows without separators, each piece later by the ends of those before it."""
    is_end = rows[:, 2] == SEPARATOR
    if not is_end.any():
        return rows
    piece = np.cumsum(is_end)[~is_end]
    rows = rows[~is_end]
    twin = CONTROL * (rows[:, 2] >= CONTROL)
    release = rows[:, 0] + rows[:, 1] - 2 * twin - DURATION
    longest = np.zeros(int(is_end.sum()) + 1, np.int64)
    np.maximum.at(longest, piece, release)
    rows[:, 0] += (np.cumsum(longest) - longest)[piece]
    return rows
