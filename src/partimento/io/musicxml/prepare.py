"""Makes any score writable: barred, spelled, on a grid that note values can say, in layout ticks."""

from __future__ import annotations

import logging
import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadInput
from partimento.io.musicxml.layout import Extras, Stream, lay_out, layout_bars, layout_scale, staff_of
from partimento.io.musicxml.said import said
from partimento.io.musicxml.values import Bars, TupletSpan
from partimento.io.musicxml.vocabulary import SIGNS_ON_RESTS, UNITS_PER_QUARTER
from partimento.score import METER, Part, Records, Score, measures_from_meters
from partimento.theory.key import MODES
from partimento.theory.pitch import UNSPELLED
from partimento.theory.spelling import spell

MAX_QUARTERS = 10**6
_MAX_ODD = 15
_COARSE = 24
"""Steps to a quarter on which notes are put that no note value can say."""

_log = logging.getLogger("partimento.io")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A score ready to be written: each of its events has an element."""

    score: Score
    scale: int
    """Layout ticks per tick of the score."""
    bars: Bars
    notes: tuple[Records, ...]
    """Of each part, in layout ticks, every one with spelling and staff."""
    streams: tuple[list[list[Stream]], ...]
    """Part ▶ measure ▶ voices."""
    tick: int
    """Layout ticks per MusicXML division."""

    def drum_keys(self, part: int) -> list[int]:
        """Percussion keys that a part plays, from low to high."""
        return sorted(set(self.notes[part]["pitch"].tolist()))


def prepare(score: Score) -> Prepared:
    """Lay a score out.

    Raises:
        BadInput: the music is absurdly long.
    """
    score = score if score.parts else replace(score, parts=(Part(),))
    score = said(_barred(score, score.end_tick))
    scale, bars = layout_scale(score), layout_bars(score)
    notes = tuple(_on_grid(_part_notes(score, index, scale), bars) for index in range(len(score.parts)))
    end = max((int((own["onset_tick"] + own["duration_tick"]).max()) for own in notes if len(own)), default=0)
    if end > bars.starts[-1]:
        score = _barred(score, -(-end // scale))
        bars = layout_bars(score)
    extras = _extras(score, scale, bars)
    after = frozenset(mark.note_id for mark in score.marks if mark.kind == "grace:after")
    streams = tuple(
        lay_out(own, part, its, bars, after) for own, part, its in zip(notes, score.parts, extras, strict=True)
    )
    return Prepared(score, scale, bars, notes, streams, _common_tick(score, scale, bars, streams))


def _common_tick(score: Score, scale: int, bars: Bars, streams: Iterable[list[list[Stream]]]) -> int:
    """The longest tick of which everything written is a multiple."""
    ends = {p.end for part in streams for measure in part for stream in measure for p in stream.pieces}
    timed = (
        *score.chords, *score.directions, *score.repeats, *score.barlines, *score.programs, *score.transpositions,
    )  # fmt: skip
    onsets = {event.onset_tick * scale for event in timed} | {
        tick * scale
        for array in (score.keys, score.meters, score.tempos, score.clefs, score.controls)
        for tick in array["onset_tick"].tolist()
    }
    return math.gcd(bars.quarter, *ends, *onsets, *bars.starts)


def _barred(score: Score, end_tick: int) -> Score:
    """The score with measures up to its end; in 4/4 where it has no meter."""
    if end_tick > MAX_QUARTERS * score.ticks_per_quarter:
        raise BadInput(f"the music is longer than {MAX_QUARTERS} quarters; cut it before writing it as MusicXML")
    meters = score.meters if len(score.meters) else np.array([(0, 4, 4)], METER)
    if not len(score.measures):
        measures = measures_from_meters(meters, score.ticks_per_quarter, end_tick)
        return replace(score, meters=meters, measures=measures)
    last = int(score.measures["onset_tick"][-1] + score.measures["duration_tick"][-1])
    if end_tick <= last:
        return score
    meter = meters[-1:].copy()
    meter["onset_tick"] = 0
    more = measures_from_meters(meter, score.ticks_per_quarter, end_tick - last)
    more["onset_tick"] += last
    return replace(score, measures=np.concatenate([score.measures, more]))


def _extras(score: Score, scale: int, bars: Bars) -> list[dict[int, Extras]]:
    """Part ▶ measure ▶ its tuplets, in ticks of the measure, and signs on rests."""
    found: list[dict[int, Extras]] = [{} for _ in score.parts]
    for tuplet in score.tuplets:
        start, end = tuplet.onset_tick * scale, (tuplet.onset_tick + tuplet.duration_tick) * scale
        index = bisect_right(bars.starts, start) - 1
        is_inside = 0 <= index < len(bars.starts) - 1 and start < end <= bars.starts[index + 1]
        if is_inside and tuplet.actual > 0 < tuplet.normal and 0 <= tuplet.part < len(found):
            base = bars.starts[index]
            span = TupletSpan(start - base, end - base, tuplet.actual, tuplet.normal, tuplet.shown)
            own = found[tuplet.part].setdefault(index, Extras()).spans.setdefault(tuplet.voice, [])
            own += [span] if all(span.nests_with(other) for other in own) else []
    for event in score.directions:
        tick = event.onset_tick * scale
        if event.kind in SIGNS_ON_RESTS and 0 <= event.part < len(found) and tick < bars.starts[-1]:
            extras = found[event.part].setdefault(bisect_right(bars.starts, tick) - 1, Extras())
            extras.rest_signs.append((event.staff, tick, f"{event.kind}:{event.text}".rstrip(":")))
    return found


# Notes


def _part_notes(score: Score, index: int, scale: int) -> Records:
    part = score.parts[index]
    notes = score.notes[score.notes["part"] == index]
    notes = notes if part.is_drums else _spelled(notes, score, index)
    notes = staff_of(notes, part.staves)
    notes["onset_tick"] *= scale
    notes["duration_tick"] = np.where(notes["grace"] > 0, 0, notes["duration_tick"] * scale)
    return notes


def _spelled(notes: Records, score: Score, index: int) -> Records:
    """Notes with spellings that suit the key as it is written for the part."""
    notes = notes.copy()
    keys = score.keys[(score.keys["part"] == -1) | (score.keys["part"] == index)]
    fifths, minor = np.zeros(len(notes), np.int64), np.zeros(len(notes), bool)
    if len(keys):
        row = np.maximum(np.searchsorted(keys["onset_tick"], notes["onset_tick"], "right") - 1, 0)
        fifths, minor = keys["fifths"][row].astype(np.int64), keys["mode"][row] == MODES.index("minor")
    spelling = notes["spelling"].astype(np.int64)
    unspelled = (spelling == UNSPELLED) | ((7 * spelling - notes["pitch"]) % 12 != 0)
    spelling = np.where(unspelled, spell(notes["pitch"], fifths, minor), spelling)
    shift = shifts_at(score, index, notes["onset_tick"])
    written = np.array([written_fifths(f, s) for f, s in zip(fifths.tolist(), shift.tolist(), strict=True)], np.int64)
    written += spelling - fifths
    written -= 12 * np.sign(written) * (np.abs((written + 1) // 7) > 2)
    notes["spelling"] = written + shift
    return notes


def written_fifths(sounding: int, shift: int) -> int:
    """Key signature as written for a transposing part, with at most seven accidentals."""
    written = sounding - shift
    while written > 7:
        written -= 12
    while written < -7:
        written += 12
    return written


def shifts_at(score: Score, index: int, ticks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Fifths from written to sounding pitch in a part, at each tick."""
    changes = [change for change in score.transpositions if change.part == index]
    fifths = np.array([score.parts[index].transpose.fifths, *(change.interval.fifths for change in changes)], np.int64)
    return fifths[np.searchsorted([change.onset_tick for change in changes], ticks, "right")]


def _on_grid(notes: Records, bars: Bars) -> Records:
    """Notes whose ends note values can say.

    Notes without a voice, which nobody has written down yet, move to the nearest 24th of a quarter in the beats
    where no note value can say them.
    """
    is_loose = notes["voice"] == 0
    if not is_loose.any():
        return notes
    notes = notes.copy()
    ticks = np.r_[notes["onset_tick"], notes["onset_tick"] + notes["duration_tick"]]
    starts = np.array(bars.starts)
    measure = np.clip(np.searchsorted(starts, ticks, "right") - 1, 0, len(starts) - 2)
    origin = starts[measure] + np.array([grid.origin for grid in bars.grids])[measure]
    slots = np.stack([np.r_[notes["voice"], notes["voice"]], measure, (ticks - origin) // bars.quarter])
    is_bad = _unwritable((ticks - origin) % bars.quarter, slots, bars.quarter) & np.tile(is_loose, 2)
    step = bars.quarter // _COARSE
    rounded = np.clip(origin + (ticks - origin + step // 2) // step * step, starts[measure], starts[measure + 1])
    onsets, ends = np.split(np.where(is_bad, rounded, ticks), 2)
    if not np.array_equal(np.r_[onsets, ends], ticks):
        _log.warning("MusicXML: notes that no note value can say were moved to the nearest 24th of a quarter")
    notes["onset_tick"] = onsets
    notes["duration_tick"] = np.where(notes["grace"] > 0, 0, np.where(ends > onsets, ends - onsets, step))
    return notes


def _unwritable(phase: NDArray[np.int64], slots: NDArray[np.int64], quarter: int) -> NDArray[np.bool_]:
    """Which ticks lie in a beat whose division needs a tuplet of more than 15, or values below a 256th."""
    parts = quarter // np.gcd(phase, quarter)
    halvings = parts & -parts
    odd = parts // halvings
    is_odd = odd > _MAX_ODD
    _, slot = np.unique(slots, axis=1, return_inverse=True)
    order = np.argsort(slot.ravel(), kind="stable")
    firsts = np.flatnonzero(np.diff(slot.ravel()[order], prepend=-1))
    common = np.lcm.reduceat(np.where(is_odd, 1, odd)[order], firsts)
    normal = 1 << np.floor(np.log2(common)).astype(np.int64)
    is_bad = np.logical_or.reduceat(is_odd[order], firsts) | (common > _MAX_ODD)
    is_bad |= np.maximum.reduceat(halvings[order], firsts) * normal > UNITS_PER_QUARTER
    return is_bad[slot.ravel()]
