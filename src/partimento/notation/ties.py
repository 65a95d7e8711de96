"""Cutting notes into tied ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from partimento.score import Records

NEW_ID = -1
"""Id of the pieces of a note behind the first, until `numbered` gives them one."""


def cut(notes: Records, cuts: Mapping[int, Sequence[int]]) -> Records:
    """The notes, those at the given indices cut at the given ticks (ascending, inside the note) and tied.

    The first piece keeps the note's id.
    """
    pieces: list[Records] = [notes[np.setdiff1d(np.arange(len(notes)), list(cuts))]]
    for index, ticks in cuts.items():
        note = notes[index]
        edges = np.array([note["onset_tick"], *ticks, note["onset_tick"] + note["duration_tick"]])
        chain = np.repeat(notes[index : index + 1], len(edges) - 1)
        chain["onset_tick"], chain["duration_tick"] = edges[:-1], np.diff(edges)
        chain["tied"][:-1] = True
        chain["note_id"][1:] = NEW_ID
        pieces.append(chain)
    return np.concatenate(pieces)


def numbered(notes: Records, first_free_id: int) -> Records:
    """The notes with ids for those that have none, from `first_free_id` upwards."""
    notes = notes.copy()
    new = np.flatnonzero(notes["note_id"] == NEW_ID)
    notes["note_id"][new] = np.arange(first_free_id, first_free_id + len(new))
    return notes
