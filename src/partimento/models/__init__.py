"""Language models, one file per family, and the folders they are kept in.

Nothing heavy is imported here: a family's file, and torch with it, loads when it is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from partimento.errors import BadRecipe
from partimento.representations import Special

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

__all__ = ["FAMILIES", "Family", "Special", "family"]

FAMILIES = {"transformer": "partimento.models.transformer"}
"""Module of each family; it has a `FAMILY`."""


@dataclass(frozen=True, slots=True)
class Family:
    """What a model family has to offer."""

    config: type[Any]
    """Dataclass of its sizes, with a docstring under each field."""
    build: Callable[[Any, int, Special, int], PreTrainedModel]
    """A fresh model from sizes, vocabulary size, special ids and a seed."""
    model_type: str
    """What `config.json` calls it."""
    read_config: Callable[[dict[str, Any]], PreTrainedConfig]
    """The configuration in `config.json`."""
    shapes: Callable[[Any], dict[str, tuple[int, ...]]]
    """Shape of each stored tensor, by name, of a configuration."""
    restore: Callable[[Any, dict[str, Any]], PreTrainedModel]
    """A model from a configuration and its tensors."""


def family(name: str) -> Family:
    """A model family by its registered name.

    Raises:
        BadRecipe: the name is unknown.
    """
    if name not in FAMILIES:
        raise BadRecipe(f"there is no model family {name!r}; choose from {', '.join(FAMILIES)}")
    return importlib.import_module(FAMILIES[name]).FAMILY
