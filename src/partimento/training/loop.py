"""Train a model from a recipe and a dataset; the same call goes on where an earlier one was stopped.

While it runs, checkpoints and the log stand in `OUT.training` beside `OUT`; at the end the model folder
appears at `OUT` and the other is removed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from rich.console import Console
from safetensors.torch import load_model
from transformers import PreTrainedModel

from partimento.data.datamodule import Augment, Batch, MusicDataModule, PackedBatches, Share
from partimento.data.dataset import TokenDataset
from partimento.errors import BadRecipe
from partimento.models import Special, Vocabulary, family
from partimento.models.folder import load_text, save_model_folder
from partimento.training.averages import Averages
from partimento.training.bigram import bigram_loss
from partimento.training.callbacks import (
    Bookkeeping,
    Checkpoints,
    Display,
    LossLog,
    Status,
    Stopped,
    WholeFiles,
)
from partimento.training.card import model_card
from partimento.training.feeds import kinds_of
from partimento.training.module import LanguageModule
from partimento.training.optimising import scale_first_weights
from partimento.training.processes import is_first, joined, on_first, place, spread
from partimento.training.recipe import Recipe
from partimento.training.strategies import is_spread, strategy

_TIMED_STEPS = 3
_NOT_YET = (
    "data.text", "model.adapter", "model.quantise", "training.keep_checkpoints", "training.sample_every",
    "training.log_to",
)  # fmt: skip
"""Keys of a recipe that nobody carries out yet; who does takes them off."""


@dataclass(frozen=True)
class _Run:
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


def train(recipe: Recipe, dataset: Path, out: Path, *, augment: Augment | None = None, progress: bool = True) -> Path:
    """Train a model and write its folder.

    With the same number of threads, a run on the CPU that was stopped anywhere ends with the bytes of one
    that was not.

    Args:
        recipe: what to train, and how.
        dataset: prepared folder.
        out: model folder to write; if the very model is there already, nothing is done.
        augment: another version of each piece at each reading.
        progress: whether to show the bar and the outcome.

    Returns:
        `out`.

    Raises:
        BadFile: the dataset is missing or damaged.
        BadRecipe: recipe and dataset do not fit each other, `out` holds something else or belongs to another
            recipe, or the loss is no number any more.
        KeyboardInterrupt: Ctrl-C; a checkpoint is written.
    """
    _refuse_unready(recipe)
    if processes_to_start(recipe) > 1:
        return spread(train, (recipe, dataset, out), processes_to_start(recipe), augment=augment, progress=progress)
    with joined(on_cpu(recipe)):
        return _train(recipe, dataset, out, augment, progress and is_first())


def _train(recipe: Recipe, dataset: Path, out: Path, augment: Augment | None, progress: bool) -> Path:
    """`train` in one of the processes."""
    console = Console(quiet=not progress)
    if on_first(lambda: _is_trained(out, recipe)):
        console.print(f"{out}: is trained already; name another folder or remove it", soft_wrap=True)
        return out
    with _threads(recipe.training.threads), _quiet():
        run = _prepared(recipe, dataset, _run_folder(out), augment)
        status = _status(run)
        module = run.module(status.steps)
        how = recipe.training
        averages = Averages(how.ema) if how.ema else None
        best = run.folder / "best.safetensors"
        callbacks: list[Callback] = [
            *([averages] if averages else []),
            Bookkeeping(
                status, run.validation, how.validate_every, best, patience=how.early_stopping, averages=averages
            ),
            *([LossLog(status, run.folder / "losses.csv")] if is_first() else []),
            *([Display(status)] if progress else []),
            Checkpoints(run.folder / "last.ckpt", how.checkpoint_every),
        ]
        checkpoint = run.folder / "last.ckpt"
        try:
            run.fit(module, status.steps, callbacks, checkpoint if checkpoint.exists() else None)
        except Stopped:
            done = f"stopped after step {status.step} of {status.steps}"
            console.print(f"{done}; the same command goes on from there", soft_wrap=True)
            raise KeyboardInterrupt from None
        on_first(lambda: _finish(run, module, status, out, console))
    return out


def on_cpu(recipe: Recipe) -> bool:
    """Whether a recipe's training computes on the CPU here.

    Raises:
        BadRecipe: it asks for a GPU, and there is none.
    """
    chosen = recipe.training.accelerator == "cpu" or not torch.cuda.is_available()
    if chosen and recipe.training.accelerator == "gpu":
        raise BadRecipe("training.accelerator is gpu, and torch finds none here; set it to cpu or auto")
    return chosen


def processes_to_start(recipe: Recipe) -> int:
    """How many processes this one has to start for a recipe; 1 where a launcher has started all.

    Raises:
        BadRecipe: a launcher started another number than the recipe asks for, or there are fewer GPUs.
    """
    here, devices = place(), recipe.training.devices
    gpus = 0 if on_cpu(recipe) else torch.cuda.device_count()
    if here.world > 1:
        if devices not in (1, "auto", here.local_world):
            raise BadRecipe(
                f"training.devices is {devices}, and the launcher started {here.local_world} processes on this "
                "machine; make them equal"
            )
        return 1
    wanted = max(1, gpus) if devices == "auto" else devices
    if gpus and wanted > gpus:
        raise BadRecipe(f"training.devices is {devices}, and this machine has {gpus} GPUs; lower it")
    return wanted


def _refuse_unready(recipe: Recipe) -> None:
    """A key that is read and then not followed would mislead."""
    asked = recipe.as_dict()
    for key in _NOT_YET:
        part, name = key.split(".")
        if name in asked[part]:
            raise BadRecipe(f"{key}: cannot be carried out yet; remove it")


def bf16_is_fast(on_cpu: bool) -> bool:
    """Whether the processor computes in bf16, instead of imitating it."""
    if not on_cpu:
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def _prepared(recipe: Recipe, dataset: Path, folder: Path, augment: Augment | None) -> _Run:
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
    return _Run(recipe, batches, held_out, folder, on_cpu(recipe), precision)


def _status(run: _Run) -> Status:
    """The plan of a run, from its folder if it was begun before."""
    belongs_to = _fingerprint(run)
    steps = on_first(lambda: _begun(run.folder, belongs_to))
    if steps is None:
        steps = run.recipe.training.steps or _steps_in(run.recipe.training.minutes or 0, run)
        steps = on_first(partial(_begin, run.folder, belongs_to, steps))
    return Status(steps)


def _begun(folder: Path, belongs_to: str) -> int | None:
    """Steps of the run that a folder holds, if there is one; else the folder is made."""
    if (path := folder / "run.json").exists():
        begun = load_text(path)
        if begun.get("fingerprint") != belongs_to:
            raise BadRecipe(
                f"{folder}: holds a run that was begun with another recipe or dataset; remove it or "
                "train to another folder"
            )
        return begun["steps"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadRecipe(f"{folder}: cannot be written ({error.strerror}); choose another place") from error
    return None


def _begin(folder: Path, belongs_to: str, steps: int) -> int:
    """Write down what a run is to be."""
    unfinished = folder / "run.unfinished"
    unfinished.write_text(json.dumps({"fingerprint": belongs_to, "steps": steps}), "utf-8")
    os.replace(unfinished, folder / "run.json")
    return steps


def _fingerprint(run: _Run) -> str:
    """A hash of all that decides the outcome."""
    content = hashlib.sha256(json.dumps(run.recipe.as_dict(deciding=True), sort_keys=True).encode())
    for dataset in (run.batches.dataset, run.validation.dataset):
        content.update(dataset.ids.tobytes())
        content.update(dataset.lengths.tobytes())
    return content.hexdigest()


def _steps_in(minutes: float, run: _Run) -> int:
    """Steps that fit into a time, by the clock: a few are run and thrown away."""
    clock = _Clock()
    run.fit(run.module(1), _TIMED_STEPS + 1, [clock], None)
    how = run.recipe.training
    # A validation is forward only, about a third of the work.
    validation = run.validation.rows_per_epoch / run.batches.rows / 3 / how.validate_every
    steps = int(minutes * 60 / (clock.seconds_per_step * (1 + validation)))
    return max(steps, how.warm_up_steps + 1)


class _Clock(Callback):
    """Times all steps but the first."""

    def __init__(self) -> None:
        self._times = list[float]()

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Batch, batch_idx: int) -> None:
        self._times.append(time.monotonic())

    @property
    def seconds_per_step(self) -> float:
        return max(1e-6, (self._times[-1] - self._times[0]) / (len(self._times) - 1))


def _finish(run: _Run, module: LanguageModule, status: Status, out: Path, console: Console) -> None:
    """Write the model folder with the best weights, and clear away the rest."""
    model = run.module(1).model if is_spread(module.model) else module.model
    load_model(model, run.folder / "best.safetensors")
    made = _provenance(run, model, status)
    save_model_folder(
        out,
        model,
        representation=run.batches.dataset.info.representation,
        recipe=run.recipe.as_dict(),
        provenance=made,
        card=model_card(run.recipe, made),
        dtype=getattr(torch, run.recipe.model.stored_dtype),
        extra_files={"losses.csv": (run.folder / "losses.csv").read_text("utf-8")},
    )
    shutil.rmtree(run.folder)
    losses = made["losses"]
    percent = losses["percent_below_bigram"]
    console.print(
        f"validation loss {status.best_loss:.3f} (step {status.best_step}), bigram {losses['bigram']:.3f}: "
        f"{abs(percent):.1f} % {'below' if percent >= 0 else 'above'} it\nthe model is in {out}",
        soft_wrap=True,
    )


def _provenance(run: _Run, model: PreTrainedModel, status: Status) -> dict[str, Any]:
    """What the model learnt from, how, and how well, beside the bigram's loss on the same tokens."""
    training, validation = run.batches.dataset, run.validation.dataset
    bigram = bigram_loss(training, validation, prompt_loss=run.recipe.training.prompt_loss)
    return {
        "losses": {
            "unit": "nats per token",
            "validation": status.best_loss,
            "bigram": bigram,
            "percent_below_bigram": round(100 * (1 - status.best_loss / bigram), 2),
            "best_step": status.best_step,
            "training": status.loss,
        },
        "measures": status.best_measures,
        "data": {
            "sources": training.info.sources,
            "licences": training.info.licences,
            "windows": {"train": len(training), "validation": len(validation)},
            "tokens": {"train": len(training.ids), "validation": len(validation.ids)},
        },
        "training": {
            "parameters": model.num_parameters(),
            "steps": status.step,
            "tokens": status.tokens,
            "seconds": round(status.seconds),
            "precision": run.precision,
            "threads": torch.get_num_threads(),
            "device": "cpu" if run.on_cpu else torch.cuda.get_device_name(),
        },
    }


def _run_folder(out: Path) -> Path:
    return out.with_name(out.name + ".training")


def _is_trained(out: Path, recipe: Recipe) -> bool:
    """Whether the very model is there already."""
    if not out.exists():
        return False
    if not (out / "recipe.yaml").is_file() or not (out / "model.safetensors").is_file():
        raise BadRecipe(f"{out}: exists and is no model folder; choose another place")
    if load_text(out / "recipe.yaml") != recipe.as_dict():
        raise BadRecipe(f"{out}: holds a model of another recipe; name another folder or remove it")
    shutil.rmtree(_run_folder(out), ignore_errors=True)
    return True


@contextmanager
def _threads(number: int | None) -> Generator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _quiet() -> Generator[None]:
    """No chatter of Lightning: what matters is shown by our own callbacks."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
