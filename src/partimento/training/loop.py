"""Train a model from a recipe and a dataset; the same call goes on where an earlier one was stopped.

While it runs, checkpoints and the log stand in `OUT.training` beside `OUT`; at the end the model folder
appears at `OUT` and the other is removed.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import time
import warnings
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from rich.console import Console

from partimento.data.datamodule import Augment, Batch
from partimento.errors import BadRecipe
from partimento.models.adapter_folder import checksum
from partimento.models.folder import load_text
from partimento.training.averages import Averages
from partimento.training.callbacks import Bookkeeping, Checkpoints, Display, LossLog, Status, Stopped
from partimento.training.finishing import finish, move_extras, save_standing
from partimento.training.memory import memory_advice
from partimento.training.module import LanguageModule
from partimento.training.processes import is_first, joined, on_first, place, quiet, spread
from partimento.training.randomness import Randomness, untouched
from partimento.training.recipe import Recipe
from partimento.training.runs import Run, on_cpu, prepared
from partimento.training.samples import Samples
from partimento.training.snapshots import Snapshots
from partimento.training.trackers import Tracking, trackers

_TIMED_STEPS = 3


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
    with _threads(recipe.training.threads), _quiet(), untouched():
        run = prepared(recipe, dataset, _run_folder(out), augment, progress)
        for notice in run.feed.notices:
            console.print(notice, soft_wrap=True)
        status = _status(run)
        module = run.module(status.steps)
        callbacks = _callbacks(run, module, status, progress)
        checkpoint = run.folder / "last.ckpt"
        try:
            with memory_advice(recipe):
                run.fit(module, status.steps, callbacks, checkpoint if checkpoint.exists() else None)
        except Stopped:
            done = f"stopped after step {status.step} of {status.steps}"
            console.print(f"{done}; the same command goes on from there", soft_wrap=True)
            raise KeyboardInterrupt from None
        on_first(lambda: finish(run, module, status, out, console))
    return out


def _callbacks(run: Run, module: LanguageModule, status: Status, progress: bool) -> list[Callback]:
    """In the order in which they are called after a step; what writes is called in the first process alone."""
    how, folder = run.recipe.training, run.folder
    averages = Averages(how.ema) if how.ema else None
    books = Bookkeeping(
        status, run.feed.validation, how.validate_every, folder / "best.safetensors",
        patience=how.early_stopping, averages=averages, by_task=run.feed.by_task,
    )  # fmt: skip

    def write(folder: Path) -> None:
        with averages.in_place(module.model) if averages else nullcontext():
            save_standing(run, module, folder, status)

    writers = list[Callback]()
    if is_first():
        every, kept = how.sample_every, how.keep_checkpoints
        samples = Samples(status, folder / "samples", every, how.sample_prompts, write) if every else None
        writers += [samples] if samples else []
        writers += [LossLog(status, folder / "losses.csv"), Tracking(status, trackers(run.recipe, folder), samples)]
        writers += [Snapshots(status, folder / "checkpoints", how.checkpoint_every, kept, write)] if kept else []
    shown = [Display(status)] if progress else []
    last = Checkpoints(folder / "last.ckpt", how.checkpoint_every)
    randomness = Randomness(run.recipe.seed, place().rank)
    return [randomness, *([averages] if averages else []), books, *writers, *shown, last]


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
    how = recipe.training
    for name in ("ema", "sample_every", "keep_checkpoints") if how.strategy == "fsdp" else ():
        if getattr(how, name):
            raise BadRecipe(f"training.{name} needs the whole model in one place, and fsdp spreads it; take ddp")


def _status(run: Run) -> Status:
    """The plan of a run, from its folder if it was begun before."""
    belongs_to = _fingerprint(run)
    steps = on_first(lambda: _begun(run.folder, belongs_to))
    if steps is None:
        steps = _planned(run)
        steps = on_first(partial(_begin, run.folder, belongs_to, steps))
    return Status(steps)


def _planned(run: Run) -> int:
    """Steps of a run that begins."""
    how = run.recipe.training
    if how.epochs is not None:
        return math.ceil(how.epochs * run.feed.training.rows_per_epoch / run.feed.training.rows)
    return how.steps or _steps_in(how.minutes or 0, run)


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


def _fingerprint(run: Run) -> str:
    """A hash of all that decides the outcome."""
    content = hashlib.sha256(json.dumps(run.recipe.as_dict(deciding=True), sort_keys=True).encode())
    if run.base:
        content.update(run.base.sha256.encode())
    if run.recipe.model.initialise_from:
        content.update(checksum(run.recipe.model.initialise_from).encode())
    for part in run.feed.content():
        content.update(part)
    return content.hexdigest()


def _steps_in(minutes: float, run: Run) -> int:
    """Steps that fit into a time, by the clock: a few are run and thrown away."""
    clock = _Clock()
    run.fit(run.module(1), _TIMED_STEPS + 1, [clock], None)
    how = run.recipe.training
    # A validation is forward only, about a third of the work.
    validation = run.feed.validation.rows_per_epoch / run.feed.training.rows / 3 / how.validate_every
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


def _run_folder(out: Path) -> Path:
    return out.with_name(out.name + ".training")


def _is_trained(out: Path, recipe: Recipe) -> bool:
    """Whether the very model is there already."""
    if not out.exists():
        return False
    weights = (out / name for name in ("model.safetensors", "adapter_model.safetensors"))
    if not (out / "recipe.yaml").is_file() or not any(path.is_file() for path in weights):
        raise BadRecipe(f"{out}: exists and is no model folder; choose another place")
    if load_text(out / "recipe.yaml") != recipe.as_dict():
        raise BadRecipe(f"{out}: holds a model of another recipe; name another folder or remove it")
    move_extras(_run_folder(out), out)
    shutil.rmtree(_run_folder(out), ignore_errors=True)
    return True


@contextmanager
def _threads(number: int | None) -> Generator[None]:
    before, together = torch.get_num_threads(), place().local_world
    torch.set_num_threads(number or (before if together == 1 else max(1, (os.cpu_count() or 1) // together)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _quiet() -> Generator[None]:
    """No chatter of Lightning: what matters is shown by our own callbacks."""
    with warnings.catch_warnings(), quiet("lightning.pytorch", "lightning.fabric"):
        warnings.filterwarnings("ignore", module="lightning")
        yield
