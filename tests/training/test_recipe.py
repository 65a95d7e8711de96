"""Recipes: those that are shipped are valid, and an error names file, key and mend."""

import hashlib
import json
import re
from pathlib import Path

import pytest
import yaml

from partimento.errors import BadInput
from partimento.training.estimate import estimate
from partimento.training.recipe import load_recipe, recipe_from

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))
TINY = Path(__file__).parents[2] / "recipes" / "tiny.yaml"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_are_valid(path):
    assert load_recipe(path).name == path.stem


def test_settings_from_outside_hold():
    settings = ["training.steps=7", "training.steps=9", "model.config.layers=1", "data.sources=[a, b]", "seed=3"]
    recipe = load_recipe(TINY, [*settings, "training.learning_rate=1e-4"])
    assert recipe.training.steps == 9
    assert recipe.training.learning_rate == 1e-4
    assert recipe.model_config().layers == 1
    assert recipe.data.sources == ["a", "b"]
    assert recipe.seed == 3


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("training.stps=3", ["training.stps", "steps?"]),
        ("training.steps=-3", ["training.steps", "above 0"]),
        ("training.steps=many", ["training.steps", "many"]),
        ("training.steps=null", ["steps", "minutes", "epochs"]),
        ("training.epochs=1", ["one of steps, minutes and epochs"]),
        ("training.learning_rate=.nan", ["training.learning_rate", "finite"]),
        ("training.tokens_per_batch=100", ["training.tokens_per_batch", "context"]),
        ("training.context=2048", ["training.context", "model.config.context"]),
        ("model.family=perceiver", ["model.family", "transformer"]),
        ("model.config.heads=5", ["model.config", "heads 5"]),
        ("model.config.haeds=4", ["model.config.haeds", "heads?"]),
        ("data.sources=[]", ["data.sources", "music21:bach"]),
        ("data.epochs=pieces", ["data.epochs", "data.text"]),
        ("training=3", ["training", "3"]),
        ("training.log_to=[paper]", ["training.log_to.0", "csv"]),
        ("training.devices=0", ["training.devices", "auto"]),
        ("training.devices=many", ["training.devices: ", "many"]),
        ("training.ema=1", ["training.ema", "between"]),
        ("training.early_stopping=0", ["training.early_stopping", "above 0"]),
        ("model.adapter.rnak=3", ["model.adapter.rnak", "rank?"]),
        ("model.adapter.rank=0", ["model.adapter.rank", "from 1 to"]),
        ("model.quantise=nf4", ["model.quantise", "model.adapter"]),
        ("model={family: text_prefix, initialise_from: x}", ["model.initialise_from", "takes none"]),
        ("model={base: x, initialise_from: x}", ["model.initialise_from", "takes none beside a base"]),
        ("data.tasks={infil: 1}", ["data.tasks.infil", "infill?"]),
        ("data.tasks={infill: -1}", ["data.tasks.infill", "negative"]),
        ("sede=3", ["sede", "seed?"]),
    ],
)
def test_a_bad_value_names_file_and_key(setting, words):
    with pytest.raises(BadInput) as caught:
        load_recipe(TINY, [setting])
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in [str(TINY), *words])


def test_a_key_at_its_default_is_not_written_so_that_older_runs_go_on():
    recipe = load_recipe(TINY, ["training.ema=null", "training.log_to=[csv]", "model.adapter=null"])
    keys = hashlib.sha256(json.dumps(recipe.as_dict(), sort_keys=True).encode()).hexdigest()
    assert keys == "71e547cb2206792fe60c47b6ef595d00ec7afc92aea80df197fa0cc95c8469ea", "begun runs would not go on"


def test_what_a_recipe_writes_it_reads():
    settings = ["training.ema=0.9", "model.adapter={rank: 4, targets: [q_proj]}", "training.log_to=[csv, wandb]"]
    recipe = load_recipe(TINY, settings)
    assert recipe.as_dict()["model"]["adapter"]["rank"] == 4
    assert recipe_from(yaml.safe_load(yaml.safe_dump(recipe.as_dict()))) == recipe
    assert recipe.as_dict(deciding=True) == load_recipe(TINY, settings[:2]).as_dict()


@pytest.mark.parametrize("setting", ["steps", "=3", "training..steps=3", "name.first=x", "seed=[1"])
def test_a_bad_setting_is_shown(setting):
    with pytest.raises(BadInput, match="--set"):
        load_recipe(TINY, [setting])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name: [tiny", "line 1"),
        (b"\xff\xfe\x00", "text"),
        (b"", "mapping"),
        (b"just a text", "mapping"),
        (b"name: x", "data: is missing"),
        (b"a: &a [1]\nb: *a", "aliases"),
        (b"[" * 5000, "recipe.yaml"),
    ],
)
def test_what_is_no_recipe_is_refused(tmp_path, content, words):
    path = tmp_path / "recipe.yaml"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=words) as caught:
        load_recipe(path)
    assert "recipe.yaml" in str(caught.value)


def test_missing_recipe(tmp_path):
    with pytest.raises(BadInput, match="no such recipe"):
        load_recipe(tmp_path / "none.yaml")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_can_be_carried_out(path, monkeypatch):
    """A micro-batch goes through a model without content; a base that is not on this machine is named."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    recipe = load_recipe(path, ["training.accelerator=cpu"])
    base = recipe.model.base or getattr(recipe.model_config(), "base", None)
    if base and not Path(base).exists():
        with pytest.raises(BadInput, match=re.escape(base)):
            estimate(recipe, timed=False)
        return
    found = estimate(recipe, timed=False)
    assert found.parameters >= found.trained > 0 < found.activations
