"""Performances whose beats are known: scores played with rubato of stated size, and POP909's beat files."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from partimento.io import load_score
from partimento.score import TEMPO, Score, notes_array
from partimento.theory.meter import Meter

Floats = NDArray[np.float64]
_TICKS_PER_QUARTER = 500
"""At 120 bpm a tick is a millisecond."""


@dataclass(frozen=True)
class Performance:
    """Notes in time, without meter, and where the beats are."""

    name: str
    score: Score
    beats: Floats
    """Seconds."""
    downbeats: Floats
    """Seconds."""


@dataclass(frozen=True)
class Manner:
    """How freely a score is played."""

    rubato: float
    """Deviation of the tempo curve, an autoregressive process of first order from beat to beat (0.1: ten per cent)."""
    noise_s: float
    """Deviation of each onset, and of each chord's spread from low to high, in seconds."""


MANNERS = {"5 %, 10 ms": Manner(0.05, 0.01), "10 %, 20 ms": Manner(0.1, 0.02), "20 %, 30 ms": Manner(0.2, 0.03)}
_MEMORY = 0.8
"""How much of a tempo deviation is left a beat later."""


def played(score: Score, manner: Manner, seed: int, name: str = "") -> Performance:
    """A score played freely: its own tempi (100 a minute where it states none) times a wandering curve."""
    rng = np.random.default_rng(seed)
    score = score.unfolded().sounding()
    if not len(score.tempos):
        score = replace(score, tempos=np.array([(0, 100.0)], TEMPO))
    notes = score.notes[score.notes["grace"] == 0]
    beat_ticks, downbeat_ticks = _beat_ticks(score)
    first, last = notes["onset_tick"].min(), notes["onset_tick"].max()
    warp = _Rubato(score, beat_ticks, manner.rubato, rng)
    onsets = warp(notes["onset_tick"]) + rng.normal(0, manner.noise_s, len(notes)) * (manner.noise_s > 0)
    onsets += _spread(notes, manner.noise_s)
    lengths = warp(notes["onset_tick"] + notes["duration_tick"]) - warp(notes["onset_tick"])
    lengths *= rng.uniform(0.6, 1.05, len(notes))
    lead = min(0.0, float(onsets.min()))
    performance = _performance(score, notes, onsets - lead, lengths, rng)
    sounding = [t[(t >= first) & (t <= last)] for t in (beat_ticks, downbeat_ticks)]
    return Performance(name, performance, *(warp(t) - lead for t in sounding))


def _beat_ticks(score: Score) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every felt beat, and every barline that begins a bar; pickups are counted from their end."""
    beats: list[int] = []
    downbeats: list[int] = []
    for index, (start, length) in enumerate(score.measures.tolist()):
        meter = score.meter_at(start)
        beat = int(felt_beat(meter) * score.ticks_per_quarter)
        is_pickup = index == 0 and score.has_pickup
        beats += (
            list(range(start + length - beat, start - 1, -beat))[::-1]
            if is_pickup
            else list(range(start, start + length, beat))
        )
        downbeats += [] if is_pickup else [start]
    return np.array(beats, np.int64), np.array(downbeats, np.int64)


def felt_beat(meter: Meter) -> Fraction:
    """Length of a beat in quarters; 3/8 has one beat in a bar."""
    return Fraction(3, 2) if (meter.beats, meter.beat_type) == (3, 8) else meter.beat_quarter


class _Rubato:
    """Tick ▶ second."""

    def __init__(self, score: Score, beats: NDArray[np.int64], size: float, rng: np.random.Generator) -> None:
        self.ticks = np.unique(np.r_[0, beats, score.end_tick])
        slowness = np.zeros(len(self.ticks) - 1)
        deviation = 0.0
        for index in range(len(slowness)):
            deviation = _MEMORY * deviation + rng.normal(0, size * np.sqrt(1 - _MEMORY**2))
            slowness[index] = deviation
        self.seconds = np.r_[0.0, np.cumsum(np.diff(score.seconds_at(self.ticks)) * np.exp(slowness))]

    def __call__(self, ticks: NDArray[np.int64]) -> Floats:
        return np.interp(ticks, self.ticks, self.seconds)


def _spread(notes: NDArray[np.void], size_s: float) -> Floats:
    """Chords rolled from the lowest to the highest note, the melody coming last."""
    _, group = np.unique(notes["onset_tick"], return_inverse=True)
    order = np.lexsort((notes["pitch"], group))
    starts = np.searchsorted(group[order], np.arange(group.max() + 1))
    rank = np.empty(len(notes))
    rank[order] = np.arange(len(notes)) - starts[group[order]]
    size = np.bincount(group)[group]
    return rank / np.maximum(size - 1, 1) * size_s


def _performance(
    score: Score, notes: NDArray[np.void], onsets: Floats, lengths: Floats, rng: np.random.Generator
) -> Score:
    velocity = np.clip(rng.normal(64, 12, len(notes)), 20, 110)
    rows = [
        {"onset_tick": round(o), "duration_tick": max(round(d), 30), "pitch": p, "part": part, "velocity": v}
        for o, d, p, part, v in zip(
            (onsets * 1000).tolist(), (lengths * 1000).tolist(), notes["pitch"], notes["part"], velocity, strict=True
        )
    ]
    return Score(_TICKS_PER_QUARTER, score.parts, notes_array(rows), tempos=np.array([(0, 120.0)], TEMPO))


def pop909(path: Path) -> Performance:
    """A POP909 song with the beats of its `.beat.txt` (second, beat, downbeat), the meter in the file forgotten."""
    rows = np.loadtxt(path.with_name(f"{path.stem}.beat.txt"), ndmin=2)
    score = load_score(path)
    bare = replace(score, meters=score.meters[:0], measures=score.measures[:0])
    return Performance(path.stem, bare, rows[:, 0], rows[rows[:, 2] == 1, 0])
