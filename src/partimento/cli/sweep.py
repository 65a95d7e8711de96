"""`partimento sweep`: a recipe with many settings."""

from __future__ import annotations

import math
from pathlib import Path

from partimento.cli.console import console, table


def sweep(plan: Path, /, *, out: Path | None = None) -> None:
    """Train a recipe with many settings, and compare them.

    A sweep names a recipe, keys of it and values to try: all combinations (a grid), or some drawn at random. The
    same command goes on where it was stopped. Every run is a model folder; results.csv has a row for each.

    **Examples**

    - `partimento sweep sweeps/rates.yaml`
    - `partimento sweep sweeps/rates.yaml --out runs/rates`

    Args:
        plan: YAML file.
        out: Folder of the runs; runs/NAME by default.
    """
    from partimento.training.sweep import load_sweep, run_sweep, run_with_wandb

    described = load_sweep(plan)
    from partimento.training.run import run

    folder = out or Path("runs") / plan.stem
    if described.through == "wandb":
        run_with_wandb(described, folder, run)
        return
    outcomes = run_sweep(described, folder, run)
    keys = list(described.parameters)
    rows = [
        (
            each.run,
            *(f"{each.point[key]:.4g}" if isinstance(each.point[key], float) else str(each.point[key]) for key in keys),
            each.failure if math.isnan(each.validation_loss) else f"{each.validation_loss:.4f}",
        )
        for each in outcomes
    ]
    console().print(table(rows, ("run", *keys, "validation loss")))
