"""Where measures go besides `losses.csv`: `metrics.csv` always, TensorBoard and Weights & Biases where asked for."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from lightning.pytorch import Callback, Trainer

from partimento.errors import BadRecipe
from partimento.training.callbacks import Status
from partimento.training.optimising import learning_rate
from partimento.training.recipe import Recipe
from partimento.training.samples import Sample, Samples


class Tracker(Protocol):
    """One place to write to."""

    def start(self, step: int) -> None:
        """Begin, or go on behind a step."""
        ...

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Values by name after a step."""
        ...

    def listen(self, step: int, samples: Sequence[Sample]) -> None:
        """Pieces written after a step."""
        ...

    def close(self) -> None:
        """Write what is left."""
        ...


def trackers(recipe: Recipe, folder: Path) -> list[Tracker]:
    """Those that a recipe asks for.

    Args:
        recipe: its `training.log_to` names them.
        folder: gets a file or folder for each.

    Raises:
        BadRecipe: one of them is not installed.
    """
    chosen: list[Tracker] = [MetricsFile(folder / "metrics.csv")]
    if "tensorboard" in recipe.training.log_to:
        chosen.append(TensorBoard(folder / "tensorboard"))
    if "wandb" in recipe.training.log_to:
        chosen.append(WeightsAndBiases(folder, recipe))
    return chosen


class Tracking(Callback):
    """Hands to trackers what each step gave: `loss`, `learning_rate`, `tokens`, and `validation/…` of `measures`."""

    def __init__(self, status: Status, trackers: Sequence[Tracker], samples: Samples | None) -> None:
        self._status, self._trackers, self._samples = status, trackers, samples

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        for tracker in self._trackers:
            tracker.start(self._status.step)

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        status = self._status
        values = {
            "loss": status.loss,
            "learning_rate": learning_rate(pl_module.recipe, status.step - 1, status.steps),
            "tokens": float(status.tokens),
            **{f"validation/{name}": value for name, value in (status.measures or {}).items()},
        }
        for tracker in self._trackers:
            tracker.write(status.step, values)
            if self._samples and self._samples.latest:
                tracker.listen(status.step, self._samples.latest)

    def teardown(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        for tracker in self._trackers:
            tracker.close()


class MetricsFile:
    """A CSV file with a row per step and measure of validation; after a resume there are no doubles."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def start(self, step: int) -> None:
        """Keep the rows up to a step."""
        kept = list[list[str]]()
        if self._path.exists():
            with self._path.open(encoding="utf-8", newline="") as file:
                rows = [row for row in csv.reader(file) if len(row) == 3 and row[0].isdecimal()]
            kept = [row for row in rows if int(row[0]) <= step]
        with self._path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([("step", "measure", "value"), *kept])

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Add the measures of validation."""
        names = [name for name in values if name.startswith("validation/")]
        with self._path.open("a", encoding="utf-8", newline="") as file:
            rows = [(step, name.removeprefix("validation/"), f"{values[name]:.6g}") for name in names]
            csv.writer(file, lineterminator="\n").writerows(rows)

    def listen(self, step: int, samples: Sequence[Sample]) -> None:
        """Pieces are no numbers."""

    def close(self) -> None:
        """All is written."""


class TensorBoard:
    """Event files, which `tensorboard --logdir` shows."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise BadRecipe(_missing("tensorboard")) from error
        self._folder, self._open = folder, SummaryWriter
        self._writer: Any = None

    def start(self, step: int) -> None:
        """Go on behind a step; what an earlier run wrote beyond it is hidden."""
        self._writer = self._open(str(self._folder), purge_step=step + 1 if step else None)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Add scalars."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def listen(self, step: int, samples: Sequence[Sample]) -> None:
        """Add players."""
        import soundfile
        import torch

        for sample in samples:
            sound, rate = soundfile.read(f"{sample.prefix}.wav", dtype="float32", always_2d=True)
            mono = torch.from_numpy(sound.mean(axis=1)[None])
            self._writer.add_audio(f"samples/{sample.prefix.name}", mono, step, sample_rate=rate)

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()


class WeightsAndBiases:
    """A run of Weights & Biases: online where WANDB_API_KEY is set, else offline under `wandb`, for `wandb sync`.

    WANDB_MODE and WANDB_PROJECT hold where they are set. A run that is stopped and goes on keeps its id.
    """

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        try:
            import wandb
        except ImportError as error:
            raise BadRecipe(_missing("wandb")) from error
        self._wandb: Any = wandb
        self._folder, self._recipe = folder, recipe
        self._run: Any = None

    def start(self, step: int) -> None:
        """Begin a run, or go on with it."""
        kept = self._folder / "wandb-id"
        if not kept.exists():
            kept.write_text(uuid4().hex[:8], "utf-8")
        mode = os.environ.get("WANDB_MODE") or ("online" if os.environ.get("WANDB_API_KEY") else "offline")
        project, name = os.environ.get("WANDB_PROJECT", "partimento"), self._recipe.name
        self._run = self._wandb.init(
            project=project, name=name, id=kept.read_text("utf-8"), dir=str(self._folder),
            config=self._recipe.as_dict(), mode=mode, resume="allow" if mode == "online" else None,
            settings=self._wandb.Settings(silent=True, console="off"),
        )  # fmt: skip

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Add values."""
        self._run.log(dict(values), step=step)

    def listen(self, step: int, samples: Sequence[Sample]) -> None:
        """Add players."""
        sounds = {
            f"samples/{each.prefix.name}": self._wandb.Audio(f"{each.prefix}.wav", caption=each.prompt or "anything")
            for each in samples
        }
        self._run.log(sounds, step=step)

    def close(self) -> None:
        """Write what is left."""
        if self._run is not None:
            self._run.finish()
            self._run = None


def _missing(name: str) -> str:
    return f"training.log_to names {name}, which is not installed; pip install 'partimento[tracking]', or leave it out"
