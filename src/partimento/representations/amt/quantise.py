"""What AMT tokens can say of a score: notes of an instrument, in steps of 10 ms; no beat, no tempo, no loudness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partimento.representations.amt.vocabulary import (
    MAX_DURATION,
    MAX_INSTRUMENTS,
    MAX_STRUCK,
    MAX_TIME,
    RESOLUTION,
    UNKNOWN_DURATION,
)
from partimento.representations.base import Loss, Losses
from partimento.score import NOTE, Part, Score
from partimento.theory.instrument import DRUMS, instrument_name
from partimento.theory.pitch import UNSPELLED

TICKS_PER_QUARTER = RESOLUTION // 2
"""At the 120 bpm of a score without tempo, a tick is a step."""

Longs = NDArray[np.int64]
Mask = NDArray[np.bool_]


def quantise(score: Score) -> tuple[Score, Losses]:
    """The score that the tokens of one sequence stand for, its first 100 seconds, and what they leave out."""
    whole, losses = performed(score)
    onset = whole.notes["onset_tick"]
    if not len(onset) or onset[-1] < MAX_TIME:
        return whole, losses
    late = whole.notes["note_id"][onset >= MAX_TIME].tolist()
    return section(whole, 0, int((onset < MAX_TIME).sum()), 0), losses + _lost("note behind 100 s", late)


def performed(score: Score) -> tuple[Score, Losses]:
    """What the tokens of a whole piece stand for, however long, and what they leave out.

    Onsets and releases go to the nearest 10 ms; notes sound for 10 ms at least and 9.99 s at most. Grace notes
    are left out, and so is what begins together with 64 others or is played by a seventeenth instrument. There is
    one part to an instrument, in the order of their entries.
    """
    sounding = score.sounding().split_programs()
    notes = sounding.notes
    onset, duration = _times(sounding)
    program = programs_of(sounding)[notes["part"]]
    cut = int((duration >= MAX_DURATION).sum())
    losses: Losses = (Loss(f"{cut} notes sound for 9.99 s only"),) if cut else ()
    kept = np.argsort((onset << 8) + notes["part"], kind="stable")
    for what, find in (("grace note", None), ("seventeenth instrument", _surplus), ("more than 64 at once", _crowd)):
        lost = notes["grace"][kept] > 0 if find is None else find(onset[kept], program[kept])
        if lost.any():
            losses += _lost(what, notes["note_id"][kept[lost]].tolist())
            kept = kept[~lost]
    duration = np.clip(duration, 1, MAX_DURATION - 1)
    columns = (onset, duration, program, notes["pitch"].astype(np.int64), notes["note_id"])
    return beatless(*(column[kept] for column in columns)), losses


def programs_of(score: Score) -> Longs:
    """Program (128: drums) of each part, shape (parts,)."""
    return np.array([DRUMS if part.is_drums else part.program for part in score.parts], np.int64)


def steps(score: Score, ticks: Longs) -> Longs:
    """Nearest steps of 10 ms of some ticks."""
    return np.rint(score.seconds_at(ticks) * RESOLUTION).astype(np.int64)


def _times(score: Score) -> tuple[Longs, Longs]:
    """Onset and duration of each note in steps; a note whose length nobody states sounds for 250 ms."""
    notes = score.notes
    onset = steps(score, notes["onset_tick"])
    duration = steps(score, notes["onset_tick"] + notes["duration_tick"]) - onset
    return onset, np.where(notes["duration_tick"] > 0, np.maximum(duration, 1), UNKNOWN_DURATION)


def _lost(what: str, note_ids: list[int]) -> Losses:
    return tuple(Loss(what, note_id) for note_id in note_ids)


def _surplus(onset: Longs, program: Longs) -> Mask:
    """Notes of all instruments but the first sixteen to enter."""
    return np.isin(program, by_entry(program)[MAX_INSTRUMENTS:])


def _crowd(onset: Longs, program: Longs) -> Mask:
    """Notes that begin together with 64 before them."""
    crowd = np.zeros(len(onset), bool)
    crowd[MAX_STRUCK:] = onset[MAX_STRUCK:] == onset[:-MAX_STRUCK]
    return crowd


def by_entry(program: Longs) -> Longs:
    """The programs that occur, in the order in which they do."""
    first = np.full(DRUMS + 1, len(program))
    first[program[::-1]] = np.arange(len(program))[::-1]
    return np.argsort(first, kind="stable")[: int((first < len(program)).sum())]


def beatless(onset: Longs, duration: Longs, program: Longs, pitch: Longs, note_id: Longs) -> Score:
    """A score without a beat whose tick is a step, of columns in the order of time, all of shape (n,)."""
    played = by_entry(program)
    place = np.zeros(DRUMS + 1, np.int64)
    place[played] = np.arange(len(played))
    part = place[program]
    order = np.argsort((((onset << 8) + part << 7) + pitch << 10) + duration, kind="stable")
    notes = np.zeros(len(onset), NOTE)
    notes["spelling"] = UNSPELLED
    columns = {"onset_tick": onset, "duration_tick": duration, "part": part, "pitch": pitch, "note_id": note_id}
    for name, column in columns.items():
        notes[name] = column[order]
    return Score(TICKS_PER_QUARTER, tuple(_part(p) for p in played.tolist()), notes)


def _part(program: int) -> Part:
    is_drums = program == DRUMS
    return Part(instrument_name(program), 0 if is_drums else program, is_drums)


def section(whole: Score, first: int, last: int, start: int) -> Score:
    """Notes [first, last) of a performed score, with time counted from a step."""
    notes = whole.notes[first:last]
    columns = (notes["onset_tick"] - start, notes["duration_tick"], programs_of(whole)[notes["part"]])
    return beatless(*columns, notes["pitch"].astype(np.int64), notes["note_id"])
