"""Jobs in, pieces out: each as if it were alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from partimento.errors import Cancelled
from partimento.generation import Job, Writer
from partimento.plan import Compose, Constraints, Plan
from partimento.representations import Representation
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


def test_more_jobs_than_rows_keep_their_order(writer: Writer) -> None:
    jobs = [job(seed, 1 + seed % 3) for seed in range(20)]
    assert [len(score.measures) for score in writer.write(jobs)] == [1 + seed % 3 for seed in range(20)]
    assert writer.write(jobs[17:])[0] == writer.write(jobs)[17]


def test_a_stream_grows_bar_by_bar_and_what_stands_stays(writer: Writer) -> None:
    pieces = list(writer.stream(job(5, 6)))
    assert [len(piece.measures) for piece in pieces] == [1, 2, 3, 4, 5, 6]
    struck = ["part", "onset_tick", "pitch"]
    for piece in pieces:
        stands = pieces[-1].notes["onset_tick"] < piece.measures[-1].item()[0] + piece.measures[-1].item()[1]
        assert np.array_equal(piece.notes[struck], pieces[-1].notes[stands][struck])


def test_a_stream_that_was_closed_gives_the_same_piece_again(writer: Writer) -> None:
    whole, stream = list(writer.stream(job(8, 6))), writer.stream(job(8, 6))
    assert [next(stream), next(stream)] == whole[:2]
    stream.close()  # type: ignore[attr-defined]
    assert list(writer.stream(job(8, 6))) == whole


def test_a_stream_that_is_stopped_or_interrupted_gives_the_same_piece_again(writer: Writer) -> None:
    whole = list(writer.stream(job(9, 6)))
    asked: list[int] = []
    with pytest.raises(Cancelled):
        list(writer.stream(job(9, 6), stop=lambda: asked.append(0) or len(asked) > 30))

    def interrupted() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(writer.stream(job(9, 6), stop=interrupted))
    assert list(writer.stream(job(9, 6))) == whole


def test_what_is_heard_stands(writer: Writer) -> None:
    task, representation = job(0).task, writer.representation
    assert isinstance(representation, Representation)
    whole = representation.encode(writer.write([job(3)])[0], task).ids.tolist()
    heard = tuple(whole[: len(whole) // 2])
    pieces = writer.write([Job(task, seed, heard) for seed in range(3)])
    for piece in pieces:
        assert representation.encode(piece, task).ids[: len(heard)].tolist() == list(heard)
    assert len({piece.notes.tobytes() for piece in pieces}) == 3
    assert writer.write([Job(task, 1, tuple(whole))])[0] == representation.decode(np.array(whole, np.int32), task)
