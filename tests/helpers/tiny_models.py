"""Models of the real class with random weights, small enough for every test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from partimento.models import Special, Vocabulary, family
from partimento.models.folder import save_model_folder
from partimento.models.transformer import TransformerConfig
from partimento.representations import create

TINY = TransformerConfig(hidden_size=32, layers=1, heads=2, key_value_heads=1, ff_size=48, context=1024)


def saved_model(folder: Path, name: str, config: TransformerConfig = TINY, **options: Any) -> Path:
    """A folder of a model that writes in a representation."""
    representation = create(name, **options)
    special = Special(*representation.special)
    model = family("transformer").build(config, Vocabulary(len(representation.tokens), special), 3)
    described = {"name": name, **representation.config}
    return save_model_folder(folder, model, representation=described, recipe={}, provenance={}, card="")
