"""The model that training starts from: fresh, or pretrained."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from transformers import PreTrainedModel

from partimento.errors import BadRecipe
from partimento.models import Family, Vocabulary
from partimento.models.folder import load_model_folder
from partimento.models.pretrained import load_base


def takes_base(kind: Family) -> bool:
    """Whether a family makes its models from pretrained ones of other kinds, by a `base` in its configuration."""
    return any(field.name == "base" for field in fields(kind.config))


def starting_model(kind: Family, config: Any, vocabulary: Vocabulary, seed: int, base: str | None) -> PreTrainedModel:
    """The model that a run starts from.

    Args:
        kind: family.
        config: of that family; where `base` is a model folder of the family, its own sizes hold instead.
        vocabulary: of the dataset.
        seed: of what is random.
        base: one of partimento's model folders, or what the family's own configuration takes as `base`.

    Raises:
        BadRecipe: the base is missing, damaged, of another family, or has other tokens.
    """
    folder = Path(base).expanduser() if base else None
    if folder is None or (takes_base(kind) and not (folder / "representation.json").is_file()):
        return kind.build(config, vocabulary, seed)
    loaded = load_model_folder(folder)
    if loaded.family.config is not kind.config:
        if takes_base(kind):
            return kind.build(config, vocabulary, seed)
        raise BadRecipe(f"model.base {base} is a model of another family; set model.family to that of its recipe")
    if loaded.vocabulary_size != vocabulary.size:
        raise BadRecipe(
            f"model.base {base} has {loaded.vocabulary_size} tokens and the dataset {vocabulary.size}; take the "
            "representation of the base"
        )
    if (folder / "tokenizer.json").is_file():  # goes on with what is made of it
        cast(Any, loaded.model).tokenizer = load_base(folder, "tokenizer")
    return loaded.model
