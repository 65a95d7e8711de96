"""A training run: its recipe, what it reads, where it computes, and the model it begins with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer

from partimento.data.datamodule import Augment, MusicDataModule, Share
from partimento.errors import BadRecipe
from partimento.models.adapter_folder import Base
from partimento.training.building import base_of, build_model
from partimento.training.callbacks import WholeFiles, signals_kept
from partimento.training.feeds import Feed, Source, feed, open_source
from partimento.training.module import LanguageModule
from partimento.training.processes import place
from partimento.training.recipe import Recipe
from partimento.training.strategies import strategy


@dataclass
class Run:
    """What a run works with."""

    recipe: Recipe
    source: Source
    feed: Feed
    folder: Path
    on_cpu: bool
    precision: str
    base: Base | None
    """The pretrained model that it starts from, if there is one."""
    fresh: Any
    """A model that nobody has trained yet, None once it is taken."""

    def module(self, steps: int) -> LanguageModule:
        """A fresh model in training."""
        model = self.fresh
        if model is None:
            dtype, said = dtype_of(self.precision), self.source.representation
            model = build_model(self.recipe, self.source.vocabulary, self.base, dtype=dtype, tokens=said)
        self.fresh = None
        return LanguageModule(
            model, self.recipe.training, steps,
            on_cpu=self.on_cpu, is_packed=self.feed.is_packed, kinds=self.feed.kinds,
        )  # fmt: skip

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
        data = MusicDataModule(self.feed.training, self.feed.validation, Share(here.rank, here.world))
        with signals_kept():
            trainer.fit(module, datamodule=data, ckpt_path=checkpoint)


def prepared(recipe: Recipe, dataset: Path, folder: Path, augment: Augment | None, progress: bool = False) -> Run:
    """A run of a recipe over a dataset; `progress`: whether to show how far the reading of it has come.

    Raises:
        BadFile: the dataset is missing or damaged.
        BadRecipe: recipe and dataset do not fit each other.
    """
    source = open_source(recipe, dataset)
    base, precision = base_of(recipe, source.vocabulary), precision_of(recipe)
    model = build_model(recipe, source.vocabulary, base, dtype=dtype_of(precision), tokens=source.representation)
    fed = feed(recipe, source, model, augment, progress)
    return Run(recipe, source, fed, folder, on_cpu(recipe), precision, base, model)


def dtype_of(precision: str) -> torch.dtype:
    """Of the arithmetic."""
    return torch.bfloat16 if precision == "bf16" else torch.float32


def on_cpu(recipe: Recipe) -> bool:
    """Whether a recipe's training computes on the CPU here.

    Raises:
        BadRecipe: it asks for a GPU, and there is none.
    """
    chosen = recipe.training.accelerator == "cpu" or not torch.cuda.is_available()
    if chosen and recipe.training.accelerator == "gpu":
        raise BadRecipe("training.accelerator is gpu, and torch finds none here; set it to cpu or auto")
    return chosen


def precision_of(recipe: Recipe) -> str:
    """`fp32` or `bf16`."""
    if recipe.training.precision != "auto":
        return recipe.training.precision
    return "bf16" if bf16_is_fast(on_cpu(recipe)) else "fp32"


def bf16_is_fast(on_cpu: bool) -> bool:
    """Whether the processor computes in bf16, instead of imitating it."""
    if not on_cpu:
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
