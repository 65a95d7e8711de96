"""The same music higher or lower."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from partimento.theory.interval import UNISON, Interval
from partimento.theory.key import Key
from partimento.theory.pitch import UNSPELLED

if TYPE_CHECKING:
    from partimento.score.score import Score


def transposed(score: Score, interval: Interval | int) -> Score:
    """`Score.transpose`."""
    if isinstance(interval, int):
        interval = _plain_interval(score, interval) if interval else UNISON
    notes, keys = score.notes.copy(), score.keys.copy()
    is_pitched = ~np.array([p.is_drums for p in score.parts], bool)[notes["part"]]
    notes["pitch"][is_pitched] += interval.semitones
    if len(notes) and not 0 <= notes["pitch"].min() <= notes["pitch"].max() <= 127:
        raise ValueError(f"transposed by {interval.semitones} semitones, a pitch leaves the range 0-127")
    moved = [Key(int(k)).transposed(interval).fifths - int(k) for k in keys["fifths"]]
    shift = moved[0] if moved else interval.fifths
    keys["fifths"] += np.array(moved, np.int8)
    spelled = is_pitched & (notes["spelling"] != UNSPELLED)
    notes["spelling"][spelled] += np.int8(shift)
    # staff steps that go with the shift, should it have been respelled
    spelled_interval = Interval(interval.semitones, (7 * interval.semitones - shift) // 12)
    chords = tuple(
        replace(c, symbol=c.symbol and c.symbol.transposed(spelled_interval), text="", frame="") for c in score.chords
    )
    return replace(score, notes=notes, keys=keys, chords=chords)


def _plain_interval(score: Score, semitones: int) -> Interval:
    interval = Interval.from_semitones(semitones)
    key = score.key_at(0) or Key(0)
    wanted = key.transposed(interval).fifths
    wanted += 12 if wanted < -5 else -12 if wanted > 6 else 0
    return Interval(semitones, (7 * semitones - (wanted - key.fifths)) // 12)
