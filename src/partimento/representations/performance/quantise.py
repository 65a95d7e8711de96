"""What `performance` can say of a score: notes of a program, each pitch once at a time, in steps of 10 ms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partimento.representations import timed
from partimento.representations.base import Longs, Loss, Losses, Mask
from partimento.representations.blocks import VELOCITIES, velocity_members
from partimento.representations.timed import RESOLUTION, beatless, programs_of
from partimento.score import Score
from partimento.score.controllers import PEDAL, SOSTENUTO, held_by_pedals
from partimento.theory.instrument import DRUMS

MAX_TIME = 24 * 60 * 60 * RESOLUTION
"""Where the longest piece ends, in steps."""
MAX_SOUNDING = 64
"""Most notes that sound at once."""


@dataclass(frozen=True)
class Performed:
    """Notes as columns of shape (n,), in any order."""

    onset: Longs
    """In steps."""
    release: Longs
    program: Longs
    """128 for drums."""
    pitch: Longs
    velocity: Longs
    """Index into `VELOCITIES`."""
    note_id: Longs
    rank: Longs
    """What decides between programs that enter together: the first part that plays each."""

    def take(self, index: Longs | Mask) -> Performed:
        """Some of the notes."""
        return Performed(*(column[index] for column in vars(self).values()))


def quantise(score: Score) -> tuple[Score, Losses]:
    """The score that the tokens stand for, and what they leave out.

    Onsets and releases go to the nearest 10 ms, velocities to the nearest of 32. There is a part for each program, in
    the order in which they enter. Grace notes are left out, notes that another one of the same program and pitch
    doubles (the longest stays), what would sound as the 65th at once, and what comes after a day. A note that is
    struck again while it sounds ends there. What a pedal holds sounds until it is lifted or the pitch is struck again,
    as in Oore et al. All notation is gone, beats and tempi too: they have become time.
    """
    notes, losses = performed(score)
    return as_score(notes), losses


def performed(score: Score) -> tuple[Performed, Losses]:
    """The notes of a score in steps, and what is left out of it; see `quantise`."""
    sounding = score.sounding().split_programs()
    notes = _columns(sounding)
    grace, late = notes.release < 0, notes.onset >= MAX_TIME
    losses = _lost("grace note", notes, grace) + _lost("note behind 24 hours", notes, late & ~grace)
    notes = notes.take(~(grace | late))
    notes, doubled = one_at_a_time(notes)
    notes, held = _held(sounding, notes)
    losses += [Loss(f"pedal, but for the length of {held} notes")] if held else []
    crowd = _crowd(notes)
    return notes.take(~crowd), (*losses, *doubled, *_lost(f"note beyond {MAX_SOUNDING} at once", notes, crowd))


def one_at_a_time(notes: Performed) -> tuple[Performed, list[Loss]]:
    """Notes of which no two of one program and pitch sound together, and what is left out for it.

    Of those that begin together the longest stays; others end where the next one begins.
    """
    notes = notes.take(np.lexsort((notes.note_id, notes.velocity, notes.release, notes.onset, _voice(notes))))
    doubled = _is_doubled(notes)
    kept, losses = notes.take(~doubled), _lost("note that another doubles", notes, doubled)
    kept, cut = _ended_where_struck_again(kept)
    return kept, losses + [Loss("end of a note that is struck again")] * cut


def _columns(score: Score) -> Performed:
    """All notes in steps; grace notes are released at −1."""
    notes = score.notes
    programs = programs_of(score)
    program = programs[notes["part"]]
    first = np.full(DRUMS + 1, len(programs))
    np.minimum.at(first, programs, np.arange(len(programs)))
    onset = _steps(score, notes["onset_tick"])
    release = np.maximum(_steps(score, notes["onset_tick"] + notes["duration_tick"]), onset + 1)
    return Performed(
        onset, np.where(notes["grace"] > 0, -1, release), program, notes["pitch"].astype(np.int64),
        velocity_members(notes["velocity"]), notes["note_id"], first[program],
    )  # fmt: skip


def _steps(score: Score, ticks: Longs) -> Longs:
    return _nearest(score.seconds_at(ticks))


def _nearest(seconds: NDArray[np.float64]) -> Longs:
    """Nearest step, halves upwards; a day at most."""
    return np.floor(np.minimum(seconds * RESOLUTION, MAX_TIME) + 0.5).astype(np.int64)


def _lost(what: str, notes: Performed, mask: Mask) -> list[Loss]:
    return [Loss(what, note_id) for note_id in notes.note_id[mask].tolist()]


def _voice(notes: Performed) -> Longs:
    """One number for each program and pitch."""
    return notes.program * 128 + notes.pitch


def _is_doubled(notes: Performed) -> Mask:
    """Which of the sorted notes are followed by one of the same program, pitch and onset."""
    voice = _voice(notes)
    return np.r_[(voice[1:] == voice[:-1]) & (notes.onset[1:] == notes.onset[:-1]), np.zeros(min(len(voice), 1), bool)]


def _ended_where_struck_again(notes: Performed) -> tuple[Performed, int]:
    """Sorted notes that end where the next one of the same program and pitch begins, and how many were cut."""
    voice, release = _voice(notes), notes.release.copy()
    same = np.flatnonzero(voice[1:] == voice[:-1])
    cut = same[release[same] > notes.onset[same + 1]]
    release[cut] = notes.onset[cut + 1]
    return Performed(**(vars(notes) | {"release": release})), len(cut)


def _held(score: Score, notes: Performed) -> tuple[Performed, int]:
    """Sorted notes that sound as long as pedals hold them, and how many do so."""
    if not np.isin(score.controls["number"], (PEDAL, SOSTENUTO)).any():
        return notes, 0
    on, ticks = score.notes["onset_tick"], score.notes["duration_tick"]
    until = held_by_pedals(score, score.seconds_at(on), score.seconds_at(on + ticks))
    ids = np.argsort(score.notes["note_id"])
    place = ids[np.searchsorted(score.notes["note_id"][ids], notes.note_id)]
    release = np.maximum(notes.release, _nearest(until[place]))
    same = np.flatnonzero(np.diff(_voice(notes)) == 0)
    release[same] = np.minimum(release[same], notes.onset[same + 1])
    return Performed(**(vars(notes) | {"release": release})), int((release > notes.release).sum())


def _crowd(notes: Performed) -> Mask:
    """Notes that begin while as many as may sound do, in the order of entry."""
    crowd = np.zeros(len(notes.onset), bool)
    order = np.argsort(notes.onset, kind="stable")
    ends = np.sort(notes.release)
    ordinal = np.arange(1, len(order) + 1)
    if not (ordinal - np.searchsorted(ends, notes.onset[order], "right") > MAX_SOUNDING).any():
        return crowd
    sounding: list[int] = []
    for index in order.tolist():
        sounding = [release for release in sounding if release > notes.onset[index]]
        crowd[index] = len(sounding) >= MAX_SOUNDING
        if not crowd[index]:
            sounding.append(int(notes.release[index]))
    return crowd


def as_score(notes: Performed) -> Score:
    """A score without a beat whose tick is a step."""
    duration, velocity = notes.release - notes.onset, np.array(VELOCITIES)[notes.velocity]
    played = by_entry(notes)
    return beatless(notes.onset, duration, notes.program, notes.pitch, notes.note_id, played, velocity)


def by_entry(notes: Performed) -> Longs:
    """The programs that play, in the order in which they enter; together, in that of their parts."""
    return timed.by_entry(notes.program[np.lexsort((notes.rank, notes.onset))])
