"""Every family that reads tokens alone writes valid music, in any representation, even where it knows nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from partimento.errors import BadRecipe
from partimento.generation import Composer, Job, Writer
from partimento.generation.engines import TorchEngine, load_engine
from partimento.io import load_score, save_score
from partimento.models import Special, Vocabulary, family
from partimento.models.folder import save_model_folder
from partimento.plan import Compose, Constraints, Plan
from partimento.plan.check import check
from partimento.representations import create
from partimento.theory.key import Key
from partimento.theory.meter import Meter

SIZES = {
    "gpt2": {"hidden_size": 32, "layers": 2, "heads": 4, "ff_size": 64, "context": 1024},
    "lstm": {"hidden_size": 32, "layers": 2, "context": 1024},
}


def untrained(name: str, words: str, folder: Path) -> Path:
    representation, kind = create(words), family(name)
    vocabulary = Vocabulary(len(representation.tokens), Special(*representation.special))
    model = kind.build(kind.config(**SIZES[name]), vocabulary, 3)
    described = {"name": words, **representation.config}
    return save_model_folder(folder, model, representation=described, recipe={}, provenance={}, card="")


PLAN = Plan(key=Key(2), meter=Meter(6, 8), instruments=(73, 24), bars=6)
HOPES = {"every part plays", "longest rest"}
"""What `abc` leaves to the model."""


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize(("words", "hopes"), [("abc", HOPES), ("remi", set[str]())])
def test_what_is_wished_for_is_written(name: str, words: str, hopes: set[str], tmp_path: Path) -> None:
    score = Composer(untrained(name, words, tmp_path / "model")).compose(PLAN, seed=1)
    assert {v.wish for v in check(PLAN, score) if not v.followed} <= hopes
    save_score(score, tmp_path / "piece.musicxml")
    assert len(load_score(tmp_path / "piece.musicxml").sounding().notes) == len(score.sounding().notes) > 6


def test_plain_llamas_run_in_the_built_in_engine(random_model: Path) -> None:
    assert isinstance(load_engine(random_model), TorchEngine)


def test_a_model_that_reads_nothing_refuses_a_condition(random_model: Path, tmp_path: Path) -> None:
    for folder in (random_model, untrained("lstm", "remi", tmp_path / "model")):
        with pytest.raises(BadRecipe, match="reads nothing before it writes, and was given text"):
            load_engine(folder).session("a jig")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match="missing"):
        load_engine(tmp_path)


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("words", ["remi", "amt"])
def test_every_family_writes_and_streams_the_same_pieces(name: str, words: str, tmp_path: Path) -> None:
    writer = Writer(untrained(name, words, tmp_path / "model"))
    constraints = Constraints(steady=True, playable=True, budget=200)
    task = Compose(Plan(bars=3, meter=Meter(2, 4), tempo_bpm=120.0, instruments=(73,)), constraints)
    together = writer.write([Job(task, seed) for seed in range(3)])
    assert together == [writer.write([Job(task, seed)])[0] for seed in range(3)]
    streamed = list(writer.stream(Job(task, 2)))
    assert streamed[-1] == together[2]
    assert len(streamed) > (words == "remi")
    assert [len(piece.notes) for piece in streamed] == sorted(len(piece.notes) for piece in streamed)


def test_gpt2_runs_in_the_built_in_engine_unless_it_is_unusual(tmp_path: Path) -> None:
    folder = untrained("gpt2", "remi", tmp_path / "model")
    assert isinstance(load_engine(folder), TorchEngine)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"scale_attn_by_inverse_layer_idx": True}), "utf-8")
    engine = load_engine(folder)
    assert not isinstance(engine, TorchEngine)
    assert engine.session().feed([1, 5]).shape == (engine.vocabulary_size,)
