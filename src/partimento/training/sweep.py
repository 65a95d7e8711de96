"""Sweeps: one recipe with many settings, one run after the other, and a table of what came of them.

```yaml
recipe: recipes/tiny.yaml
settings: [training.steps=200]
parameters:
  training.learning_rate: {low: 1.0e-3, high: 1.0e-2, scale: log}
  model.config.layers: [2, 4]
method: random
runs: 8
```
A sweep that was stopped goes on with the run it stood at. No account is needed; `through: wandb` lets Weights & Biases
choose the settings instead.
"""

from __future__ import annotations

import csv
import itertools
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import with_config

from partimento.errors import BadRecipe, PartimentoError
from partimento.models.folder import load_text
from partimento.training.recipe import Recipe, recipe_from
from partimento.training.settings import STRICT, checked, override, put, read_settings, require

Point = dict[str, Any]
"""Values by key of the recipe."""
_MOST_RUNS = 10_000


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from which a random search draws."""

    low: float
    high: float
    scale: Literal["linear", "log", "whole"] = "linear"
    """Evenly between both; evenly between their logarithms; or whole numbers from low to high."""

    def __post_init__(self) -> None:
        require(self.low < self.high, f"low {self.low:g} is not below high {self.high:g}")
        require(self.scale != "log" or self.low > 0, f"low {self.low:g} has no logarithm; take one above 0")

    def draw(self, rng: np.random.Generator) -> float:
        """One of the numbers."""
        if self.scale == "log":
            return float(np.exp(rng.uniform(math.log(self.low), math.log(self.high))))
        if self.scale == "whole":
            return int(rng.integers(math.ceil(self.low), math.floor(self.high), endpoint=True))
        return float(rng.uniform(self.low, self.high))


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class Sweep:
    """What to try."""

    recipe: str
    """File of the recipe, from where the command runs."""
    parameters: dict[str, list[Any] | Range]
    """Keys of the recipe, such as `training.learning_rate`, each with values to try or a range."""
    settings: list[str] = field(default_factory=list[str])
    """Keys that are changed in all runs, as key=value."""
    method: Literal["grid", "random"] = "grid"
    """All combinations of values, or so many drawn at random."""
    runs: int | None = None
    """How many to draw; of a grid all by default."""
    seed: int = 1
    """Of what is drawn."""
    through: Literal["here", "wandb"] = "here"
    """Who chooses the settings: this machine, or Weights & Biases, for which an account is needed."""

    def __post_init__(self) -> None:
        require(bool(self.parameters), "parameters is empty; name keys of the recipe and values to try")
        for key, values in self.parameters.items():
            require(bool(values), f"parameters.{key} is empty; list values to try")
            is_range = isinstance(values, Range)
            require(not is_range or self.method == "random", f"parameters.{key} is a range; set method to random")
        require(self.method == "grid" or self.runs is not None, "runs is missing; say how many to draw")
        require(self.runs is None or 1 <= self.runs <= _MOST_RUNS, f"runs is {self.runs}; it is from 1 to {_MOST_RUNS}")

    def points(self) -> Iterator[Point]:
        """The settings of each run; the same sweep has the same ones."""
        if self.method == "grid":
            values = [list(each) for each in self.parameters.values() if not isinstance(each, Range)]
            grid = (dict(zip(self.parameters, point, strict=True)) for point in itertools.product(*values))
            yield from itertools.islice(grid, self.runs or _MOST_RUNS)
            return
        for number in range(self.runs or 0):
            rng = np.random.Generator(np.random.Philox(key=[self.seed, number]))
            yield {
                key: some.draw(rng) if isinstance(some, Range) else some[int(rng.integers(len(some)))]
                for key, some in self.parameters.items()
            }


@dataclass(frozen=True)
class Outcome:
    """One run."""

    run: str
    """Its folder inside that of the sweep."""
    point: Point
    validation_loss: float
    """Lowest, nats per target; NaN where it failed."""
    best_step: int
    seconds: int
    parameters: int
    failure: str = ""
    """Why there is no model."""


def load_sweep(path: Path) -> Sweep:
    """Read a sweep.

    Raises:
        BadFile: the file is missing, too large, or no YAML.
        BadRecipe: a key is unknown or missing, or a value does not fit; of the recipe inside, too.
    """
    sweep: Sweep = checked(Sweep, read_settings(path, "sweep"), f"{path}: ")
    _recipe(sweep, next(sweep.points()), "first")
    return sweep


def run_sweep(sweep: Sweep, out: Path, train: Callable[[Recipe, Path], object]) -> list[Outcome]:
    """Train all runs that are not trained yet; a run that fails is noted, and the next one follows.

    Args:
        sweep: what to try.
        out: folder that gets one of each run, and `results.csv`, which is written anew after each.
        train: trains a recipe into a folder, goes on where it was stopped, and does nothing where it is trained.

    Returns:
        What came of each, the lowest validation loss first.

    Raises:
        KeyboardInterrupt: Ctrl-C; the same call goes on.
    """
    out.mkdir(parents=True, exist_ok=True)
    outcomes = list[Outcome]()
    for number, point in enumerate(sweep.points(), 1):
        outcomes.append(_outcome(sweep, point, out / f"run-{number:03d}", train))
        outcomes.sort(key=lambda outcome: (math.isnan(outcome.validation_loss), outcome.validation_loss))
        _write(outcomes, list(sweep.parameters), out / "results.csv")
    return outcomes


def run_with_wandb(sweep: Sweep, out: Path, train: Callable[[Recipe, Path], object]) -> None:
    """Let Weights & Biases choose the settings of each run; arguments as in `run_sweep`.

    Raises:
        BadRecipe: it is not installed, or there is no account.
    """
    try:
        import wandb
    except ImportError as error:
        raise BadRecipe("through: wandb is not installed; pip install 'partimento[tracking]', or take here") from error
    if not os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_MODE") in ("offline", "disabled"):
        raise BadRecipe("through: wandb needs an account online; set WANDB_API_KEY, or take here")
    server: Any = wandb
    project = os.environ.get("WANDB_PROJECT", "partimento")

    def one() -> None:
        with server.init(dir=str(out)) as run:
            outcome = _outcome(sweep, dict(run.config), out / f"run-{run.id}", train)
            run.log({"validation/loss": outcome.validation_loss, "parameters": outcome.parameters})

    out.mkdir(parents=True, exist_ok=True)
    server.agent(server.sweep(wandb_settings(sweep), project=project), function=one, count=sweep.runs, project=project)


def wandb_settings(sweep: Sweep) -> dict[str, Any]:
    """A sweep as Weights & Biases describes one."""
    names = {"linear": "uniform", "log": "log_uniform_values", "whole": "int_uniform"}
    parameters = {
        key: {"distribution": names[some.scale], "min": some.low, "max": some.high}
        if isinstance(some, Range)
        else {"values": some}
        for key, some in sweep.parameters.items()
    }
    goal = {"name": "validation/loss", "goal": "minimize"}
    return {"method": sweep.method, "metric": goal, "parameters": parameters}


def _recipe(sweep: Sweep, point: Mapping[str, Any], name: str) -> Recipe:
    content = read_settings(Path(sweep.recipe))
    for setting in sweep.settings:
        override(content, setting)
    for key, value in point.items():
        put(content, key, value, f"parameters.{key}")
    content["name"] = f"{content.get('name', 'sweep')}-{name}"
    return recipe_from(content, f"{sweep.recipe}: ")


def _outcome(sweep: Sweep, point: Point, folder: Path, train: Callable[[Recipe, Path], object]) -> Outcome:
    try:
        train(_recipe(sweep, point, folder.name), folder)
        made = load_text(folder / "provenance.json")
    except PartimentoError as error:
        return Outcome(folder.name, point, math.nan, 0, 0, 0, str(error))
    losses, how = made["losses"], made["training"]
    return Outcome(folder.name, point, losses["validation"], losses["best_step"], how["seconds"], how["parameters"])


def _write(outcomes: list[Outcome], keys: list[str], path: Path) -> None:
    rows = [{**each.point, **asdict(each)} for each in outcomes]
    unfinished = path.with_suffix(".unfinished")
    names = ["run", *keys, "validation_loss", "best_step", "seconds", "parameters", "failure"]
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(unfinished, path)
