"""A readable page of a score without notation: spelling, staves, rhythm, voices, tuplets and clefs.

What the source states stays: parts whose notes have voices keep voices, staves and rhythm, pitches that are
spelled keep their spelling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from partimento.errors import NeedsBeats
from partimento.notation.clefs import opening_clefs
from partimento.notation.drums import written_drums
from partimento.notation.grid import snapped
from partimento.notation.staves import staff_numbers
from partimento.notation.ties import numbered
from partimento.notation.tuplets import find_tuplets, tied_at_edges
from partimento.notation.voices import separated
from partimento.score import KEY, Part, Records, Score
from partimento.theory.key import Key
from partimento.theory.pitch import UNSPELLED
from partimento.theory.spelling import spell

_FINE = 240
"""Steps per quarter that hold every grid of `grid`."""


def engrave(score: Score) -> Score:
    """The score as it would be written: at concert pitch, with spelling, staves, voices, tuplets and clefs.

    Rhythm off the usual grids goes to the nearest sixteenth or triplet, and drum strokes last to the next;
    apart from that the notes sound as before, some of them as chains of ties. A score that has notation comes
    back as it is.

    Raises:
        NeedsBeats: the score has no measures.
    """
    if not len(score.measures):
        raise NeedsBeats(f"{score.title or 'this music'} has no meter, and a page needs bars; estimate beats first")
    spelled = score.with_notes(_spelled(score))
    bare = sorted(set(score.notes["part"][score.notes["voice"] == 0].tolist()))
    if not bare:
        return spelled
    written = _written(spelled.with_resolution(np.lcm(score.ticks_per_quarter, _FINE).item()), bare)
    return replace(written, clefs=np.concatenate([written.clefs, opening_clefs(written)]))


def _spelled(score: Score) -> Records:
    """The notes, those without a spelling spelled in the key in force; C major where none is stated."""
    notes = score.notes.copy()
    for index, part in enumerate(score.parts):
        at = np.flatnonzero((notes["part"] == index) & (notes["spelling"] == UNSPELLED))
        if part.is_drums or not len(at):
            continue
        keys = score.keys[np.isin(score.keys["part"], (-1, index))]
        keys = keys if len(keys) else np.array([(0, -1, 0, 0)], KEY)
        row = keys[np.maximum(np.searchsorted(keys["onset_tick"], notes["onset_tick"][at], "right") - 1, 0)]
        notes["spelling"][at] = spell(
            notes["pitch"][at], row["fifths"].astype(np.int64), row["mode"] == Key(0, "minor").mode_id
        )
    return notes


def _written(score: Score, bare: list[int]) -> Score:
    """The score with staves, rhythm, voices and tuplets for the parts that have none."""
    parts, pieces = list(score.parts), [score.notes[~np.isin(score.notes["part"], bare)]]
    tuplets = list(score.tuplets)
    for index in bare:
        write = _write_drums if parts[index].is_drums else _write_pitched
        notes = write(score, parts[index], score.notes[score.notes["part"] == index])
        found = find_tuplets(notes, score)
        tuplets += found
        pieces.append(tied_at_edges(notes, found))
        parts[index] = replace(parts[index], staves=max(parts[index].staves, int(notes["staff"].max(initial=1))))
    notes = numbered(np.concatenate(pieces), int(score.notes["note_id"].max()) + 1)
    return replace(score.with_notes(notes), parts=tuple(parts), tuplets=tuple(tuplets))


def _write_drums(score: Score, part: Part, notes: Records) -> Records:
    notes["staff"] = 1
    return written_drums(snapped(notes, score), score)


def _write_pitched(score: Score, part: Part, notes: Records) -> Records:
    if (notes["staff"] == 0).any():
        notes["staff"] = staff_numbers(part, notes, score.ticks_per_quarter)
    return separated(_per_staff(notes, lambda staff: snapped(staff, score)))


def _per_staff(notes: Records, change: Callable[[Records], Records]) -> Records:
    return np.concatenate([change(notes[notes["staff"] == staff]) for staff in np.unique(notes["staff"])])
