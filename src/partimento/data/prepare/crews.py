"""Who does the jobs: this process, supervised workers on this machine, or such workers on many machines through Ray.

The jobs and what they write are the same everywhere, and only counts come back.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from partimento.data.prepare.options import Limits
from partimento.data.prepare.supervisor import Supervisor
from partimento.data.prepare.work import Work
from partimento.data.prepare.worker import do
from partimento.errors import PartimentoError

Counts = dict[str, Any]
Tick = Callable[[int], None]
"""Is told now and then how many files were begun."""
_TICK_SECONDS = 0.25


class Crew(Protocol):
    """Does jobs; `close` ends what is still running."""

    def run(self, kind: str, shards: Sequence[int], tick: Tick) -> Iterator[Counts]:
        """The counts of each job as it is done, in any order."""
        ...

    def close(self) -> None:
        """Leave nobody behind."""
        ...


class Alone:
    """This process, without supervision: for a handful of files, and to look into failures."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def run(self, kind: str, shards: Sequence[int], tick: Tick) -> Iterator[Counts]:
        """One after the other."""
        begun = 0

        def beat(position: int) -> None:
            nonlocal begun
            begun += 1
            tick(begun)

        for shard in shards:
            yield do(self._work, kind, shard, {}, beat)

    def close(self) -> None:
        """Nobody is left behind."""


class Pool:
    """Supervised workers on this machine."""

    def __init__(self, work: Work, workers: int, limits: Limits) -> None:
        """`workers`: processes; none is started before there is a job for it."""
        self._supervisors = [Supervisor(work.folder, limits) for _ in range(workers)]

    def run(self, kind: str, shards: Sequence[int], tick: Tick) -> Iterator[Counts]:
        """In any order; each worker takes the next job when it has done one."""
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        answers: queue.SimpleQueue[Counts | PartimentoError] = queue.SimpleQueue()
        for shard in shards:
            waiting.put(shard)
        for supervisor in self._supervisors[: len(shards)]:
            threading.Thread(target=_drive, args=(supervisor, kind, waiting, answers), daemon=True).start()
        done = 0
        while done < len(shards):
            try:
                answer = answers.get(timeout=_TICK_SECONDS)
            except queue.Empty:
                tick(sum(supervisor.files_begun for supervisor in self._supervisors))
                continue
            if isinstance(answer, PartimentoError):
                raise answer
            done += 1
            yield answer

    def close(self) -> None:
        """End all workers."""
        for supervisor in self._supervisors:
            supervisor.close()


def _drive(
    supervisor: Supervisor,
    kind: str,
    waiting: queue.SimpleQueue[int],
    answers: queue.SimpleQueue[Counts | PartimentoError],
) -> None:
    while True:
        try:
            shard = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            answers.put(supervisor.run(kind, shard))
        except PartimentoError as error:
            answers.put(error)
            return
