"""A model gains tokens for infilling, and learns tasks that are made of windows."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from music21 import corpus

from partimento.data.augment import Augmentation
from partimento.data.mixture import Mixture
from partimento.errors import BadRecipe
from partimento.models.folder import load_model_folder
from partimento.representations import create
from partimento.training.loop import train
from partimento.training.recipe import DataRecipe, ModelRecipe, Recipe, TrainingRecipe
from partimento.training.run import dataset_of

SIZES = {"hidden_size": 16, "layers": 1, "heads": 2, "key_value_heads": 2, "ff_size": 16, "context": 512}
HOW = TrainingRecipe(
    steps=2, tokens_per_batch=1024, micro_batch_tokens=1024, context=512, precision="fp32", threads=1, accelerator="cpu"
)


def recipe(music, folder, infill, model=None, **data):
    options = {"prepare": {"validation": 30, "test": 0}, "representation_config": {"infill": True} if infill else {}}
    learnt = DataRecipe([str(music)], str(folder), **options, **data)
    return Recipe("tiny", learnt, model or ModelRecipe(config=SIZES), HOW)


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music")
    for path in sorted(map(Path, corpus.getComposer("bach")))[:8]:
        shutil.copy(path, folder)
    return folder


@pytest.fixture(scope="module")
def base(music, tmp_path_factory):
    """A model of a first stage, without tokens for infilling."""
    folder = tmp_path_factory.mktemp("base")
    first = recipe(music, folder / "set", infill=False)
    return train(first, dataset_of(first, progress=False), folder / "model", progress=False)


@pytest.fixture(scope="module")
def second(music, tmp_path_factory, base):
    """Recipe and dataset of a second stage."""
    model = ModelRecipe(config=SIZES, initialise_from=str(base))
    made = recipe(music, tmp_path_factory.mktemp("second") / "set", infill=True, model=model, tasks=Mixture(2, 1, 1))
    return made, dataset_of(made, progress=False)


def test_a_second_stage_learns_tasks_and_says_how_well(second, base, tmp_path):
    made, dataset = second
    augment = Augmentation(create("remi", infill=True))
    loaded = load_model_folder(train(made, dataset, tmp_path / "model", augment=augment, progress=False))
    assert loaded.representation["infill"]
    assert loaded.provenance["initialised_from"]["name"] == str(base)
    assert loaded.provenance["initialised_from"]["licences"]
    measures = loaded.provenance["measures"]
    by_task = {name for name in measures if name.startswith("loss/task/")}
    assert by_task == {"loss/task/compose", "loss/task/infill", "loss/task/accompany"}
    assert min(measures[name] for name in by_task) < measures["loss"] < max(measures[name] for name in by_task)
    assert all(name in (tmp_path / "model" / "README.md").read_text("utf-8") for name in by_task)
    assert f"starts from `{base}`" in (tmp_path / "model" / "README.md").read_text("utf-8")


def test_weights_that_were_taken_over_are_where_training_begins(second, base, tmp_path):
    made, dataset = second
    still = replace(made, training=replace(HOW, steps=1, learning_rate=1e-9))
    loaded = load_model_folder(train(still, dataset, tmp_path / "model", progress=False))
    models: list[Any] = [loaded.model, load_model_folder(base).model]
    ours, theirs = (model.get_input_embeddings().weight.data for model in models)
    rows = [create("remi", infill=True).tokens.index(token) for token in create("remi").tokens]
    torch.testing.assert_close(ours[rows], theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("merges", [0, 20])
def test_what_would_lose_its_hole_when_varied_is_refused(second, music, tmp_path, merges):
    made, dataset = second
    if not merges:
        merged = made
        augment = Augmentation(create("performance"), tempi=(0.9, 1.0))
    else:
        merged = replace(made, data=replace(made.data, dataset=str(tmp_path / "merged"), prepare={**made.data.prepare,
                         "merges": merges}), model=ModelRecipe(config=SIZES))  # fmt: skip
        dataset = dataset_of(merged, progress=False)
        augment = Augmentation(create("bpe", inner="remi", config={"infill": True}))
    with pytest.raises(BadRecipe, match=r"data.tasks cannot be varied"):
        train(merged, dataset, tmp_path / "model", augment=augment, progress=False)


def test_other_families_are_told_to_leave_it_out(second, tmp_path):
    made, dataset = second
    config = {"encoder_layers": 1, "decoder_layers": 1, "heads": 2, "hidden_size": 16, "ff_size": 16, "context": 512}
    other = replace(made, model=ModelRecipe("encoder_decoder", config), data=replace(made.data, text="plan"))
    with pytest.raises(BadRecipe, match=r"data.tasks: the family encoder_decoder"):
        train(other, dataset, tmp_path / "model", progress=False)


def test_two_processes_learn_the_same_as_one(second, tmp_path):
    """Takes long, since each process imports torch."""
    made, dataset = second
    alone, two = (replace(made, training=replace(HOW, devices=devices)) for devices in (1, 2))
    for path in dataset.glob("tasks-*.npz"):
        path.unlink()
    together = load_model_folder(train(two, dataset, tmp_path / "two", progress=False))
    one = load_model_folder(train(alone, dataset, tmp_path / "one", progress=False))
    for name in ("loss/task/compose", "loss/task/infill", "loss/task/accompany"):
        assert together.provenance["measures"][name] == pytest.approx(one.provenance["measures"][name], abs=1e-4)
