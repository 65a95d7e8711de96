"""What a recipe says of an adapter; nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import ConfigDict, with_config

from partimento.errors import BadRecipe


@with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False))
@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """Small matrices that are trained instead of the weights (LoRA, Hu et al., arXiv:2106.09685)."""

    kind: Literal["lora", "dora"] = "lora"
    """LoRA, or DoRA, which also trains the length of each row of a weight (Liu et al., arXiv:2402.09353)."""
    rank: int = 16
    """Rank of the matrices."""
    alpha: float = 32.0
    """What they add is multiplied by alpha / rank."""
    dropout: float = 0.0
    """Chance that an input of the adapter is left out in training."""
    targets: Literal["all-linear", "attention"] | list[str] = "all-linear"
    """Layers that get an adapter: all linear ones but the output layer, those of the attention, or ends of names."""
    train_tokens: bool | list[tuple[int, int]] = True
    """Whether the rows of tokens that are new in the vocabulary are trained, too; or ranges of ids whose rows are, each
    as its first id and the one behind its last."""
    backend: Literal["peft", "unsloth"] = "peft"
    """Who computes; unsloth does so on GPUs, where it is installed, for language models without added tokens."""

    def __post_init__(self) -> None:
        for name, low, high in (("rank", 1, 4096), ("alpha", 1e-6, 1e6), ("dropout", 0, 0.9)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadRecipe(f"model.adapter.{name} is {value}; it has to be from {low} to {high}")
        if not self.targets:
            raise BadRecipe("model.adapter.targets is empty; name layers, or write all-linear")
        if any(not 0 <= first < end for first, end in self.token_ranges()):
            raise BadRecipe(f"model.adapter.train_tokens is {self.train_tokens}; write ranges such as [[128, 140]]")

    def token_ranges(self) -> list[tuple[int, int]]:
        """Ranges of ids whose rows are trained though they are not new."""
        return [] if isinstance(self.train_tokens, bool) else self.train_tokens
