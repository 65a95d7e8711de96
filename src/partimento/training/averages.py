"""A running average of the weights (Polyak and Juditsky 1992), which often generalises better than the last of them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor, nn


class Averages(Callback):
    """Follows the trained weights: after each step the average moves a share of 1 − decay towards them.

    In the first steps the decay is (1 + step) / (10 + step) where that is less, so that the random first weights are
    soon forgotten. Kept in checkpoints.
    """

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._kept = dict[str, Tensor]()

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        trained = _trained(pl_module.model)
        self._kept = {
            name: self._kept.get(name, each).detach().clone().to(each.device) for name, each in trained.items()
        }

    @torch.no_grad()
    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        step = trainer.global_step
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, weight in _trained(pl_module.model).items():
            self._kept[name].lerp_(weight.detach(), 1 - decay)

    @contextmanager
    def in_place(self, model: nn.Module) -> Generator[None]:
        """The model has the averages for weights while the block runs."""
        weights = _trained(model)
        last = {name: weight.detach().clone() for name, weight in weights.items()}
        with torch.no_grad():
            for name, weight in weights.items():
                weight.copy_(self._kept[name])
        try:
            yield
        finally:
            with torch.no_grad():
                for name, weight in weights.items():
                    weight.copy_(last[name])

    def state_dict(self) -> dict[str, Any]:
        return dict(self._kept)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._kept = dict(state_dict)


def _trained(model: nn.Module) -> dict[str, Tensor]:
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
