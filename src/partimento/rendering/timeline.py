"""The time axis that piano rolls share: bars where the music has them, else stretches of seconds.

What they show is what is heard: repeats are unfolded, ornaments written out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partimento.rendering.performance import performed
from partimento.score import Part, Score
from partimento.score.unfolding import playing_order
from partimento.theory.instrument import find_instrument, instrument_name
from partimento.theory.meter import Meter

Floats = NDArray[np.floating]
STRETCH_SECOND, _MOST_STRETCHES = 5, 2000

DRUM_NAMES = {
    35: "Kick", 36: "Kick", 37: "Side stick", 38: "Snare", 39: "Clap", 40: "Snare", 41: "Low tom",
    42: "Closed hat",
    43: "Low tom", 44: "Pedal hat", 45: "Mid tom", 46: "Open hat", 47: "Mid tom", 48: "High tom", 49: "Crash",
    50: "High tom", 51: "Ride", 52: "China", 53: "Ride bell", 54: "Tambourine", 55: "Splash", 56: "Cowbell",
    57: "Crash", 58: "Vibraslap", 59: "Ride", 60: "Bongo", 61: "Bongo", 62: "Conga", 63: "Conga", 64: "Conga",
    65: "Timbale", 66: "Timbale", 67: "Agogo", 68: "Agogo", 69: "Cabasa", 70: "Maracas", 71: "Whistle",
    72: "Whistle", 73: "Guiro", 74: "Guiro", 75: "Claves", 76: "Wood block", 77: "Wood block", 78: "Cuica",
    79: "Cuica", 80: "Triangle", 81: "Triangle",
}  # fmt: skip
"""General MIDI percussion keys; those that one player would call the same thing share a name."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What sounds, in units of the time axis; arrays of one length."""

    start: Floats
    end: Floats
    pitch: NDArray[np.int64]
    part: NDArray[np.int64]
    velocity: NDArray[np.int64]
    is_drum: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Bars one after the other and the notes over them, in quarters, or seconds where there is no meter."""

    bar_start: Floats
    """Start of each bar, and the end of the last: one more than there are bars."""
    label: list[str]
    """Number of the written bar (a pickup has none) or minutes and seconds."""
    beat: Floats
    chords: list[tuple[float, str]]
    notes: Notes

    @property
    def bars(self) -> int:
        """How many bars there are."""
        return len(self.label)


def timeline(score: Score) -> Timeline:
    """Lay a score out over its bars, or over stretches of five seconds."""
    labels = _bar_numbers(score)
    score = performed(score)
    if not len(score.measures):
        return _by_seconds(score)
    per_quarter = score.ticks_per_quarter
    ends = score.measures["onset_tick"] + score.measures["duration_tick"]
    bar_start = np.r_[score.measures["onset_tick"], max(int(ends[-1]), score.end_tick)] / per_quarter
    chords = _chords(score, lambda tick: tick / per_quarter)
    starts, stops = (score.notes["onset_tick"] / per_quarter, _ends(score) / per_quarter)
    return Timeline(bar_start, labels, _beats(score), chords, _notes(score, starts, stops))


def _bar_numbers(score: Score) -> list[str]:
    """The written number of each bar in the order in which they are played."""
    onset, first = score.measures["onset_tick"], 0 if score.has_pickup else 1
    end = onset + score.measures["duration_tick"]
    played = [np.flatnonzero((end > start) & (onset < stop)) for start, stop in playing_order(score)]
    numbers = np.concatenate(played) + first if len(onset) else np.empty(0, np.int64)
    return [str(number) if number else "" for number in numbers.tolist()]


def part_labels(score: Score) -> list[str]:
    """What to call each part: its name, and its instrument where the name does not tell it."""
    return [_part_label(part) for part in score.parts]


def _part_label(part: Part) -> str:
    name, instrument = " ".join(part.name.split()), instrument_name(part.instrument)
    short = name if len(name) <= 32 else name[:31] + "…"
    if not name or name.lower() == instrument.lower():
        return instrument
    return short if find_instrument(name) is not None else f"{short} ({instrument})"


def _by_seconds(score: Score) -> Timeline:
    starts, stops = score.seconds_at(score.notes["onset_tick"]), score.seconds_at(_ends(score))
    last = float(stops.max(initial=0.0))
    stretch = STRETCH_SECOND * max(int(np.ceil(last / STRETCH_SECOND / _MOST_STRETCHES)), 1)
    bars = max(int(np.ceil(last / stretch)), 1)
    labels = [f"{second // 60}:{second % 60:02d}" for second in range(0, bars * stretch, stretch)]
    bar_start = np.arange(bars + 1) * float(stretch)
    beats = np.arange(bars * STRETCH_SECOND) * (stretch / STRETCH_SECOND)
    chords = _chords(score, lambda tick: float(score.seconds_at(tick)))
    return Timeline(bar_start, labels, beats, chords, _notes(score, starts, stops))


def _chords(score: Score, place: Callable[[int], float]) -> list[tuple[float, str]]:
    """Each chord symbol once, though several parts may bear it."""
    symbols = dict.fromkeys((c.onset_tick, "N.C." if c.symbol is None else str(c.symbol)) for c in score.chords)
    return [(place(tick), text) for tick, text in symbols]


def _ends(score: Score) -> NDArray[np.int64]:
    return score.notes["onset_tick"] + score.notes["duration_tick"]


def _notes(score: Score, start: Floats, end: Floats) -> Notes:
    rows = score.notes
    is_drums = np.array([p.is_drums for p in score.parts], bool)
    pitch, part, velocity = (rows[name].astype(np.int64) for name in ("pitch", "part", "velocity"))
    return Notes(start, end, pitch, part, velocity, is_drums[rows["part"]])


def _beats(score: Score) -> Floats:
    """Beats inside the bars, in quarters, the pickup's counted back from its end."""
    onset = score.measures["onset_tick"]
    beats: list[Floats] = []
    for index, row in enumerate(score.meters):
        stop = score.meters["onset_tick"][index + 1] if index + 1 < len(score.meters) else np.inf
        here = score.measures[((onset >= row["onset_tick"]) | (index == 0)) & (onset < stop)]
        meter = Meter(int(row["beats"]), int(row["beat_type"]))
        steps = np.arange(float(meter.beat_quarter), float(meter.duration_quarter), float(meter.beat_quarter))
        start, length = (
            here["onset_tick"] / score.ticks_per_quarter,
            here["duration_tick"] / score.ticks_per_quarter,
        )
        places = np.broadcast_to(steps, (len(here), len(steps))).copy()
        if index == 0 and len(here) and score.has_pickup:
            places[0] += length[0] - float(meter.duration_quarter)
        inside = (places > 0) & (places < length[:, None])
        beats.append((start[:, None] + places)[inside])
    return np.concatenate(beats) if beats else np.empty(0)
