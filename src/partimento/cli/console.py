"""What all commands share: the terminal, errors, notes of the readers, tables."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

_MOST_NOTES = 5


def console() -> Console:
    """The terminal, or the file that output goes to."""
    return Console(highlight=False)


def print_error(message: str) -> None:
    """One line on stderr."""
    print(f"partimento: {plain(message)}", file=sys.stderr)


def plain(text: str) -> str:
    """Text on one line without control characters, which a file's title might send to the terminal."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def table(rows: Iterable[Sequence[str]], header: Sequence[str] = ()) -> Table:
    """Columns of plain text; markup in it is shown as it stands."""
    grid = Table(*header, box=None, show_header=bool(header), pad_edge=False, header_style="bold")
    for row in rows:
        grid.add_row(*(Text(plain(cell), style="" if index or header else "bold") for index, cell in enumerate(row)))
    return grid


class _Notes(logging.Handler):
    """Prints the first notes that readers and writers make, and that there are more."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self._count += 1
        if self._count <= _MOST_NOTES:
            print(f"note: {plain(record.getMessage())}", file=sys.stderr)
        elif self._count == _MOST_NOTES + 1:
            print("note: more notes like these are left out", file=sys.stderr)


def listen_to_readers() -> None:
    """Show what reading or writing a file tolerates or loses."""
    logger = logging.getLogger("partimento.io")
    logger.handlers = [handler for handler in logger.handlers if not isinstance(handler, _Notes)]
    logger.addHandler(_Notes())
    logger.propagate = False
