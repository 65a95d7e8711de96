"""Sampling under a grammar: only what may follow is ever looked at, so that nothing invalid can come out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partimento.generation.engines import Engine
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

    Raises:
        InfeasibleTask: no piece satisfies the task.
    """
    state, session = representation.start(task), engine.session()
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
        if token == end:
            return
        state, pending = representation.step(state, token), [token]


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
    ids = np.concatenate([np.arange(low, high) for low, high in ranges])
    chosen = logits[ids].astype(np.float64)
    if temperature <= 0:
        return int(ids[chosen.argmax()])
    weights = np.exp((chosen - chosen.max()) / temperature)
    order = np.argsort(-weights, kind="stable")
    cumulative = np.cumsum(weights[order])
    kept = min(int(np.searchsorted(cumulative, top_p * cumulative[-1])) + 1, len(order))
    return int(ids[order[np.searchsorted(cumulative[:kept], rng.random() * cumulative[kept - 1], "right")]])
