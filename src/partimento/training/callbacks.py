"""What happens between training steps: validation, the log of losses, checkpoints, the display."""

from __future__ import annotations

import csv
import math
import os
import signal
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from types import FrameType
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch import Callback, Trainer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from partimento.data.datamodule import Batch, Batches
from partimento.errors import BadRecipe
from partimento.training.averages import Averages
from partimento.training.measures import together
from partimento.training.module import LanguageModule
from partimento.training.optimising import learning_rate
from partimento.training.processes import summed, world
from partimento.training.strategies import save_weights

COLUMNS = ("step", "loss", "validation_loss", "learning_rate", "tokens", "seconds")
"""Of the log: losses in nats per token; tokens and seconds since the start."""


class Stopped(Exception):
    """The user asked to stop; a checkpoint of the last step is written."""


@dataclass
class Status:
    """Where a run stands."""

    steps: int
    """Planned in all."""
    step: int = 0
    """Done."""
    loss: float = math.nan
    """Of the last step, nats per token."""
    validation_loss: float | None = None
    """After the last step, where there was a validation."""
    last_validation_loss: float = math.nan
    """Of the last validation."""
    best_loss: float = math.inf
    """Lowest validation loss so far."""
    best_step: int = 0
    """Step of the lowest validation loss."""
    tokens: int = 0
    """Targets seen."""
    seconds: float = 0.0
    """Spent on training and validation."""
    measures: dict[str, float] | None = None
    """After the last step, where there was a validation; see `measures`."""
    best_measures: dict[str, float] = field(default_factory=dict[str, float])
    """Of the best step."""
    without_best: int = 0
    """Validations since the best."""
    is_stopped: bool = False
    """Whether validations did not get better any more, so that this step was the last."""

    @property
    def is_last(self) -> bool:
        """Whether there is no further step."""
        return self.is_stopped or self.step == self.steps


class Bookkeeping(Callback):
    """Keeps the status, validates, and saves the best weights. The first of the callbacks.

    Args:
        status: is updated after each step, and kept in checkpoints.
        validation: batches of the validation split.
        every: steps between two validations; there is one after the last step.
        best: file for the weights of the lowest validation loss.
        patience: after so many validations without a new best the run stops.
        averages: are validated and saved instead of the weights.
        by_task: the same batches by the task that they are for, which are then measured one by one, too.
    """

    def __init__(
        self,
        status: Status,
        validation: Batches,
        every: int,
        best: Path,
        *,
        patience: int | None = None,
        averages: Averages | None = None,
        by_task: Mapping[str, Batches] | None = None,
    ) -> None:
        self._status, self._every, self._best = status, every, best
        self._validation, self._by_task = validation, by_task or {}
        self._patience, self._averages, self._clock = patience, averages, 0.0

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        self._clock = time.monotonic()
        trainer.should_stop = self._status.is_stopped

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Batch, batch_idx: int) -> None:
        status = self._status
        status.step, status.loss = trainer.global_step, float(outputs["loss"])
        status.validation_loss = status.measures = None
        status.tokens += outputs["targets"]
        if not math.isfinite(status.loss):
            raise BadRecipe(f"the loss is {status.loss} after step {status.step}; lower training.learning_rate")
        if status.step % self._every == 0 or status.step == status.steps:
            self._validate(trainer, pl_module)
        now = time.monotonic()
        status.seconds, self._clock = status.seconds + now - self._clock, now

    def _validate(self, trainer: Trainer, module: LanguageModule) -> None:
        status = self._status
        with self._averages.in_place(module.model) if self._averages else nullcontext():
            with trainer.precision_plugin.val_step_context():
                status.measures = self._measured(module)
            status.validation_loss = status.last_validation_loss = status.measures["loss"]
            status.without_best += 1
            if status.validation_loss < status.best_loss:
                status.best_loss, status.best_step, status.without_best = status.validation_loss, status.step, 0
                status.best_measures = status.measures
                save_weights(module.model, self._best)
        if status.without_best == self._patience:
            status.is_stopped = trainer.should_stop = True

    def _measured(self, module: LanguageModule) -> dict[str, float]:
        tallies = {name: module.measure(batches.once()) for name, batches in self._by_task.items()}
        whole = together(tallies.values()) if tallies else module.measure(self._validation.once())
        return whole.measures() | {f"loss/task/{name}": tally.loss for name, tally in tallies.items()}

    def state_dict(self) -> dict[str, Any]:
        return vars(self._status).copy()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        vars(self._status).update(state_dict)


class LossLog(Callback):
    """A CSV file with a row per step; after a resume it goes on where the checkpoint was, without doubles."""

    def __init__(self, status: Status, path: Path) -> None:
        self._status, self._path = status, path

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        kept = read_losses(self._path, self._status.step) if self._path.exists() else []
        with self._path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *kept])

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Batch, batch_idx: int) -> None:
        status = self._status
        rate = learning_rate(pl_module.recipe, status.step - 1, status.steps)
        validation_loss = "" if status.validation_loss is None else f"{status.validation_loss:.6f}"
        row = (
            status.step,
            f"{status.loss:.6f}",
            validation_loss,
            f"{rate:.4g}",
            status.tokens,
            f"{status.seconds:.1f}",
        )
        with self._path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(row)


def read_losses(path: Path, last_step: int) -> list[list[str]]:
    """Rows of a log up to a step; a row that was cut off is left out."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if len(row) == len(COLUMNS) and row[0].isdecimal()]
    return [row for row in rows if int(row[0]) <= last_step]


class Checkpoints(Callback):
    """Saves what a run needs to go on, regularly and at Ctrl-C. The last of the callbacks.

    The first Ctrl-C, or SIGTERM, as schedulers send it, waits for the end of the step and raises `Stopped` in all
    processes; a second one stops at once, where a process is alone.
    """

    def __init__(self, path: Path, every: int) -> None:
        self._path, self._every = path, every
        self._stop = False
        self._previous = dict[signal.Signals, Any]()

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._ask_to_stop)

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Batch, batch_idx: int) -> None:
        (asked,) = summed(self._stop)
        if asked or trainer.global_step % self._every == 0:
            trainer.save_checkpoint(self._path)
        if asked:
            raise Stopped

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._stop = True
        if world() == 1:
            signal.signal(number, self._previous[signal.Signals(number)])


@contextmanager
def signals_kept() -> Generator[None]:
    """Signals are handled after the block as they were before, however it ends."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class WholeFiles(TorchCheckpointIO):
    """Checkpoints that are there whole or not at all, and that run no code when they are read."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        unfinished = Path(path).with_suffix(".unfinished")
        torch.save(checkpoint, unfinished)
        os.replace(unfinished, path)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = True) -> Any:
        try:
            return torch.load(path, map_location=map_location or "cpu", weights_only=True)
        except (RuntimeError, UnpicklingError, EOFError, OSError) as error:
            raise BadRecipe(f"{path}: is damaged; remove {Path(path).parent} to begin anew") from error


class Display(Callback):
    """A bar with step, losses, speed and time left."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[text]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        self._first = (0, 0.0)

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        self._task = self._bar.add_task("", total=self._status.steps, completed=self._status.step, text="")
        self._first = self._status.tokens, self._status.seconds
        self._bar.start()

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Batch, batch_idx: int) -> None:
        status = self._status
        tokens, seconds = status.tokens - self._first[0], status.seconds - self._first[1]
        text = f"loss {status.loss:.3f} · validation {status.last_validation_loss:.3f} · "
        text += f"{tokens / max(seconds, 1e-9):,.0f} tokens/s"
        self._bar.update(self._task, completed=status.step, text=text.replace("nan", "–"))

    def teardown(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        self._bar.stop()
