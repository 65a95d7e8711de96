"""How a token is drawn: only what may follow is ever looked at, so that nothing invalid can come out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadPlan
from partimento.representations import Ranges


@dataclass(frozen=True, slots=True)
class Sampling:
    """How one of the tokens that may follow is chosen; each setting works among what the ones above it leave."""

    temperature: float = 0.85
    """Below 1 more predictable, above 1 bolder; 0 takes the likeliest."""
    min_p: float = 0.0
    """Choose among those at least this many times as likely as the likeliest (Nguyen et al., arXiv:2407.01082)."""
    top_k: int = 0
    """Choose among so many of the likeliest; 0: among all."""
    top_p: float = 0.92
    """Choose among the likeliest that together hold this share (Holtzman et al., arXiv:1904.09751)."""
    repetition: float = 0.0
    """How strongly the music keeps from saying a bar twice in a row; 0 not at all, 1 clearly, 5 nearly always."""

    def __post_init__(self) -> None:
        for name, value, holds, usual in (
            ("temperature", self.temperature, 0 <= self.temperature <= 5, "between 0 and 5, usually 0.7 to 1.2"),
            ("top-p", self.top_p, 0 < self.top_p <= 1, "above 0 and up to 1, usually 0.9 to 1"),
            ("top-k", self.top_k, self.top_k >= 0, "0 for all, or how many to choose from"),
            ("min-p", self.min_p, 0 <= self.min_p < 1, "from 0 to below 1, usually 0.02 to 0.1"),
            ("repetition", self.repetition, 0 <= self.repetition <= 100, "0 or more, usually 0.5 to 3"),
        ):
            if not holds:
                raise BadPlan(f"{name} {value:g}: choose {usual}")


LIKELIEST = Sampling(temperature=0)
PLAIN = Sampling(temperature=1, top_p=1)
"""As likely as the model has it."""


def generator(seed: int) -> np.random.Generator:
    """The random numbers of one piece, which no other draws from."""
    return np.random.Generator(np.random.Philox(seed))


def subseed(seed: int, *of: int) -> int:
    """The seed of one of several pieces, or parts of a piece, that belong to a seed."""
    return int(np.random.SeedSequence(seed, spawn_key=of).generate_state(1, np.uint64)[0])


def draw(logits: NDArray[np.float32], ranges: Ranges, rng: np.random.Generator, sampling: Sampling) -> int:
    """One id out of the allowed ranges.

    Args:
        logits: shape (vocabulary,).
        ranges: half-open, not empty.
        rng: source of randomness; one uniform number is taken, and none where the likeliest is.
        sampling: what it is chosen among, and how evenly.
    """
    parts = [logits[low:high] for low, high in ranges]
    chosen = (parts[0] if len(parts) == 1 else np.concatenate(parts)).astype(np.float64)
    if sampling.temperature == 0:
        return _id_at(ranges, int(chosen.argmax()))
    weights = np.exp((chosen - chosen.max()) / sampling.temperature)
    kept = _candidates(weights, sampling)
    return _id_at(ranges, int(kept[_drawn(weights[kept], rng.random())]))


def _drawn(weights: NDArray[np.float64], uniform: float) -> int:
    """Index that a uniform number falls on, each as likely as its weight."""
    cumulative = np.cumsum(weights)
    return min(int(np.searchsorted(cumulative, uniform * cumulative[-1], "right")), len(weights) - 1)


def _candidates(weights: NDArray[np.float64], sampling: Sampling) -> NDArray[np.int64]:
    """Places of the weights that one is chosen among, in order; the heaviest weighs 1."""
    kept = np.flatnonzero(weights >= max(sampling.min_p, 1e-300))
    if 0 < sampling.top_k < len(kept):
        kept = kept[_heaviest(weights[kept], sampling.top_k)]
    return kept if sampling.top_p >= 1 else kept[_nucleus(weights[kept], sampling.top_p)]


def _nucleus(weights: NDArray[np.float64], top_p: float) -> NDArray[np.int64]:
    """Places of the heaviest that together hold `top_p` of all weight."""
    total = float(weights.sum())
    # weights below this add up to less than half of what may be missing, so that they need not be sorted
    heavy = np.flatnonzero(weights >= (1 - top_p) * total / (2 * len(weights)))
    cumulative = np.cumsum(np.sort(weights[heavy])[::-1])
    count = int(np.searchsorted(cumulative, top_p * total)) + 1
    return heavy[_heaviest(weights[heavy], count)] if count < len(heavy) else heavy


def _heaviest(weights: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Places of the `count` heaviest, of equal ones the first; several times as fast as sorting places."""
    least = np.partition(weights, len(weights) - count)[len(weights) - count]
    chosen = weights > least
    chosen[np.flatnonzero(weights == least)[: count - int(chosen.sum())]] = True
    return np.flatnonzero(chosen)


def _id_at(ranges: Ranges, place: int) -> int:
    """The id at a place among those of all ranges."""
    for low, high in ranges:
        if place < high - low:
            return low + place
        place -= high - low
    raise IndexError(place)


def restrict(logits: NDArray[np.float32], ranges: Ranges) -> None:
    """Set everything outside the allowed ranges to minus infinity, in place; for engines that sample themselves.

    Args:
        logits: shape (vocabulary,).
        ranges: half-open, ascending, not empty.
    """
    start = 0
    for low, high in ranges:
        logits[start:low] = -np.inf
        start = high
    logits[start:] = -np.inf
