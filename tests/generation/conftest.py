"""Models of the real class with random weights, small enough for every test."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_models import saved_model

from partimento.models.transformer import TransformerConfig


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = TransformerConfig(hidden_size=64, layers=2, heads=4, key_value_heads=2, ff_size=96, context=1024)
    return saved_model(tmp_path_factory.mktemp("models") / "random", "remi", config)


@pytest.fixture(scope="session")
def filling_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that fills in bars."""
    return saved_model(tmp_path_factory.mktemp("models") / "filling", "remi", infill=True)
