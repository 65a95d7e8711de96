"""Random numbers of a training step, such as those of dropout, that depend on nothing that came before it."""

from __future__ import annotations

import random
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, Trainer

from partimento.data.datamodule import Batch


class Randomness(Callback):
    """Seeds all generators before each step from the run's seed, the step and the process.

    So a run that goes on, whatever was drawn before it stopped, for samples or anything else, draws what the
    undisturbed one does, and checkpoints need no states.

    Args:
        seed: of the run.
        rank: number of the process; each leaves out other units.
    """

    def __init__(self, seed: int, rank: int) -> None:
        self._seed, self._rank = seed, rank

    def on_train_batch_start(self, trainer: Trainer, pl_module: Any, batch: Batch, batch_idx: int) -> None:
        seeds = np.random.SeedSequence([self._seed, trainer.global_step, self._rank]).generate_state(3).tolist()
        random.seed(seeds[0])
        np.random.seed(seeds[1])
        torch.manual_seed(seeds[2])  # of the CPU and of all GPUs


@contextmanager
def untouched() -> Generator[None]:
    """Whatever a block draws or seeds, the generators stand afterwards where they stood before."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
