"""Weights as they are stored: which tensors a model has, whether a file holds them, and the model that they make.

A class is first built without memory, on torch's `meta` device, and its shapes are compared with those that the head
of the file states. So a damaged or hostile folder costs no memory.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.utils import logging

from partimento.errors import BadRecipe
from partimento.models import Family

Shapes = dict[str, tuple[int, ...]]
_LAYERS = re.compile(r"(num_)?((hidden|encoder|decoder)_)?layers|n_layers?")
_CODE = ("auto_map", "attn_implementation", "experts_implementation", "custom_pipelines", "kernel_config")
_SILENT = 50
"""Above all levels that are in use."""


_SHAPES_ALONE: ContextVar[bool] = ContextVar("shapes_alone", default=False)


@contextmanager
def shapes_alone() -> Generator[None]:
    """Models that are loaded in the block have the shapes of the stored ones, and no weights of theirs are read."""
    token = _SHAPES_ALONE.set(True)
    try:
        yield
    finally:
        _SHAPES_ALONE.reset(token)


def are_shapes_enough() -> bool:
    """Whether this runs in a block of `shapes_alone`."""
    return _SHAPES_ALONE.get()


def stored_tensors(model: PreTrainedModel) -> dict[str, Tensor]:
    """Tensors of a model by name; tied ones once, under the first name."""
    seen = set[int]()
    tensors = dict[str, Tensor]()
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            tensors[name] = tensor
    return tensors


def needed_shapes(kind: Family, config: PreTrainedConfig) -> Shapes:
    """Shape of each tensor that a model with this configuration stores; takes no memory for them.

    Raises:
        ValueError: there is no such model.
    """
    try:
        with torch.device("meta"), torch.random.fork_rng(devices=[]), quiet():
            model = kind.class_for(config)(config)
    except (RuntimeError, TypeError, ArithmeticError, KeyError, AttributeError) as error:
        raise ValueError(str(error)) from error
    return {name: tuple(tensor.shape) for name, tensor in stored_tensors(model).items()}


def shapes_in(path: Path) -> Shapes:
    """Shape of each tensor in a safetensors file, from its head.

    Raises:
        BadRecipe: the file is missing or damaged.
    """
    try:
        with safe_open(path, framework="pt") as weights:
            return {name: tuple(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise BadRecipe(f"{path}: is damaged ({error}); copy or train it again") from error


def restore(kind: Family, config: PreTrainedConfig, path: Path) -> PreTrainedModel:
    """The model with the tensors of a file whose shapes fit, in fp32, ready to write music.

    Raises:
        BadRecipe: the file holds what is no number.
    """
    if are_shapes_enough():
        return kind.class_for(config)(config)
    with safe_open(path, framework="pt") as weights:
        tensors = {name: weights.get_tensor(name) for name in weights.keys()}  # noqa: SIM118
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise BadRecipe(f"{path}: holds weights that are no numbers; copy or train it again")
    with torch.random.fork_rng(devices=[]), quiet():
        model = kind.class_for(config).from_pretrained(None, config=config, state_dict=tensors, dtype=torch.float32)
    return model.eval()


def harmless(content: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without what could make transformers fetch or run code of others."""
    kept = {name: value for name, value in content.items() if not name.startswith("_") and name not in _CODE}
    return {name: harmless(value) if isinstance(value, dict) else value for name, value in kept.items()}


def most_layers(content: Mapping[str, Any]) -> int:
    """The largest number of layers that a configuration names, its parts included."""
    layers = [value for name, value in content.items() if _LAYERS.fullmatch(name) and isinstance(value, int)]
    parts = [most_layers(value) for value in content.values() if isinstance(value, dict)]
    return max([0, *layers, *parts])


@contextmanager
def quiet() -> Generator[None]:
    """No bars and no advice of transformers: what is wrong, partimento says itself."""
    level, has_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(_SILENT)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if has_bars:
            logging.enable_progress_bar()
