"""How loud a piece is: what a plan asks for becomes velocities and dynamic marks, since tokens do not say it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from partimento.plan import Plan
from partimento.representations.base import Longs, Mask
from partimento.score import Direction, Records, Score

LEVELS = {"ppp": 16, "pp": 33, "p": 49, "mp": 64, "mf": 80, "f": 96, "ff": 112, "fff": 126}
"""Velocities, as notation programs play the marks."""
_DOWNBEAT = 5
"""By how much louder a bar's first beat is."""


def with_dynamics(score: Score, plan: Plan) -> Score:
    """The score as loud as its plan asks; of two controls that disagree, the later holds.

    A note keeps by how much it is louder or softer than the part's others. Marks stand where a level begins.
    """
    if not len(score.measures) or not any(control.dynamics for control in plan.controls):
        return score
    notes, marks = score.notes.copy(), list[Direction]()
    bar = score.measure_at(notes["onset_tick"])
    for part in range(len(score.parts)):
        levels = _levels(score, plan, part)
        inside = (notes["part"] == part) & (levels[bar] > 0)
        notes["velocity"][inside] = np.clip(levels[bar][inside] + _relief(score, notes, inside, bar), 1, 127)
        marks += _marks(score, levels, part)
    directions = sorted((*score.directions, *marks), key=lambda sign: sign.onset_tick)
    return replace(score, notes=notes, directions=tuple(directions))


def _levels(score: Score, plan: Plan, part: int) -> Longs:
    """Velocity of each bar of a part, shape (bars,); 0 where nothing is asked."""
    levels, first_full = np.zeros(len(score.measures), np.int64), int(score.has_pickup)
    for control in plan.controls:
        if control.dynamics and (control.parts is None or part in control.parts):
            first, last = control.bars or (0, len(levels))
            levels[first + first_full if first else 0 : last + first_full] = LEVELS[control.dynamics]
    return levels


def _relief(score: Score, notes: Records, inside: Mask, bar: Longs) -> Longs:
    """By how much notes are louder than the others: as the model has it, or else the first beat a little."""
    own = notes["velocity"][inside].astype(np.int64)
    if len(np.unique(own)) > 1:
        return own - round(float(own.mean()))
    return _DOWNBEAT * (notes["onset_tick"][inside] == score.measures["onset_tick"][bar[inside]])


def _marks(score: Score, levels: Longs, part: int) -> Iterator[Direction]:
    names, before = {level: name for name, level in LEVELS.items()}, 0
    for level, onset in zip(levels.tolist(), score.measures["onset_tick"].tolist(), strict=True):
        if level and level != before:
            yield Direction(onset, "dynamics", names[level], part)
        before = level
