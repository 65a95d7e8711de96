"""What `abc` tokens can say of a score: the grid, with pitches and chords spelled as they are written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from partimento.representations.abc.vocabulary import HIGHEST_ROOT, LOWEST_ROOT
from partimento.representations.base import Longs, Loss, Losses, Mask
from partimento.representations.gridded.quantise import quantise as on_grid
from partimento.representations.gridded.quantise import steps
from partimento.representations.gridded.vocabulary import MAX_PARTS
from partimento.score import ChordEvent, Records, Score
from partimento.theory import pitch
from partimento.theory.chord import ChordSymbol

MAX_ALTER = 2
SHORTENED = "the rest of notes that are struck again, or ring past the last barline"


def quantise(score: Score) -> tuple[Score, Losses]:
    """The score that `abc` tokens stand for, and what they leave out.

    Beyond what the grid rounds and drops: a part sounds a pitch once at a time (a note ends where its pitch is struck
    again, and of several at one onset the longest stays), notes end with the last measure, and there are at most 64
    parts. Pitches and chords keep their spelling, unless it has more than two accidentals (chords: one).

    Raises:
        NeedsBeats: the score has no measures.
    """
    said, losses = on_grid(score, "abc")
    end = int(said.measures["onset_tick"][-1] + said.measures["duration_tick"][-1])
    notes, more = _one_at_a_time(said.notes, end)
    notes = _spelled_as(notes, score.sounding())
    return replace(said, notes=notes, chords=_written_chords(said.chords, score), parts=said.parts[:MAX_PARTS]), (
        *losses,
        *more,
    )


def _one_at_a_time(notes: Records, end: int) -> tuple[Records, Losses]:
    """Notes of which no two in a part sound one pitch at the same time, none behind the end."""
    notes = notes.take(np.lexsort([-notes["duration_tick"], notes["onset_tick"], notes["pitch"], notes["part"]]))
    same = (np.diff(notes["part"]) == 0) & (np.diff(notes["pitch"]) == 0)
    is_double = np.r_[False, same & (np.diff(notes["onset_tick"]) == 0)][: len(notes)]
    is_extra = notes["part"] >= MAX_PARTS
    losses = [Loss("note that another doubles", n) for n in notes["note_id"][is_double & ~is_extra].tolist()]
    losses += [Loss(f"note of a part beyond {MAX_PARTS}", n) for n in notes["note_id"][is_extra].tolist()]
    notes = notes.take(np.flatnonzero(~(is_double | is_extra)))
    same = (np.diff(notes["part"]) == 0) & (np.diff(notes["pitch"]) == 0)
    limit = np.full(len(notes), end)
    limit[:-1][same] = notes["onset_tick"][1:][same]
    longest = limit - notes["onset_tick"]
    losses += [Loss(SHORTENED)] if (notes["duration_tick"] > longest).any() else []
    notes["duration_tick"] = np.minimum(notes["duration_tick"], longest)
    return notes, tuple(losses)


def _spelled_as(notes: Records, written: Score) -> Records:
    """The notes with the spellings that the source has, where these can be said."""
    order = np.argsort(written.notes["note_id"])
    place = order[np.searchsorted(written.notes["note_id"], notes["note_id"], sorter=order)]
    spelling = written.notes["spelling"][place].astype(np.int64)
    is_sayable = _is_sayable(spelling, notes) & (notes["spelling"] != pitch.UNSPELLED)
    notes["spelling"] = np.where(is_sayable, spelling, notes["spelling"])
    return notes


def _is_sayable(spelling: Longs, notes: Records) -> Mask:
    fits = 7 * spelling % 12 == notes["pitch"] % 12
    return fits & (np.abs(np.asarray(pitch.alter_of(spelling))) <= MAX_ALTER)  # type: ignore[arg-type]


def _written_chords(events: tuple[ChordEvent, ...], score: Score) -> tuple[ChordEvent, ...]:
    """Chords of the grid, their roots and basses spelled as in the source, where these can be said."""
    onset = steps(np.array([c.onset_tick for c in score.chords], np.int64), score.ticks_per_quarter)
    source = dict(zip(onset.tolist(), (c.symbol for c in score.chords), strict=True))
    return tuple(replace(event, symbol=_chord_as(event.symbol, source[event.onset_tick])) for event in events)


def _chord_as(symbol: ChordSymbol | None, written: ChordSymbol | None) -> ChordSymbol | None:
    if symbol is None or written is None:
        return None
    root, bass = written.root, written.bass
    root = root if LOWEST_ROOT <= root <= HIGHEST_ROOT else symbol.root
    if bass is not None and not LOWEST_ROOT <= bass <= HIGHEST_ROOT:
        bass = symbol.bass
    return ChordSymbol(root, symbol.kind, None if bass == root else bass)
