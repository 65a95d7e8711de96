"""Whether bars agree with what stands around them: density, register and key.

All three compare the notes struck in some bars of some parts with those of the same parts in up to `AROUND` bars on
either side; a part that is silent there, such as a new one, is compared with the other parts in the bars themselves.

- density: notes struck per quarter and part, inside over around; 1 is equal, 2 twice as busy.
- register: mean pitch inside less mean pitch around, in semitones, part by part, then averaged by notes, unsigned.
- key: share of the sounding time inside that lies in the scale of the key that all parts are heard in around it; minor
  keys have both sixths and both sevenths.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from partimento.analysis import estimate_key
from partimento.score import Records, Score
from partimento.theory.key import MINOR_MODES, Key
from partimento.theory.pitch import pitch_class

AROUND = 4
"""Bars on either side that are looked at."""
_SEMITONES = 6.0
"""A difference of register that is as bad as half, or twice, the density."""
_STEPS_OF_MINOR = (0, 2, 3, 5, 7, 8, 9, 10, 11)


class Seam(NamedTuple):
    """How bars agree with their surroundings; NaN where there is nothing to compare."""

    density: float
    register_semitones: float
    in_key: float

    @property
    def distance(self) -> float:
        """How badly, 0 for perfect agreement; what cannot be compared is no fault, silence is a great one."""
        if self.density == 0:
            return math.inf
        faults = (abs(math.log2(self.density)), self.register_semitones / _SEMITONES, 4 * (1 - self.in_key))
        return sum(fault for fault in faults if not math.isnan(fault))


def seam(score: Score, bars: tuple[int, int], parts: Iterable[int]) -> Seam:
    """How some bars of some parts agree with what stands around them.

    Args:
        score: a piece with bars.
        bars: measures [first, last).
        parts: indices of the parts.
    """
    sounding = score.sounding()
    notes = sounding.notes[sounding.notes["grace"] == 0]
    measure, chosen = sounding.measure_at(notes["onset_tick"]), sorted(set(parts))
    is_own, is_inside = np.isin(notes["part"], chosen), (measure >= bars[0]) & (measure < bars[1])
    is_around = ~is_inside & (measure >= bars[0] - AROUND) & (measure < bars[1] + AROUND)
    quarters = _quarters(sounding, *bars)
    away = _quarters(sounding, max(bars[0] - AROUND, 0), bars[1] + AROUND) - quarters
    inside = notes[is_inside & is_own]
    around = notes[is_around & np.isin(notes["part"], _heard(notes[is_around], chosen))]
    if not len(around):  # nothing of these parts stands around: what others play in these bars
        around, away = notes[is_inside & ~is_own], quarters
    return Seam(
        _ratio(_density(inside, quarters), _density(around, away)),
        _register(inside, around),
        _in_key(sounding, inside, notes[(is_around | is_inside) & ~(is_inside & is_own)]),
    )


def _heard(notes: Records, parts: list[int]) -> list[int]:
    return sorted(set(parts) & set(notes["part"].tolist()))


def _quarters(score: Score, first: int, last: int) -> float:
    return float(score.measures["duration_tick"][first:last].sum() / score.ticks_per_quarter)


def _density(notes: Records, quarters: float) -> float:
    """Notes per quarter and part that plays."""
    return len(notes) / max(quarters, 1e-9) / max(len(np.unique(notes["part"])), 1)


def _ratio(inside: float, around: float) -> float:
    return inside / around if around else math.nan


def _register(inside: Records, around: Records) -> float:
    """Mean distance of the parts' mean pitches, weighted by notes."""
    shared = set(inside["part"].tolist()) & set(around["part"].tolist())
    pairs = [(inside[inside["part"] == part], around[around["part"] == part]) for part in shared]
    if not pairs:
        return math.nan
    distances = [abs(float(a["pitch"].mean() - b["pitch"].mean())) for a, b in pairs]
    return float(np.average(distances, weights=[len(a) for a, _ in pairs]))


def _in_key(score: Score, inside: Records, others: Records) -> float:
    pitched = inside[~np.array([part.is_drums for part in score.parts], bool)[inside["part"]]]
    total = pitched["duration_tick"].sum()
    if not len(others) or not total:
        return math.nan
    scale = scale_of(estimate_key(score.with_notes(others))[0])
    return float(pitched["duration_tick"][np.isin(pitched["pitch"] % 12, scale)].sum() / total)


def scale_of(key: Key) -> NDArray[np.int64]:
    """Pitch classes of a key; a minor one has both sixths and both sevenths."""
    if key.mode not in MINOR_MODES:
        return np.array(sorted(key.pitch_classes))
    return (pitch_class(key.tonic) + np.array(_STEPS_OF_MINOR)) % 12
