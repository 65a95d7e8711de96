"""The meter of music whose quarters are known, from its notes alone.

What is struck, how long, how low and with which new harmony is laid on a grid of sixteenths; the autocorrelations of
these four (Brown 1993, "Determination of the meter of musical scores by autocorrelation", with the accents of Temperley
2001, "The cognition of basic musical structures", ch. 2) at the lengths of beats and bars go into a multinomial
logistic regression (`meter_weights`). For music that is off the beat, `notation.beats` finds beats and bars.
"""

from __future__ import annotations

import numpy as np

from partimento.analysis.heard import Floats, Heard, Ints, heard
from partimento.analysis.meter_weights import METERS, WEIGHTS
from partimento.score import Score
from partimento.theory.meter import Meter

_PER_QUARTER = 4
LAGS = (1, 2, 3, 4, 6, 8, 9, 12, 16, 18, 24)
"""Eighths."""
_LONGEST_QUARTER = 4.0
_MOST_PLACES = 1 << 14
"""Of longer music, so many sixteenths from the start are looked at."""


def estimate_meter(score: Score) -> tuple[Meter, float]:
    """The likeliest meter, whatever the score states, and how likely it is, 0 to 1.

    Its quarters are taken to be right. 4/4 stands for 2/2 too, which sounds the same. Without notes: 4/4, 0.
    """
    return meter_of(heard(score))


def meter_of(notes: Heard) -> tuple[Meter, float]:
    """As `estimate_meter`."""
    if not len(notes):
        return Meter(4, 4), 0.0
    odds = WEIGHTS[:, :-1] @ features(notes) + WEIGHTS[:, -1]
    likely = np.exp(odds - odds.max())
    best = int(odds.argmax())
    return Meter(*METERS[best]), float(likely[best] / likely.sum())


def features(notes: Heard) -> Floats:
    """Autocorrelation of strokes, lengths, basses and changes of harmony at every lag, shape (44,)."""
    place = np.floor((notes.onset - notes.onset.min()) * _PER_QUARTER + 0.5).astype(np.int64)
    near = place < _MOST_PLACES
    notes, place = notes.where(near), place[near]
    size = int(place.max()) + 1
    length = np.zeros(size)
    np.maximum.at(length, place, np.sqrt(np.minimum(notes.length, _LONGEST_QUARTER)))
    signals = np.stack([
        np.log1p(np.bincount(place, minlength=size)), length,
        _lowness(notes, place, size), _changes(notes, place, size),
    ])  # fmt: skip
    return _autocorrelation(signals).ravel()


def _lowness(notes: Heard, place: Ints, size: int) -> Floats:
    """How far the lowest note struck lies below the middle of all, in octaves."""
    low = np.full(size, 128.0)
    np.minimum.at(low, place[~notes.is_drum], notes.pitch[~notes.is_drum])
    struck = low < 128
    middle = float(np.mean(low[struck])) if struck.any() else 0.0
    return np.where(struck, np.maximum(middle - low, 0) / 12, 0.0)


def _changes(notes: Heard, place: Ints, size: int) -> Floats:
    """How unlike the pitch classes struck in a quarter are to those in the quarter before, 0 to 1."""
    chroma = np.zeros((size + 2 * _PER_QUARTER, 12))
    pitched = ~notes.is_drum
    np.add.at(chroma, (place[pitched] + _PER_QUARTER, notes.pitch[pitched] % 12), 1.0)
    running = np.cumsum(np.r_[np.zeros((1, 12)), chroma], axis=0)
    window = running[_PER_QUARTER:] - running[:-_PER_QUARTER]
    before, after = window[:size], window[_PER_QUARTER : size + _PER_QUARTER]
    norm = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    return np.where(norm > 0, 1 - np.sum(before * after, axis=1) / np.maximum(norm, 1e-9), 0.0)


def _autocorrelation(signals: Floats) -> Floats:
    """Of each signal, less its mean, at each lag, shape (signals, lags); 0 where the music is shorter."""
    centred = signals - signals.mean(axis=1, keepdims=True)
    size = 1 << int(centred.shape[1] + 2 * _PER_QUARTER * max(LAGS)).bit_length()
    spectrum = np.fft.rfft(centred, size, axis=1)
    products = np.fft.irfft(spectrum * spectrum.conj(), size, axis=1)[:, [_PER_QUARTER // 2 * lag for lag in LAGS]]
    energy = np.sum(centred**2, axis=1, keepdims=True)
    return np.where(energy > 1e-9, products / np.maximum(energy, 1e-9), 0.0)
