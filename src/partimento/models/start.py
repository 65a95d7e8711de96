"""The model that training starts from: fresh, or pretrained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import torch
from transformers import PreTrainedModel

from partimento.errors import BadRecipe
from partimento.models import Family, Vocabulary
from partimento.models.folder import load_model_folder
from partimento.models.pretrained import load_base
from partimento.models.weights import stored_tensors
from partimento.representations import create

_TAKE_ITS = "set model.family and model.config to those of its recipe"


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


@torch.no_grad()
def take_over(model: PreTrainedModel, folder: Path, representation: Mapping[str, Any]) -> None:
    """Give a fresh model the weights of another of its shape, whose representation has other options.

    Embedding and output layer take rows over by the names of their tokens; tokens that the other model does not know
    keep their first weights.

    Args:
        model: is changed.
        folder: model folder of the other.
        representation: name and options of the model's own.

    Raises:
        BadRecipe: the folder is missing or damaged, the representation is another, or a shape differs.
    """
    name, loaded = f"model.initialise_from {folder}", load_model_folder(folder)
    if loaded.representation.get("name") != representation["name"]:
        raise BadRecipe(
            f"{name}: writes {loaded.representation.get('name')} tokens, and the dataset holds {representation['name']}"
        )
    if len(create(**loaded.representation).tokens) != loaded.vocabulary_size:
        raise BadRecipe(f"{name}: has other tokens than its representation.json says; copy the folder again")
    place = {token: row for row, token in enumerate(create(**loaded.representation).tokens)}
    known = [(row, place[token]) for row, token in enumerate(create(**representation).tokens) if token in place]
    rows, their_rows = (torch.tensor(column) for column in zip(*known, strict=True))
    ours, theirs = stored_tensors(model), stored_tensors(loaded.model)
    by_token = {id(weight) for layer in _ends(model) for weight in layer.parameters()}
    if other := sorted(ours.keys() ^ theirs.keys()):
        raise BadRecipe(f"{name}: is another kind of model, {other[0]} is in one of the two only; {_TAKE_ITS}")
    for key, weight in ours.items():
        their, is_by_token = theirs[key], id(weight) in by_token
        if weight.shape[is_by_token:] != their.shape[is_by_token:]:
            raise BadRecipe(f"{name}: {key} is {_shape(their)}, and the recipe's {_shape(weight)}; {_TAKE_ITS}")
        if is_by_token:
            weight[rows] = their[their_rows].to(weight.dtype)
        else:
            weight.copy_(their)


def _ends(model: PreTrainedModel) -> list[Any]:
    """Embedding and output layer."""
    return [layer for layer in (model.get_input_embeddings(), model.get_output_embeddings()) if layer is not None]


def _shape(weight: torch.Tensor) -> str:
    return " × ".join(map(str, weight.shape))
