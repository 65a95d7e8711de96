"""Language models, one file per family, and the folders they are kept in.

Nothing heavy is imported here: a family's file, and torch with it, loads when it is asked for.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from partimento.errors import BadRecipe
from partimento.representations import Special

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

__all__ = ["FAMILIES", "Family", "Special", "Vocabulary", "family", "family_of", "sized"]

FAMILIES = {
    "transformer": "partimento.models.transformer",
    "gpt2": "partimento.models.gpt2",
    "lstm": "partimento.models.lstm",
    "encoder_decoder": "partimento.models.encoder_decoder",
    "text_prefix": "partimento.models.text_prefix",
    "llm": "partimento.models.llm",  # last: it takes what no other does
}
"""Module of each family; it has a `FAMILY`."""
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # when PEFT imports it, it advises kernels from a hub
ANY = "*"
"""A family's `model_type` where it takes whatever transformers knows."""


class Vocabulary(NamedTuple):
    """What a model needs to know of the tokens it reads and writes."""

    size: int
    """Number of token ids."""
    special: Special
    """Ids by their role."""


@dataclass(frozen=True, slots=True)
class Family:
    """What a model family has to offer."""

    config: type[Any]
    """Dataclass of what a recipe may say under `model.config`, with a docstring under each field."""
    build: Callable[[Any, Vocabulary, int], PreTrainedModel]
    """A fresh model from such a configuration, a vocabulary and a seed; a pretrained base is loaded here."""
    model_type: str | tuple[str, ...]
    """What `config.json` calls it; several where several classes belong to it, `ANY` where all do."""
    read_config: Callable[[dict[str, Any]], PreTrainedConfig]
    """The configuration in `config.json`; raises ValueError with the reason where it is none of this family's."""
    model: type[PreTrainedModel] | Callable[[PreTrainedConfig], type[PreTrainedModel]]
    """The class, or a function that finds it for a configuration."""
    reads: Literal["tokens", "pairs", "text+tokens", "text"] = "tokens"
    """What an example is made of: music tokens; a source and a target; text and music tokens; text alone."""
    reader: Callable[[Any], tuple[Callable[[str], list[int]], bool]] | None = None
    """Of families that read a text beside the music, from their configuration: what makes ids of a text, and whether
    texts are made of the words of `representations.conditions`."""
    sizes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Named sizes: what each says under `model.config`."""

    def takes(self, model_type: str) -> bool:
        """Whether models that `config.json` calls so belong here."""
        types = (self.model_type,) if isinstance(self.model_type, str) else self.model_type
        return model_type in types or ANY in types

    def class_for(self, config: PreTrainedConfig) -> type[PreTrainedModel]:
        """The class that a configuration is built with."""
        return self.model if isinstance(self.model, type) else self.model(config)


def family(name: str) -> Family:
    """A model family by its registered name.

    Raises:
        BadRecipe: the name is unknown.
    """
    if name not in FAMILIES:
        raise BadRecipe(f"there is no model family {name!r}; choose from {', '.join(FAMILIES)}")
    return importlib.import_module(FAMILIES[name]).FAMILY


def family_of(model_type: str, recipe: Mapping[str, Any], where: str) -> Family:
    """The family of a stored model: the one its recipe names, else the first that takes the type.

    Args:
        model_type: what `config.json` calls it.
        recipe: content of `recipe.yaml`.
        where: file, for the message.

    Raises:
        BadRecipe: there is none.
    """
    named = recipe.get("model")
    first = named.get("family") if isinstance(named, dict) else None
    for name in sorted(FAMILIES, key=str(first).__ne__):
        if (found := family(name)).takes(model_type):
            return found
    raise BadRecipe(f"{where}: models of the type {model_type!r} are not known here")


def sized(kind: Family, content: Mapping[str, Any]) -> dict[str, Any]:
    """What a recipe says under `model.config`, with a named `size` written out; other keys there win.

    Raises:
        BadRecipe: the family has no such size.
    """
    if "size" not in content:
        return dict(content)
    size = content["size"]
    if not isinstance(size, str) or size not in kind.sizes:
        known = f"choose from {', '.join(kind.sizes)}" if kind.sizes else "this family has no named sizes"
        raise BadRecipe(f"size: there is no {size!r}; {known}")
    return {**kind.sizes[size], **{name: value for name, value in content.items() if name != "size"}}
