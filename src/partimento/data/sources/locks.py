"""One process at a time."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from partimento.errors import BadFile, BadInput


@contextmanager
def locked(path: Path, what: str) -> Generator[None]:
    """Hold a lock file; the system frees it when the process ends, however it ends.

    Raises:
        BadInput: another process holds it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise BadFile(path, f"cannot be written ({(error.strerror or 'error').lower()})") from None
    try:
        if not _taken(handle):
            raise BadInput(f"{what}: another process is downloading it; wait for that one")
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # pyright: ignore[reportAttributeAccessIssue]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
