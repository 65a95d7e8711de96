"""Sampling under a grammar: only what may follow is ever looked at, so that nothing invalid can come out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partimento.generation.engines import Condition, Engine
from partimento.plan import Task
from partimento.representations import Ranges, Representation


def sample(
    engine: Engine,
    representation: Representation[Any],
    task: Task,
    *,
    rng: np.random.Generator,
    temperature: float = 1.0,
    top_p: float = 1.0,
    heard: Sequence[int] = (),
    condition: Condition | None = None,
) -> Iterator[int]:
    """Tokens of one piece, as they are written, until the grammar ends it.

    Tokens without a choice are fed in one go and cost one step together.

    Args:
        engine: a model over the representation's vocabulary.
        representation: its `start`, `allowed`, `forced` and `step` decide what may follow.
        task: plan and constraints.
        rng: the only source of randomness.
        temperature: below 1 more predictable, above 1 bolder; 0 takes the likeliest.
        top_p: least share of probability that the candidates together must hold.
        heard: tokens that stand already, BOS first; they are yielded too.
        condition: what a conditional model reads first.

    Raises:
        InfeasibleTask: no piece satisfies the task.
        BadRecipe: the model cannot read such a condition.
    """
    state, session = representation.start(task), engine.session(condition)
    pending = list(heard)
    for token in heard:
        state = representation.step(state, token)
    yield from heard
    end = representation.special.eos
    while True:
        forced = representation.forced(state)
        for token in forced:
            state = representation.step(state, token)
        pending += forced
        yield from forced
        if end in forced:
            return
        logits = session.feed(pending)
        token = draw(logits, representation.allowed(state), rng, temperature, top_p)
        yield token
        state, pending = representation.step(state, token), [token]
        if token == end:
            yield from representation.forced(state)
            return


def draw(
    logits: NDArray[np.float32], ranges: Ranges, rng: np.random.Generator, temperature: float, top_p: float
) -> int:
    """One id out of the allowed ranges.

    Args:
        logits: shape (vocabulary,).
        ranges: half-open, not empty.
        rng: source of randomness; one uniform number is taken.
        temperature: 0 takes the likeliest.
        top_p: nucleus sampling (Holtzman et al., arXiv:1904.09751) among what is allowed.
    """
    parts = [logits[low:high] for low, high in ranges]
    chosen = (parts[0] if len(parts) == 1 else np.concatenate(parts)).astype(np.float64)
    if temperature <= 0:
        return _id_at(ranges, int(chosen.argmax()))
    weights = np.exp((chosen - chosen.max()) / temperature)
    return _id_at(ranges, _drawn(weights, rng.random()) if top_p >= 1 else _nucleus(weights, rng.random(), top_p))


def _drawn(weights: NDArray[np.float64], uniform: float) -> int:
    """Index that a uniform number falls on, each as likely as its weight."""
    cumulative = np.cumsum(weights)
    return min(int(np.searchsorted(cumulative, uniform * cumulative[-1], "right")), len(weights) - 1)


def _nucleus(weights: NDArray[np.float64], uniform: float, top_p: float) -> int:
    """The same among the heaviest that together hold `top_p` of all weight."""
    total = float(weights.sum())
    # weights below this add up to less than half of what may be missing, so that they need not be sorted
    heavy = np.flatnonzero(weights >= (1 - top_p) * total / (2 * len(weights)))
    order = heavy[np.argsort(-weights[heavy], kind="stable")]
    cumulative = np.cumsum(weights[order])
    kept = min(int(np.searchsorted(cumulative, top_p * total)) + 1, len(order))
    return int(order[_drawn(weights[order[:kept]], uniform)])


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
