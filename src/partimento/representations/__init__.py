"""Representations of music as tokens, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from partimento.errors import BadRecipe
from partimento.representations.base import Encoded, Ints, Loss, Losses, Ranges, Representation
from partimento.representations.remi import Remi

REPRESENTATIONS: dict[str, Callable[..., Representation[Any]]] = {"remi": Remi}

__all__ = ["REPRESENTATIONS", "Encoded", "Ints", "Loss", "Losses", "Ranges", "Representation", "create"]


def create(name: str, **config: Any) -> Representation[Any]:
    """A representation by its registered name.

    Raises:
        BadRecipe: the name or an option is unknown.
    """
    if name not in REPRESENTATIONS:
        raise BadRecipe(f"there is no representation {name!r}; choose from {', '.join(REPRESENTATIONS)}")
    try:
        return REPRESENTATIONS[name](**config)
    except TypeError as error:
        raise BadRecipe(f"representation {name}: {error}") from error
