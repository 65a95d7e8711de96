"""Our note lists, each as the judge that stands beside it sees the music."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from notelist import NOTES, Notes, note_list, parts_by_content
from numpy.typing import NDArray

from partimento.score import Records, Score

PLAYED_SIGNS = ("forward", "backward", "ending-start", "ending-stop", "ending-discontinue")
"""What abc2midi plays; it takes D.C., D.S. and their like for words."""


def by_channel(score: Score) -> Notes:
    """A part for each track and channel of a MIDI file."""
    return _list(score, score.notes, score.notes["part"])


def by_program(score: Score) -> Notes:
    """A part for each track, channel and program of a MIDI file, in the order of what they play."""
    return parts_by_content(by_channel(score.split_programs()))


def as_written(score: Score) -> Notes:
    """All notes of a page, tied ones one by one, grace and cue notes too."""
    return _list(score, score.notes, None)


def without_graces(score: Score) -> Notes:
    """All notes of a page but the grace notes."""
    return _list(score, score.notes[score.notes["grace"] == 0], None)


def by_voice(score: Score) -> Notes:
    """Sounding notes without grace notes, a part for each voice that has any."""
    score = score.sounding()
    notes = score.notes[score.notes["grace"] == 0]
    return _list(score, notes, notes["part"].astype(np.int64) * 1000 + notes["voice"])


def by_voice_played(score: Score) -> Notes:
    """The same with repeats and endings played."""
    return by_voice(replace(score, repeats=tuple(r for r in score.repeats if r.kind in PLAYED_SIGNS)).unfolded())


def _list(score: Score, notes: Records, labels: NDArray[np.integer] | None) -> Notes:
    """Notes in quarters; where labels are given, parts are counted through those that occur."""
    rows = np.zeros(len(notes), NOTES)
    rows["part"] = notes["part"] if labels is None else np.searchsorted(np.unique(labels), labels)
    rows["pitch"] = notes["pitch"]
    rows["onset"] = notes["onset_tick"] / score.ticks_per_quarter
    rows["duration"] = notes["duration_tick"] / score.ticks_per_quarter
    return note_list(rows)
