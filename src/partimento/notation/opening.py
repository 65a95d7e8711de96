"""Where the page begins: silent bars are left out, and a bar that begins with a long rest becomes a pickup."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from partimento.notation.grid import beat_lengths
from partimento.score import Score
from partimento.score.records import restated

_SHARE = 0.5
"""A first bar that is silent for this share of its length is written as a pickup."""
_EARLY_QUARTER = 0.1
"""Players may come in this much early."""


def without_leading_rest(score: Score) -> Score:
    """The score from the bar, or the beat of a pickup, in which its first note is; what held before, holds there."""
    if not len(score.notes) or score.has_pickup:
        return score
    first = int(score.notes["onset_tick"].min()) + int(_EARLY_QUARTER * score.ticks_per_quarter)
    bar = int(score.measure_at(first))
    start, length = (int(x) for x in score.measures[bar].tolist())
    beat = int(beat_lengths(score.meter_at(start))[0] * score.ticks_per_quarter)
    silent = (first - start) // beat * beat
    cut = start + (silent if silent >= _SHARE * length and _is_full(score, bar) else 0)
    return _begun_at(score, cut) if cut else score


def _is_full(score: Score, bar: int) -> bool:
    meter = score.meter_at(int(score.measures["onset_tick"][bar]))
    return int(score.measures["duration_tick"][bar]) == meter.duration_quarter * score.ticks_per_quarter


def _begun_at(score: Score, cut: int) -> Score:
    """The score from a tick on, which lies before all notes."""
    far = np.iinfo(np.int64).max
    changes: dict[str, Any] = {}
    for field in fields(score):
        value = getattr(score, field.name)
        if "dtype" in field.metadata and field.name not in ("notes", "measures"):
            changes[field.name] = restated(value, cut, far)
    measures = score.measures[score.measures["onset_tick"] + score.measures["duration_tick"] > cut].copy()
    early = max(cut - int(measures["onset_tick"][0]), 0)
    measures["onset_tick"][0] += early
    measures["duration_tick"][0] -= early

    def moved(tick: Any) -> Any:
        return np.maximum(tick - cut, 0) if isinstance(tick, np.ndarray) else max(tick - cut, 0)

    return replace(score, **changes, measures=measures).map_ticks(moved, lambda duration: duration)
