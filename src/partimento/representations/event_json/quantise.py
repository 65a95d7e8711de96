"""What `event_json` can say of a score: notes of its parts on a grid, measures, meters, keys and tempi."""

from __future__ import annotations

import numpy as np

from partimento.errors import BadInput
from partimento.representations.base import Longs, Loss, Losses
from partimento.representations.performance.quantise import Performed, one_at_a_time
from partimento.representations.timed import RESOLUTION, TICKS_PER_QUARTER
from partimento.score import KEY, MEASURE, METER, NOTE, TEMPO, Part, Records, Score
from partimento.score.controllers import PEDAL, SOSTENUTO
from partimento.theory.meter import BEAT_TYPES
from partimento.theory.pitch import UNSPELLED

MAX_DURATION = 99_999
"""Longest note, in ticks."""
MAX_TICKS = 10_000_000
"""Longest piece: a day in seconds, 400,000 quarters at 24 ticks."""
MAX_PARTS = 256
MAX_BEATS = 99
MAX_BPM = 999


def quantise(score: Score, ticks_per_quarter: int) -> tuple[Score, Losses]:
    """The score that the text stands for, and what it leaves out.

    Onsets and releases go to the nearest tick, or to the nearest 10 ms where there is no beat. Parts, velocities and
    measures stay; keys and tempi too, for all parts, tempi as whole numbers. Grace notes are left out, what doubles a
    note of the same part and pitch, and what begins behind the last barline; a note that is struck again ends there.
    Pedals are left out.

    Raises:
        BadInput: the piece is absurdly long, or has absurdly many parts.
    """
    sounding = score.sounding().split_programs()
    if len(sounding.parts) > MAX_PARTS:
        raise BadInput(f"event_json: {len(sounding.parts)} parts, and {MAX_PARTS} are the most")
    has_beats = len(score.measures) > 0
    grid = _Grid(sounding, ticks_per_quarter if has_beats else None)
    measures = _measures(sounding, grid) if has_beats else np.empty(0, MEASURE)
    end = int(measures["onset_tick"][-1] + measures["duration_tick"][-1]) if has_beats else MAX_TICKS
    notes, losses = _notes(sounding, grid, end)
    quantised = Score(
        ticks_per_quarter if has_beats else TICKS_PER_QUARTER,
        tuple(Part.playing(part.instrument) for part in sounding.parts),
        notes,
        measures,
        _meters(sounding, grid, measures),
        _keys(sounding, grid, end) if has_beats else np.empty(0, KEY),
        _tempos(sounding, grid, end) if has_beats else np.empty(0, TEMPO),
    )
    return quantised, losses


class _Grid:
    """From ticks of a score to those of its text."""

    def __init__(self, score: Score, ticks_per_quarter: int | None) -> None:
        self._score, self._ticks = score, ticks_per_quarter
        unit = RESOLUTION if ticks_per_quarter is None else ticks_per_quarter
        length = float(score.seconds_at(score.end_tick)) if ticks_per_quarter is None else self._quarters()
        if length * unit > MAX_TICKS:
            raise BadInput(f"event_json: {length:,.0f} quarters or seconds are too long; cut the piece")

    def _quarters(self) -> float:
        return self._score.end_tick / self._score.ticks_per_quarter

    def __call__(self, ticks: Longs) -> Longs:
        """Nearest ticks, halves upwards."""
        if self._ticks is None:
            return np.floor(self._score.seconds_at(ticks) * RESOLUTION + 0.5).astype(np.int64)
        per_quarter = self._score.ticks_per_quarter
        return (2 * self._ticks * np.asarray(ticks) + per_quarter) // (2 * per_quarter)


def _notes(score: Score, grid: _Grid, end: int) -> tuple[Records, Losses]:
    source = score.notes
    onset = grid(source["onset_tick"])
    release = np.maximum(grid(source["onset_tick"] + source["duration_tick"]), onset + 1)
    part = source["part"].astype(np.int64)
    pitch, velocity = source["pitch"].astype(np.int64), source["velocity"].astype(np.int64)
    every = Performed(onset, release, part, pitch, velocity, source["note_id"], part)  # each part counts for itself
    grace = source["grace"] > 0
    late = ~grace & (onset >= end)
    pedals = int(np.isin(score.controls["number"], (PEDAL, SOSTENUTO)).sum())
    losses = [Loss("movement of a pedal")] * pedals
    losses += [Loss("grace note", note_id) for note_id in source["note_id"][grace].tolist()]
    losses += [Loss("note behind the last barline", note_id) for note_id in source["note_id"][late].tolist()]
    notes, doubled = one_at_a_time(every.take(~(grace | late)))
    duration = notes.release - notes.onset
    long = int((duration > MAX_DURATION).sum())
    losses += [*doubled, *[Loss(f"end of a note longer than {MAX_DURATION} ticks")] * long]
    return _records(notes, np.minimum(duration, MAX_DURATION)), tuple(losses)


def _records(notes: Performed, duration: Longs) -> Records:
    records = np.zeros(len(duration), NOTE)
    records["onset_tick"], records["duration_tick"], records["part"] = notes.onset, duration, notes.program
    records["pitch"], records["velocity"], records["note_id"] = notes.pitch, notes.velocity, notes.note_id
    records["spelling"] = UNSPELLED
    return records


def _measures(score: Score, grid: _Grid) -> Records:
    last = score.measures[-1]
    edges = np.unique(grid(np.r_[score.measures["onset_tick"], last["onset_tick"] + last["duration_tick"]]))
    edges = np.append(edges, edges[0] + 1) if len(edges) == 1 else edges
    measures = np.zeros(len(edges) - 1, MEASURE)
    measures["onset_tick"], measures["duration_tick"] = edges[:-1], np.diff(edges)
    return measures


def _meters(score: Score, grid: _Grid, measures: Records) -> Records:
    """Meters that can be said, at the barlines from which they hold; 4/4 where there is none."""
    if not len(measures):
        return np.empty(0, METER)
    sayable = np.isin(score.meters["beat_type"], BEAT_TYPES) & (score.meters["beats"] <= MAX_BEATS)
    meters = score.meters[sayable & (score.meters["beats"] > 0)]
    index = np.searchsorted(measures["onset_tick"], grid(meters["onset_tick"]), "right") - 1
    rows = dict(zip(index.tolist(), meters[["beats", "beat_type"]].tolist(), strict=True))
    rows = {0: next(iter(rows.values()), (4, 4))} | rows
    return _changes([(int(measures["onset_tick"][k]), *row) for k, row in rows.items()], METER)


def _keys(score: Score, grid: _Grid, end: int) -> Records:
    """The keys of the first part that states some, with at most seven accidentals."""
    keys = score.keys[score.keys["part"] == score.keys["part"].min()] if len(score.keys) else score.keys
    fifths = keys["fifths"].astype(np.int64)
    fifths = np.where(np.abs(fifths) > 7, (fifths + 5) % 12 - 5, fifths)
    rows = zip(grid(keys["onset_tick"]).tolist(), fifths.tolist(), keys["mode"].tolist(), strict=True)
    return _changes([(tick, -1, f, mode) for tick, f, mode in rows if tick < end], KEY)


def _tempos(score: Score, grid: _Grid, end: int) -> Records:
    bpm = np.clip(np.rint(score.tempos["tempo_bpm"]), 1, MAX_BPM)
    rows = zip(grid(score.tempos["onset_tick"]).tolist(), bpm.tolist(), strict=True)
    return _changes([row for row in rows if row[0] < end], TEMPO)


def _changes(rows: list[tuple[float, ...]], dtype: np.dtype[np.void]) -> Records:
    """Rows (tick, value …) in order: the last of each tick, without those that repeat the one before."""
    last = list({row[0]: row for row in rows}.values())
    kept = [row for index, row in enumerate(last) if index == 0 or row[1:] != last[index - 1][1:]]
    return np.array(kept, dtype)
