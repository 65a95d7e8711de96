"""What a beat tracker listens to: strokes (notes struck together) with their time and weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partimento.score import Score

_GAP_S, _SPREAD_S = 0.04, 0.09
"""Notes belong to one stroke if they follow within 40 ms and no more than 90 ms after its first."""
_LOCAL_S = 4.0
"""Half the span against which a stroke counts as heavy or light."""

_BASS_S, _BASS_SEMITONES = 0.6, 2
"""A bass note is the lowest for this long before and after, give or take two semitones."""
_WEIGHTS = (0.4, 2.2, 0.15, 0.9, 0.2, 0.3)
"""Of fullness, length, depth, bass, loudness and the time to the next stroke, about their log odds of a beat."""
_MOST_SALIENT = 2.5

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Strokes:
    """Notes struck together, in the order of time; S strokes, N notes."""

    seconds: Floats
    """Mean onset of the notes, shape (S,)."""
    salience: Floats
    """How much weight a stroke has beside those around it, mean 0 and deviation 1, shape (S,)."""
    of_note: Ints
    """Stroke to which each note of the score belongs, shape (N,)."""


def strokes_of(score: Score) -> Strokes:
    """The strokes of a score with at least one note.

    The salience follows Dixon (2001), "Automatic extraction of tempo and beat from expressive performances":
    long, low, loud and full strokes weigh more. Here each counts relative to the neighbourhood.
    """
    onsets = score.seconds_at(score.notes["onset_tick"])
    order = np.argsort(onsets, kind="stable")
    of_note = np.empty(len(onsets), np.int64)
    of_note[order] = _grouped(onsets[order])
    count = np.bincount(of_note)
    seconds = np.bincount(of_note, onsets) / count
    return Strokes(seconds, _salience(score, of_note, seconds), of_note)


def _grouped(onsets: Floats) -> Ints:
    """Number of the stroke of each onset, onsets in ascending order."""
    groups = np.zeros(len(onsets), np.int64)
    first = last = onsets[0]
    group = 0
    for index, onset in enumerate(onsets.tolist()):
        if onset - last > _GAP_S or onset - first > _SPREAD_S:
            group, first = group + 1, onset
        groups[index], last = group, onset
    return groups


def _salience(score: Score, of_note: Ints, seconds: Floats) -> Floats:
    total = stroke_features(score, of_note, seconds) @ np.array(_WEIGHTS)
    return np.clip(total / max(float(total.std()), 1e-9), -_MOST_SALIENT, _MOST_SALIENT)


def stroke_features(score: Score, of_note: Ints, seconds: Floats) -> Floats:
    """Fullness, length, depth, bass, loudness and time to the next, relative to those around, shape (S, 6)."""
    notes = score.notes
    releases = score.seconds_at(notes["onset_tick"] + notes["duration_tick"])
    lengths = releases - score.seconds_at(notes["onset_tick"])
    longest, loudest, lowest = np.zeros(len(seconds)), np.zeros(len(seconds)), np.full(len(seconds), 127.0)
    np.maximum.at(longest, of_note, lengths)
    np.maximum.at(loudest, of_note, notes["velocity"].astype(np.float64))
    np.minimum.at(lowest, of_note, notes["pitch"].astype(np.float64))
    until_next = np.r_[np.diff(seconds), 1.0]
    columns = (
        np.log1p(np.bincount(of_note)), np.log(longest + 0.05), -lowest / 12, _is_bass(lowest, seconds), loudest / 16,
        np.log(until_next + 0.05),
    )  # fmt: skip
    return np.stack([_relative(column, seconds) for column in columns], axis=1)


def _is_bass(lowest: Floats, seconds: Floats) -> Floats:
    """1 where the lowest note of a stroke is the lowest around it, or nearly so."""
    low, high = np.searchsorted(seconds, seconds - _BASS_S), np.searchsorted(seconds, seconds + _BASS_S)
    spans = zip(lowest.tolist(), low.tolist(), high.tolist(), strict=True)
    return np.array([pitch <= lowest[a:b].min() + _BASS_SEMITONES for pitch, a, b in spans], np.float64)


def _relative(values: Floats, seconds: Floats) -> Floats:
    """Values less the mean of those within `_LOCAL_S`."""
    low, high = np.searchsorted(seconds, seconds - _LOCAL_S), np.searchsorted(seconds, seconds + _LOCAL_S)
    sums = np.r_[0.0, np.cumsum(values)]
    return values - (sums[high] - sums[low]) / (high - low)
