"""Note lists: what is compared with the judges, whatever the format.

A list says of every note its part (from 0), onset and duration in quarters, and MIDI pitch. Two lists are equal
when their notes can be paired one to one: same part, same pitch, times at most a tolerance apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

NOTES = np.dtype([("part", np.int32), ("pitch", np.int16), ("onset", np.float64), ("duration", np.float64)])
"""Times in quarters."""

Notes = NDArray[np.void]
GridNote = tuple[int, int, int, int]
"""Part, pitch, onset and duration in units."""

UNITS = 960
"""Per quarter: lists are compared on this grid, first exactly, then within the tolerance."""


class Difference(NamedTuple):
    """A note that one side has and the other lacks."""

    has: str
    """ours or judge."""
    part: int
    pitch: int
    onset: float
    duration: float

    def __str__(self) -> str:
        place = f"part {self.part}, pitch {self.pitch}, onset {self.onset:.3f}, duration {self.duration:.3f}"
        return f"only {self.has}: {place}"


class CannotRead(Exception):
    """A judge gives no answer for a file; its text says why."""


def note_list(rows: Iterable[tuple[int, int, Any, Any]] | Notes) -> Notes:
    """Sorted notes from (part, pitch, onset, duration) in any order."""
    notes = rows if isinstance(rows, np.ndarray) else np.array([tuple(row) for row in rows], NOTES)
    return notes[np.lexsort([notes["duration"], notes["onset"], notes["pitch"], notes["part"]])]


def parts_by_content(notes: Notes) -> Notes:
    """The same notes, the parts numbered in the order of what they play, for judges whose order is their own."""
    played = {part: notes[notes["part"] == part] for part in np.unique(notes["part"]).tolist()}
    order = sorted(played, key=lambda part: played[part][["onset", "pitch", "duration"]].tolist())
    renumbered = notes.copy()
    ranks = {part: rank for rank, part in enumerate(order)}
    renumbered["part"] = [ranks[part] for part in notes["part"].tolist()]
    return note_list(renumbered)


def differences(ours: Notes, judges: Notes, tolerance: int) -> list[Difference]:
    """Notes without a partner on the other side, in the order of time.

    Args:
        ours, judges: NOTES arrays.
        tolerance: greatest distance of onsets and of durations, in units of 1/960 quarter.
    """
    mine, theirs = Counter(_on_grid(ours)), Counter(_on_grid(judges))
    lone, missed = sorted((mine - theirs).elements()), sorted((theirs - mine).elements())
    partners: dict[tuple[int, int], list[GridNote]] = {}
    for note in missed:
        partners.setdefault(note[:2], []).append(note)
    found = [_difference("ours", note) for note in lone if not _take_partner(note, partners, tolerance)]
    found += [_difference("judge", note) for notes in partners.values() for note in notes]
    return sorted(found, key=lambda d: (d.onset, d.part, d.pitch, d.has))


def _on_grid(notes: Notes) -> list[GridNote]:
    onset, duration = (np.rint(notes[name] * UNITS).astype(np.int64).tolist() for name in ("onset", "duration"))
    return list(zip(notes["part"].tolist(), notes["pitch"].tolist(), onset, duration, strict=True))


def _take_partner(note: GridNote, partners: dict[tuple[int, int], list[GridNote]], tolerance: int) -> bool:
    """Whether a note has a partner near by, which is then taken."""
    waiting = partners.get(note[:2], [])
    for index, other in enumerate(waiting):
        if abs(other[2] - note[2]) <= tolerance and abs(other[3] - note[3]) <= tolerance:
            del waiting[index]
            return True
    return False


def _difference(has: str, note: GridNote) -> Difference:
    part, pitch, onset, duration = note
    return Difference(has, part, pitch, onset / UNITS, duration / UNITS)
