"""What a model that has learnt nothing writes is degenerate; such pieces are written again, with their own streams."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from partimento.generation.batching import sample
from partimento.generation.degenerate import faults, stream_seed, write_sound
from partimento.generation.engines import load_engine
from partimento.plan import Compose, Constraints, Plan
from partimento.representations import create
from partimento.score import NOTE, Part, Score


def piece(notes: int) -> Score:
    """A scale."""
    rows = np.zeros(notes, NOTE)
    rows["onset_tick"], rows["pitch"], rows["duration_tick"] = np.arange(notes), 60 + np.arange(notes), 1
    return Score(1, (Part("Flute", 73),), rows)


def test_a_model_that_has_learnt_nothing_writes_degenerate_music(random_model: Path) -> None:
    engine, tokens = load_engine(random_model), create("remi")
    task = Compose(Plan(instruments=(0, 40)), Constraints(budget=250))
    for seed in range(2):
        ids = list(sample(engine, tokens, task, rng=np.random.default_rng(seed)))
        assert faults(tokens.decode(np.array(ids, np.int32), task))


def test_degenerate_pieces_are_written_again_with_another_stream() -> None:
    sound, silent = piece(8), piece(0)
    asked = list[list[int]]()

    def write(seeds: Sequence[int]) -> list[Score]:
        asked.append(list(seeds))
        return [sound if seed in (5, stream_seed(6, 2)) else silent for seed in seeds]

    drafts = write_sound(write, [5, 6, 7], tries=2)
    assert asked == [[5, 6, 7], [stream_seed(6, 1), stream_seed(7, 1)], [stream_seed(6, 2), stream_seed(7, 2)]]
    nothing = ("silence: no note sounds",)
    assert [(d.rejected, d.faults) for d in drafts] == [
        ((), ()),
        ((nothing, nothing), ()),
        ((nothing, nothing), nothing),
    ]
    assert drafts[0].score is sound


def test_streams_of_a_seed_are_their_own() -> None:
    seeds = {stream_seed(seed, stream) for seed in range(20) for stream in range(4)}
    assert len(seeds) == 80
    assert all(0 <= seed < 2**63 for seed in seeds)
