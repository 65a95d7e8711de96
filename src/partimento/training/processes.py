"""Several processes that train one model: who they are, what only the first of them does, what they add up.

torchrun or srun starts them, or `spread` does on this machine; each then makes the same calls. Inside `joined`
they know each other:

```python
with joined(on_cpu=True):
    steps = on_first(plan_steps)          # one of them decides, all hear of it
    loss, targets = summed(loss, targets)
```

Alone, all of this costs nothing and changes nothing.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import Any, NamedTuple, TypeVar, cast
from uuid import uuid4

import torch
import torch.distributed as dist
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from partimento.errors import BadRecipe, LostProcess, PartimentoError

_LONG = timedelta(days=2)
"""The first process may prepare a dataset while the others wait."""
_MEND = "the same command goes on from the last checkpoint"
_LOST = ("closed by peer", "reset by peer", "Connection refused", "Broken pipe", "Timed out", "timed out", "timeout")

_PATIENCE = 2.0
"""Seconds in which the launcher notices the process that died, before one that only misses it ends too."""

Value = TypeVar("Value")


class Place(NamedTuple):
    """Where a process stands among those that train together."""

    rank: int
    """Its number, from 0."""
    world: int
    """How many there are."""
    local_rank: int
    """Its number on its machine."""
    local_world: int
    """How many there are on its machine."""

    @property
    def nodes(self) -> int:
        """Machines."""
        return self.world // self.local_world


class _Talk:
    """The group over which decisions travel, on the CPU whatever trains."""

    group: Any = None


def place() -> Place:
    """Where this process stands; alone where no launcher started several.

    Raises:
        BadRecipe: Slurm was not told how many tasks there are on a node.
    """
    environment = _environment()
    if environment is None or environment.world_size() == 1:
        return Place(0, 1, 0, 1)
    on_slurm = isinstance(environment, SLURMEnvironment)
    local_world = os.environ.get("SLURM_NTASKS_PER_NODE" if on_slurm else "LOCAL_WORLD_SIZE")
    if local_world is None:
        raise BadRecipe("Slurm started several tasks without --ntasks-per-node; give it, one task for each GPU")
    rank, world = environment.global_rank(), environment.world_size()
    return Place(rank, world, environment.local_rank(), int(local_world))


def _environment() -> ClusterEnvironment | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice to use srun, wherever it is installed
        kinds = [kind for kind in (TorchElasticEnvironment, SLURMEnvironment) if kind.detect()]
    return kinds[0]() if kinds else None


@contextmanager
def joined(on_cpu: bool) -> Generator[Place]:
    """Meet the other processes; what is done inside may use `on_first` and `summed`.

    Args:
        on_cpu: whether tensors are exchanged between CPUs, else between GPUs.

    Raises:
        LostProcess: another process is gone.
    """
    here, environment = place(), _environment()
    if here.world == 1 or environment is None or dist.is_initialized():
        yield here
        return
    os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"] = environment.main_address, str(environment.main_port)
    try:
        _meet(here, on_cpu)
        yield here
    except RuntimeError as error:
        if not any(word in str(error) for word in _LOST):
            raise
        raise LostProcess(f"process {here.rank} of {here.world} lost another one; {_MEND}") from error
    finally:
        _Talk.group = None
        if dist.is_initialized():
            dist.destroy_process_group()


def _meet(here: Place, on_cpu: bool) -> None:
    if on_cpu:
        dist.init_process_group("gloo", rank=here.rank, world_size=here.world, timeout=_LONG)
        _Talk.group = dist.group.WORLD
        return
    device = torch.device("cuda", here.local_rank)
    torch.cuda.set_device(device)
    dist.init_process_group("nccl", rank=here.rank, world_size=here.world, device_id=device)
    _Talk.group = dist.new_group(backend="gloo", timeout=_LONG)


def is_first() -> bool:
    """Whether this process is the one that writes and speaks."""
    return not dist.is_initialized() or dist.get_rank() == 0


def world() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def dealt(things: Iterable[Value]) -> Iterator[tuple[Value, bool]]:
    """Every n-th thing, n being the number of processes, and whether it counts.

    All get the same number of them, as sharded weights need; the last may be one that another process counts.
    """
    number, rank = world(), dist.get_rank() if dist.is_initialized() else 0
    rest = iter(things)
    while hand := list(islice(rest, number)):
        yield hand[min(rank, len(hand) - 1)], rank < len(hand)


def on_first(function: Callable[[], Value]) -> Value:
    """What a function gives in the first process, for all of them; its errors on purpose are raised in all."""
    if _Talk.group is None:
        return function()
    said: list[Any] = [None]
    if is_first():
        try:
            said = [function()]
        except PartimentoError as error:
            said = [error]
    dist.broadcast_object_list(said, src=0, group=_Talk.group)
    if isinstance(said[0], PartimentoError):
        raise said[0]
    return cast(Value, said[0])


def summed(*numbers: float) -> tuple[float, ...]:
    """The sum of each number over all processes."""
    if _Talk.group is None:
        return numbers
    total = torch.tensor(numbers, dtype=torch.float64)
    dist.all_reduce(total, group=_Talk.group)
    return tuple(total.tolist())


def spread(function: Callable[..., Value], arguments: tuple[Any, ...], processes: int, **options: Any) -> Value:
    """Call a function in several processes of this machine, as torchrun does; one that dies ends all.

    Args:
        function: one that can be pickled.
        arguments: of the function, likewise.
        processes: how many.
        options: further arguments by name.

    Returns:
        What the first of them returns.

    Raises:
        PartimentoError: what one of them raised.
        LostProcess: one of them was killed, or failed.
        KeyboardInterrupt: Ctrl-C; each process ended in its own way.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # Forked from a server that has imported all, processes start at once.
    how = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    multiprocessing.set_forkserver_preload([function.__module__])
    config = LaunchConfig(
        1,
        1,
        processes,
        run_id=uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        start_method=how,
    )
    try:
        with quiet("torch.distributed.elastic", "torch.multiprocessing"):
            results: dict[int, Any] = elastic_launch(config, _outcome)(function, arguments, options)
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        how = f"was ended by signal {-failure.exitcode}" if failure.exitcode < 0 else "failed, as told above"
        raise LostProcess(f"process {rank} of {processes} {how}, and so all were stopped; {_MEND}") from None
    except SignalException:
        raise KeyboardInterrupt from None
    for error in results.values():
        if isinstance(error, BaseException):
            raise error
    return results[0]


def _outcome(
    function: Callable[..., Value], arguments: tuple[Any, ...], options: dict[str, Any]
) -> Value | BaseException:
    """What a function returns or raises on purpose: the launcher would print a traceback of it."""
    try:
        return function(*arguments, **options)
    except LostProcess:  # one that returned would be waited for
        time.sleep(_PATIENCE)
        raise SystemExit(1) from None
    except (PartimentoError, KeyboardInterrupt) as error:
        return error


@contextmanager
def quiet(*names: str) -> Generator[None]:
    """No chatter of these loggers: what matters is said by ourselves."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
