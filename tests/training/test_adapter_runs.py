"""Runs that tune a trained model through an adapter: what they learn, keep, and leave as it was."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from random import Random
from typing import Any

import pytest
import torch
import yaml
from safetensors import safe_open

from partimento.data.datamodule import PackedBatches
from partimento.data.dataset import TokenDataset
from partimento.errors import BadRecipe
from partimento.models.adapter_folder import checksum, load_adapter
from partimento.models.folder import load_model_folder
from partimento.models.tuning import AdapterConfig
from partimento.training.loop import train
from partimento.training.module import LanguageModule
from partimento.training.recipe import ModelRecipe

SCRIPT = """
import sys
from pathlib import Path
from partimento.training.loop import train
from partimento.training.recipe import load_recipe
if __name__ == "__main__":
    train(load_recipe(Path(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]), progress=False)
"""


@pytest.fixture(scope="module")
def base(dataset, recipe_with, tmp_path_factory):
    """The folder of a model that has learnt a little."""
    return train(recipe_with(steps=12), dataset, tmp_path_factory.mktemp("base") / "base", progress=False)


@pytest.fixture(scope="module")
def tune(base, recipe_with):
    """A recipe that tunes it."""

    def make(quantise: Any = "none", kind: Any = "lora", adapter=True, dropout=0.1, **training):
        config = AdapterConfig(kind=kind, rank=4, dropout=dropout, train_tokens=[(4, 9)]) if adapter else None
        model = ModelRecipe(base=str(base), adapter=config, quantise=quantise)
        return replace(recipe_with(**{"steps": 20, "learning_rate": 1e-2} | training), model=model)

    return make


RUNS = {
    "lora": {},
    "dora": {"kind": "dora"},
    "qlora": {"quantise": "nf4"},
    "qlora-adamw8bit": {"quantise": "nf4", "optimiser": "adamw8bit"},
}


@pytest.fixture(params=RUNS, scope="module")
def tuned(request, tune, base, dataset, tmp_path_factory):
    """A recipe and the folder that it was trained to."""
    recipe = tune(**RUNS[request.param])
    return recipe, train(recipe, dataset, tmp_path_factory.mktemp("tuned") / "tuned", progress=False)


def validation_loss(model, recipe, dataset):
    module = LanguageModule(model, recipe.training, 1)
    return module.measure(PackedBatches(TokenDataset(dataset, "validation"), 64, 3).once()).measures()["loss"]


def test_the_adapter_learns_and_the_base_stays(tuned, base, dataset):
    recipe, folder = tuned
    before = load_model_folder(base).provenance
    loaded = load_model_folder(folder)
    assert loaded.provenance["losses"]["validation"] < before["losses"]["validation"] - 0.1
    assert loaded.provenance["base"]["sha256"] == checksum(str(base))
    assert "base" not in before
    for model in (loaded.model, load_adapter(folder)):
        assert validation_loss(model, recipe, dataset) == pytest.approx(
            loaded.provenance["losses"]["validation"], abs=1e-4
        )
    assert f"An adapter of {loaded.provenance['training']['adapter_parameters']:,} parameters" in (
        folder / "README.md"
    ).read_text("utf-8")


def same_adapters(first, second):
    names = ("adapter_model.safetensors", "adapter_config.json")
    return all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


def test_stopped_and_run_again_it_ends_with_the_same_bytes(tuned, dataset, tmp_path):
    recipe, folder = tuned
    read, stop_after = [], Random().randint(50, 250)

    def interrupt(ids, rng):
        read.append(len(ids))
        if len(read) == stop_after:
            signal.raise_signal(signal.SIGINT)
        return ids

    with pytest.raises(KeyboardInterrupt):
        train(recipe, dataset, tmp_path / "tuned", augment=interrupt, progress=False)
    train(recipe, dataset, tmp_path / "tuned", augment=lambda ids, rng: ids, progress=False)
    assert same_adapters(folder, tmp_path / "tuned"), f"stopped after {stop_after} pieces"


def test_killed_and_run_again_it_ends_with_the_same_bytes(tune, dataset, tmp_path):
    recipe, out, kill_after = tune(**RUNS["qlora-adamw8bit"]), tmp_path / "tuned", Random().randint(3, 18)
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe.as_dict()))
    (tmp_path / "script.py").write_text(SCRIPT)
    arguments = [tmp_path / "script.py", tmp_path / "recipe.yaml", dataset, out]
    process = subprocess.Popen([sys.executable, *map(str, arguments)])
    losses = tmp_path / "tuned.training" / "losses.csv"
    while process.poll() is None and not (losses.exists() and losses.read_bytes().count(b"\n") > kill_after):
        time.sleep(0.002)
    process.kill()
    assert process.wait() != 0
    train(recipe, dataset, out, progress=False)
    assert same_adapters(out, train(recipe, dataset, tmp_path / "whole", progress=False)), f"killed at {kill_after}"


def test_checkpoints_hold_what_is_trained_and_nothing_else(tune, dataset, tmp_path, monkeypatch):
    kept = []
    save = torch.save
    monkeypatch.setattr(torch, "save", lambda content, path: (kept.append(content), save(content, path))[1])
    folder = train(tune(quantise="nf4", steps=10), dataset, tmp_path / "tuned", progress=False)
    with safe_open(folder / "adapter_model.safetensors", framework="pt") as stored:
        assert all(len(each["state_dict"]) == len(stored.keys()) for each in kept)
    assert kept
    assert all("lora_" in name or "trainable_tokens" in name for name in kept[-1]["state_dict"])


def test_full_tuning_starts_from_the_base(tune, base, dataset, tmp_path):
    recipe = tune(adapter=False, steps=5, learning_rate=1e-9, warm_up_steps=0)
    folder = train(recipe, dataset, tmp_path / "tuned", progress=False)
    loaded, before = load_model_folder(folder), load_model_folder(base)
    for own, other in zip(loaded.model.parameters(), before.model.parameters(), strict=True):
        torch.testing.assert_close(own, other, atol=1e-6, rtol=0)
    assert loaded.provenance["base"]["name"] == str(base)


def test_another_base_under_a_begun_run_is_refused(tune, base, dataset, recipe_with, tmp_path):
    other = train(recipe_with(steps=6), dataset, tmp_path / "other", progress=False)
    recipe = tune()
    recipe = replace(recipe, model=replace(recipe.model, base=str(other)))
    (tmp_path / "tuned.training").mkdir()
    (tmp_path / "tuned.training" / "run.json").write_text('{"fingerprint": "of the first base", "steps": 20}')
    with pytest.raises(BadRecipe, match="another recipe"):
        train(recipe, dataset, tmp_path / "tuned", progress=False)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"base": None}, "model.base"),
        ({"base": "nowhere/at/all"}, "nowhere"),
        ({"family": "gpt2"}, "another family"),
        ({"adapter": AdapterConfig(backend="unsloth")}, "rows of text"),
    ],
)
def test_what_an_adapter_cannot_stand_beside_is_refused(tune, dataset, tmp_path, change, word):
    recipe = tune()
    with pytest.raises(BadRecipe, match=word):
        train(replace(recipe, model=replace(recipe.model, **change)), dataset, tmp_path / "tuned", progress=False)
    assert not (tmp_path / "tuned").exists()


def test_four_bits_without_an_adapter_or_in_parts_are_refused(tune):
    with pytest.raises(BadRecipe, match=r"model\.adapter"):
        tune(adapter=False, quantise="nf4")
    with pytest.raises(BadRecipe, match="fsdp"):
        tune(quantise="nf4", strategy="fsdp")
