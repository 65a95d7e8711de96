"""What AMT tokens can say of a score: notes of an instrument, in steps of 10 ms; no beat, no tempo, no loudness."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from partimento.representations.amt.vocabulary import (
    MAX_DURATION,
    MAX_INSTRUMENTS,
    MAX_STRUCK,
    MAX_TIME,
    UNKNOWN_DURATION,
)
from partimento.representations.base import Longs, Loss, Losses, Mask
from partimento.representations.timed import RESOLUTION, beatless, by_entry, places, programs_of
from partimento.score import Score

_LATEST = 20 * 365 * 24 * 3600 * RESOLUTION


class Notes(NamedTuple):
    """Notes in steps of 10 ms, sorted by onset, entry of the instrument, pitch, duration; columns of shape (n,)."""

    onset: Longs
    duration: Longs
    program: Longs
    """128: drums."""
    pitch: Longs
    note_id: Longs

    def take(self, which: Longs | Mask | slice) -> Notes:
        """Some of the notes."""
        return Notes(*(column[which] for column in self))

    def from_steps(self, starts: Longs, sections: Longs) -> Notes:
        """The same notes, time counted from the start of the section of each, sorted anew in each section.

        Args:
            starts: step at which each section starts, shape (s,).
            sections: section of each note, ascending, shape (n,); in each, instruments enter in an order of their own.
        """
        onset, duration, program, pitch, _ = moved = self._replace(onset=self.onset - starts[sections])
        place = _entries(program, sections)
        when = sections * (onset.max(initial=0) + 1) + onset
        key = (((when << 4) + place << 7) + pitch << 10) + duration
        return moved.take(_ascending(key))


def quantise(score: Score) -> tuple[Score, Losses]:
    """The score that the tokens of one sequence stand for, its first 100 seconds, and what they leave out."""
    notes, losses = performed(score)
    late = int(np.searchsorted(notes.onset, MAX_TIME))
    losses += _lost("note behind 100 s", notes.note_id[late:])
    return as_score(notes.take(slice(late))), losses


def performed(score: Score) -> tuple[Notes, Losses]:
    """What the tokens of a whole piece stand for, however long, and what they leave out.

    Onsets and releases go to the nearest 10 ms; notes sound for 10 ms at least and 9.99 s at most. Grace notes
    are left out, and so is what begins together with 64 others or is played by a seventeenth instrument. There is
    one part to an instrument, in the order of their entries.
    """
    sounding = score.sounding().split_programs()
    notes = sounding.notes
    onset, duration = _times(sounding)
    cut = int(np.count_nonzero(duration >= MAX_DURATION))
    losses: Losses = (Loss(f"{cut} notes sound for 9.99 s only"),) if cut else ()
    program = programs_of(sounding)[notes["part"]]
    pitch, duration = notes["pitch"].astype(np.int64), np.minimum(duration, MAX_DURATION - 1)
    found = Notes(onset, duration, program, pitch, notes["note_id"])
    order = _ascending((onset << 15) + notes["part"])
    found, grace = found.take(order), notes["grace"][order] > 0
    for what, find in (("grace note", None), ("seventeenth instrument", _surplus), ("more than 64 at once", _crowd)):
        lost = grace if find is None else find(found)
        if lost.any():
            losses += _lost(what, found.note_id[lost])
            found = found.take(~lost)
    return found.from_steps(np.zeros(1, np.int64), np.zeros(len(found.onset), np.int64)), losses


def steps(score: Score, ticks: Longs) -> Longs:
    """Nearest steps of 10 ms of some ticks; what is absurdly late counts as 20 years."""
    return np.minimum(np.rint(score.seconds_at(ticks) * RESOLUTION), _LATEST).astype(np.int64)


def _times(score: Score) -> tuple[Longs, Longs]:
    """Onset and duration of each note in steps; a note whose length nobody states sounds for 250 ms."""
    start, length = score.notes["onset_tick"], score.notes["duration_tick"]
    onset, release = steps(score, np.stack([start, start + length]))
    return onset, np.where(length > 0, np.maximum(release - onset, 1), UNKNOWN_DURATION)


def _lost(what: str, note_ids: Longs) -> Losses:
    return tuple(Loss(what, note_id) for note_id in note_ids.tolist())


def _surplus(notes: Notes) -> Mask:
    """Notes of all instruments but the first sixteen to enter."""
    surplus = by_entry(notes.program)[MAX_INSTRUMENTS:]
    return np.isin(notes.program, surplus) if len(surplus) else _none(notes)


def _crowd(notes: Notes) -> Mask:
    """Notes that begin together with 64 before them."""
    crowd = _none(notes)
    crowd[MAX_STRUCK:] = notes.onset[MAX_STRUCK:] == notes.onset[:-MAX_STRUCK]
    return crowd


def _none(notes: Notes) -> Mask:
    return np.zeros(len(notes.onset), bool)


def _entries(program: Longs, sections: Longs) -> Longs:
    """How many instruments have entered in its section before that of each note, shape (n,)."""
    if not len(program) or (program == program[0]).all():
        return np.zeros_like(program)
    played = by_entry(program)
    place, shape = places(program, played), (int(sections.max(initial=-1)) + 1, len(played))
    first, at = np.full(shape, len(program)), sections * len(played) + place
    np.minimum.at(first.ravel(), at, np.arange(len(program)))
    return first.argsort(axis=1).argsort(axis=1).ravel()[at]


def _ascending(key: Longs) -> Longs | slice:
    """How to sort by a key; mostly all is sorted already, and sorting would take longer than looking."""
    return slice(None) if (key[1:] >= key[:-1]).all() else np.argsort(key, kind="stable")


def as_score(notes: Notes) -> Score:
    """A score without a beat whose tick is a step."""
    onset, duration, program, pitch, note_id = notes
    return beatless(onset, duration, program, pitch, note_id, by_entry(program))
