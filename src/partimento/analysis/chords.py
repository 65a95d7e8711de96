"""Chords from notes."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from partimento.score import ChordEvent, Score
from partimento.theory.chord import KINDS, ChordSymbol
from partimento.theory.key import Key
from partimento.theory.spelling import spell

_KINDS = ("major", "minor", "dominant", "diminished", "minor-seventh", "major-seventh", "half-diminished")
_SIMPLER_IS_BETTER = np.array([0.06, 0.05, 0.01, 0.0, 0.0, 0.0, 0.0])
_BASS_WEIGHT, _BEAT_WEIGHT, _OUTSIDE_WEIGHT, _MISSING_THIRD = 0.25, 0.5, 0.9, 0.08


@cache
def _templates() -> tuple[NDArray[np.float64], list[tuple[int, str]]]:
    """Chord tones of every root and kind, shape (chords, 12)."""
    names = [(root, kind) for kind in _KINDS for root in range(12)]
    tones = np.zeros((len(names), 12))
    for row, (root, kind) in enumerate(names):
        tones[row, [(root + tone) % 12 for tone in KINDS[kind][0]]] = 1
    return tones, names


def estimate_chords(score: Score) -> tuple[ChordEvent, ...]:
    """One chord per measure, by which template best covers its sounding notes; repeated chords are left out.

    Notes count by duration, those on the downbeat and in the bass count more (after Pardo and Birmingham,
    Computer Music Journal 26:2, 2002). Measures without pitched notes keep the chord before.
    """
    weights, bass = _measure_profiles(score)
    tones, names = _templates()
    total = weights.sum(axis=1, keepdims=True)
    share = weights / np.maximum(total, 1e-9)
    fit = share @ tones.T - _OUTSIDE_WEIGHT * (share @ (1 - tones).T)
    fit += np.repeat(_SIMPLER_IS_BETTER, 12)
    roots = np.array([root for root, _ in names])
    fit += _BASS_WEIGHT * (roots[None] == bass[:, None])
    thirds = np.array([(root + KINDS[kind][0][1]) % 12 for root, kind in names])
    fit -= _MISSING_THIRD * (share[:, thirds] == 0)
    best = fit.argmax(axis=1)
    return _events(
        score,
        [names[index] if any_note else None for index, any_note in zip(best, total[:, 0] > 0, strict=True)],
    )


def _measure_profiles(score: Score) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Weighted pitch classes of each measure, shape (measures, 12), and the pitch class of its lowest note."""
    notes = score.sounding().notes
    notes = notes[
        ~np.array([part.is_drums for part in score.parts], bool)[notes["part"]] & (notes["duration_tick"] > 0)
    ]
    measure = score.measure_at(notes["onset_tick"])
    start = score.measures["onset_tick"][measure]
    end = start + score.measures["duration_tick"][measure]
    inside = np.minimum(notes["onset_tick"] + notes["duration_tick"], end) - notes["onset_tick"]
    weight = np.maximum(inside, 0) * (1 + _BEAT_WEIGHT * (notes["onset_tick"] == start))
    profile = np.zeros((len(score.measures), 12))
    np.add.at(profile, (measure, notes["pitch"] % 12), weight)
    lowest = np.full(len(score.measures), 127, np.int64)
    np.minimum.at(lowest, measure, notes["pitch"])
    return profile, np.where(lowest < 127, lowest % 12, -1)


def _events(score: Score, chords: list[tuple[int, str] | None]) -> tuple[ChordEvent, ...]:
    events: list[ChordEvent] = []
    current: tuple[int, str] | None = None
    for onset, chord in zip(score.measures["onset_tick"].tolist(), chords, strict=True):
        if chord is None or chord == current:
            continue
        current = chord
        key = score.key_at(onset) or Key(0)
        root = int(spell(np.array([chord[0]]), key.fifths, key.mode == "minor")[0])
        events.append(ChordEvent(onset, ChordSymbol(root, chord[1])))
    return tuple(events)
