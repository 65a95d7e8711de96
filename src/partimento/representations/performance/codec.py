"""Notes to `performance` tokens and back, vectorised over all notes of a piece.

    BOS [OpensMidway] [EndsMidway] (ChordBar (Chord [Bass])*)*
    then for each instant at which something happens
    TimeShift* ([Program] NoteOff)* ([Program] [Velocity] NoteOn)*
    and EOS.

Program and velocity hold until another is stated, across instants. What ends comes before what begins; programs follow
each other in the order in which they entered the piece, pitches upwards, and among the notes that one program strikes
together the softer ones come first. Time shifts of a second come before the rest of a longer wait. Drums are program
128 and have notes of their own, so that transposing leaves them alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partimento.plan import Task
from partimento.representations.base import Ints, Longs
from partimento.representations.blocks import Vocabulary, bass_of, chord_member
from partimento.representations.performance.quantise import Performed, by_entry
from partimento.representations.performance.vocabulary import MAX_SHIFT
from partimento.theory.instrument import DRUMS


def encode_header(task: Task, vocabulary: Vocabulary) -> Ints:
    """BOS and what the task states, shape (h,)."""
    first = vocabulary.first
    ids = [first["BOS"], *vocabulary.midway(task)]
    if vocabulary.size["Chord"]:
        for bar in task.plan.chords or ():
            ids.append(first["ChordBar"])
            for chord in bar:
                plain = chord.plain
                ids.append(first["Chord"] + chord_member(plain))
                if (bass := bass_of(plain)) is not None:
                    ids.append(first["Bass"] + bass)
    return np.array(ids, np.int32)


def encode_events(notes: Performed, vocabulary: Vocabulary) -> tuple[Ints, Longs]:
    """Events without EOS, and the step at which each token's event happens, both of shape (t,)."""
    step, is_on, program, velocity, pitch = _events(notes)
    if not len(step):
        return np.empty(0, np.int32), np.empty(0, np.int64)
    wait = np.diff(step, prepend=0)
    shifts = -(-wait // MAX_SHIFT)
    states_program = np.diff(program, prepend=-1) != 0
    states_velocity = np.zeros(len(step), bool)
    states_velocity[is_on] = np.diff(velocity[is_on], prepend=-1) != 0
    place = np.cumsum(shifts + states_program + states_velocity + 1) - 1  # of the note itself

    first = vocabulary.first
    ids = np.full(place[-1] + 1, first["TimeShift"] + MAX_SHIFT - 1, np.int32)
    note = np.where(is_on, first["NoteOn"], first["NoteOff"])
    drum = np.where(is_on, first["DrumOn"], first["DrumOff"])
    ids[place] = np.where(program == DRUMS, drum, note) + pitch
    ids[(place - 1)[states_velocity]] = first["Velocity"] + velocity[states_velocity]
    ids[(place - 1 - states_velocity)[states_program]] = first["Program"] + program[states_program]
    waits = shifts > 0
    last = (place - states_velocity - states_program - 1)[waits]
    ids[last] = first["TimeShift"] + (wait[waits] - 1) % MAX_SHIFT
    return ids, np.repeat(step, np.diff(place, prepend=-1))


def _events(notes: Performed) -> tuple[Longs, NDArray[np.bool_], Longs, Longs, Longs]:
    """Step, whether it is a note-on, program, velocity and pitch of each event, in order, shape (2n,)."""
    rank = np.zeros(DRUMS + 1, np.int64)
    programs = by_entry(notes)
    rank[programs] = np.arange(len(programs))
    softness = np.r_[np.zeros(len(notes.onset), np.int64), notes.velocity]
    step = np.r_[notes.release, notes.onset]
    is_on = np.arange(len(step)) >= len(notes.onset)
    program, velocity, pitch = np.tile(np.stack([notes.program, notes.velocity, notes.pitch]), 2)
    order = np.argsort((step << 22) + (is_on << 21) + (rank[program] << 13) + (softness << 7) + pitch)
    return step[order], is_on[order], program[order], velocity[order], pitch[order]


def decode_events(ids: Ints, vocabulary: Vocabulary) -> Performed:
    """The notes of a sequence; those of a prefix that still sound end with it."""
    first = vocabulary.first
    shift = ids - first["TimeShift"] + 1
    now = np.cumsum(np.where((shift >= 1) & (shift <= MAX_SHIFT), shift, 0)).astype(np.int64)
    at = np.flatnonzero((ids >= first["NoteOff"]) & (ids < first["Velocity"]))
    is_on = ids[at] >= first["NoteOn"]
    pitch = ((ids[at] - first["NoteOff"]) % 128).astype(np.int64)
    program, velocity = _in_force(ids, vocabulary, "Program")[at], _in_force(ids, vocabulary, "Velocity")[at]

    voice = program * 128 + pitch
    order = np.argsort(voice, kind="stable")  # within one program and pitch, what follows a note-on ends it
    ends = np.full(len(at), now[-1] if len(now) else 0)
    same = voice[order][1:] == voice[order][:-1]
    ends[order[:-1][same]] = now[at][order[1:][same]]
    on = np.flatnonzero(is_on)
    onset = now[at][on]
    return Performed(
        onset, np.maximum(ends[on], onset + 1), program[on], pitch[on], velocity[on], np.arange(len(on)),
        on.astype(np.int64),
    )  # fmt: skip


def _in_force(ids: Ints, vocabulary: Vocabulary, block: str) -> Longs:
    """The member of a block that was last stated at each token, 0 where there was none."""
    low, high = vocabulary.span(block)
    stated = np.flatnonzero((ids >= low) & (ids < high))
    index = np.searchsorted(stated, np.arange(len(ids)), "right") - 1
    return np.where(index >= 0, ids[stated[index]] - low if len(stated) else 0, 0).astype(np.int64)
