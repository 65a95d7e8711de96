"""A performance laid over its beats: every time moves to a tick grid on which beats are equally long."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from partimento.notation.beats.events import Floats, Ints
from partimento.score import MEASURE, METER, TEMPO, Records, Score
from partimento.theory.meter import Meter

TICKS_PER_QUARTER = 960


@dataclass(frozen=True, slots=True)
class Grid:
    """Beats in seconds and in bars; B beats."""

    seconds: Floats
    """Ascending, shape (B,), at least two."""
    places: Ints
    """Place in its bar, from 0, of each beat in which notes begin and those between; no more than B."""
    meter: Meter
    first_note_s: float
    """When the first note sounds, in seconds."""
    first_note_beats: float
    """Where it stands, in beats after the first one: from 0, less than 1."""


def laid_over(score: Score, grid: Grid) -> Score:
    """The score in bars. Silence before the first note is left out; all else sounds when it did."""
    beat = int(grid.meter.beat_quarter * TICKS_PER_QUARTER)
    ticks = np.rint((np.arange(len(grid.seconds)) - grid.first_note_beats) * beat).astype(np.int64)
    seconds, knots = _knots(grid, ticks, float(score.seconds_at(score.end_tick)), beat)
    warp = _Warp(score, seconds, knots)
    notes = score.notes.copy()
    releases = warp(notes["onset_tick"] + notes["duration_tick"])
    notes["onset_tick"] = warp(notes["onset_tick"])
    notes["duration_tick"] = np.maximum(releases - notes["onset_tick"], 1)
    measures, meters = _bars(grid, ticks, int((notes["onset_tick"] + notes["duration_tick"]).max()), beat)
    moved = score.map_ticks(warp, lambda tick: tick)
    return replace(
        moved, ticks_per_quarter=TICKS_PER_QUARTER, notes=notes, measures=measures, meters=meters,
        tempos=_tempos(seconds, knots),
    )  # fmt: skip


class _Warp:
    """Tick of the performance ▶ tick of the page, none before 0; arrays and single ticks alike."""

    def __init__(self, score: Score, seconds: Floats, ticks: Ints) -> None:
        self.score, self.seconds, self.ticks = score, seconds, ticks

    def __call__(self, tick: Ints) -> Ints:
        moved = np.rint(np.interp(self.score.seconds_at(tick), self.seconds, self.ticks)).astype(np.int64)
        return moved if np.ndim(tick) else int(moved)  # type: ignore[return-value]


def _knots(grid: Grid, ticks: Ints, end_s: float, beat: int) -> tuple[Floats, Ints]:
    """The first note at tick 0, then every beat, then beats in the last tempo to behind the end."""
    last_s = float(grid.seconds[-1] - grid.seconds[-2])
    further = np.arange(1, max(int(np.ceil((end_s - grid.seconds[-1]) / last_s)), 0) + 2)
    seconds = np.r_[grid.seconds, grid.seconds[-1] + last_s * further]
    ticks = np.r_[ticks, ticks[-1] + beat * further]
    inside = (ticks > 0) & (seconds > grid.first_note_s)
    return np.r_[grid.first_note_s, seconds[inside]], np.r_[0, ticks[inside]]


def _tempos(seconds: Floats, ticks: Ints) -> Records:
    """A tempo for every beat."""
    tempos = np.zeros(len(ticks) - 1, TEMPO)
    tempos["onset_tick"] = ticks[:-1]
    tempos["tempo_bpm"] = 60 * np.diff(ticks) / TICKS_PER_QUARTER / np.diff(seconds)
    return tempos


def _bars(grid: Grid, ticks: Ints, end: int, beat: int) -> tuple[Records, Records]:
    """Measures to the end, and meters; a bar with a beat too few or too many has a meter of its own."""
    full = int(grid.meter.duration_quarter * TICKS_PER_QUARTER)
    struck = ticks[: len(grid.places)]
    starts = struck[(grid.places == 0) & (struck >= 0)].tolist()
    starts = starts or [max(int(ticks[0]) + full - int(grid.places[0]) * beat, 0)]
    while starts[-1] < end:
        starts.append(starts[-1] + full)
    bounds = np.unique([0, *starts])
    measures = np.zeros(len(bounds) - 1, MEASURE)
    measures["onset_tick"], measures["duration_tick"] = bounds[:-1], np.diff(bounds)
    pulses = measures["duration_tick"] * grid.meter.beat_type // (4 * TICKS_PER_QUARTER)
    if measures["duration_tick"][0] < full:
        pulses[0] = grid.meter.beats  # a pickup
    changes = np.flatnonzero(np.diff(pulses, prepend=0))
    rows = [(measures["onset_tick"][i], pulses[i], grid.meter.beat_type) for i in changes]
    return measures, np.array(rows, METER)
