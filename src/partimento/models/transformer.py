"""Decoder-only transformer with RMSNorm, rotary positions, grouped queries and SwiGLU, as in Llama."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from pydantic import ConfigDict, with_config
from transformers import LlamaConfig, LlamaForCausalLM

from partimento.errors import BadRecipe
from partimento.models import Family, Vocabulary
from partimento.models.sizes import TRANSFORMER_SIZES, refuse_absurd


@with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False))
@dataclass(frozen=True, slots=True)
class TransformerConfig:
    """Sizes of a transformer."""

    hidden_size: int = 256
    """Width of the residual stream."""
    layers: int = 8
    """Number of blocks of attention and feed-forward."""
    heads: int = 4
    """Attention heads in a layer; they divide `hidden_size`."""
    key_value_heads: int = 4
    """Heads of keys and values; they divide `heads`, and fewer make a smaller cache."""
    ff_size: int = 704
    """Width inside the feed-forward network."""
    context: int = 1024
    """Most tokens that the model can attend to."""
    tied_embeddings: bool = True
    """Whether the output layer uses the weights of the input embedding."""
    rope_theta: float = 10_000.0
    """Base of the rotary position embedding."""

    def __post_init__(self) -> None:
        refuse_absurd(self, "hidden_size", "layers", "heads", "key_value_heads", "ff_size", "context")
        if self.hidden_size % (2 * self.heads):
            raise BadRecipe(f"hidden_size {self.hidden_size} is no even multiple of heads {self.heads}")
        if self.heads % self.key_value_heads:
            raise BadRecipe(f"heads {self.heads} is no multiple of key_value_heads {self.key_value_heads}")


def build(config: TransformerConfig, vocabulary: Vocabulary, seed: int) -> LlamaForCausalLM:
    """A model with random weights that depend on nothing but the arguments."""
    llama_config = LlamaConfig(
        vocab_size=vocabulary.size,
        hidden_size=config.hidden_size,
        intermediate_size=config.ff_size,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        num_key_value_heads=config.key_value_heads,
        max_position_embeddings=config.context,
        tie_word_embeddings=config.tied_embeddings,
        rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
        pad_token_id=vocabulary.special.pad,
        bos_token_id=vocabulary.special.bos,
        eos_token_id=vocabulary.special.eos,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(llama_config)


def read_config(content: dict[str, Any]) -> LlamaConfig:
    """The configuration in `config.json`; what transformers refuses raises its own errors.

    Raises:
        ValueError: it asks for what `build` never gives.
    """
    config = LlamaConfig(**content)
    usual = {"hidden_act": "silu", "attention_bias": False, "mlp_bias": False, "attention_dropout": 0.0}
    for name, value in usual.items():
        if getattr(config, name) != value:
            raise ValueError(f"{name} is {getattr(config, name)!r} instead of {value!r}")
    if config.rope_parameters is None or config.rope_parameters.get("rope_type") != "default":
        raise ValueError(f"rope_parameters are {config.rope_parameters}; rope_type has to be 'default'")
    return config


FAMILY = Family(TransformerConfig, build, "llama", read_config, LlamaForCausalLM, sizes=TRANSFORMER_SIZES)
