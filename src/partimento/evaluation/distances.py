"""How far two sets of pieces lie apart in what they are made of.

Each metric counts something in a piece. A set's distribution is the mean of its pieces' normalised counts, so
that every piece weighs the same, and two sets are compared by the Jensen-Shannon distance of their
distributions. The features are after Yang and Lerch, On the evaluation of generative models in music, Neural
Computing and Applications 32, 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partimento.analysis import estimate_key
from partimento.score import Records, Score
from partimento.theory.key import Key
from partimento.theory.pitch import pitch_class

STEPS = 12
"""Durations are counted in steps of so many to a quarter."""
LONGEST_QUARTERS = 4
WIDEST_INTERVAL = 12
MOST_NOTES = 24

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Distance:
    """Jensen-Shannon distance of two sets, from 0 (alike) to 1 (nothing in common)."""

    value: float
    low: float
    high: float
    """`low` to `high` is an interval of its bootstrap."""

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def pitch_classes(score: Score) -> Floats:
    """Sounding quarters of each pitch class above the tonic of the key in force, shape (12,).

    Where no key or no mode is stated, the tonic is estimated from the notes.
    """
    notes = _pitched(score)
    tonic = np.zeros(len(notes), np.int64)
    for start, key in _keys(score):
        tonic[notes["onset_tick"] >= start] = pitch_class(key.tonic)
    quarters = notes["duration_tick"] / score.ticks_per_quarter
    return np.bincount((notes["pitch"] - tonic) % 12, quarters, 12).astype(np.float64)


def melodic_intervals(score: Score) -> Floats:
    """Number of steps of each size between a part's successive highest notes, shape (27,).

    Semitones from −12 to 12; wider ones are counted together at either end.
    """
    notes = _pitched(score)
    notes = notes[np.lexsort((-notes["pitch"], notes["onset_tick"], notes["part"]))]
    is_highest = np.ones(len(notes), bool)
    is_highest[1:] = (np.diff(notes["onset_tick"]) != 0) | (np.diff(notes["part"]) != 0)
    top = notes[is_highest]
    steps = np.diff(top["pitch"].astype(np.int64))[np.diff(top["part"]) == 0]
    edge = WIDEST_INTERVAL + 1
    return _counts(np.clip(steps, -edge, edge) + edge, 2 * edge + 1)


def durations(score: Score) -> Floats:
    """Number of notes of each duration in twelfths of a quarter, shape (50,); the last: all above 48."""
    quarters = _pitched(score)["duration_tick"] / score.ticks_per_quarter
    longest = STEPS * LONGEST_QUARTERS
    return _counts(np.clip(np.rint(STEPS * quarters).astype(np.int64), 1, longest + 1), longest + 2)


def notes_per_bar(score: Score) -> Floats:
    """Number of bars of a part in which 0, 1, 2 … notes begin, shape (25,); the last: 24 and more.

    Raises:
        NeedsBeats: the score has no measures.
    """
    notes = score.sounding().notes
    notes = notes[notes["grace"] == 0]
    bars = len(score.measures)
    cell = notes["part"].astype(np.int64) * bars + score.measure_at(notes["onset_tick"])
    in_cell = np.bincount(cell, minlength=bars * len(score.parts))
    return _counts(np.minimum(in_cell, MOST_NOTES), MOST_NOTES + 1)


METRICS: dict[str, Callable[[Score], Floats]] = {
    "pitch class": pitch_classes,
    "melodic interval": melodic_intervals,
    "duration": durations,
    "notes per bar": notes_per_bar,
}
"""What is counted in a piece, by name."""


def distance(
    metric: str,
    ours: Sequence[Score],
    theirs: Sequence[Score],
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Distance:
    """Distance of two sets of pieces in one metric, with a bootstrap interval over pieces.

    Drawn pieces scatter more than the sets do, which makes their distances too large on average; the interval
    is that of percentiles without the bias (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch.
    10 and 13).

    Args:
        metric: a key of `METRICS`.
        ours: at least one piece in which the metric counts something.
        theirs: likewise.
        resamples: number of bootstrap draws.
        confidence: share of the draws inside the interval.
        seed: of the draws.

    Raises:
        ValueError: a set is empty.
    """
    left, right = distributions(metric, ours), distributions(metric, theirs)
    rng = np.random.default_rng(seed)
    drawn = jensen_shannon(_resampled(left, resamples, rng), _resampled(right, resamples, rng))
    value = jensen_shannon(left.mean(0), right.mean(0))
    edges = value + np.quantile(drawn - drawn.mean(), [(1 - confidence) / 2, (1 + confidence) / 2])
    return Distance(float(value), *np.clip(edges, 0, 1).tolist())


def distributions(metric: str, scores: Sequence[Score]) -> Floats:
    """Normalised counts of each piece in which the metric counts anything, shape (pieces, bins).

    Raises:
        ValueError: there is no such piece.
    """
    counts = [counted for score in scores if (counted := METRICS[metric](score)).any()]
    if not counts:
        raise ValueError(f"{metric}: no piece to count in")
    return np.stack([counted / counted.sum() for counted in counts])


def stylistic_similarity(ours: Sequence[Score], theirs: Sequence[Score]) -> float:
    """One minus the mean distance of two sets of pieces over all metrics: from 0 (nothing in common) to 1 (alike).

    Small sets lie apart by chance; what two sets of a player's own music of this size reach is the mark. Where a piece
    has no measures, notes per bar are left out.

    Raises:
        ValueError: a set is empty.
    """
    has_bars = all(len(score.measures) for score in (*ours, *theirs))
    metrics = [metric for metric in METRICS if has_bars or metric != "notes per bar"]
    pairs = ((distributions(metric, ours).mean(0), distributions(metric, theirs).mean(0)) for metric in metrics)
    return 1 - float(np.mean([jensen_shannon(p, q) for p, q in pairs]))


def jensen_shannon(p: Floats, q: Floats) -> Floats:
    """Square root of the Jensen-Shannon divergence to base 2, over the last axis: a metric from 0 to 1.

    Lin, Divergence measures based on the Shannon entropy, IEEE Trans. Information Theory 37(1), 1991; Endres
    and Schindelin, A new metric for probability distributions, ibid. 49(7), 2003.
    """
    middle = (p + q) / 2
    divergence = (_entropy_terms(p, middle) + _entropy_terms(q, middle)) / 2
    return np.sqrt(np.clip(divergence, 0, 1))


def _entropy_terms(p: Floats, middle: Floats) -> Floats:
    ratio = np.divide(p, middle, out=np.ones_like(middle), where=p > 0)
    return (p * np.log2(ratio)).sum(-1)


def _resampled(rows: Floats, resamples: int, rng: np.random.Generator) -> Floats:
    """Mean of as many rows drawn with replacement, shape (resamples, bins)."""
    times = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), resamples)
    return times @ rows / len(rows)


def _pitched(score: Score) -> Records:
    """Notes as they sound, without drums and grace notes."""
    notes = score.sounding().notes
    is_drums = np.array([part.is_drums for part in score.parts], bool)
    return notes[(notes["grace"] == 0) & ~is_drums[notes["part"]]]


def _keys(score: Score) -> list[tuple[int, Key]]:
    """From which tick on which key holds; the first holds before it too."""
    rows = score.keys[["onset_tick", "fifths", "mode"]].tolist()
    keys = [(onset, Key.from_ids(fifths, mode)) for onset, fifths, mode in rows]
    if not keys:
        return [(0, estimate_key(score)[0])]
    known = [(onset, key if key.mode else estimate_key(score, key.fifths)[0]) for onset, key in keys]
    return [(0, known[0][1]), *known[1:]]


def _counts(values: Ints, bins: int) -> Floats:
    return np.bincount(values, minlength=bins).astype(np.float64)
