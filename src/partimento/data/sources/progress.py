"""A bar on the terminal for what takes its time: bytes, speed, time left."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

Moved = Callable[[int, int], None]
"""Is told how many bytes are done, and of how many; −1 where nobody knows."""


@contextmanager
def bar(what: str, total: int, shown: bool) -> Generator[Moved]:
    """A bar that the function it gives moves; nothing is drawn where it is not shown."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), disable=not shown) as drawn:
        task = drawn.add_task(what, total=total or None)
        yield lambda at, total: drawn.update(task, completed=at, total=total if total >= 0 else None)
