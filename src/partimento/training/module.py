"""One training step for every model family, and the measuring of held-out music.

What a batch holds says what it is: packed rows of tokens (`input_ids`, `position_ids`), pairs (`decoder_input_ids`
too), a text before the music (`text_ids` too). All of it but `labels` goes to the model under its own name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule
from rich.console import Console
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from partimento.data.datamodule import IGNORED, Batch, count_targets, shard_batch
from partimento.errors import BadRecipe
from partimento.models.attention import use_pieces
from partimento.representations.kinds import TokenKinds
from partimento.training.measures import Tally
from partimento.training.optimising import build_optimiser, learning_rate
from partimento.training.processes import dealt, summed, world
from partimento.training.recipe import TrainingRecipe
from partimento.training.strategies import gradients_travel, shard, trained_names

_PACKED = {"input_ids", "position_ids", "labels"}


class LanguageModule(LightningModule):
    """A language model in training.

    The optimisation is manual: one Lightning batch is one optimiser step, computed in micro-batches.

    Args:
        model: of any family.
        recipe: how to train.
        steps: optimiser steps in all, for the schedule.
        on_cpu: whether it is computed there; packed rows are then attended to piece by piece.
        is_packed: whether batches are packed rows.
        kinds: of the model's tokens, for the measures of validation.

    Raises:
        BadRecipe: the model cannot do what the recipe asks for.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        recipe: TrainingRecipe,
        steps: int,
        *,
        on_cpu: bool = True,
        is_packed: bool = True,
        kinds: TokenKinds | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.model, self.recipe, self.steps = model, recipe, steps
        self.strict_loading = not trained_names(model)
        self._on_cpu, self._kinds = on_cpu, kinds
        self._by_piece = is_packed and not recipe.compile  # lengths of pieces would be compiled in
        self._is_compiled = recipe.compile
        if self._by_piece:
            use_pieces(model)
        if recipe.gradient_checkpointing:
            if not model.supports_gradient_checkpointing:
                raise BadRecipe("training.gradient_checkpointing: this model family knows none; remove it")
            newer = getattr(model, "activation_checkpointing_enable", None)  # transformers calls it so
            (newer or model.gradient_checkpointing_enable)({"use_reentrant": False})
        if recipe.compile:
            model.compile()

    def forward(self, batch: Batch, pieces: list[int] | None = None) -> Tensor:
        """Logits of shape (rows, tokens, vocabulary); of packed pieces, none sees another.

        Args:
            batch: see above.
            pieces: lengths of the packed pieces in order, by default read off their positions.
        """
        if not self._by_piece or batch.keys() != _PACKED:
            # Without mask and cache, transformers finds the pieces in the positions.
            return self._called({name: tensor for name, tensor in batch.items() if name != "labels"})
        flat = batch["position_ids"].reshape(1, -1)
        if pieces is None:
            starts = (flat[0] == 0).nonzero()[:, 0].tolist()
            pieces = [end - start for start, end in zip(starts, [*starts[1:], flat.shape[1]], strict=True)]
        ids = batch["input_ids"]
        logits = self._called({"input_ids": ids.reshape(1, -1), "position_ids": flat, "pieces": pieces})
        return logits.view(*ids.shape, -1)

    def _called(self, inputs: dict[str, Any]) -> Tensor:
        try:
            return self.model(**inputs, use_cache=False).logits
        except Exception as error:
            if not self._is_compiled or not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
                raise
            Console(stderr=True).print(f"training.compile: goes on without, {_first_line(error)}", soft_wrap=True)
            self._is_compiled = False
            self.model._compiled_call_impl = None  # pyright: ignore[reportPrivateUsage]
            return self.model(**inputs, use_cache=False).logits

    def foretold(self, batch: Batch, pieces: list[int] | None = None) -> tuple[Tensor, Tensor]:
        """What a model says of each target, shape (n, vocabulary), and the targets, shape (n,); IGNORED is none."""
        logits_BTV, labels_BT = self(batch, pieces), batch["labels"]
        if "decoder_input_ids" not in batch:  # there, targets stand one place behind what they are foretold from
            logits_BTV, labels_BT = logits_BTV[:, :-1], labels_BT[:, 1:]
        return logits_BTV.flatten(0, 1), labels_BT.flatten()

    def summed_loss(self, batch: Batch) -> Tensor:
        """Sum of the cross-entropy over all targets, in nats."""
        logits_NV, labels_N = self.foretold(batch)
        return cross_entropy(logits_NV.float(), labels_N, ignore_index=IGNORED, reduction="sum")

    def configure_model(self) -> None:
        """Spread the weights over the processes, where the strategy is to do so."""
        if self.device_mesh is not None:
            shard(self.model, self.device_mesh["data_parallel"])

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """One optimiser step on this process's share of a batch.

        Returns:
            `loss`, the mean per target of the whole batch, and `targets`, their number.
        """
        optimiser: Any = self.optimizers()
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(self.recipe, self.global_step, self.steps) * group.get("scale", 1.0)
        (targets,) = summed(count_targets(batch))
        loss = torch.zeros((), device=self.device)
        optimiser.zero_grad()
        parts = list(shard_batch(batch, micro_rows(batch, self.recipe.micro_batch_tokens)))
        for part in parts:
            part_loss = self.summed_loss(part) / targets
            with gradients_travel(self.trainer.strategy.model, part is parts[-1]):
                self.manual_backward(part_loss * world())  # gradients are averaged over the processes
            loss += part_loss.detach()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        optimiser.step()
        return {"loss": torch.tensor(summed(float(loss))[0], dtype=torch.float64), "targets": int(targets)}

    @torch.no_grad()
    def measure(self, batches: Iterable[Batch]) -> Tally:
        """What the model foretells of whole batches, which the processes share out."""
        kinds = self._kinds or TokenKinds(("any",), np.zeros(self.model.config.vocab_size, np.int64))
        tally = Tally(kinds, self.recipe.context)
        self.eval()
        for batch, counts in dealt(batches):
            on_device = {name: tensor.to(self.device) for name, tensor in batch.items()}
            foretold = self.foretold(on_device)
            if counts:
                tally.add(*foretold, _places(on_device))
        self.train()
        tally.sums = torch.tensor(summed(*tally.sums.flatten().tolist()), dtype=torch.float64).view_as(tally.sums)
        return tally

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """What is frozen is not kept: the run reads it again from the base."""
        if trained := trained_names(self):
            weights = checkpoint["state_dict"]
            checkpoint["state_dict"] = {name: weights[name] for name in weights if name in trained}

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """As the recipe asks for."""
        return build_optimiser(self.model, self.recipe, self._on_cpu)


def micro_rows(batch: Batch, tokens: int) -> int:
    """Rows that hold so many tokens together, those that are read beside the music included; at least one."""
    width = sum(batch[name].shape[1] for name in ("input_ids", "decoder_input_ids", "text_ids") if name in batch)
    return max(1, tokens // width)


def _places(batch: Batch) -> Tensor:
    """Place in its sequence of each target in `foretold`, shape (n,)."""
    labels = batch["labels"]
    if "decoder_input_ids" in batch:
        return torch.arange(labels.shape[1], device=labels.device).expand_as(labels).flatten()
    positions = batch.get("position_ids", torch.arange(labels.shape[1], device=labels.device).expand_as(labels))
    return positions[:, 1:].flatten()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
