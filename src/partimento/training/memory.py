"""Out of memory: how much a step needs, what fills it, and which setting of the recipe would make it fit."""

from __future__ import annotations

import os
import resource
import traceback
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import torch

from partimento.errors import BadRecipe
from partimento.models import family
from partimento.training.estimate import Estimate, estimate
from partimento.training.recipe import Recipe

_HOST_SIGNS = ("can't allocate memory", "not enough memory", "Cannot allocate memory", "bad_alloc")


@contextmanager
def memory_advice(recipe: Recipe) -> Generator[None]:
    """Turn want of memory inside the block into one line of advice.

    Raises:
        BadRecipe: the memory did not suffice.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:  # torch's OutOfMemoryError is a RuntimeError
        is_gpu = isinstance(error, torch.OutOfMemoryError)
        if not (is_gpu or isinstance(error, MemoryError) or any(sign in str(error) for sign in _HOST_SIGNS)):
            raise
        traceback.clear_frames(error.__traceback__)  # the tensors of the step hang on them
        free = _gpu_bytes() if is_gpu else _host_bytes()
    else:
        return
    raise BadRecipe(advice(recipe, estimate(recipe, timed=False), free, "the GPU" if is_gpu else "this machine"))


def advice(recipe: Recipe, needed: Estimate, free: int, where: str) -> str:
    """One line: how much is needed for what, how much there is, and the first two settings that help.

    Args:
        recipe: what was to be trained.
        needed: by it.
        free: bytes that there are.
        where: on what.
    """
    parts = ", ".join(f"{name} {size_of(size)}" for name, size in needed.parts() if size)
    mends = list(_mends(recipe, needed, free))[:2] or ["train a smaller model"]
    return (
        f"out of memory: a step needs about {size_of(needed.memory)} ({parts}), and {where} has {size_of(free)}; "
        f"set {' or '.join(mends)}"
    )


def size_of(size: int) -> str:
    """Bytes in words."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _mends(recipe: Recipe, needed: Estimate, free: int) -> Iterator[str]:
    """Settings that need less memory, those that help most first."""
    how, largest = recipe.training, needed.parts()[0][0]
    if largest == "activations":
        room = max(free - (needed.memory - needed.activations), 1)
        fitting = how.micro_batch_tokens * room / needed.activations * 0.8
        if how.micro_batch_tokens > how.context:
            yield f"training.micro_batch_tokens to {max(how.context, int(fitting) // how.context * how.context)}"
        if not how.gradient_checkpointing:
            yield "training.gradient_checkpointing to true"
        if how.micro_batch_tokens <= how.context:
            yield f"training.context to {how.context // 2}, with windows as short"
    if how.ema:
        yield "training.ema to null"
    if how.optimiser == "adamw":
        yield "training.optimiser to adamw8bit"
    if recipe.model.base and not recipe.model.adapter:
        yield "model.adapter to {kind: lora}"
    if recipe.model.adapter and recipe.model.quantise == "none":
        yield "model.quantise to nf4"
    if sizes := ", ".join(family(recipe.model.family).sizes):
        yield f"model.config.size to a smaller one of {sizes}"


def _gpu_bytes() -> int:
    return torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory


def _host_bytes() -> int:
    """Memory of the machine, or what this process may take of it."""
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return whole if limit == resource.RLIM_INFINITY else min(whole, limit)
