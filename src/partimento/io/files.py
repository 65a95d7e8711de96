"""Bytes from files, bounded, and into files, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
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


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write files into one folder, all beside their places first, so that an error leaves none.

    Raises:
        BadFile: the place cannot be written to.
    """
    folder = next(iter(contents)).parent
    for path in contents:
        if path.is_dir():
            raise BadFile(path, "is a folder, and a file of that name is to be written; choose another name")
    make_folder(folder)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".partimento-") as beside:
            for path, content in contents.items():
                (Path(beside) / path.name).write_bytes(content)
            for path in contents:
                os.replace(Path(beside) / path.name, path)
    except OSError as error:
        raise BadFile(folder, f"cannot be written to ({(error.strerror or 'error').lower()})") from None


def make_folder(folder: Path) -> None:
    """Make a folder where there is none.

    Raises:
        BadFile: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadFile(folder, f"no folder can be made here ({(error.strerror or 'error').lower()})") from None
