"""`partimento train`: recipes into models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from partimento.cli.console import console


def train(
    recipe: Path,
    /,
    *,
    settings: Annotated[tuple[str, ...], Parameter(name="--set", negative="", consume_multiple=True)] = (),
    out: Path | None = None,
) -> None:
    """Train a model from a recipe.

    The dataset is prepared first where it does not exist. A run that was stopped goes on where it was when
    the same command is given again.

    **Examples**

    - `partimento train recipes/tiny.yaml`
    - `partimento train recipes/starter.yaml --set training.steps=500 seed=2 --out runs/short`

    Args:
        recipe: YAML file.
        settings: Keys of the recipe to change, as key=value.
        out: Folder of the model; runs/NAME by default.
    """
    from partimento.training.recipe import load_recipe

    plan = load_recipe(recipe, settings)
    from partimento.training.run import run  # loads torch, which a wrong recipe need not wait for

    folder = run(plan, out or Path("runs") / plan.name)
    console().print(f'try it: partimento compose "a waltz in G" --model {folder}', markup=False, soft_wrap=True)
