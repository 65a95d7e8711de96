"""A small dataset with structure to learn, and recipes that train on it in a second."""

import json
import multiprocessing
import runpy
from typing import Any

import numpy as np
import pytest

from partimento.data.dataset import ShardWriter
from partimento.training.recipe import DataRecipe, ModelRecipe, Recipe, TrainingRecipe

VOCABULARY = 40

SCRIPT = """
import os
from partimento.training.loop import train
from partimento.training.run import run
os.environ.update(environment)
train(recipe, dataset, out, progress=False) if dataset else run(recipe, out, progress=False)
"""


def window(rng):
    """A header token, and a walk whose step it decides."""
    step = int(rng.integers(1, 6))
    walk = (np.cumsum(step + (np.arange(int(rng.integers(10, 50))) % 3 == 0)) + int(rng.integers(30))) % 30
    return [1, 3 + step, *(10 + walk).tolist(), 2]


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("walks"), np.random.default_rng(11)
    words = {"piece": "x", "source": "walks", "licence": "CC0", "title": "walk", "style": "x", "notes": 1}
    with ShardWriter(folder, VOCABULARY) as shards:
        for split, number in (("train", 80), ("validation", 12)):
            for _ in range(number):
                shards.write(split, {"ids": window(rng), "prompt_length": 2, **words})
    description = {
        "representation": {"name": "remi"},
        "vocabulary_size": VOCABULARY,
        "special": {"pad": 0, "bos": 1, "eos": 2},
        "sources": ["walks"],
        "licences": {"walks": "CC0"},
    }
    (folder / "dataset.json").write_text(json.dumps(description))
    return folder


@pytest.fixture(scope="session")
def recipe_with():
    """A recipe, with changes to its training."""

    def make(**changes):
        sizes: dict[str, Any] = {
            "hidden_size": 32,
            "layers": 2,
            "heads": 4,
            "key_value_heads": 2,
            "ff_size": 64,
            "context": 64,
        }
        training: dict[str, Any] = {
            "steps": 48,
            "tokens_per_batch": 512,
            "micro_batch_tokens": 256,
            "context": 64,
            "learning_rate": 2e-2,
            "warm_up_steps": 4,
            "precision": "fp32",
            "validate_every": 10,
            "checkpoint_every": 5,
            "threads": 1,
            "accelerator": "cpu",
        }
        return Recipe(
            "walks", DataRecipe(["walks"], "unused"), ModelRecipe(config=sizes), TrainingRecipe(**training | changes)
        )

    return make


@pytest.fixture(scope="session")
def start(tmp_path_factory):
    """Start a process that trains, on the recipe's own dataset if none is given.

    Imports of a second come once, in the server that the processes are forked from.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["partimento.training.run", "transformers.models.llama.modeling_llama"])
    script = tmp_path_factory.mktemp("script") / "script.py"
    script.write_text(SCRIPT)

    def begin(recipe, dataset, out, **environment):
        given = {"recipe": recipe, "dataset": dataset, "out": out, "environment": environment}
        process = context.Process(target=runpy.run_path, args=(str(script), given))
        process.start()
        return process

    return begin
