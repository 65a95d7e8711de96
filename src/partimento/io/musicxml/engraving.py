"""Beams and accidentals of laid-out music, as engravers set them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

from partimento.io.musicxml.layout import Stream
from partimento.io.musicxml.pieces import Piece
from partimento.io.musicxml.values import Bars
from partimento.io.musicxml.vocabulary import UNITS_PER_QUARTER
from partimento.theory import pitch
from partimento.theory.meter import Meter

_FLAGS = {"eighth": 1, "16th": 2, "32nd": 3, "64th": 4, "128th": 5, "256th": 6}
_ODD_GROUPS = {3: (3,), 5: (3, 2), 7: (2, 2, 3), 8: (3, 3, 2)}
"""Beats of an uncompounded meter in short notes ▶ beats of its beam groups."""

Place = tuple[int, int, int]
"""Staff, step, octave."""


def beam(stream: Stream, bars: Bars, index: int) -> None:
    """Set the beams of one voice in measure `index`."""
    origin, ends = bars.grids[index].origin, _group_ends(bars.meters[index], bars.unit)

    def group(piece: Piece) -> int:
        return bisect_right(ends, piece.start - origin)

    for is_grace, notes in groupby(stream.pieces, key=lambda p: p.is_grace):
        if is_grace:
            for _, graces in groupby(notes, key=lambda p: p.start):
                _beam_graces(list(graces))
            continue
        for (_, is_beamed), run in groupby(notes, key=lambda p: (group(p), bool(p.heads) and p.type in _FLAGS)):
            if is_beamed:
                _beam_run(list(run))


def _beam_graces(graces: Sequence[Piece]) -> None:
    for piece in graces:
        piece.type = piece.type or usual_grace_type(len(graces))
    if all(piece.type in _FLAGS for piece in graces):
        _beam_run(graces)


def usual_grace_type(count: int) -> str:
    """Note type of grace notes of which so many follow one another."""
    return "eighth" if count == 1 else "16th"


@lru_cache(256)
def _group_ends(meter: Meter, unit: int) -> list[int]:
    """Ticks from the bar's origin at which beams end."""
    quarter = UNITS_PER_QUARTER * unit
    if meter.beat_type >= 8 and not meter.is_compound:
        beats = _ODD_GROUPS.get(meter.beats, (2,) * (meter.beats // 2) + (1,) * (meter.beats % 2))
        return [sum(beats[: i + 1]) * 4 * quarter // meter.beat_type for i in range(len(beats))]
    beat, full = max(int(meter.beat_quarter * quarter), quarter), int(meter.duration_quarter * quarter)
    return list(range(beat, full + 1, beat))


def _beam_run(run: Sequence[Piece]) -> None:
    flags = [_FLAGS[piece.type] for piece in run]
    if len(run) < 2:
        return
    for i, piece in enumerate(run):
        before = flags[i - 1] if i else 0
        after = flags[i + 1] if i + 1 < len(run) else 0
        piece.beams = [_beam_at(level, before, after) for level in range(1, flags[i] + 1)]


def _beam_at(level: int, before: int, after: int) -> str:
    if before >= level and after >= level:
        return "continue"
    if before >= level:
        return "end"
    if after >= level:
        return "begin"
    return "backward hook" if before else "forward hook"


def join_half_bars(stream: Stream, bars: Bars, index: int) -> None:
    """In 4/4 join the beams of two beats that hold four plain eighths."""
    meter, quarter = bars.meters[index], bars.quarter
    if (meter.beats, meter.beat_type) != (4, 4):
        return
    for half in (0, 1):
        start = bars.grids[index].origin + half * 2 * quarter
        inside = [p for p in stream.pieces if start <= p.start < start + 2 * quarter and not p.is_grace]
        if len(inside) == 4 and all(p.beams and p.end - p.start == quarter // 2 for p in inside):
            for piece, sign in zip(inside, ("begin", "continue", "continue", "end"), strict=True):
                piece.beams = [sign]


def accidentals(
    streams: Sequence[Stream], fifths: int, shift: tuple[int, int], reminders: frozenset[int]
) -> dict[tuple[int, int], int]:
    """Noteheads that need an accidental ▶ alteration.

    Args:
        streams: voices of one measure.
        fifths: written key signature in force.
        shift: from sounding to written pitch, in semitones and in fifths.
        reminders: ids of notes whose accidental is shown though it goes without saying.

    Returns:
        (id of the piece, index of the head) ▶ alteration in semitones.
    """
    state: dict[Place, int] = {}
    needed: dict[tuple[int, int], int] = {}
    pieces = [piece for stream in streams for piece in stream.pieces if piece.heads]
    for piece in sorted(pieces, key=lambda p: (p.start, p.end > p.start)):
        for number, head in enumerate(piece.heads):
            spelling = head.spelling + shift[1]
            step, alter = pitch.step_of(spelling), pitch.alter_of(spelling)
            place = (head.staff, step, pitch.octave_of(head.pitch + shift[0], spelling))
            is_new = alter != state.get(place, _signature_alter(step, fifths)) and not head.tie_stop
            if is_new or (head.note_id in reminders and head.is_first):
                needed[id(piece), number] = alter
                state[place] = alter
    return needed


def _signature_alter(step: int, fifths: int) -> int:
    """Alteration of a step under a key signature."""
    return (fifths + 5 - pitch.spelling(step, 0)) // 7
