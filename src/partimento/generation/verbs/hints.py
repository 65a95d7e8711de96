"""What a model is told of a piece besides its notes: the key where none is stated, and the chords that are heard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from partimento.analysis import estimate_chords, estimate_key
from partimento.score import KEY, Score
from partimento.theory.instrument import DRUMS


def hinted(score: Score, *, chords: bool) -> Score:
    """A copy for the model's eyes: with a key that has a mode, and, if wanted, chords where it states none."""
    told = replace(score, keys=_keys(score))
    is_pitched = any(part.instrument != DRUMS for part in score.parts)
    return replace(told, chords=estimate_chords(told)) if chords and is_pitched and not score.chords else told


def _keys(score: Score) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Keys of the whole piece; a signature without a mode gets the likelier one."""
    if not len(score.keys):
        key, _ = estimate_key(score)
        return np.array([(0, -1, key.fifths, key.mode_id)], KEY)
    keys = score.keys[score.keys["part"] == score.keys["part"].min()].copy()
    for index, row in enumerate(keys):
        if _mode(score, int(row["onset_tick"])) is None:
            keys["mode"][index] = estimate_key(score, int(row["fifths"]))[0].mode_id
    return keys


def _mode(score: Score, tick: int) -> str | None:
    key = score.key_at(tick)
    return None if key is None else key.mode
