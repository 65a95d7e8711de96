"""Music made regular before a model learns from it: whole bars, and instruments where the encoder named none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from partimento.score import MEASURE, Part, Score
from partimento.theory.instrument import PROGRAM_NAMES

_FIDDLE, _CHOIR = 110, 52
_USUAL_PROGRAMS = {"chorale": _CHOIR, "hymn": _CHOIR}
_TUNES = ("folk", "jig", "slip jig", "reel", "hornpipe", "polka", "strathspey", "waltz", "march", "air")


def regular(score: Score) -> Score:
    """The score with as many full bars as can be had without moving notes against the beat.

    A pickup becomes a bar that begins with a rest, a bar that a repeat sign divides becomes one again, and a short
    last bar is filled up. Scores without measures come back unchanged.
    """
    if not len(score.measures):
        return score
    first = score.measures["duration_tick"][0]
    missing = _nominal(score)[0] - first
    if missing > 0 and len(score.measures) > 1:
        score = score.with_leading_rest(int(missing))
    return replace(score, measures=_joined(score))


def _nominal(score: Score) -> list[int]:
    """Length of each measure by its meter, in ticks, rounded up."""
    lengths = {}
    for onset in score.measures["onset_tick"].tolist():
        lengths[onset] = math.ceil(score.meter_at(onset).duration_quarter * score.ticks_per_quarter)
    return list(lengths.values())


def _joined(score: Score) -> np.ndarray:
    joined: list[tuple[int, int]] = []
    nominal = _nominal(score)
    rows = score.measures.tolist()
    for (onset, duration), full, before in zip(rows, nominal, [0, *nominal[:-1]], strict=True):
        if joined and before == full and joined[-1][1] + duration == full:
            joined[-1] = (joined[-1][0], full)
        else:
            joined.append((onset, duration))
    onset, duration = joined[-1]
    joined[-1] = (onset, max(duration, nominal[-1]))
    return np.array(joined, MEASURE)


def with_usual_instruments(score: Score) -> Score:
    """Tunes whose encoder left the default piano are for fiddle, hymns and chorales for choir."""
    style = score.tags[0] if score.tags else "none"
    program = _FIDDLE if style in _TUNES and len(score.parts) == 1 else _USUAL_PROGRAMS.get(style)
    if program is None or any(part.is_drums for part in score.parts):
        return score
    if style in _TUNES and score.parts[0].program:
        return score
    return replace(score, parts=tuple(Part(PROGRAM_NAMES[program], program) for _ in score.parts))
