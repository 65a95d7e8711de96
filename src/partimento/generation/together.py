"""Several pieces written side by side: whatever they ask a model for at one time goes through it in one batch.

Each piece is made by a thread of its own that waits until all the others wait, too; then their jobs are written
together. What comes of a job does not depend on the batch that it is in, so neither do the pieces.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from partimento.errors import Cancelled
from partimento.generation.sampling import Sampling
from partimento.generation.writer import DEFAULT_SAMPLING, Job, Writer, never
from partimento.score import Score

T = TypeVar("T")


def together(tasks: Sequence[Callable[[Writer], T]], writer: Writer, most: int = 16) -> list[T]:
    """Do several things that write, and give back their results in order.

    Args:
        tasks: what to do, with a writer that takes the place of the given one.
        writer: the model.
        most: how many are done at a time.

    Raises:
        Exception: the first one that a task raises; the others are given up.
    """
    results: list[T] = []
    for first in range(0, len(tasks), most):
        results += _done(tasks[first : first + most], writer)
    return results


def _done(tasks: Sequence[Callable[[Writer], T]], writer: Writer) -> list[T]:
    if len(tasks) == 1:
        return [tasks[0](writer)]
    desk = _Desk(writer, len(tasks))
    results: dict[int, T] = {}
    errors: dict[int, BaseException] = {}

    def do(index: int, task: Callable[[Writer], T]) -> None:
        try:
            results[index] = task(_SharedWriter(writer, desk))
        except BaseException as error:
            errors[index] = error
            desk.is_given_up = True
        finally:
            desk.leave()

    threads = [threading.Thread(target=do, args=each, daemon=True) for each in enumerate(tasks)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException:  # Ctrl-C: the others end at their next step
        desk.is_given_up = True
        for thread in threads:
            thread.join()
        raise
    if errors:
        raise errors[min(errors, key=lambda index: (isinstance(errors[index], Cancelled), index))]
    return [results[index] for index in range(len(tasks))]


@dataclass(eq=False)
class _Order:
    """What one thread waits for."""

    jobs: Sequence[Job]
    sampling: Sampling
    stop: Callable[[], bool]
    scores: list[Score] | None = None
    error: BaseException | None = None


@dataclass
class _Desk:
    """Where orders are collected until everybody waits."""

    writer: Writer
    workers: int
    is_given_up: bool = False
    _orders: list[_Order] = field(default_factory=lambda: list[_Order]())
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def write(self, order: _Order) -> list[Score]:
        with self._changed:
            self._orders.append(order)
            self._serve()
            while order.scores is None and order.error is None:
                self._changed.wait()
        if order.error is not None:
            raise order.error
        assert order.scores is not None
        return order.scores

    def leave(self) -> None:
        with self._changed:
            self.workers -= 1
            self._serve()

    def _serve(self) -> None:
        """Write all orders, if everybody waits; the orders of one sampling in one batch."""
        if not self._orders or len(self._orders) < self.workers:
            return
        orders, self._orders = self._orders, []
        for sampling in dict.fromkeys(order.sampling for order in orders):
            self._batch([order for order in orders if order.sampling == sampling])
        self._changed.notify_all()

    def _batch(self, orders: Sequence[_Order]) -> None:
        jobs = [job for order in orders for job in order.jobs]
        try:
            scores = iter(self.writer.write(jobs, orders[0].sampling, stop=lambda: self._is_to_stop(orders)))
            for order in orders:
                order.scores = [next(scores) for _ in order.jobs]
        except BaseException as error:
            if len(orders) == 1:
                orders[0].error = error
                return
            for order in orders:  # whose fault it is shows when each is written alone
                self._batch([order])

    def _is_to_stop(self, orders: Sequence[_Order]) -> bool:
        return self.is_given_up or any(order.stop() for order in orders)


class _SharedWriter(Writer):
    """A writer whose jobs wait for those of others."""

    def __init__(self, writer: Writer, desk: _Desk) -> None:
        self.__dict__.update(writer.__dict__)
        self._desk = desk

    def write(
        self, jobs: Sequence[Job], sampling: Sampling = DEFAULT_SAMPLING, *, stop: Callable[[], bool] = never
    ) -> list[Score]:
        return self._desk.write(_Order(jobs, sampling, stop))
