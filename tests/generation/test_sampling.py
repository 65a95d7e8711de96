"""Drawing and masking: only what is allowed, each as likely as its weight, whatever the size of the vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest

from partimento.generation.batching import sample
from partimento.generation.sampling import Sampling, draw, generator, restrict, subseed
from partimento.plan import Compose, Constraints, Infill
from partimento.representations import Ranges, create
from partimento.representations.amt.vocabulary import ANTICIPATE, AUTOREGRESS, REST, SEPARATOR
from partimento.score import MEASURE, METER, Part, Score, notes_array

LARGE = 55_028


def by_sorting_everything(logits: np.ndarray, ranges: Ranges, uniform: float, temperature: float, top_p: float) -> int:
    """The definition of nucleus sampling, taken literally."""
    ids = np.concatenate([np.arange(low, high) for low, high in ranges])
    weights = np.exp(logits[ids].astype(np.float64) / temperature)
    order = np.argsort(-weights, kind="stable")
    shares = np.cumsum(weights[order]) / weights.sum()
    kept = np.sort(order[: int(np.searchsorted(shares, top_p)) + 1])
    among = np.cumsum(weights[kept])
    return int(ids[kept[np.searchsorted(among / among[-1], uniform, "right")]])


@pytest.mark.parametrize("spread", [0, 0.1, 3])
@pytest.mark.parametrize("size", [40, 3000, LARGE])
def test_the_nucleus_is_that_of_the_definition(size: int, spread: float) -> None:
    logits = (spread * generator(size).normal(size=size)).astype(np.float32)
    ranges = ((size // 8, size // 4), (size // 2, size - 1))
    for seed, (temperature, top_p) in enumerate([(1.0, 0.98), (0.85, 0.92), (1.3, 0.4), (1.0, 1e-9)]):
        expected = by_sorting_everything(logits, ranges, generator(seed).random(), temperature, top_p)
        assert draw(logits, ranges, generator(seed), Sampling(temperature=temperature, top_p=top_p)) == expected


@pytest.mark.parametrize("top_p", [1.0, 0.999999])
def test_ids_are_drawn_as_often_as_their_weight_says(top_p: float) -> None:
    logits, rng = np.log(np.array([0.1, 0.2, 0.3, 0.4], np.float32)), generator(0)
    count = np.bincount(
        [draw(logits, ((0, 2), (3, 4)), rng, Sampling(temperature=1, top_p=top_p)) for _ in range(20_000)], minlength=4
    )
    assert count / 20_000 == pytest.approx(np.array([0.1, 0.2, 0, 0.4]) / 0.7, abs=0.012)


def test_without_temperature_the_likeliest_is_taken() -> None:
    logits = np.array([9, 1, 5, 7, 8], np.float32)
    assert draw(logits, ((1, 3), (3, 4)), generator(0), Sampling(temperature=0, top_p=0.5)) == 3


@pytest.mark.parametrize("ranges", [((0, LARGE),), ((7, 8),), ((0, 5), (9, 10_000), (LARGE - 1, LARGE))])
def test_masks_leave_what_is_allowed_and_nothing_else(ranges: Ranges) -> None:
    logits = generator(0).normal(size=LARGE).astype(np.float32)
    expected = np.full(LARGE, -np.inf, np.float32)
    for low, high in ranges:
        expected[low:high] = logits[low:high]
    restrict(logits, ranges)
    assert (logits == expected).all()


class Flat:
    """An engine to which all tokens are alike; it remembers what it is fed."""

    vocabulary_size, context = LARGE, 300
    condition: Literal[None, "text", "tokens"] = None

    def __init__(self) -> None:
        self.fed: list[int] = []

    def session(self, condition: object = None) -> Flat:
        return self

    def feed(self, tokens: Sequence[int]) -> np.ndarray:
        self.fed += tokens
        assert len(self.fed) <= self.context
        return np.zeros(LARGE, np.float32)


def test_a_piece_of_triples_is_written_to_its_last_separator() -> None:
    task = Compose(constraints=Constraints(budget=300))
    for seed in range(5):
        ids = list(sample(Flat(), create("amt"), task, rng=generator(seed)))
        assert ids[0] == AUTOREGRESS
        assert ids[-3:] == [SEPARATOR] * 3
        assert SEPARATOR not in ids[:-3]


def test_what_is_given_is_fed_without_being_sampled() -> None:
    notes = notes_array({"onset_tick": 480 * n, "duration_tick": 480, "pitch": 60, "part": n % 2} for n in range(80))
    measures, meters = np.array([(1920 * bar, 1920) for bar in range(20)], MEASURE), np.array([(0, 4, 4)], METER)
    score = Score(480, (Part("piano"), Part("bass", 33)), notes, measures, meters)
    task = Infill(4, 6, (1,), score, constraints=Constraints(budget=300))
    engine = Flat()
    ids = list(sample(engine, create("amt"), task, rng=generator(0)))
    assert ids[0] == ANTICIPATE
    assert ids[-3:] == [SEPARATOR] * 3
    assert REST in ids
    assert engine.fed == ids[: len(engine.fed)]


def test_each_setting_leaves_what_it_says() -> None:
    shares = np.array([0.05, 0.4, 0.3, 0.15, 0.1])
    logits = np.log(shares).astype(np.float32)

    def among(**settings: float) -> set[int]:
        how = Sampling(**{"temperature": 1, "top_p": 1, **settings})  # pyright: ignore[reportArgumentType]
        return {draw(logits, ((0, 5),), generator(seed), how) for seed in range(300)}

    assert among() == {0, 1, 2, 3, 4}
    assert among(top_k=2) == {1, 2}
    assert among(top_p=0.8) == {1, 2, 3}
    assert among(min_p=0.3) == {1, 2, 3}
    assert among(top_k=3, top_p=0.8) == {1, 2}
    assert among(min_p=0.2, top_k=4, top_p=0.99) == {1, 2, 3, 4}


def test_seeds_that_belong_to_a_seed_differ_and_stay() -> None:
    assert subseed(7, 0) == subseed(7, 0)
    assert len({subseed(seed, *of) for seed in range(5) for of in ((0,), (1,), (0, 0), (0, 4))}) == 20
