"""Every family that reads tokens trains in the one loop, and computes packed rows the same on either path."""

import csv
from dataclasses import replace

import pytest
import torch

from partimento.data.datamodule import PackedBatches
from partimento.data.dataset import TokenDataset
from partimento.models.folder import load_model_folder
from partimento.training.loop import train
from partimento.training.module import LanguageModule
from partimento.training.recipe import ModelRecipe

SIZES = {
    "gpt2": {"hidden_size": 32, "layers": 2, "heads": 4, "ff_size": 64, "context": 64},
    "lstm": {"hidden_size": 48, "layers": 2, "context": 64},
}


@pytest.fixture(scope="module", params=SIZES)
def recipe(request, recipe_with):
    return replace(recipe_with(steps=60), model=ModelRecipe(request.param, SIZES[request.param]))


@pytest.fixture(scope="module")
def trained(recipe, dataset, tmp_path_factory):
    return train(recipe, dataset, tmp_path_factory.mktemp("run") / "model", progress=False)


def test_it_learns(trained):
    losses = load_model_folder(trained).provenance["losses"]
    assert losses["validation"] < 0.9 * losses["bigram"]
    with (trained / "losses.csv").open(newline="") as file:
        course = [float(row["loss"]) for row in csv.DictReader(file)]
    assert course[-1] < 0.6 * course[0]


def test_it_ends_with_the_same_bytes_when_it_is_trained_again(recipe, trained, dataset, tmp_path):
    again = train(recipe, dataset, tmp_path / "model", progress=False)
    assert (again / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()


def test_pieces_micro_batches_and_positions_do_not_change_the_loss(recipe, trained, dataset):
    batch = PackedBatches(TokenDataset(dataset, "train"), 64, 8).batch(3)
    losses = list[float]()
    for on_cpu in (True, False):
        module = LanguageModule(load_model_folder(trained).model, recipe.training, 1, on_cpu=on_cpu)
        parts = [{name: tensor[row : row + 2] for name, tensor in batch.items()} for row in (0, 2, 4, 6)]
        with torch.no_grad():
            losses += [float(module.summed_loss(batch)), sum(float(module.summed_loss(part)) for part in parts)]
    assert losses == pytest.approx([losses[0]] * 4, rel=1e-5)
