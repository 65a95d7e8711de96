"""Many machines: each CPU of a Ray cluster gets a supervised worker; see `supervisor`.

Supervisors are actors of Ray's core. Ray Data would need pandas and its own scheduling of blocks, and offers nothing
for tasks of which only counts come back. The work folder and the music have to lie where every machine sees them
under the same path. If a machine is lost, Ray starts its actor elsewhere and gives it the job again.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from typing import Any

from partimento.data.prepare.crews import Counts, Tick
from partimento.data.prepare.options import Limits
from partimento.data.prepare.supervisor import Supervisor
from partimento.data.prepare.work import Work
from partimento.errors import BadInput, PartimentoError

_TICK_SECONDS = 1.0


class RayCrew:
    """Supervised workers on the machines of a Ray cluster."""

    def __init__(self, work: Work, address: str, limits: Limits) -> None:
        """`address`: as `ray.init` takes it.

        Raises:
            BadInput: Ray is not installed, or there is no cluster.
        """
        if importlib.util.find_spec("ray") is None:
            raise BadInput("--ray needs Ray: pip install 'partimento[ray]'")
        ray: Any = importlib.import_module("ray")
        self._ray = ray
        self._owns = not ray.is_initialized()
        try:
            if self._owns:
                ray.init(address=address, log_to_driver=False, logging_level="error")
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise BadInput(f"--ray {address}: {' '.join(str(error).split())[:200]}") from error
        actor = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=3)(Supervisor)
        count = max(min(int(ray.cluster_resources().get("CPU", 1)), work.shards), 1)
        self._actors = [actor.remote(work.folder.resolve(), limits) for _ in range(count)]

    def run(self, kind: str, shards: Sequence[int], tick: Tick) -> Iterator[Counts]:
        """In any order; each actor has one job at a time."""
        waiting, idle, running = list(shards)[::-1], list(self._actors), dict[Any, Any]()
        while waiting or running:
            while waiting and idle:
                actor = idle.pop()
                running[actor.run.remote(kind, waiting.pop())] = actor
            done, _ = self._ray.wait(list(running), num_returns=1, timeout=_TICK_SECONDS)
            for reference in done:
                idle.append(running.pop(reference))
                yield self._answer(reference)

    def _answer(self, reference: Any) -> Counts:
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, PartimentoError):
                raise error.cause from None
            raise PartimentoError(f"a worker failed: {error.cause}") from error
        except self._ray.exceptions.RayError as error:
            raise PartimentoError(f"Ray: {' '.join(str(error).split())[:300]}") from error

    def close(self) -> None:
        """End the actors, and with them their workers."""
        for actor in self._actors:
            self._ray.kill(actor)
        if self._owns:
            self._ray.shutdown()
