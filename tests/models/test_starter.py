"""The model that comes with the package: what it can do, and that it is the recipe's."""

from pathlib import Path

from partimento.generation.writer import STARTER
from partimento.models.folder import load_model_folder
from partimento.representations import create
from partimento.training.recipe import load_recipe

RECIPE = Path(__file__).parents[2] / "recipes" / "starter.yaml"
LARGEST_FILE = 12_000_000


def test_it_fills_bars_in_and_says_how_it_was_made():
    loaded = load_model_folder(STARTER)
    representation = create(**loaded.representation)
    assert "infill" in representation.enforces
    assert loaded.vocabulary_size == len(representation.tokens)
    assert loaded.recipe == load_recipe(RECIPE).as_dict()
    assert set(loaded.provenance["data"]["licences"]) == set(loaded.recipe["data"]["sources"])


def test_it_is_small_enough_for_a_clone():
    assert (STARTER / "model.safetensors").stat().st_size < LARGEST_FILE
