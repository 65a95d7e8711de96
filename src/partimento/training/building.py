"""The model that a recipe trains: fresh or pretrained, whole or as an adapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from partimento.errors import BadRecipe
from partimento.models import Vocabulary, family
from partimento.models.adapter_folder import Base, checksum, licences_of
from partimento.models.adapters import with_adapter
from partimento.models.quantised import quantise
from partimento.models.start import starting_model, take_over
from partimento.models.unsloth import with_unsloth
from partimento.training.optimising import scale_first_weights
from partimento.training.recipe import Recipe


def base_of(recipe: Recipe, vocabulary: Vocabulary, *, is_read: bool = True) -> Base | None:
    """The pretrained model that a recipe starts from, if it names one.

    Args:
        recipe: names it.
        vocabulary: of the dataset.
        is_read: whether to read its files, for the checksum and the licences.

    Raises:
        BadRecipe: it is missing, or there is an adapter and nothing that it could stand beside.
    """
    config = recipe.model_config()
    name = recipe.model.base or getattr(config, "base", "")
    if not name:
        if recipe.model.adapter:
            raise BadRecipe("model.adapter tunes a pretrained model; name it as model.base, or remove the adapter")
        return None
    return Base(
        name, recipe.model.family, asdict(config), vocabulary, recipe.seed,
        recipe.model.quantise, *((checksum(name), licences_of(name)) if is_read else ()),
    )  # fmt: skip


def build_model(
    recipe: Recipe,
    vocabulary: Vocabulary,
    base: Base | None,
    *,
    dtype: torch.dtype,
    tokens: Mapping[str, Any] | None = None,
) -> Any:
    """The model to train.

    Args:
        recipe: what to train.
        vocabulary: of the dataset.
        base: of `base_of`.
        dtype: of the arithmetic.
        tokens: name and options of the representation; without them no weights are taken over.

    Returns:
        A `PreTrainedModel`, or a `PeftModel` around one, of which only the adapter is trained.

    Raises:
        BadRecipe: the base is missing, damaged, or does not fit, or an adapter cannot be put beside it.
    """
    kind = family(recipe.model.family)
    if base is None:
        model = kind.build(recipe.model_config(), vocabulary, recipe.seed)
        if recipe.training.mup_base_width:
            scale_first_weights(model, recipe.training)
        if recipe.model.initialise_from and kind.reads == "tokens" and tokens:
            take_over(model, Path(recipe.model.initialise_from).expanduser(), tokens)
        return model
    adapter = recipe.model.adapter
    if adapter and adapter.backend == "unsloth":
        if kind.reads != "text" or vocabulary.size:
            raise BadRecipe("model.adapter.backend unsloth tunes language models on rows of text; take peft")
        return with_unsloth(
            base.name, adapter, seed=recipe.seed, context=recipe.training.context,
            in_four_bits=base.quantise == "nf4",
        )  # fmt: skip
    model = starting_model(kind, recipe.model_config(), vocabulary, recipe.seed, base.name)
    _check_context(recipe, model)
    if adapter is None:
        return model
    if base.quantise == "nf4":
        quantise(model, dtype)
    return with_adapter(model, adapter, seed=recipe.seed, base=base.name)


def _check_context(recipe: Recipe, model: PreTrainedModel) -> None:
    most = getattr(model.config, "max_position_embeddings", None)
    if most is not None and recipe.training.context > most:
        raise BadRecipe(f"training.context {recipe.training.context} is above the {most} that {recipe.model.base} has")
