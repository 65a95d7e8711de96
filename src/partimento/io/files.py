"""Bytes from files, bounded, and into files, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from partimento.errors import BadFile

MAX_FILE_BYTES = 64 * 2**20


def read_bytes(path: Path) -> bytes:
    """A file's content, bounded by `MAX_FILE_BYTES`.

    Raises:
        BadFile: the file is missing, unreadable or too large.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadFile(path, f"larger than {MAX_FILE_BYTES // 2**20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise BadFile(path, (error.strerror or "cannot be read").lower()) from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file beside its place and rename it into place.

    Raises:
        BadFile: the place cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise BadFile(path, (error.strerror or "cannot be written").lower()) from error
