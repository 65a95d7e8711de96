"""The scores in files of sources: formats of files, and text representations where a source has music as text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from partimento.data.sources.file import SourceFile
from partimento.errors import BadFile, BadInput
from partimento.io import load_scores, musicxml, read_bytes
from partimento.io.yaml import from_rows
from partimento.plan import Compose
from partimento.representations import create_text
from partimento.score import Score


def read_source(file: SourceFile, read: Callable[[Path], tuple[Score, ...]] = load_scores) -> tuple[Score, ...]:
    """The scores in a file.

    Args:
        file: as a source gives it.
        read: how files whose ending is a format of music are read.

    Raises:
        BadInput: the file cannot be read.
    """
    if not file.text:
        return read(file.path)
    try:
        text = read_bytes(file.path).decode("utf-8")
    except UnicodeDecodeError:
        raise BadFile(file.path, "is no text in UTF-8") from None
    if file.text == "chord_llama" and file.path.suffix == ".json":
        return musicxml.read(from_rows([_row(file.path, text)], file.path.name), str(file.path))
    try:
        return (create_text(file.text).read(text, Compose()),)
    except BadFile:
        raise
    except BadInput as error:
        raise BadFile(file.path, str(error)) from None


def _row(path: Path, text: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        raise BadFile(path, "is no JSON") from None
    if not isinstance(row, dict):
        raise BadFile(path, "is no JSON object")
    return row
