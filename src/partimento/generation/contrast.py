"""How a section that contrasts is to differ from the theme: its tune lies elsewhere."""

from __future__ import annotations

import numpy as np

from partimento.generation.drafts import tune_of
from partimento.plan import Control
from partimento.score import Score
from partimento.theory.instrument import instrument

SHIFT = 5
"""Semitones by which a tune lies higher, or lower, than that of the theme."""
LEAST_SPAN = 12
"""Semitones that a tune has at least to move in."""
MOST_AT_ONCE = 1.2
"""Notes to a stroke; what strikes more is no tune alone, but an accompaniment as well."""


def contrast(theme: Score, lower: bool) -> Control | None:
    """The register of the tune in a section that contrasts with a theme.

    Args:
        theme: the bars of the theme.
        lower: whether it is to lie lower; else, higher.

    Returns:
        None where no part has a tune by itself, or the instrument has no room.
    """
    part = tune_of(theme)
    spec = instrument(theme.parts[part].instrument)
    notes = theme.notes[theme.notes["part"] == part]
    if not len(notes) or theme.parts[part].is_drums:
        return None
    if len(notes) > MOST_AT_ONCE * len(np.unique(notes["onset_tick"])):
        return None
    low, high = (int(edge) for edge in np.quantile(notes["pitch"], (0.1, 0.9)))
    wider = max(LEAST_SPAN - (high - low), 0)
    shift = -SHIFT if lower else SHIFT
    low, high = low - wider // 2 + shift, high + (wider + 1) // 2 + shift
    low, high = max(low, spec.lowest_pitch), min(high, spec.highest_pitch)
    return Control(parts=(part,), register=(low, high)) if high - low >= LEAST_SPAN else None
