"""How many tokens certainly close a sequence of `abc`, so that every sample ends within its budget.

The number is no estimate: from any state some allowed token lowers it by one at least, and where the budget is
nearly spent the grammar allows only such tokens.
"""

from __future__ import annotations

from partimento.representations.abc.pitches import Held, placed
from partimento.representations.abc.state import (
    BAR,
    BARS,
    CHORD_TIME,
    CHORDS,
    CLOSED,
    END,
    ENDS,
    EVENT,
    GAP,
    LANE,
    LAST,
    NOTE,
    OPEN,
    OPENS,
    REST,
    SIGN,
    State,
)
from partimento.representations.gridded.chords import planned_chords
from partimento.theory.chord import ChordSymbol


def shortest_end(state: State) -> int:
    """Tokens, END included, that close the sequence with the plan kept."""
    if state.at == END:
        return 0
    if state.at == LAST:
        return 1
    if state.at < BAR:
        return _header(state)
    bars, left = state.piece.bars, state.bar.left
    owed = state.owed if state.at < LANE else state.owed[state.part + 1 :]
    return (
        len(state.queue)
        + (state.at == CHORD_TIME and not state.queue)
        + (state.piece.with_chords and not state.chord_seen and not state.piece.task.plan.chords)
        + (_part(state) if state.at >= LANE else 0)
        + sum(2 + _notes(len(notes)) for notes in (*owed, *state.tied) if notes)
        + left + 1
        + planned_chords(state.piece.task.plan, bars - left, bars, _has_bass)
        + 1
    )  # fmt: skip


def slack(state: State) -> int:
    """The most that one token can add to `shortest_end`, and a little more."""
    owed = len(state.owed[state.part]) if state.part >= 0 and state.owed else 0
    return 16 + 4 * (len(state.chord) + owed)


def is_closing(state: State) -> bool:
    """Whether the budget is so nearly spent that only what leads to the end may follow."""
    budget = state.piece.task.constraints.budget
    return budget is not None and budget - state.spent <= shortest_end(state) + slack(state)


def _notes(count: int) -> int:
    """Most tokens of a note or chord, without its duration: each note may have an accidental."""
    return 2 * count + 2 * (count > 1)


# The header


def _header(state: State) -> int:
    task, piece = state.piece.task, state.piece
    bars = piece.bars or task.plan.bars or 1
    wants_chords = task.plan.chords is not None and any(task.plan.chords[:bars])
    return (
        max(BARS - state.at, 0)
        + (task.opens_midway and state.at < OPENS)
        + (task.ends_midway and state.at < ENDS)
        + len(task.plan.instruments or piece.programs or (0,)) - len(piece.programs)
        + (wants_chords and state.at < CHORDS)
        + 1
        + (piece.with_chords and not task.plan.chords)
        + 2 * (not piece.with_chords and task.plan.chords is None and task.constraints.chord_symbols == "must")
        + bars
        + planned_chords(task.plan, 0, bars, _has_bass)
        + 1
    )  # fmt: skip


def _has_bass(chord: ChordSymbol) -> bool:
    return chord.bass is not None


# The part that is being written


def _part(state: State) -> int:
    """Tokens that fill the overlay, and write what the part owes."""
    at, later = state.at, _later_overlay(len(state.owes))
    if at == LANE:
        return _lane(state)
    if at in (SIGN, OPEN, NOTE, CLOSED):
        return _note(state)
    if at == REST:
        return 1 + later if state.events else 1 + _fresh_note(state)
    if state.position < state.bar.length:
        return later + (_fresh_note(state) if at == GAP else 2)
    must_tie = at == EVENT and state.owes and state.bar.length == 1 and not state.events[-1][2]
    return later + (3 + _notes(len(state.chord)) if must_tie else 0)


def _lane(state: State) -> int:
    if state.owes:
        return _notes(len(state.owes)) + 1 + 2 * bool(state.below.notes)
    return (0 if state.starts & 1 else 2) + _fresh_note(state)


def _fresh_note(state: State) -> int:
    """A note, its duration, and a rest behind it where other overlays may cut it short."""
    return 3 + 2 * bool(state.below.notes)


def _later_overlay(owed: int) -> int:
    """An overlay with what is still owed, and a rest behind it."""
    return 4 + _notes(owed) if owed else 0


def _note(state: State) -> int:
    """The rest of a note or chord."""
    ahead = reachable(state)
    here = 0
    left = len(state.owes)
    if state.at == SIGN:
        is_owed = bool(ahead) and placed(ahead[0], state.fifths)[0] == state.sign
        taken = (len(ahead) if state.is_open else 1) if is_owed else 0
        here = 1 + 2 * max(taken - 1, 0)
    elif state.at == CLOSED or not state.is_open:
        taken = 0
    else:
        taken = len(ahead)
        here = 2 * taken
    left -= taken
    if state.is_open and state.at != CLOSED:
        # brackets hold two notes at least
        written = len(state.chord) + taken + (state.at == SIGN and not taken)
        here += 2 * max(2 - written, 0) + 1
    tie = 0
    if left and state.bar.length == 1:
        tie = 3 + _notes(max(len(state.chord) + taken + (state.at == SIGN), 2 if state.is_open else 1))
    is_whole = state.at == CLOSED or (state.at == NOTE and not state.is_open)
    rest = 2 * bool(state.limit < state.bar.length if is_whole else state.below.notes)
    return here + 1 + rest + tie + _later_overlay(left)


def reachable(state: State) -> tuple[Held, ...]:
    """Notes owed that the note or chord at hand can still take in."""
    if state.position or state.at == CLOSED or (state.at == NOTE and not state.is_open):
        return ()
    last = state.chord[-1][0] if state.chord else -1
    return tuple(note for note in state.owes if note[0] > last)
