"""A model of the real class with random weights, small enough for every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from partimento.models import Special, Vocabulary, family
from partimento.models.folder import save_model_folder
from partimento.models.transformer import TransformerConfig
from partimento.representations import create


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = TransformerConfig(hidden_size=64, layers=2, heads=4, key_value_heads=2, ff_size=96, context=1024)
    return saved(tmp_path_factory.mktemp("models") / "random", config, infill=False)


@pytest.fixture(scope="session")
def filling_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that fills in bars."""
    config = TransformerConfig(hidden_size=32, layers=1, heads=2, key_value_heads=1, ff_size=48, context=1024)
    return saved(tmp_path_factory.mktemp("models") / "filling", config, infill=True)


def saved(folder: Path, config: TransformerConfig, *, infill: bool) -> Path:
    """A folder of a model that writes remi."""
    representation = create("remi", infill=infill)
    model = family("transformer").build(config, Vocabulary(len(representation.tokens), Special(0, 1, 2)), 3)
    described = {"name": "remi", **representation.config}
    return save_model_folder(folder, model, representation=described, recipe={}, provenance={}, card="")
