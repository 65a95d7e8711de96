"""Datasets on disk: a folder of Parquet shards with one row per window of tokens, and a description.

```
DATASET/
  dataset.json                representation, vocabulary size, special ids, sources, licences
  train-00000.parquet …       one row per window: the columns of `schema`
  validation-00000.parquet    a split without rows still has a shard
  test-00000.parquet
  pieces.parquet              one row per piece: where it comes from, what is known of it, its split
  report.json                 counts, and what was left out for which reason
  README.md                   the dataset's card, from which the Hugging Face library reads it, too
```
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from partimento.errors import BadFile

SPLITS = ("train", "validation", "test")
_UNFINISHED = ".unfinished"
_WORDS = ["piece", "source", "licence", "title", "style"]


def ids_type(vocabulary_size: int) -> Any:
    """Type of a token id: two bytes where the vocabulary allows it."""
    return pa.uint16() if vocabulary_size <= 1 << 16 else pa.uint32()


def schema(vocabulary_size: int = 1 << 16) -> Any:
    """Columns of a shard. `chunk` counts the rows of a piece from 0, as they follow each other in it."""
    ids, words = pa.list_(ids_type(vocabulary_size)), [(name, pa.string()) for name in _WORDS]
    numbers = [(name, pa.int32()) for name in ("notes", "chunk")]
    return pa.schema([("ids", ids), ("prompt_length", pa.int32()), *words, *numbers])


class ShardWriter:
    """Writes one shard of each split, each beside its place and renamed into it when it is whole.

    The same rows in the same order give the same bytes. As a context manager it finishes the shards; if the
    block raises, what is unfinished is removed.

    Args:
        folder: an existing folder.
        vocabulary_size: number of token ids, or all columns where rows are no tokens.
        shard: number of the shard.
        rows_per_group: rows that are held in memory and written, and later read, at a time.
    """

    def __init__(
        self, folder: Path, vocabulary_size: Any = 1 << 16, *, shard: int = 0, rows_per_group: int = 4_096
    ) -> None:
        columns = schema(vocabulary_size) if isinstance(vocabulary_size, int) else vocabulary_size
        self._splits = {
            split: _SplitWriter(folder / f"{split}-{shard:05d}.parquet", columns, rows_per_group) for split in SPLITS
        }

    def write(self, split: str, row: Mapping[str, Any]) -> None:
        """Add one row: a value for each column of `schema`, ids as a sequence of integers."""
        writer = self._splits[split]
        writer.write(pa.Table.from_pylist([dict(row)], schema=writer.schema))

    def write_table(self, split: str, rows: Any) -> None:
        """Add rows: a table with the columns of `schema`."""
        self._splits[split].write(rows)

    def close(self) -> None:
        """Finish all shards."""
        for writer in self._splits.values():
            writer.close()

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        for writer in self._splits.values():
            writer.discard()


class _SplitWriter:
    """The shard of one split."""

    def __init__(self, path: Path, arrow_schema: Any, rows_per_group: int) -> None:
        self._path, self.schema, self._rows_per_group = path, arrow_schema, rows_per_group
        self._unfinished = path.with_name(f"{path.name}.{os.getpid()}{_UNFINISHED}")
        self._tables = list[Any]()
        self._waiting = 0
        self._parquet: pq.ParquetWriter | None = None

    def write(self, rows: Any) -> None:
        self._tables.append(rows.cast(self.schema))
        self._waiting += len(rows)
        if self._waiting >= self._rows_per_group:
            self._write_group()

    def close(self) -> None:
        if self._waiting or self._parquet is None:
            self._write_group()
        if self._parquet is not None:
            self._parquet.close()
            self._parquet = None
            os.replace(self._unfinished, self._path)

    def discard(self) -> None:
        if self._parquet is not None:
            self._parquet.close()
            self._parquet = None
            self._unfinished.unlink(missing_ok=True)

    def _write_group(self) -> None:
        if self._parquet is None:
            how: Any = {"use_dictionary": _WORDS}  # the stubs know only bool
            if "ids" in self.schema.names:
                how["column_encoding"] = {"ids.list.element": "BYTE_STREAM_SPLIT"}  # a quarter smaller, and quicker
            self._parquet = pq.ParquetWriter(self._unfinished, self.schema, compression="zstd", **how)
        rows = pa.concat_tables([self.schema.empty_table(), *self._tables]).combine_chunks()
        self._parquet.write_table(rows, row_group_size=self._rows_per_group)
        self._tables, self._waiting = [], 0


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What `dataset.json` says."""

    representation: dict[str, Any]
    """Name and options."""
    vocabulary_size: int
    """Number of token ids."""
    special: dict[str, int]
    """Ids of `pad`, `bos` and `eos`."""
    sources: list[str]
    """Where the music comes from."""
    licences: dict[str, str]
    """Licence of each source."""
    augmentation: dict[str, Any] = field(default_factory=dict[str, Any])
    """How pieces are to be varied when they are read: `transpose`, `tempi`, `swap`."""

    @classmethod
    def read(cls, folder: Path) -> DatasetInfo:
        """The description of a dataset folder.

        Raises:
            BadFile: the folder is missing, is no dataset, or its description is damaged.
        """
        path = folder / "dataset.json"
        if not path.is_file():
            raise BadFile(folder, "is no dataset (it has no dataset.json); make one with `partimento prepare`")
        try:
            content = json.loads(path.read_text("utf-8"))
            if "text_representation" in content:
                raise BadFile(folder, "holds text, and this needs tokens; prepare it as remi or amt")
            needed = {name: content[name] for name in list(cls.__slots__)[:-1]}
            info = cls(**needed, augmentation=content.get("augmentation", {}))
            well_formed = info.vocabulary_size > max(info.special[name] for name in ("pad", "bos", "eos"))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadFile(path, f"is damaged ({type(error).__name__}: {error}); prepare it again") from error
        if not well_formed:
            raise BadFile(path, "special ids lie outside the vocabulary; prepare it again")
        return info


class TokenDataset:
    """One split of a dataset as flat arrays; `dataset[i]` is the ids of window i, shape (length,).

    Shards are read through the memory map and kept as Arrow buffers, two bytes a token.

    Raises:
        BadFile: the folder or the split is missing, a shard is damaged, or an id lies outside the vocabulary.
    """

    def __init__(self, folder: Path, split: str) -> None:
        self.folder, self.split = folder, split
        self.info = DatasetInfo.read(folder)
        self._shards = sorted(folder.glob(f"{split}-*.parquet"))
        if not self._shards:
            raise BadFile(folder, f"has no shards of the split {split!r}; prepare it again")
        tables = [_read(path, ["ids", "prompt_length"]) for path in self._shards]
        windows = [_flat(table["ids"]) for table in tables]
        self.ids: NDArray[np.unsignedinteger[Any]] = np.concatenate([ids for ids, _ in windows])
        self.lengths: NDArray[np.int64] = np.concatenate([lengths for _, lengths in windows])
        self.offsets: NDArray[np.int64] = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.lengths)])
        self.prompt_length: NDArray[np.int32] = np.concatenate([t["prompt_length"].to_numpy() for t in tables])
        if len(self.ids) and int(self.ids.max()) >= self.info.vocabulary_size:
            raise BadFile(folder, f"{split}: a token id lies outside the vocabulary; prepare it again")

    @property
    def pad(self) -> int:
        """Id that fills rows."""
        return self.info.special["pad"]

    def __str__(self) -> str:
        return f"{self.folder}, split {self.split!r}"

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> NDArray[np.unsignedinteger[Any]]:
        return self.ids[self.offsets[index] : self.offsets[index + 1]]

    def column(self, name: str) -> list[Any]:
        """Values of another column of `schema`, one per window."""
        return [value for path in self._shards for value in _read(path, [name])[name].to_pylist()]


def _read(path: Path, columns: list[str]) -> Any:
    try:
        with pq.ParquetFile(path, memory_map=True) as shard:
            return shard.read(columns)
    except (pa.ArrowException, OSError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        raise BadFile(path, f"is damaged or no shard ({reason}); prepare the dataset again") from error


def _flat(ids: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """All ids of a list column in a row, and how many each list has."""
    column = ids.combine_chunks()
    lengths = column.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    return column.flatten().to_numpy(zero_copy_only=False), lengths
