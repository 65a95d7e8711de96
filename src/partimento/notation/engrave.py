"""A readable page of a score without notation: spelling, staves, rhythm, voices, tuplets and clefs.

What the source states stays: parts whose notes have voices keep voices, staves and rhythm, pitches that are
spelled keep their spelling.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from partimento.errors import BadInput
from partimento.notation.beats import estimate_beats
from partimento.notation.clefs import written_clefs
from partimento.notation.drums import written_drums
from partimento.notation.graces import with_graces
from partimento.notation.grid import is_free, is_on_beat, snapped
from partimento.notation.keys import with_keys
from partimento.notation.meter import estimate_meter
from partimento.notation.opening import without_leading_rest
from partimento.notation.spelling import spelled
from partimento.notation.staves import staff_numbers
from partimento.notation.swing import unswung
from partimento.notation.tempo import with_one_mark
from partimento.notation.ties import numbered
from partimento.notation.transposing import at_written_pitch
from partimento.notation.tuplets import find_tuplets, tied_at_edges
from partimento.notation.values import filled, has_exact_values, reached, sounded, typed
from partimento.notation.voices import separated
from partimento.score import Part, Records, Score
from partimento.theory.pitch import UNSPELLED

MAX_MEASURES = 20_000
_FINE = 3360
"""Steps per quarter that hold every grid of `grid`."""


def engrave(score: Score, *, as_barred: bool = False) -> Score:
    """The score as it would be written: at written pitch, with keys, spelling, staves, voices, tuplets and clefs.

    Where no part has notation yet, the page begins with the first note and swung eighths are written even. Music
    without bars gets some first, on the beat that it keeps or, played freely, on one that is estimated. Onsets go to
    the grids that they were most probably meant for, and music that was played gets the note values it suggests;
    typed music sounds as before, some notes as chains of ties. Notes keep their ids. A score that has notation comes
    back as it is.

    Args:
        score: any score.
        as_barred: whether its bars and strokes are meant as they stand, as in a composition: then no silent bars
            are left out, and nothing becomes a pickup, a grace note or a swung eighth.

    Raises:
        NeedsBeats: the score has no measures, and too few notes to hear a beat in.
        BadInput: it has more than `MAX_MEASURES`; the longest acts of operas have a tenth of that.
    """
    if len(score.measures) > MAX_MEASURES:
        raise BadInput(f"{score.title or 'the music'} has {len(score.measures)} bars, too many for a page; cut it")
    bare = set(score.notes["part"][score.notes["voice"] == 0].tolist())
    is_bare = bool(bare) and bare == set(score.notes["part"].tolist()) and _is_unspelled(score)
    if not len(score.measures) or (is_bare and not as_barred and is_free(score)):
        score = estimate_meter(score) if is_on_beat(score) else estimate_beats(score)
    if is_bare:
        score = _prepared(score if as_barred else _as_heard(score))
    named = score.with_notes(spelled(score))
    if not bare:
        return named
    written = _written(named.with_resolution(np.lcm(score.ticks_per_quarter, _FINE).item()), sorted(bare))
    return replace(written, clefs=np.concatenate([written.clefs, written_clefs(written)]))


def _as_heard(score: Score) -> Score:
    """Opening, swing and grace notes as an engraver hears them."""
    return with_graces(unswung(without_leading_rest(score)))


def _prepared(score: Score) -> Score:
    """What concerns all parts of a score without any notation."""
    return at_written_pitch(with_keys(with_one_mark(score)))


def _is_unspelled(score: Score) -> bool:
    return bool((score.notes["spelling"] == UNSPELLED).all())


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
    plain = notes["grace"] == 0
    return written_drums(np.concatenate([notes[~plain], snapped(notes[plain], score).notes]), score)


def _write_pitched(score: Score, part: Part, notes: Records) -> Records:
    is_grace = notes["grace"] > 0
    if (notes["staff"] == 0).any():
        strokes = np.concatenate([snapped(notes[~is_grace], score).notes, notes[is_grace]])
        notes["staff"][np.r_[np.flatnonzero(~is_grace), np.flatnonzero(is_grace)]] = staff_numbers(
            part, strokes, score.ticks_per_quarter
        )
    staves = [snapped(notes[~is_grace & (notes["staff"] == staff)], score) for staff in np.unique(notes["staff"])]
    quarter = score.ticks_per_quarter
    if all(staff.is_exact and has_exact_values(staff.notes, staff.step_tick, quarter) for staff in staves):
        return separated(np.concatenate([notes[is_grace], *(typed(staff.notes, quarter) for staff in staves)]), quarter)
    sounds = sounded(notes, score, int(notes["part"][0]))
    values = [reached(staff.notes, staff.step_tick, score, sounds) for staff in staves]
    return filled(separated(_undoubled(np.concatenate([notes[is_grace], *values])), quarter), sounds, score)


def _undoubled(notes: Records) -> Records:
    """Without notes that now strike with another of the same pitch; the longest stays."""
    order = np.lexsort((-notes["duration_tick"], notes["grace"], notes["pitch"], notes["onset_tick"]))
    _, first = np.unique(notes[["onset_tick", "pitch", "grace"]][order], return_index=True)
    return notes[np.sort(order[first])]
