"""Pieces that are written side by side are those that are written one by one, in fewer batches."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from partimento.errors import BadPlan
from partimento.generation.sampling import Sampling
from partimento.generation.together import together
from partimento.generation.writer import DEFAULT_SAMPLING, Job, Writer, never
from partimento.plan import Compose, Constraints, Plan
from partimento.score import Score


class Counting(Writer):
    """A writer that remembers the sizes of its batches."""

    def __init__(self, model: Path) -> None:
        super().__init__(model)
        self.batches = list[int]()

    def write(
        self, jobs: Sequence[Job], sampling: Sampling = DEFAULT_SAMPLING, *, stop: Callable[[], bool] = never
    ) -> list[Score]:
        self.batches.append(len(jobs))
        return super().write(jobs, sampling, stop=stop)


@pytest.fixture(scope="module")
def writer(random_model: Path) -> Counting:
    return Counting(random_model)


def job(seed: int, bars: int = 1) -> Job:
    plan = Plan(instruments=(73,), bars=bars)
    return Job(Compose(plan, Constraints(steady=True, playable=True, budget=120)), seed)


def test_equals_one_by_one(writer: Counting) -> None:
    def twice(seed: int) -> Callable[[Writer], list[Score]]:
        # the first writes once, the others twice
        return lambda shared: [
            score for turn in range(1 + (seed > 0)) for score in shared.write([job(10 * seed + turn)])
        ]

    alone = [twice(seed)(writer) for seed in range(3)]
    writer.batches.clear()
    assert together([twice(seed) for seed in range(3)], writer) == alone
    assert writer.batches == [3, 2]
    assert together([twice(seed) for seed in range(3)], writer, most=2) == alone
    assert together([twice(2)], writer) == [alone[2]]
    assert together([], writer) == []


def test_samplings_are_kept_apart(writer: Counting) -> None:
    greedy = Sampling(temperature=0)
    writer.batches.clear()
    both = together([lambda w: w.write([job(1)]), lambda w: w.write([job(1)], greedy)], writer)
    assert both == [writer.write([job(1)]), writer.write([job(1)], greedy)]
    assert writer.batches[:2] == [1, 1]


def test_an_error_is_raised_and_no_thread_stays(writer: Counting) -> None:
    def bad(_: Writer) -> list[Score]:
        raise BadPlan("no")

    def endless(shared: Writer) -> list[Score]:
        while True:
            shared.write([job(1)])

    threads = threading.active_count()
    with pytest.raises(BadPlan):
        together([endless, bad, endless], writer)
    assert threading.active_count() == threads


def test_only_what_cannot_be_written_fails(writer: Counting) -> None:
    impossible = job(1)
    impossible = Job(Compose(impossible.task.plan, Constraints(steady=True, budget=2)), 1)
    found = list[str]()

    def careful(shared: Writer) -> int:
        try:
            return len(shared.write([impossible]))
        except Exception as error:
            found.append(type(error).__name__)
            return 0

    assert together([careful, lambda shared: len(shared.write([job(1)]))], writer) == [0, 1]
    assert found == ["InfeasibleTask"]
