"""Long performances cut into windows that each fit a budget of tokens."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from partimento.representations.blocks import Vocabulary
from partimento.representations.performance.codec import encode_events
from partimento.representations.performance.quantise import Longs, Performed


def cut(notes: Performed, vocabulary: Vocabulary, room: int) -> Iterator[tuple[Performed, bool, bool]]:
    """Runs of notes whose events take at most `room` tokens, with whether each opens and ends midway.

    Time counts from the first note of a window; notes that still sound where the next one begins end there. Where not
    even the notes of one instant fit until then, they end earlier, and if they fit nowhere they are left out.
    """
    if _cost(notes, vocabulary) <= room:
        yield notes, False, False
        return
    notes = notes.take(np.argsort(notes.onset, kind="stable"))
    starts, first = np.unique(notes.onset, return_index=True)
    edges = np.append(starts, notes.release.max())
    bounds = np.append(first, len(notes.onset))
    before, closing = _costs(notes, vocabulary, edges)
    index = 0
    while index < len(starts):
        likely = before[index + 1 :] - before[index] + closing[index + 1 :]
        start, stop, share = int(starts[index]), index + 1, room
        while (likely <= share).any():
            stop = index + 1 + int(np.flatnonzero(likely <= share)[-1])
            window = _placed(notes.take(np.arange(bounds[index], bounds[stop])), start, int(edges[stop]))
            excess = _cost(window, vocabulary) - room
            if excess <= 0:
                yield window, index > 0, stop < len(starts)
                break
            share -= excess
        else:
            stop = index + 1
            window = notes.take(np.arange(bounds[index], bounds[stop]))
            end = _latest_end(window, vocabulary, int(edges[stop]), room)
            if end > start:
                yield _placed(window, start, end), index > 0, stop < len(starts)
        index = stop


def _costs(notes: Performed, vocabulary: Vocabulary, edges: Longs) -> tuple[Longs, Longs]:
    """Tokens up to each edge, time shifts to it included, and about what ends all notes that sound there.

    In a window, other programs may be the first to enter, and the order at one instant is theirs; hence "about".
    """
    ids, step = encode_events(notes, vocabulary)
    low, high = vocabulary.span("TimeShift")
    is_shift = (ids >= low) & (ids < high)
    before = np.searchsorted(step, edges) + np.searchsorted(step[is_shift], edges, "right")
    before -= np.searchsorted(step[is_shift], edges)
    sounding = np.searchsorted(notes.onset, edges) - np.searchsorted(np.sort(notes.release), edges)
    return before, 2 * sounding


def _latest_end(notes: Performed, vocabulary: Vocabulary, end: int, room: int) -> int:
    """Where notes that begin together have to end at the latest to fit; where they begin, if they never do."""
    start = int(notes.onset[0])
    low, high = start, end + 1
    while high - low > 1:
        middle = (low + high) // 2
        fits = _cost(_placed(notes, start, middle), vocabulary) <= room
        low, high = (middle, high) if fits else (low, middle)
    return low


def _cost(notes: Performed, vocabulary: Vocabulary) -> int:
    return len(encode_events(notes, vocabulary)[0])


def _placed(notes: Performed, start: int, end: int) -> Performed:
    """Notes that end at a step at the latest, with time counted from another."""
    release = np.minimum(notes.release, end) - start
    return Performed(**(vars(notes) | {"onset": notes.onset - start, "release": release}))
