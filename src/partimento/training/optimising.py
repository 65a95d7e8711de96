"""Optimisers, the course of the learning rate, and how both follow the width of a model (μP)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from partimento.errors import BadRecipe
from partimento.training.recipe import TrainingRecipe

_LOWEST_SHARE = 0.1
"""Of the highest learning rate, at the end."""


def learning_rate(recipe: TrainingRecipe, step: int, steps: int) -> float:
    """Learning rate of a step from 0: a straight warm-up, then a cosine that falls to a tenth."""
    if step < recipe.warm_up_steps:
        return recipe.learning_rate * (step + 1) / recipe.warm_up_steps
    progress = (step - recipe.warm_up_steps) / max(1, steps - recipe.warm_up_steps)
    share = (1 + math.cos(math.pi * min(1.0, progress))) / 2
    return recipe.learning_rate * (_LOWEST_SHARE + (1 - _LOWEST_SHARE) * share)


def build_optimiser(model: nn.Module, recipe: TrainingRecipe, on_cpu: bool) -> torch.optim.Optimizer:
    """AdamW over what is trained; only matrices of the blocks decay, norms and embeddings do not.

    Each group of parameters has a `scale`, by which the learning rate of a step is multiplied.

    Raises:
        BadRecipe: the optimiser needs what is not here.
    """
    embeddings = {id(layer.weight) for layer in model.modules() if isinstance(layer, nn.Embedding)}
    scale, kinds = mup_scale(model, recipe), dict[tuple[float, float], list[Tensor]]()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            is_spared = parameter.ndim < 2 or id(parameter) in embeddings or "trainable_tokens" in name
            kind = (0.0, 1.0) if is_spared else (recipe.weight_decay, scale)
            kinds.setdefault(kind, []).append(parameter)
    groups = [
        {"params": parameters, "weight_decay": decay, "scale": scale}
        for (decay, scale), parameters in sorted(kinds.items(), key=lambda kind: -kind[0][0])
    ]
    if recipe.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=recipe.betas, fused=True)
    return _eight_bit(recipe, on_cpu)(groups, lr=recipe.learning_rate, betas=recipe.betas)


def _eight_bit(recipe: TrainingRecipe, on_cpu: bool) -> Any:
    """AdamW with averages of 8 bits (Dettmers et al., arXiv:2110.02861); on the CPU there is nothing to page."""
    try:
        import bitsandbytes
    except ImportError as error:
        raise BadRecipe(
            f"training.optimiser {recipe.optimiser} needs bitsandbytes; pip install 'partimento[qlora]', or take adamw"
        ) from error
    kinds: Any = bitsandbytes.optim
    return kinds.PagedAdamW8bit if recipe.optimiser == "paged" and not on_cpu else kinds.AdamW8bit


def mup_scale(model: Any, recipe: TrainingRecipe) -> float:
    """Factor on the learning rate of matrices under μP: base width over width; 1 without μP."""
    return recipe.mup_base_width / model.config.hidden_size if recipe.mup_base_width else 1.0


def scale_first_weights(model: PreTrainedModel, recipe: TrainingRecipe) -> None:
    """Change the first weights of a fresh model, in place, to those that μP asks for at its width.

    transformers draws all matrices with one standard deviation. μP (Yang et al., arXiv:2203.03466, table 8, for Adam)
    wants that of matrices inside to fall with the root of the width and that of the head with the width; learning
    rates of both fall with the width (`mup_scale`). At the base width nothing changes. Heads of attention have to be
    equally wide in models that are compared, since their scores are not scaled anew.

    Raises:
        BadRecipe: input and output share their weights, which μP scales differently.
    """
    share = mup_scale(model, recipe)
    head = model.get_output_embeddings()
    if head is None or head.weight is model.get_input_embeddings().weight:
        raise BadRecipe("training.mup_base_width scales input and output differently; add tied_embeddings: false")
    embeddings = {id(layer.weight) for layer in model.modules() if isinstance(layer, nn.Embedding)}
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim >= 2 and id(parameter) not in embeddings:
                parameter.mul_(share if parameter is head.weight else math.sqrt(share))
