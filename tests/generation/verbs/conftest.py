"""A model of random weights that fills in bars, and pieces to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from partimento.generation.writer import Writer
from partimento.models import Special, Vocabulary, family
from partimento.models.folder import save_model_folder
from partimento.models.transformer import TransformerConfig
from partimento.representations import create


@pytest.fixture(scope="session")
def filling_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    representation = create("remi", infill=True)
    config = TransformerConfig(hidden_size=32, layers=1, heads=2, key_value_heads=1, ff_size=48, context=1024)
    model = family("transformer").build(config, Vocabulary(len(representation.tokens), Special(0, 1, 2)), 3)
    return save_model_folder(
        tmp_path_factory.mktemp("models") / "filling",
        model,
        representation={"name": "remi", **representation.config},
        recipe={},
        provenance={},
        card="",
    )


@pytest.fixture(scope="session")
def writer(filling_model: Path) -> Writer:
    return Writer(filling_model)
