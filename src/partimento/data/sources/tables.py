"""Tables with a column of music: Parquet and JSON Lines, read a few rows at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from partimento.data.sources.entry import Row
from partimento.data.sources.sniffing import kind_of
from partimento.errors import BadFile, BadInput
from partimento.io import FORMATS, MAX_FILE_BYTES

_ROWS_AT_ONCE = 16
_LOOK_ROWS = 32
_CHORD_LLAMA = ("instruction", "input", "output")
_CAPTIONS = ("caption", "captions", "description", "prompt", "text")
_LONGEST_FACT = 10_000


@dataclass(frozen=True, slots=True)
class Table:
    """A file with rows, and the column that holds music; empty where that is to be found out."""

    path: Path
    column: str = ""


@dataclass(frozen=True, slots=True)
class Music:
    """The music of a row."""

    content: bytes
    suffix: str
    text: str
    """The text representation, where the ending is no format of music."""


def music_in(table: Table) -> Iterator[tuple[Music | None, Row]]:
    """The music of each row, None where there is none, and what else the row says.

    Raises:
        BadInput: the file is damaged, or has no such column.
    """
    column = table.column or _found(table)
    for row in _rows(table.path):
        if column and column not in row:
            raise BadInput(f"{table.path.name}: there is no column {column}; there are {', '.join(row)}")
        yield _music(row, column), _said(row, column)


def _found(table: Table) -> str:
    """The column with most music in the first rows; empty for rows of Chord Llama or where there is none."""
    scores: dict[str, int] = {}
    for at, row in enumerate(_rows(table.path)):
        if at == _LOOK_ROWS or all(isinstance(row.get(name), str) for name in _CHORD_LLAMA):
            break
        for name, value in row.items():
            music = _one(value)
            scores[name] = scores.get(name, 0) + (0 if music is None else 1 if music.suffix == ".json" else 2)
    best = max(scores, key=lambda name: scores[name], default="")
    return best if scores.get(best) else ""


def _music(row: dict[str, Any], column: str) -> Music | None:
    if column:
        return _one(row[column])
    halves = [row.get(name) for name in _CHORD_LLAMA]
    if not all(isinstance(half, str) for half in halves):
        return None
    content = json.dumps(dict(zip(_CHORD_LLAMA, halves, strict=True)), ensure_ascii=False)
    return Music(content.encode(), ".json", "chord_llama")


def _one(value: Any) -> Music | None:
    """The music of a cell: bytes, `{"bytes", "path"}` or text."""
    path = ""
    if isinstance(value, dict):
        value, path = value.get("bytes"), str(value.get("path") or "")
    if not isinstance(value, bytes | str) or not value or len(value) > MAX_FILE_BYTES:
        return None
    suffix, kind = PurePosixPath(path).suffix.lower(), kind_of(value)
    if suffix in FORMATS:
        kind = suffix, ""
    return Music(value.encode() if isinstance(value, str) else value, *kind) if kind else None


def _said(row: dict[str, Any], column: str) -> Row:
    """Caption and facts of a row: what is short and can be said in JSON."""
    music = (column,) if column else _CHORD_LLAMA
    facts = {
        name: value
        for name, value in row.items()
        if name not in music and isinstance(value, str | int | float | bool) and len(str(value)) <= _LONGEST_FACT
    }
    caption = next((str(facts[name]) for name in _CAPTIONS if isinstance(facts.get(name), str)), "")
    return {"caption": caption, "facts": facts}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    return _parquet_rows(path) if path.suffix.lower() == ".parquet" else _json_rows(path)


def _parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BadFile(path, f"the table is damaged ({' '.join(str(error).split())[:120]})") from None


def _json_rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as file:
            if file.read(1) == "[" and path.stat().st_size <= MAX_FILE_BYTES:
                yield from (_object(row, path, at) for at, row in enumerate(json.loads("[" + file.read()), 1))
                return
            file.seek(0)
            for at, line in enumerate(iter(lambda: file.readline(MAX_FILE_BYTES), ""), 1):
                if line.strip():
                    yield _object(json.loads(line), path, at)
    except (OSError, ValueError, RecursionError) as error:
        raise BadFile(path, f"is neither JSON Lines nor a list in JSON ({str(error)[:120]})") from None


def _object(row: Any, path: Path, at: int) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise BadFile(path, f"row {at} is no JSON object")
    return row
