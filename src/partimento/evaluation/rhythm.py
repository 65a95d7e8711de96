"""Whether rhythm goes by a pulse."""

from __future__ import annotations

import numpy as np

from partimento.analysis.heard import Floats
from partimento.score import Score

STEP_SECONDS = 0.01
LAG_SECONDS = (0.2, 2.0)
_STROKE_SECONDS = 0.025
"""Standard deviation of a stroke on the curve of onsets: what is played together lies about so far apart."""
_MOST_SECONDS = 600.0


def rhythmic_coherence(score: Score) -> float:
    """How well the times at which notes begin repeat themselves, at the delay at which they do so best.

    Each instant at which notes begin is a Gaussian of 25 ms on a curve over time; the value is the largest correlation
    (Pearson's) of the curve with itself 0.2 to 2 seconds later. It looks at performed time alone, so that music without
    beats is measured like music with beats. After the strength of a pulse in Lartillot, Eerola, Toiviainen and Fornari,
    Multi-feature modeling of pulse clarity, ISMIR 2008.

    Returns:
        Near 1 for a steady pulse, near 0 for onsets at random; NaN for fewer than four instants or less than four
        seconds. Of long pieces, the first ten minutes are looked at.
    """
    notes = score.sounding().notes
    onsets = np.unique(score.seconds_at(notes["onset_tick"][notes["grace"] == 0]))
    onsets = onsets[onsets < onsets[:1].sum() + _MOST_SECONDS] - onsets[:1].sum()
    low, high = (round(lag / STEP_SECONDS) for lag in LAG_SECONDS)
    if len(onsets) < 4 or onsets[-1] < 2 * LAG_SECONDS[1]:
        return float("nan")
    curve = _curve(onsets)
    return max(float(np.corrcoef(curve[:-lag], curve[lag:])[0, 1]) for lag in range(low, high + 1))


def _curve(onsets: Floats) -> Floats:
    """Onsets, smoothed, shape (steps,)."""
    strokes = np.bincount(np.rint(onsets / STEP_SECONDS).astype(np.int64)).astype(np.float64).clip(max=1)
    reach = np.arange(-10, 11) * STEP_SECONDS
    return np.convolve(strokes, np.exp(-((reach / _STROKE_SECONDS) ** 2) / 2), "same")
