"""A training run: its recipe, what it reads, where it computes, and the model it begins with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer

from partimento.data.datamodule import Augment, MusicDataModule, PackedBatches, Share
from partimento.data.dataset import TokenDataset
from partimento.errors import BadRecipe
from partimento.models import Special, Vocabulary, family
from partimento.training.callbacks import WholeFiles
from partimento.training.feeds import kinds_of
from partimento.training.module import LanguageModule
from partimento.training.optimising import scale_first_weights
from partimento.training.processes import place
from partimento.training.recipe import Recipe
from partimento.training.strategies import strategy


@dataclass(frozen=True)
class Run:
    """What a run works with."""

    recipe: Recipe
    batches: PackedBatches
    validation: PackedBatches
    folder: Path
    on_cpu: bool
    precision: str

    def module(self, steps: int) -> LanguageModule:
        info = self.batches.dataset.info
        special = Special(**{name: info.special[name] for name in ("pad", "bos", "eos")})
        kind = family(self.recipe.model.family)
        model = kind.build(self.recipe.model_config(), Vocabulary(info.vocabulary_size, special), self.recipe.seed)
        if self.recipe.training.mup_base_width:
            scale_first_weights(model, self.recipe.training)
        return LanguageModule(model, self.recipe.training, steps, on_cpu=self.on_cpu, kinds=kinds_of(info))

    def fit(self, module: LanguageModule, steps: int, callbacks: list[Callback], checkpoint: Path | None) -> None:
        here = place()
        trainer = Trainer(
            accelerator="cpu" if self.on_cpu else "gpu",
            devices=here.local_world,
            num_nodes=here.nodes,
            strategy=strategy(self.recipe.training.strategy, here),
            precision="bf16-mixed" if self.precision == "bf16" else "32-true",
            max_steps=steps,
            max_epochs=-1,
            callbacks=callbacks,
            plugins=[WholeFiles()],
            default_root_dir=self.folder,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        data = MusicDataModule(self.batches, self.validation, Share(here.rank, here.world))
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint)


def prepared(recipe: Recipe, dataset: Path, folder: Path, augment: Augment | None) -> Run:
    """A run of a recipe over a dataset.

    Raises:
        BadFile: the dataset is missing or damaged.
        BadRecipe: recipe and dataset do not fit each other.
    """
    training, validation = TokenDataset(dataset, "train"), TokenDataset(dataset, "validation")
    name = training.info.representation.get("name")
    if name != recipe.data.representation:
        raise BadRecipe(
            f"{dataset}: was prepared for {name!r}, and the recipe asks for {recipe.data.representation!r}; "
            "change data.dataset or data.representation"
        )
    how = recipe.training
    rows = how.tokens_per_batch // how.context
    batches = PackedBatches(training, how.context, rows, seed=recipe.seed, augment=augment, prompt_loss=how.prompt_loss)
    micro_rows = max(1, how.micro_batch_tokens // how.context)
    held_out = PackedBatches(validation, how.context, micro_rows, prompt_loss=how.prompt_loss)
    precision = how.precision
    if precision == "auto":
        precision = "bf16" if bf16_is_fast(on_cpu(recipe)) else "fp32"
    return Run(recipe, batches, held_out, folder, on_cpu(recipe), precision)


def on_cpu(recipe: Recipe) -> bool:
    """Whether a recipe's training computes on the CPU here.

    Raises:
        BadRecipe: it asks for a GPU, and there is none.
    """
    chosen = recipe.training.accelerator == "cpu" or not torch.cuda.is_available()
    if chosen and recipe.training.accelerator == "gpu":
        raise BadRecipe("training.accelerator is gpu, and torch finds none here; set it to cpu or auto")
    return chosen


def bf16_is_fast(on_cpu: bool) -> bool:
    """Whether the processor computes in bf16, instead of imitating it."""
    if not on_cpu:
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
