"""How the notes of a part share a measure: chords, and overlays for those that overlap.

Notes are cut at barlines. Those of a part that begin and end together, and are all tied on or all not, are one
chord; chords stand in the order of onset, the longest first. Each goes to the first overlay that is free, so that a
melody needs one, and only what overlaps needs more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from partimento.representations.base import Longs, Mask
from partimento.score import Score


@dataclass(frozen=True)
class Events:
    """Notes and chords in the order in which they are written; times in steps from their measure's start."""

    measure: Longs
    part: Longs
    lane: Longs
    onset: Longs
    release: Longs
    tied: Mask
    count: Longs
    """Notes of each."""
    pitch: Longs
    """Of all notes, event by event, lowest first."""
    spelling: Longs

    @property
    def opens_lane(self) -> Mask:
        """Which are the first of their overlay."""
        changed = (np.diff(self.measure) != 0) | (np.diff(self.part) != 0) | (np.diff(self.lane) != 0)
        return np.r_[True, changed]


def events_of(score: Score) -> Events:
    """The notes of a quantised score, of which there is at least one."""
    pieces = _pieces(score)
    order = np.lexsort([pieces[name] for name in ("pitch", "is_last", "backwards", "onset", "part", "measure")])
    pieces = {name: column[order] for name, column in pieces.items()}
    changed = np.zeros(len(order) - 1, bool)
    for name in ("measure", "part", "onset", "backwards", "is_last"):
        changed |= np.diff(pieces[name]) != 0
    first = np.flatnonzero(np.r_[True, changed])
    count = np.diff(first, append=len(order))
    events = {name: column[first] for name, column in pieces.items()}
    lane = _lanes(events)
    order = np.lexsort([events["onset"], lane, events["part"], events["measure"]])
    notes = np.repeat(first[order], count[order]) + _counting(count[order])
    measure, part, onset, release, is_last = (
        events[name][order] for name in ("measure", "part", "onset", "release", "is_last")
    )
    pitch, spelling = pieces["pitch"][notes], pieces["spelling"][notes]
    return Events(measure, part, lane[order], onset, release, is_last == 0, count[order], pitch, spelling)


def _counting(counts: Longs) -> Longs:
    """0, 1, … for each count, one after the other."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def _pieces(score: Score) -> dict[str, Longs]:
    """Columns of the pieces into which barlines cut notes."""
    notes, starts = score.notes, score.measures["onset_tick"]
    begin = notes["onset_tick"]
    end = begin + notes["duration_tick"]
    first, last = score.measure_at(begin), score.measure_at(end - 1)
    times = last - first + 1
    note = np.repeat(np.arange(len(notes)), times)
    measure = first[note] + _counting(times)
    release = np.minimum(end[note] - starts[measure], score.measures["duration_tick"][measure])
    return {
        "measure": measure,
        "onset": np.maximum(begin[note] - starts[measure], 0),
        "release": release,
        "backwards": -release,
        "is_last": (measure == last[note]).astype(np.int64),
        **{name: notes[name][note].astype(np.int64) for name in ("part", "pitch", "spelling")},
    }


def _lanes(events: dict[str, Longs]) -> Longs:
    """The overlay of each event, 0 for the first; events are sorted by measure, part and onset."""
    onset, release = events["onset"], events["release"]
    lane = np.zeros(len(onset), np.int64)
    segment = np.cumsum(np.r_[0, (np.diff(events["measure"]) != 0) | (np.diff(events["part"]) != 0)])
    overlaps = (onset[1:] < release[:-1]) & (segment[1:] == segment[:-1])
    crowded = np.zeros(segment[-1] + 1, bool)
    crowded[segment[1:][overlaps]] = True
    rows = np.flatnonzero(crowded[segment])
    current, free_at = -1, list[int]()
    for row, at, begin, end in zip(rows.tolist(), *(c[rows].tolist() for c in (segment, onset, release)), strict=True):
        if at != current:
            current, free_at = at, []
        place = next((index for index, free in enumerate(free_at) if free <= begin), len(free_at))
        free_at[place : place + 1] = [end]
        lane[row] = place
    return lane
