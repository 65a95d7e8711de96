"""Decoder-only transformer with layer norm before each block, GELU and learned positions, as in GPT-2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from pydantic import ConfigDict, with_config
from transformers import GPT2Config, GPT2LMHeadModel

from partimento.errors import BadRecipe
from partimento.models import Family, Vocabulary
from partimento.models.sizes import GPT2_SIZES, refuse_absurd


@with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False))
@dataclass(frozen=True, slots=True)
class GPT2Sizes:
    """Sizes of a GPT-2."""

    hidden_size: int = 256
    """Width of the residual stream."""
    layers: int = 4
    """Number of blocks of attention and feed-forward."""
    heads: int = 4
    """Attention heads in a layer; they divide `hidden_size`."""
    ff_size: int = 1024
    """Width inside the feed-forward network."""
    context: int = 1024
    """Most tokens that the model can attend to; each has a learned position."""
    dropout: float = 0.0
    """Share of the units that are left out in training."""

    def __post_init__(self) -> None:
        refuse_absurd(self, "hidden_size", "layers", "heads", "ff_size", "context")
        if self.hidden_size % self.heads:
            raise BadRecipe(f"hidden_size {self.hidden_size} is no multiple of heads {self.heads}")


def build(config: GPT2Sizes, vocabulary: Vocabulary, seed: int) -> GPT2LMHeadModel:
    """A model with random weights that depend on nothing but the arguments."""
    gpt2_config = GPT2Config(
        vocab_size=vocabulary.size,
        n_embd=config.hidden_size,
        n_layer=config.layers,
        n_head=config.heads,
        n_inner=config.ff_size,
        n_positions=config.context,
        resid_pdrop=config.dropout,
        embd_pdrop=config.dropout,
        attn_pdrop=0.0,
        pad_token_id=vocabulary.special.pad,
        bos_token_id=vocabulary.special.bos,
        eos_token_id=vocabulary.special.eos,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return GPT2LMHeadModel(gpt2_config)


def read_config(content: dict[str, Any]) -> GPT2Config:
    """The configuration in `config.json`; what transformers refuse raises their own errors.

    Raises:
        ValueError: it asks for what no causal GPT-2 has.
    """
    config = GPT2Config(**content)
    if config.add_cross_attention:
        raise ValueError("add_cross_attention is true, and there is nothing to attend to")
    return config


FAMILY = Family(GPT2Sizes, build, "gpt2", read_config, GPT2LMHeadModel, sizes=GPT2_SIZES)
