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
    representation = create("remi")
    config = TransformerConfig(hidden_size=64, layers=2, heads=4, key_value_heads=2, ff_size=96, context=1024)
    model = family("transformer").build(config, Vocabulary(len(representation.tokens), Special(0, 1, 2)), 3)
    return save_model_folder(
        tmp_path_factory.mktemp("models") / "random",
        model,
        representation={"name": "remi", **representation.config},
        recipe={},
        provenance={},
        card="",
    )
