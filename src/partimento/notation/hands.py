"""Which hand plays which note of a keyboard part.

At each stroke the notes are cut in two, the left hand below the right, at the least cost over the whole piece (beam
search): hands stretch, leap, cross and reach far from home unwillingly, and like notes of equal length. The costs
follow those that fingering models have (Parncutt et al. 1997, "An ergonomic model of keyboard fingering"; Nakamura,
Ono and Sagayama 2014, "Merged-output hidden Markov model for hand separation"); their weights are learnt from the
staves of OpenScore Lieder by a structured perceptron (Collins 2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from partimento.score import Records

LEFT, RIGHT = 2, 1
"""Staff of each hand."""
_BEAM = 16
_SPAN, _FINGERS, _FAR = 12, 5, 24
_LEFT_HOME, _RIGHT_HOME = 50, 69
_HELD_QUARTERS = 2.0
"""A key is taken to be held for this long at most; afterwards the pedal holds it."""
_MEMORY_QUARTERS = 4.0
"""After this long a hand may be anywhere."""

FEATURES = 15
WEIGHTS: tuple[float, ...] = (
    0.113, 3.965, 0.021, 0.028, 0.033, 0.037, 0.032, 0.544, 0.645, 0.027, 1.45, 0.155, 0.04, -0.031, 0.0,
)  # fmt: skip
"""Cost of each feature that `_hand_features` and `_features` count."""


@dataclass(frozen=True, slots=True)
class Struck:
    """Notes struck together, from low to high; ticks as quarters."""

    time: float
    pitches: tuple[int, ...]
    releases: tuple[float, ...]
    """At most `_HELD_QUARTERS` after the time."""


@dataclass(frozen=True, slots=True)
class _Hand:
    """What a hand plays: (pitch, release) of the notes of its last stroke and those that it holds."""

    time: float
    low: int
    high: int
    held: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class _Way:
    cost: float
    left: _Hand | None
    right: _Hand | None
    cuts: tuple[int, ...]
    """Notes for the left hand at each stroke."""


def hands(notes: Records, ticks_per_quarter: int) -> NDArray[np.int8]:
    """Staff of each note, shape (n,): 1 for the right hand, 2 for the left."""
    order = np.lexsort((notes["pitch"], notes["onset_tick"]))
    strokes = list(strokes_of(notes[order], ticks_per_quarter))
    cuts = cheapest(strokes, WEIGHTS)
    staff = [
        LEFT if index < cut else RIGHT
        for stroke, cut in zip(strokes, cuts, strict=True)
        for index in range(len(stroke.pitches))
    ]
    result = np.empty(len(notes), np.int8)
    result[order] = staff
    return result


def strokes_of(notes: Records, ticks_per_quarter: int) -> list[Struck]:
    """Strokes of notes that are sorted by onset and pitch."""
    times = notes["onset_tick"] / ticks_per_quarter
    lengths = np.minimum(notes["duration_tick"] / ticks_per_quarter, _HELD_QUARTERS)
    edges = [*np.flatnonzero(np.diff(times, prepend=-1.0)).tolist(), len(notes)]
    return [
        Struck(float(times[a]), tuple(notes["pitch"][a:b].tolist()), tuple((times + lengths)[a:b].tolist()))
        for a, b in pairwise(edges)
    ]


def cheapest(strokes: Sequence[Struck], weights: Sequence[float]) -> tuple[int, ...]:
    """How many notes of each stroke the left hand plays."""
    ways = [_Way(0.0, None, None, ())]
    for stroke in strokes:
        going_on = [extended(way, stroke, cut, weights) for way in ways for cut in range(len(stroke.pitches) + 1)]
        best: dict[tuple[object, object], _Way] = {}
        for way in sorted(going_on, key=lambda way: way.cost):
            best.setdefault((way.left, way.right), way)
            if len(best) == _BEAM:
                break
        ways = list(best.values())
    return ways[0].cuts


def extended(way: _Way, stroke: Struck, cut: int, weights: Sequence[float]) -> _Way:
    """The way with one more stroke, its lowest `cut` notes for the left hand."""
    left, right = _moved(way.left, stroke, 0, cut), _moved(way.right, stroke, cut, len(stroke.pitches))
    cost = way.cost + sum(w * x for w, x in zip(weights, features(way, stroke, cut, left, right), strict=True) if x)
    return _Way(cost, left, right, (*way.cuts, cut))


def _moved(hand: _Hand | None, stroke: Struck, first: int, last: int) -> _Hand | None:
    if first == last:
        return hand
    held = () if hand is None else tuple((p, r) for p, r in hand.held if r > stroke.time + 1e-3)
    new = tuple(zip(stroke.pitches[first:last], stroke.releases[first:last], strict=True))
    return _Hand(stroke.time, stroke.pitches[first], stroke.pitches[last - 1], held + new)


def features(way: _Way, stroke: Struck, cut: int, left: _Hand | None, right: _Hand | None) -> list[float]:
    """What costs something, shape (FEATURES,)."""
    pitches, releases = stroke.pitches, stroke.releases
    found = [0.0] * FEATURES
    for before, after, first, last, home, side in (
        (way.left, left, 0, cut, _LEFT_HOME, 0),
        (way.right, right, cut, len(pitches), _RIGHT_HOME, 1),
    ):
        if first == last or after is None:
            found[7 + side] += len(pitches) > 1
            continue
        held = [p for p, _ in after.held]
        span = max(held) - min(held)
        found[0] += max(span - _SPAN, 0)
        found[1] += max(len(held) - _FINGERS, 0)
        found[2] += min(span, _SPAN)
        found[3 + side] += _leap(before, after, stroke.time)
        middle = (after.low + after.high) / 2
        found[5 + side] += max(middle - home, 0) if side == 0 else max(home - middle, 0)
        lengths = [r - stroke.time for r in releases[first:last]]
        found[11] += (max(lengths) - min(lengths)) > 0.3 * max(lengths)
        found[13] += max(home - middle, 0) / 4 if side == 0 else max(middle - home, 0) / 4
        found[14] += before is None
    if 0 < cut < len(pitches):
        found[9] += min(pitches[cut] - pitches[cut - 1], _SPAN)
    found[10] += _crossing(left, right, stroke.time)
    found[12] += _alone(way, stroke, cut)
    return found


def _leap(before: _Hand | None, after: _Hand, time: float) -> float:
    """How far a hand has to go, less if it has had time."""
    if before is None:
        return 0.0
    rest = (time - before.time) / _MEMORY_QUARTERS
    if rest >= 1:
        return 0.0
    distance = abs(after.low + after.high - before.low - before.high) / 2
    return min(distance, _FAR) * (1 - rest)


def _crossing(left: _Hand | None, right: _Hand | None, time: float) -> float:
    """Whether the left hand reaches above the right one while both sound."""
    if left is None or right is None:
        return 0.0
    top = max((p for p, r in left.held if r > time), default=0)
    bottom = min((p for p, r in right.held if r > time), default=128)
    return float(top >= bottom)


def _alone(way: _Way, stroke: Struck, cut: int) -> float:
    """A single line that changes hands from one stroke to the next."""
    if len(stroke.pitches) > 1 or way.left is None or way.right is None:
        return 0.0
    last_left = way.left.time > way.right.time
    last_right = way.right.time > way.left.time
    return float((cut == 0 and last_left) or (cut == 1 and last_right))
