"""Which notes bear which marks; a mark on one note of a chord holds for the chord."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partimento.score import Records, Score

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a score's notes; rows are indices into its `notes`."""

    chord: Ints
    """Chord of each note: notes of one voice that begin together (grace notes one by one), counted from 0."""
    on_note: dict[str, dict[int, str]]
    """Kind ▶ row of the note that bears it ▶ what follows the colon."""

    def rows(self, *kinds: str) -> Bools:
        """Which notes belong to a chord that bears one of the marks, shape (notes,)."""
        bearing = [row for kind in kinds for row in self.on_note.get(kind, ())]
        marked = np.zeros(int(self.chord.max(initial=-1)) + 1, bool)
        marked[self.chord[bearing]] = True
        return marked[self.chord]

    def values(self, values: Mapping[str, float], default: float) -> Floats:
        """For each note the value of the mark that its chord bears, the last in `values` where there are several."""
        found = np.full(len(self.chord), default)
        for kind, value in values.items():
            if kind in self.on_note:
                found[self.rows(kind)] = value
        return found


def marks_of(score: Score, kinds: Collection[str] = ()) -> Marks:
    """The marks of a score, those of some kinds where kinds are given; cue notes bear none."""
    notes = score.notes
    row_of = {note_id: row for row, note_id in enumerate(notes["note_id"].tolist())} if score.marks else {}
    on_note: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for mark in score.marks:
        kind, _, text = mark.kind.partition(":")
        row = row_of.get(mark.note_id)
        if row is not None and not notes["cue"][row] and (not kinds or kind in kinds):
            on_note[kind][row] = f"{on_note[kind][row]} {text}" if row in on_note[kind] else text
    return Marks(chords_of(notes), dict(on_note))


def chords_of(notes: Records) -> Ints:
    """Index of the chord of each note, from 0."""
    columns = [notes[name].astype(np.int64) for name in ("grace", "onset_tick", "voice", "part")]
    order = np.lexsort(columns)
    is_new = np.zeros(len(notes), bool)
    for column in columns:
        is_new[1:] |= np.diff(column[order]) != 0
    chord = np.empty(len(notes), np.int64)
    chord[order] = np.cumsum(is_new)
    return chord
