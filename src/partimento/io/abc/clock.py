"""From the units of ABC's reader to ticks, and measures without a meter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partimento.io.abc.tokens import WHOLE
from partimento.score import Records, Score

QUARTER = WHOLE // 4
MAX_RESOLUTION = 100_000
"""Finest ticks per quarter; what would need more is rounded to `ROUNDED_RESOLUTION`."""
ROUNDED_RESOLUTION = 10_080
LONGEST_FREE_MEASURE = 12 * QUARTER
"""Without a meter, bars up to this length are given the meter that they fill."""


class Clock:
    """Ticks of the coarsest resolution that is exact, or of `ROUNDED_RESOLUTION` where that were too fine."""

    def __init__(self, times: NDArray[np.int64], beat_types: Iterable[int]) -> None:
        divisor = int(np.gcd.reduce(np.append(times, [QUARTER, *(WHOLE // beat_type for beat_type in beat_types)])))
        self.is_exact = QUARTER // divisor <= MAX_RESOLUTION
        self._divisor = divisor if self.is_exact else QUARTER // ROUNDED_RESOLUTION
        self.resolution = QUARTER // self._divisor

    def ticks(self, units: Any) -> Any:
        """Units in ticks, rounded to the nearest."""
        return (units + self._divisor // 2 * (not self.is_exact)) // self._divisor

    def scaled(self, score: Score, notes: Records) -> Score:
        """The score in ticks, with notes that already are."""
        t = self.ticks
        bars = score.measures["onset_tick"], score.measures["onset_tick"] + score.measures["duration_tick"]
        tuplets = tuple(
            replace(x, onset_tick=t(x.onset_tick), duration_tick=t(x.onset_tick + x.duration_tick) - t(x.onset_tick))
            for x in score.tuplets
        )
        score = score.map_ticks(t, lambda duration: duration)
        measures = score.measures.copy()
        measures["duration_tick"] = t(bars[1]) - t(bars[0])
        return replace(score, ticks_per_quarter=self.resolution, notes=notes, measures=measures, tuplets=tuplets)


def free_meters(starts: list[int]) -> list[tuple[int, int, int]]:
    """Free meter: none where there is no barline inside or bars are long, else each bar gives its own."""
    lengths = [b - a for a, b in pairwise(starts)]
    if len(lengths) < 2 or max(lengths) > LONGEST_FREE_MEASURE:
        return []
    meters: list[tuple[int, int, int]] = []
    for start, length in zip(starts, lengths, strict=False):
        beat_type = next((n for n in (4, 8, 16, 32, 64) if length * n % WHOLE == 0), None)
        if beat_type is None:
            return []
        beats = length * beat_type // WHOLE
        if not meters or meters[-1][1:] != (beats, beat_type):
            meters.append((start, beats, beat_type))
    return meters
