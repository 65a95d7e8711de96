"""Long performances cut into windows that each fit a budget of tokens."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from partimento.representations.blocks import Vocabulary
from partimento.representations.performance.codec import encode_events
from partimento.representations.performance.quantise import Performed


def cut(notes: Performed, vocabulary: Vocabulary, room: int) -> Iterator[tuple[Performed, int, bool, bool]]:
    """Runs of notes whose events take at most `room` tokens, where each begins, and whether it opens and ends midway.

    Time counts from the first note of a window; notes that still sound where the next one begins end there. Where not
    even the notes of one instant fit until then, they end earlier, and if they fit nowhere they are left out.
    """
    if len(encode_events(notes, vocabulary)[0]) <= room:
        yield notes, 0, False, False
        return
    piece = _Piece(notes, vocabulary, room)
    first, last = 0, len(piece.starts)
    while first < last:
        stop, window = piece.longest(first)
        if window is not None:
            yield window, int(piece.starts[first]), first > 0, stop < last
        first = stop


class _Piece:
    """Notes by the instants at which some begin: `starts`, and `edges`, where the piece ends behind them."""

    def __init__(self, notes: Performed, vocabulary: Vocabulary, room: int) -> None:
        self._notes = notes.take(np.argsort(notes.onset, kind="stable"))
        self._vocabulary, self._room = vocabulary, room
        self.starts, first = np.unique(self._notes.onset, return_index=True)
        self._bounds = np.append(first, len(notes.onset))
        self._edges = np.append(self.starts, notes.release.max())
        ids, step = encode_events(notes, vocabulary)
        low, high = vocabulary.span("TimeShift")
        shifts = step[(ids >= low) & (ids < high)]
        now = np.searchsorted(shifts, self._edges, "right") - np.searchsorted(shifts, self._edges)
        # tokens up to each edge, the time shifts to it included
        self._before = np.searchsorted(step, self._edges) + now
        held = np.searchsorted(self._notes.onset, self._edges) - np.searchsorted(np.sort(notes.release), self._edges)
        # what ends the notes held there, and about what states their programs
        self._closing = 2 * held

    def longest(self, first: int) -> tuple[int, Performed | None]:
        """The longest window from an instant on that fits, and where it stops; None where not even one instant does."""
        likely = self._before[first + 1 :] - self._before[first] + self._closing[first + 1 :]
        share = self._room
        while (likely <= share).any():
            stop = first + 1 + int(np.flatnonzero(likely <= share)[-1])
            window = self._window(first, stop, int(self._edges[stop]))
            excess = self._cost(window) - self._room
            if excess <= 0:
                return stop, window
            share -= excess  # in a window programs enter in an order of its own, which may cost more
        return first + 1, self._shortened(first)

    def _shortened(self, first: int) -> Performed | None:
        """The notes of an instant, which end as late as they may."""
        start = int(self.starts[first])
        low, high = start, int(self._edges[first + 1]) + 1
        while high - low > 1:
            middle = (low + high) // 2
            fits = self._cost(self._window(first, first + 1, middle)) <= self._room
            low, high = (middle, high) if fits else (low, middle)
        return self._window(first, first + 1, low) if low > start else None

    def _window(self, first: int, stop: int, end: int) -> Performed:
        """The notes that begin from one instant to before another, and end at a step at the latest."""
        notes = self._notes.take(np.arange(self._bounds[first], self._bounds[stop]))
        start = self.starts[first]
        moved = {"onset": notes.onset - start, "release": np.minimum(notes.release, end) - start}
        return Performed(**(vars(notes) | moved))

    def _cost(self, notes: Performed) -> int:
        return len(encode_events(notes, self._vocabulary)[0])
