"""One training step for every model family: packed pieces, cross-entropy, AdamW, cosine with warm-up."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from partimento.data.datamodule import IGNORED, Batch, count_targets, shard_batch
from partimento.models.attention import use_pieces
from partimento.training.recipe import TrainingRecipe

_LOWEST_SHARE = 0.1
"""Of the highest learning rate, at the end."""


class LanguageModule(LightningModule):
    """A causal language model in training.

    The optimisation is manual: one Lightning batch is one optimiser step, computed in micro-batches.

    Args:
        model: a decoder of transformers.
        recipe: how to train.
        steps: optimiser steps in all, for the schedule.
    """

    def __init__(self, model: PreTrainedModel, recipe: TrainingRecipe, steps: int, *, on_cpu: bool = True) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.model, self.recipe, self.steps = model, recipe, steps
        self._by_piece = on_cpu
        if on_cpu:
            use_pieces(model)

    def forward(self, batch: Batch) -> Tensor:
        """Logits of packed rows, shape (rows, tokens, vocabulary); no piece sees another."""
        ids_BT, positions_BT = batch["input_ids"], batch["position_ids"]
        if not self._by_piece:
            # Without mask and cache, transformers finds the pieces in the positions.
            return self.model(input_ids=ids_BT, position_ids=positions_BT, use_cache=False).logits
        flat = positions_BT.reshape(1, -1)
        starts = (flat[0] == 0).nonzero()[:, 0].tolist()
        pieces = [end - start for start, end in zip(starts, [*starts[1:], flat.shape[1]], strict=True)]
        output = self.model(input_ids=ids_BT.reshape(1, -1), position_ids=flat, pieces=pieces, use_cache=False)
        return output.logits.view(*ids_BT.shape, -1)

    def summed_loss(self, batch: Batch) -> Tensor:
        """Sum of the cross-entropy over all targets, in nats."""
        logits_BTV = self(batch)[:, :-1].float()
        labels_BT = batch["labels"][:, 1:]
        return cross_entropy(logits_BTV.flatten(0, 1), labels_BT.flatten(), ignore_index=IGNORED, reduction="sum")

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """One optimiser step; returns the mean loss per target."""
        optimiser: Any = self.optimizers()
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(self.recipe, self.global_step, self.steps)
        targets = count_targets(batch)
        loss = torch.zeros((), device=self.device)
        optimiser.zero_grad()
        for part in shard_batch(batch, max(1, self.recipe.micro_batch_tokens // self.recipe.context)):
            part_loss = self.summed_loss(part) / targets
            self.manual_backward(part_loss)
            loss += part_loss.detach()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        optimiser.step()
        return loss

    @torch.no_grad()
    def mean_loss(self, batches: Iterable[Batch]) -> float:
        """Cross-entropy in nats per target over whole batches."""
        self.eval()
        total, targets = 0.0, 0
        for batch in batches:
            on_device = {name: tensor.to(self.device) for name, tensor in batch.items()}
            total += float(self.summed_loss(on_device))
            targets += count_targets(batch)
        self.train()
        return total / max(1, targets)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW; only matrices of the blocks decay, norms and embeddings do not."""
        embeddings = {id(layer.weight) for layer in self.model.modules() if isinstance(layer, torch.nn.Embedding)}
        decayed, spared = list[Tensor](), list[Tensor]()
        for parameter in self.model.parameters():
            (spared if parameter.ndim < 2 or id(parameter) in embeddings else decayed).append(parameter)
        groups = [
            {"params": decayed, "weight_decay": self.recipe.weight_decay},
            {"params": spared, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=self.recipe.learning_rate, betas=self.recipe.betas, fused=True)


def learning_rate(recipe: TrainingRecipe, step: int, steps: int) -> float:
    """Learning rate of a step from 0: a straight warm-up, then a cosine that falls to a tenth."""
    if step < recipe.warm_up_steps:
        return recipe.learning_rate * (step + 1) / recipe.warm_up_steps
    progress = (step - recipe.warm_up_steps) / max(1, steps - recipe.warm_up_steps)
    share = (1 + math.cos(math.pi * min(1.0, progress))) / 2
    return recipe.learning_rate * (_LOWEST_SHARE + (1 - _LOWEST_SHARE) * share)
