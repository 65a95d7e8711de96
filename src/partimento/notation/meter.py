"""The meter of music that lies on a beat but states no bars.

Every eighth note is given a salience, and the meter and phase whose pattern of strong and weak places correlates best
with it are taken: the autocorrelation of Brown 1993, "Determination of the meter of musical scores by
autocorrelation", with the accents of Temperley 2001, "The cognition of basic musical structures", ch. 2 (length,
fullness, bass and harmony), and the patterns of Palmer and Krumhansl 1990, "Mental representations for musical meter".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partimento.score import METER, Records, Score, measures_from_meters

Floats = NDArray[np.float64]
_PER_QUARTER = 2
"""Places per quarter."""
_LENGTH_WEIGHT, _COUNT_WEIGHT, _BASS_WEIGHT, _CHANGE_WEIGHT = 1.6, 0.8, 1.0, 0.25
_LONGEST_QUARTER = 4.0
_CONTEXT = 12
"""Places on either side against which a place counts as salient."""


@dataclass(frozen=True, slots=True)
class _Pattern:
    beats: int
    beat_type: int
    accents: tuple[float, ...]
    """How strong each eighth of the bar is."""
    bonus: float = 0.0
    """How much commoner it is, as a correlation."""


_PATTERNS = (
    _Pattern(4, 4, (1, 0, 0.3, 0, 0.6, 0, 0.3, 0), 0.07), _Pattern(3, 4, (1, 0, 0.3, 0, 0.3, 0), 0.05),
    _Pattern(2, 4, (1, 0, 0.45, 0), -0.03), _Pattern(6, 8, (1, 0, 0.1, 0.45, 0, 0.1), 0.03),
    _Pattern(9, 8, (1, 0, 0.1, 0.5, 0, 0.1, 0.5, 0, 0.1), -0.1),
    _Pattern(12, 8, (1, 0, 0.1, 0.4, 0, 0.1, 0.7, 0, 0.1, 0.4, 0, 0.1), -0.05),
)  # fmt: skip


def estimate_meter(score: Score) -> Score:
    """The score with the likeliest meter, barlines and pickup; what it stated of these is forgotten.

    Its quarters are taken to be right: 2/4, 3/4, 4/4, 6/8, 9/8 or 12/8 for the whole piece. For music that is off
    the beat there is `estimate_beats`.
    """
    if not len(score.notes):
        return score
    salience = _salience(score)
    found = [(_fit(salience, pattern, phase), -i, phase) for i, pattern in enumerate(_PATTERNS)
             for phase in range(len(pattern.accents))]  # fmt: skip
    _, minus, phase = max(found)
    pattern = _PATTERNS[-minus]
    meters = np.array([(0, pattern.beats, pattern.beat_type)], METER)
    pickup = phase * score.ticks_per_quarter // _PER_QUARTER
    return replace(
        score,
        meters=meters,
        measures=measures_from_meters(meters, score.ticks_per_quarter, score.end_tick, pickup),
    )


def _salience(score: Score) -> Floats:
    """How strong each eighth from tick 0 on is, beside its neighbourhood; shape (places,)."""
    notes = score.sounding().notes
    place = np.rint(notes["onset_tick"] * _PER_QUARTER / score.ticks_per_quarter).astype(np.int64)
    is_near = np.abs(place / _PER_QUARTER - notes["onset_tick"] / score.ticks_per_quarter) < 1 / 16
    notes, place = notes[is_near], place[is_near]
    size = int(place.max(initial=0)) + 1
    length = np.minimum(notes["duration_tick"] / score.ticks_per_quarter, _LONGEST_QUARTER)
    longest, count = np.zeros(size), np.bincount(place, minlength=size)
    np.maximum.at(longest, place, np.log2(1 + length))
    is_drum = np.array([part.is_drums for part in score.parts], bool)[notes["part"]]
    pitched, at = notes[~is_drum], place[~is_drum]
    raw = _LENGTH_WEIGHT * longest + _COUNT_WEIGHT * np.log1p(count)
    raw += _BASS_WEIGHT * _basses(pitched, at, size) + _CHANGE_WEIGHT * _changes(pitched, at, length[~is_drum], size)
    kernel = np.ones(2 * _CONTEXT + 1)
    mean = np.convolve(raw, kernel, "same") / np.convolve(np.ones(size), kernel, "same")
    return raw - mean[:size]


def _basses(notes: Records, place: NDArray[np.int64], size: int) -> Floats:
    """1 where the lowest note for a bar around is struck."""
    lowest = np.full(size, 128)
    np.minimum.at(lowest, place, notes["pitch"])
    padded = np.pad(lowest, 4, constant_values=128)
    around = np.lib.stride_tricks.sliding_window_view(padded, 9).min(axis=1)
    return ((lowest <= around + 2) & (lowest < 128)).astype(np.float64)


def _changes(notes: Records, place: NDArray[np.int64], length: Floats, size: int) -> Floats:
    """How unlike the pitch classes of the quarter that begins are to those of the one before, 0 to 1."""
    chroma = np.zeros((size + 4, 12))
    np.add.at(chroma, (place + 2, notes["pitch"] % 12), np.minimum(length, 1.0))
    before = chroma[: size + 2][:-2] + chroma[1 : size + 1]
    after = chroma[2 : size + 2] + chroma[3 : size + 3]
    norms = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    return np.where(norms > 0, 1 - np.sum(before * after, axis=1) / np.maximum(norms, 1e-9), 0.5)


def _fit(salience: Floats, pattern: _Pattern, phase: int) -> float:
    """Correlation of the salience with a pattern whose first barline is `phase` places from the start."""
    accents = np.array(pattern.accents)[(np.arange(len(salience)) - phase) % len(pattern.accents)]
    accents = accents - accents.mean()
    norm = float(np.linalg.norm(salience) * np.linalg.norm(accents))
    return float(salience @ accents) / norm + pattern.bonus if norm else pattern.bonus
