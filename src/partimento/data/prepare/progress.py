"""How far the work has come: files, notes, speed, time left."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from rich import progress


class Progress:
    """A bar over files while they are read, over shards while the dataset is written."""

    def __init__(self, kind: str, files: int, counts: Iterable[dict[str, Any] | None], is_shown: bool) -> None:
        """`counts`: of the shards, None where one is not done."""
        counts = list(counts)
        self._is_reading = kind == "read"
        done = [c for c in counts if c is not None]
        self._units = sum(self._size(c) for c in done)
        self._notes_before = self._notes = sum(c["notes"] for c in done) if self._is_reading else 0
        self._began = time.monotonic()
        self._bar = progress.Progress(
            progress.TextColumn("{task.description}"), progress.BarColumn(), progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[said]}"), progress.TimeRemainingColumn(), disable=not is_shown,
        )  # fmt: skip
        words, total = ("reading", files) if self._is_reading else ("writing", len(counts))
        self._task = self._bar.add_task(words, total=total, completed=self._units, said=self._said())

    def begun(self, files: int) -> None:
        """So many files were begun since the work began; a shard's files are only counted as done with it."""
        if self._is_reading:
            self._bar.update(self._task, completed=max(self._units, files), said=self._said())

    def done(self, counts: dict[str, Any]) -> None:
        """A shard is done."""
        self._units += self._size(counts)
        self._notes += counts["notes"] if self._is_reading else 0
        self._bar.update(self._task, completed=self._units, said=self._said())

    def _size(self, counts: dict[str, Any]) -> int:
        return counts["files"] if self._is_reading else 1

    def _said(self) -> str:
        if not self._is_reading:
            return "shards"
        seconds = max(time.monotonic() - self._began, 1e-3)
        return f"files · {self._notes:,} notes · {(self._notes - self._notes_before) / seconds:,.0f} notes/s"

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
