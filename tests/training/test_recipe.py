"""Recipes: those that are shipped are valid, and an error names file, key and mend."""

from pathlib import Path

import pytest

from partimento.errors import BadInput
from partimento.training.recipe import load_recipe

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
        ("training.steps=null", ["steps", "minutes"]),
        ("training.learning_rate=.nan", ["training.learning_rate", "finite"]),
        ("training.tokens_per_batch=100", ["training.tokens_per_batch", "context"]),
        ("training.context=2048", ["training.context", "model.config.context"]),
        ("model.family=perceiver", ["model.family", "transformer"]),
        ("model.config.heads=5", ["model.config", "heads 5"]),
        ("model.config.haeds=4", ["model.config.haeds", "heads?"]),
        ("data.sources=[]", ["data.sources", "music21:bach"]),
        ("training=3", ["training", "3"]),
        ("sede=3", ["sede", "seed?"]),
    ],
)
def test_a_bad_value_names_file_and_key(setting, words):
    with pytest.raises(BadInput) as caught:
        load_recipe(TINY, [setting])
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in [str(TINY), *words])


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
