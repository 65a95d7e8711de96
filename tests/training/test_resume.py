"""Killed at any step and run again, a run ends with the bytes of one that was left alone."""

import csv
import shutil
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from music21 import corpus

from partimento.training.loop import train
from partimento.training.recipe import ModelRecipe, load_recipe
from partimento.training.run import run

RECIPES = Path(__file__).parents[2] / "recipes"
FAMILIES = {
    "transformer": {"hidden_size": 32, "layers": 2, "heads": 4, "key_value_heads": 2, "ff_size": 64, "context": 64},
    "gpt2": {"hidden_size": 32, "layers": 2, "heads": 4, "ff_size": 64, "context": 64, "dropout": 0.1},
    "lstm": {"hidden_size": 32, "layers": 2, "context": 64, "dropout": 0.1},
}
COLUMNS = ("step", "loss", "validation_loss", "learning_rate", "tokens")


def log(folder):
    with (folder / "losses.csv").open(newline="") as file:
        return [[row[name] for name in COLUMNS] for row in csv.DictReader(file)]


def ends_as_alone(recipe, dataset, alone, start, out, kills):
    """Train in processes that are killed at these steps; the last one ends, with the bytes of an undisturbed run."""
    losses = out.with_name(f"{out.name}.training") / "losses.csv"
    for step in kills:
        process = start(recipe, dataset, out)
        while process.is_alive() and not (losses.exists() and losses.read_bytes().count(b"\n") > step):
            time.sleep(0.001)
        process.kill()
        process.join()
        assert process.exitcode == -9, f"ended before step {step}"
        assert not out.exists()
    train(recipe, dataset, out, progress=False) if dataset else run(recipe, out, progress=False)
    assert (out / "model.safetensors").read_bytes() == (alone / "model.safetensors").read_bytes(), f"killed at {kills}"
    assert log(out) == log(alone)
    assert not losses.parent.exists()


@pytest.mark.parametrize("family", FAMILIES)
def test_killed_at_five_steps_it_ends_with_the_same_bytes(family, dataset, recipe_with, start, tmp_path):
    recipe = replace(recipe_with(ema=0.9, early_stopping=9), model=ModelRecipe(family, FAMILIES[family]))
    alone = train(recipe, dataset, tmp_path / "alone", progress=False)
    ends_as_alone(recipe, dataset, alone, start, tmp_path / "model", sorted(Random().sample(range(2, 40), 5)))


@pytest.mark.parametrize("name", ["jazz-base-smoke", "text-amt-large-prefix-weighted-smoke"])
def test_so_does_a_model_that_reads_first(name, chorales, language_model, start, tmp_path):
    settings = [f"data.sources=[{chorales}]", f"data.dataset={tmp_path / 'dataset'}", "data.prepare.validation=20",
                "training.steps=18", "training.validate_every=6", "training.checkpoint_every=4", "training.threads=1",
                "data.epochs=pieces", "training.tokens_per_batch=1024", "data.prepare.context=256"]  # fmt: skip
    if "prefix" in name:
        settings += ["data.representation=remi"]  # whose few tokens take less time
        settings += ["model.config.music_config.dropout=0.1", f"model.config.encoder={language_model('llama')}"]
    else:
        settings += ["model.config.dropout=0.1"]
    recipe = load_recipe(RECIPES / f"{name}.yaml", settings)
    alone = run(recipe, tmp_path / "alone", progress=False)
    ends_as_alone(recipe, None, alone, start, tmp_path / "model", sorted(Random().sample(range(2, 17), 3)))


@pytest.fixture(scope="module")
def chorales(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chorales")
    for path in sorted(map(Path, corpus.getComposer("bach")))[:6]:
        shutil.copy(path, folder)
    return folder
