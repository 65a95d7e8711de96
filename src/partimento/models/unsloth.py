"""Unsloth instead of PEFT and transformers: faster kernels for tuning language models on text, on GPUs alone.

What it trains is a LoRA as any other, and stands in the same folders.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from peft import PeftModel

from partimento.errors import BadRecipe
from partimento.models.tuning import AdapterConfig

_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
_ATTENTION = _LINEAR[:4]


def with_unsloth(base: str, config: AdapterConfig, *, seed: int, context: int, in_four_bits: bool) -> PeftModel:
    """A language model and a fresh adapter beside it.

    Args:
        base: folder, or name on the hub.
        config: what to train.
        seed: of the first weights.
        context: most tokens of a sequence.
        in_four_bits: keep the base in nf4.

    Raises:
        BadRecipe: Unsloth or a GPU is missing, or it is asked for more than LoRA.
    """
    if config.kind != "lora" or config.token_ranges():
        raise BadRecipe("model.adapter.backend unsloth trains lora without token rows; take peft for the rest")
    if not torch.cuda.is_available():
        raise BadRecipe("model.adapter.backend is unsloth, which needs a GPU, and torch finds none; take peft")
    if find_spec("unsloth") is None:
        raise BadRecipe(
            "model.adapter.backend is unsloth, which is not installed; pip install 'partimento[unsloth]', or take peft"
        )
    models: Any = import_module("unsloth").FastLanguageModel
    model, _ = models.from_pretrained(base, max_seq_length=context, load_in_4bit=in_four_bits)
    named = {"all-linear": _LINEAR, "attention": _ATTENTION}
    return models.get_peft_model(
        model,
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=named[config.targets] if isinstance(config.targets, str) else config.targets,
        bias="none",
        random_state=seed,
    )
