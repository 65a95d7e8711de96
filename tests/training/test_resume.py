"""Killed at any step and run again, a run ends with the bytes of one that was left alone."""

import csv
import time
from dataclasses import replace
from random import Random

import pytest

from partimento.training.loop import train
from partimento.training.recipe import ModelRecipe

FAMILIES = {
    "transformer": {"hidden_size": 32, "layers": 2, "heads": 4, "key_value_heads": 2, "ff_size": 64, "context": 64},
    "gpt2": {"hidden_size": 32, "layers": 2, "heads": 4, "ff_size": 64, "context": 64, "dropout": 0.1},
    "lstm": {"hidden_size": 32, "layers": 2, "context": 64, "dropout": 0.1},
}
COLUMNS = ("step", "loss", "validation_loss", "learning_rate", "tokens")


def log(folder):
    with (folder / "losses.csv").open(newline="") as file:
        return [[row[name] for name in COLUMNS] for row in csv.DictReader(file)]


@pytest.mark.parametrize("family", FAMILIES)
def test_killed_at_five_steps_it_ends_with_the_same_bytes(family, dataset, recipe_with, start, tmp_path):
    recipe = replace(recipe_with(ema=0.9, early_stopping=9), model=ModelRecipe(family, FAMILIES[family]))
    alone, out = train(recipe, dataset, tmp_path / "alone", progress=False), tmp_path / "model"
    kills = sorted(Random().sample(range(2, 40), 5))
    losses = tmp_path / "model.training" / "losses.csv"
    for step in kills:
        process = start(recipe, dataset, out)
        while process.is_alive() and not (losses.exists() and losses.read_bytes().count(b"\n") > step):
            time.sleep(0.001)
        process.kill()
        process.join()
        assert process.exitcode == -9, f"ended before step {step}"
        assert not out.exists()
    train(recipe, dataset, out, progress=False)
    assert (out / "model.safetensors").read_bytes() == (alone / "model.safetensors").read_bytes(), f"killed at {kills}"
    assert log(out) == log(alone)
    assert not losses.parent.exists()
