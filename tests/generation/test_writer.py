"""Jobs in, pieces out: each as if it were alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from partimento.errors import Cancelled
from partimento.generation import Job, Writer
from partimento.plan import Compose, Constraints, Plan
from partimento.theory.key import Key
from partimento.theory.meter import Meter


@pytest.fixture(scope="module")
def writer(random_model: Path) -> Writer:
    return Writer(random_model)


def job(seed: int, bars: int = 4) -> Job:
    constraints = Constraints(steady=True, playable=True, budget=1024)
    return Job(Compose(Plan(key=Key(2), meter=Meter(3, 4), instruments=(73, 0), bars=bars), constraints), seed)


def test_a_piece_does_not_depend_on_what_is_written_beside_it(writer: Writer) -> None:
    jobs = [job(1), job(2, 6), job(1), job(3, 2)]
    together = writer.write(jobs)
    assert together == [writer.write([each])[0] for each in jobs]
    assert together[0] == together[2] != together[1]
    assert [len(score.measures) for score in together] == [4, 6, 4, 2]


def test_what_is_stopped_says_so(writer: Writer) -> None:
    asked: list[int] = []
    with pytest.raises(Cancelled):
        writer.write([job(1)], stop=lambda: asked.append(0) or len(asked) > 20)
    assert len(asked) == 21


def test_a_stream_ends_with_the_piece(writer: Writer) -> None:
    assert list(writer.stream(job(5)))[-1] == writer.write([job(5)])[0]
