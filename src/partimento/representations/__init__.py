"""Representations of music as tokens, by name."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any, TypeVar

from partimento.errors import BadRecipe
from partimento.representations.abc import AbcTokens
from partimento.representations.abc_text import AbcText
from partimento.representations.amt import Amt
from partimento.representations.base import (
    Encoded,
    Grid,
    Ints,
    Loss,
    Losses,
    Ranges,
    Redirects,
    Repairs,
    Representation,
    Special,
    TextRepresentation,
)
from partimento.representations.bpe import Bpe
from partimento.representations.chord_llama import ChordLlama
from partimento.representations.event_json import EventJson
from partimento.representations.performance import Performance
from partimento.representations.remi import Remi

T = TypeVar("T")

REPRESENTATIONS: dict[str, Callable[..., Representation[Any]]] = {
    "abc": AbcTokens,
    "amt": Amt,
    "bpe": Bpe,
    "performance": Performance,
    "remi": Remi,
}
"""Music as tokens of a vocabulary of its own."""
TEXT_REPRESENTATIONS: dict[str, Callable[..., TextRepresentation]] = {
    "abc": AbcText,
    "chord_llama": ChordLlama,
    "event_json": EventJson,
}
"""Music as text in the tokens of a language model."""

__all__ = [
    "REPRESENTATIONS",
    "TEXT_REPRESENTATIONS",
    "Encoded",
    "Grid",
    "Ints",
    "Loss",
    "Losses",
    "Ranges",
    "Redirects",
    "Repairs",
    "Representation",
    "Special",
    "TextRepresentation",
    "create",
    "create_text",
]


def create(name: str, **config: Any) -> Representation[Any]:
    """A representation by its registered name.

    Raises:
        BadRecipe: the name or an option is unknown.
    """
    return _built(REPRESENTATIONS, name, config)


def create_text(name: str, **config: Any) -> TextRepresentation:
    """A text representation by its registered name.

    Raises:
        BadRecipe: the name or an option is unknown.
    """
    return _built(TEXT_REPRESENTATIONS, name, config)


def _built(registry: dict[str, Callable[..., T]], name: str, config: dict[str, Any]) -> T:
    if name not in registry:
        is_other = name in REPRESENTATIONS or name in TEXT_REPRESENTATIONS
        wrong = (
            ("makes tokens, not text" if name in REPRESENTATIONS else "makes text, not tokens")
            if is_other
            else "is no representation"
        )
        raise BadRecipe(f"{name} {wrong}; choose from {', '.join(registry)}")
    known = list(signature(registry[name]).parameters)
    for option in config:
        if option not in known:
            raise BadRecipe(f"representation {name} has no option {option!r}; it has {', '.join(known) or 'none'}")
    try:
        return registry[name](**config)
    except TypeError as error:
        raise BadRecipe(f"representation {name}: {error}") from error
