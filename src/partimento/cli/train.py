"""`partimento train`: recipes into models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from partimento.cli.console import console, table

if TYPE_CHECKING:
    from partimento.training.recipe import Recipe


def train(
    recipe: Path,
    /,
    *,
    settings: Annotated[tuple[str, ...], Parameter(name="--set", negative="", consume_multiple=True)] = (),
    out: Path | None = None,
    estimate: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Train a model from a recipe.

    The dataset is prepared first where it does not exist. A run that was stopped goes on where it was when
    the same command is given again.

    **Examples**

    - `partimento train recipes/tiny.yaml`
    - `partimento train recipes/starter.yaml --set training.steps=500 seed=2 --out runs/short`
    - `partimento train recipes/starter.yaml --estimate`

    Args:
        recipe: YAML file.
        settings: Keys of the recipe to change, as key=value.
        out: Folder of the model; runs/NAME by default.
        estimate: Say how many parameters, how much memory and how much time it would take, and stop.
    """
    from partimento.training.recipe import load_recipe

    plan = load_recipe(recipe, settings)
    if estimate:
        _say(plan)
        return
    from partimento.training.processes import place
    from partimento.training.run import run  # loads torch, which a wrong recipe need not wait for

    folder = run(plan, out or Path("runs") / plan.name)
    if place().rank == 0:
        console().print(f'try it: partimento compose "a waltz in G" --model {folder}', markup=False, soft_wrap=True)


def _say(plan: Recipe) -> None:
    from partimento.training.estimate import estimate
    from partimento.training.memory import size_of

    found = estimate(plan)
    rows = [("parameters", f"{found.parameters:,}")]
    if found.trained != found.parameters:
        rows.append(("trained", f"{found.trained:,}"))
    rows += [(name, size_of(size)) for name, size in found.parts() if size]
    rows += [("memory in all", size_of(found.memory)), ("tokens a step", f"{found.tokens:,}")]
    rows += [("seconds a step", f"{found.seconds_per_step:.2g}")]
    if found.steps:
        rows.append(("minutes in all", f"{found.steps * found.seconds_per_step / 60:.2g}"))
    console().print(table(rows))
