"""Scores in performance time: notes of programs in steps of 10 ms, no beat, a part for each program."""

from __future__ import annotations

import numpy as np

from partimento.representations.base import Ints, Longs
from partimento.score import DEFAULT_TEMPO_BPM, NOTE, Part, Score
from partimento.theory.instrument import DRUMS
from partimento.theory.pitch import UNSPELLED

RESOLUTION = 100
"""Steps per second."""
TICKS_PER_QUARTER = int(RESOLUTION * 60 / DEFAULT_TEMPO_BPM)
"""At the tempo of a score that states none, a tick is a step."""


def beatless(
    onset: Longs, duration: Longs, program: Longs, pitch: Longs, note_id: Longs, played: Longs, velocity: Ints | int = 0
) -> Score:
    """A score without a beat whose tick is a step.

    Args:
        onset: of each note in steps, shape (n,), as the next four.
        duration: in steps.
        program: 128 for drums.
        pitch: MIDI number.
        note_id: its id.
        played: the programs in the order of their parts, shape (p,).
        velocity: shape (n,), or 0 where it is not known.
    """
    records = np.zeros(len(onset), NOTE)
    records["spelling"] = UNSPELLED
    records["onset_tick"], records["duration_tick"] = onset, duration
    records["pitch"], records["velocity"], records["note_id"] = pitch, velocity, note_id
    records["part"] = places(program, played)
    return Score(TICKS_PER_QUARTER, tuple(map(Part.playing, played.tolist())), records)


def programs_of(score: Score) -> Longs:
    """Program (128: drums) of each part, shape (parts,)."""
    return np.array([part.instrument for part in score.parts], np.int64)


def by_entry(program: Longs) -> Longs:
    """The programs that occur, in the order in which they do."""
    first = np.full(DRUMS + 1, len(program))
    np.minimum.at(first, program, np.arange(len(program)))
    return np.argsort(first, kind="stable")[: np.count_nonzero(first < len(program))]


def places(program: Longs, played: Longs) -> Longs:
    """Place of each program among those played."""
    place = np.zeros(DRUMS + 1, np.int64)
    place[played] = np.arange(len(played))
    return place[program]
