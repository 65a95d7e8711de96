"""The model after each of the last checkpoints, as a model folder: to compose with, or to compare."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, Trainer

from partimento.training.callbacks import Status


class Snapshots(Callback):
    """Writes `step-00500` and so on, regularly and after the last step, and keeps the latest of them.

    Args:
        status: of the run.
        folder: where to.
        every: steps between two.
        limit: how many are kept, at least one.
        write: writes the model as it stands into a folder.
    """

    def __init__(self, status: Status, folder: Path, every: int, limit: int, write: Callable[[Path], object]) -> None:
        self._status, self._folder, self._every, self._limit, self._write = status, folder, every, limit, write

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        status = self._status
        if status.step % self._every == 0 or status.is_last:
            self._write(self._folder / f"step-{status.step:05d}")
            kept = sorted(self._folder.glob("step-*"), key=lambda path: int(path.name.removeprefix("step-")))
            for old in kept[: -self._limit]:
                shutil.rmtree(old)
