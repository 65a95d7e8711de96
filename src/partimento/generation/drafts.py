"""What tells a good draft of some bars from a poor one."""

from __future__ import annotations

import numpy as np

from partimento.analysis import estimate_key
from partimento.analysis.form import similarity
from partimento.analysis.heard import bar_lines, heard
from partimento.generation.windows import joined
from partimento.score import Score

MOST_ALIKE = 0.45
"""How alike two sections may be that are not the same; where the analysis of form hears the same music, it is .6."""


def fullness(score: Score) -> float:
    """Share of the time for which parts sound, on average over the parts; what exceeds nine tenths does not count.

    A model that loses the thread leaves bars nearly empty, so the fullest of several drafts is kept.
    """
    if not score.parts:
        return 0.0
    steps = np.zeros((len(score.parts), score.end_tick + 1), np.int64)
    notes = score.notes
    np.add.at(steps, (notes["part"], notes["onset_tick"]), 1)
    np.add.at(steps, (notes["part"], notes["onset_tick"] + notes["duration_tick"]), -1)
    return float(np.minimum((np.cumsum(steps, axis=1) > 0).mean(axis=1), 0.9).mean())


def keeps_key(score: Score) -> bool:
    """Whether its key is the one that is heard in it; modes other than major and minor are not told apart."""
    key = score.key_at(0)
    return key is None or key.mode not in ("major", "minor") or estimate_key(score)[0] == key


def too_alike(theme: Score, other: Score) -> float:
    """By how much bars are more like those of a theme than sections are that contrast, 0 to 1 − `MOST_ALIKE`."""
    both, bars = joined(theme, other), min(len(theme.measures), len(other.measures))
    alike = similarity(heard(both), bar_lines(both))
    rows = np.arange(bars)
    return max(float(alike[rows, len(theme.measures) + rows].mean()) - MOST_ALIKE, 0.0)


def tune_of(score: Score) -> int:
    """Index of the part that probably has the tune: the one that plays highest."""
    means = [
        -1.0 if part.is_drums or not (own := score.notes["part"] == index).any() else score.notes["pitch"][own].mean()
        for index, part in enumerate(score.parts)
    ]
    return int(np.argmax(means))
