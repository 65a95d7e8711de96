"""How the weights of a model lie on several devices: a whole copy on each (ddp), or a part of them on each (fsdp)."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from lightning.pytorch.strategies import DDPStrategy, ModelParallelStrategy, Strategy
from safetensors.torch import save_file
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.tensor import DTensor
from torch.nn import Module
from torch.nn.parallel import DistributedDataParallel
from transformers import PreTrainedModel

from partimento.training.processes import Place, is_first


def strategy(name: str, here: Place) -> Strategy | str:
    """Lightning's strategy.

    Args:
        name: `auto`, `ddp` or `fsdp`; auto is ddp where there are several processes.
        here: of how many processes.
    """
    if here.world == 1:
        return "auto"
    if name == "fsdp":
        return ModelParallelStrategy(here.world, 1, save_distributed_checkpoint=False)
    return DDPStrategy(broadcast_buffers=False, gradient_as_bucket_view=True)


def shard(model: PreTrainedModel, mesh: Any) -> None:
    """Spread the weights over the processes of a mesh; each block is put together when it is needed (FSDP 2)."""
    from torch.distributed.fsdp import fully_shard

    blocks = set(model._no_split_modules or ())  # pyright: ignore[reportPrivateUsage]
    for module in list(model.modules()):
        if type(module).__name__ in blocks:
            fully_shard(module, mesh=mesh)
    fully_shard(model, mesh=mesh)


def gradients_travel(model: Any, now: bool) -> AbstractContextManager[None]:
    """Gradients of whole copies are exchanged once a step, after the last of its parts."""
    return model.no_sync() if isinstance(model, DistributedDataParallel) and not now else nullcontext()


def save_weights(model: PreTrainedModel, path: Path) -> None:
    """Write weights as safetensors, whole or not at all: all of them, or those that are trained where some are frozen.

    All processes call this, and the first writes.
    """
    weights: Any = model.state_dict()
    if is_spread(model):
        weights = get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
    if is_first():
        tied = {name for name, _ in model.named_parameters(remove_duplicate=False)}
        tied -= {name for name, _ in model.named_parameters()}
        kept = trained_names(model) or weights.keys() - tied
        unfinished = path.with_suffix(".unfinished")
        save_file({name: weights[name].contiguous() for name in weights if name in kept}, unfinished)
        os.replace(unfinished, path)


def trained_names(model: Module) -> set[str]:
    """Names of what is trained of a model of which some is frozen; empty where nothing is."""
    parameters = dict(model.named_parameters())
    trained = {name for name, parameter in parameters.items() if parameter.requires_grad}
    return trained if len(trained) < len(parameters) else set()


def is_spread(model: Module) -> bool:
    """Whether each process holds a part of the weights."""
    return any(isinstance(parameter, DTensor) for parameter in model.parameters())
