"""Recipes: YAML files that say from what, what and how to train.

A recipe is checked whole when it is read; an error names the file, the key and the mend. Keys can be set from
outside: `load_recipe(path, ["training.steps=500"])`.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_type_hints

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from yaml.composer import ComposerError

from partimento.errors import BadFile, BadRecipe
from partimento.models import FAMILIES, family

_STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)
_LARGEST_FILE = 1 << 20


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class DataRecipe:
    """What to learn from."""

    sources: list[str]
    """Files, folders, `music21:NAME` corpora or named collections, as `partimento prepare` takes them."""
    dataset: str
    """Folder of the prepared dataset, from where the command runs; it is made where it does not exist."""
    representation: str = "remi"
    """Registered name of the representation."""
    representation_config: dict[str, Any] = field(default_factory=dict[str, Any])
    """Options of the representation."""
    prepare: dict[str, Any] = field(default_factory=dict[str, Any])
    """Options of `partimento prepare`."""
    transpose: int = 0
    """Each piece is transposed by up to so many semitones, up or down, at each reading."""
    swap_instruments: float = 0.0
    """Chance that an instrument is exchanged for another of its role at each reading."""
    tempi: list[float] = field(default_factory=lambda: [1.0])
    """Each piece is one of these times as fast at each reading. If neither keys, tempi nor instruments are varied here,
    the dataset's own settings hold."""

    def __post_init__(self) -> None:
        _require(0 <= self.transpose <= 12, f"data.transpose is {self.transpose}; it has to be from 0 to 12")
        _require(
            0 <= self.swap_instruments <= 1,
            f"data.swap_instruments is {self.swap_instruments}; it is from 0 to 1",
        )
        _require(
            bool(self.tempi) and all(0.25 <= tempo <= 4 for tempo in self.tempi),
            f"data.tempi is {self.tempi}; each is from 0.25 to 4",
        )
        _require(bool(self.sources), "data.sources is empty; name at least one, such as music21:bach")


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class ModelRecipe:
    """What to train."""

    family: str = "transformer"
    """Registered name of the model family."""
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    """Sizes; what is left out has the family's default."""
    stored_dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of the weights in the model folder; bfloat16 halves the file."""


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """How to train."""

    steps: int | None = None
    """Optimiser steps; give these or `minutes`."""
    minutes: float | None = None
    """Time to train for; the first steps are timed, and as many steps planned as will fit."""
    tokens_per_batch: int = 8192
    """Tokens of a step, in rows of `context`."""
    micro_batch_tokens: int = 4096
    """A step is computed in parts of so many tokens, to bound the memory; their sum is that of the whole."""
    context: int = 1024
    """Tokens of a row; no window of the dataset may be longer."""
    learning_rate: float = 1e-3
    """Highest learning rate, reached after the warm-up; it then falls along a cosine to a tenth."""
    warm_up_steps: int = 50
    """Steps in which the learning rate rises from zero."""
    weight_decay: float = 0.1
    """Decay of matrices; norms and embeddings are spared."""
    betas: tuple[float, float] = (0.9, 0.95)
    """Decay rates of AdamW's averages of the gradient and of its square."""
    clip: float = 1.0
    """Longest gradient; longer ones are shortened to it."""
    prompt_loss: bool = True
    """Whether the model learns to write the header, too, so that it can fill in what a prompt leaves open."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Of the arithmetic; auto takes bf16 where the processor computes in it."""
    validate_every: int = 100
    """Steps between two passes over the validation split; there is one after the last step."""
    checkpoint_every: int = 100
    """Steps between two checkpoints, from which a run goes on that was stopped."""
    threads: int | None = None
    """CPU threads; all cores by default. Equal bytes need an equal number."""
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""

    def __post_init__(self) -> None:
        _require((self.steps is None) != (self.minutes is None), "training: give either steps or minutes")
        for name in ("steps", "minutes", "learning_rate", "clip", "threads"):
            value = getattr(self, name)
            _require(value is None or value > 0, f"training.{name} is {value}; it has to be above 0")
        for name in ("context", "validate_every", "checkpoint_every"):
            _require(getattr(self, name) >= 1, f"training.{name} is {getattr(self, name)}; it has to be at least 1")
        for name in ("warm_up_steps", "weight_decay"):
            _require(getattr(self, name) >= 0, f"training.{name} is {getattr(self, name)}; it must not be negative")
        _require(
            all(0 <= beta < 1 for beta in self.betas),
            f"training.betas are {self.betas}; both have to be from 0 to below 1",
        )
        for name in ("tokens_per_batch", "micro_batch_tokens"):
            too_small = f"training.{name} {getattr(self, name)} is below context {self.context}; a row has to fit"
            _require(getattr(self, name) >= self.context, too_small)


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides what a training run gives."""

    name: str
    """Name of the model."""
    data: DataRecipe
    """What to learn from."""
    model: ModelRecipe
    """What to train."""
    training: TrainingRecipe
    """How to train."""
    seed: int = 1
    """Of the first weights, the order and the augmentation."""

    def __post_init__(self) -> None:
        _require(0 <= self.seed < 2**63, f"seed is {self.seed}; it has to be from 0 to 2^63 − 1")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as they stand in YAML."""
        content = asdict(self)
        content["training"]["betas"] = list(self.training.betas)
        return content

    def model_config(self) -> Any:
        """The sizes as the family's own dataclass.

        Raises:
            BadRecipe: the family or a size is unknown, or sizes do not fit.
        """
        return _checked(family(self.model.family).config, self.model.config, "", "model.config.")


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe.

    Args:
        path: YAML file.
        overrides: settings such as `training.steps=500`, in YAML's notation; the last of a key holds.

    Raises:
        BadFile: the file is missing, too large, or no YAML.
        BadRecipe: a key is unknown or missing, or a value does not fit.
    """
    content = _read(path)
    for override in overrides:
        _set(content, override)
    recipe: Recipe = _checked(Recipe, content, f"{path}: ", "")
    if recipe.model.family not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise BadRecipe(f"{path}: model.family: there is no {recipe.model.family!r}; choose from {known}")
    _checked(family(recipe.model.family).config, recipe.model.config, f"{path}: ", "model.config.")
    _require(
        recipe.training.context <= recipe.model_config().context,
        f"{path}: training.context {recipe.training.context} is above model.config.context "
        f"{recipe.model_config().context}; make them equal",
    )
    return recipe


class _Loader(yaml.SafeLoader):
    """Plain values only; aliases could blow a small file up to any size."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise ComposerError(problem="aliases (*name) are not taken, write the values out", problem_mark=mark)
        return super().compose_node(parent, index)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise BadFile(path, "there is no such recipe")
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise BadFile(path, f"is larger than {_LARGEST_FILE >> 20} MiB and so no recipe")
        text = path.read_text("utf-8")
        content = yaml.load(text, Loader=_Loader)
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise BadFile(path, f"cannot be read as text ({type(error).__name__})") from error
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise BadFile(path, f"{where}is no YAML ({getattr(error, 'problem', None) or error})") from error
    if not isinstance(content, dict):
        raise BadFile(path, "is no mapping of keys to values; see recipes/tiny.yaml")
    return content


def _set(content: Any, override: str) -> None:
    """Put one setting into the content of a recipe."""
    key, equals, text = override.partition("=")
    path = key.strip().split(".")
    if not equals or not all(path):
        raise BadRecipe(f"--set {override}: write it as key=value, such as training.steps=500")
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadRecipe(f"--set {override}: the value is no YAML; put it in quotes") from error
    for name in path[:-1]:
        content = content.setdefault(name, {})
        if not isinstance(content, dict):
            raise BadRecipe(f"--set {override}: {name} is a value and has no keys inside")
    content[path[-1]] = value


def _checked(kind: type[Any], content: dict[str, Any], file: str, prefix: str) -> Any:
    """A dataclass from plain values; the first error is raised as one line."""
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = prefix + ".".join(str(part) for part in first["loc"])
        raise BadRecipe(f"{file}{key}: {_reason(kind, first)}".replace("\n", " ")) from error
    except BadRecipe as error:
        raise BadRecipe(f"{file}{prefix.rstrip('.')}{': ' if prefix else ''}{error}") from error


def _reason(kind: type[Any], error: Any) -> str:
    match error["type"]:
        case "unexpected_keyword_argument":
            keys = _keys_at(kind, error["loc"][:-1])
            close = difflib.get_close_matches(str(error["loc"][-1]), keys, n=1)
            advice = f"do you mean {close[0]}?" if close else f"choose from {', '.join(keys)}"
            return f"there is no such key; {advice}"
        case "missing" | "missing_argument":
            return "is missing; add it"
        case _:
            shown = repr(error["input"])
            return f"{shown if len(shown) < 60 else shown[:57] + '...'}: {error['msg']}"


def _keys_at(kind: type[Any], path: tuple[Any, ...]) -> list[str]:
    for name in path:
        kind = get_type_hints(kind).get(str(name), kind)
    return [each.name for each in fields(kind)] if is_dataclass(kind) else []


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise BadRecipe(message)
