"""What is done with each shard of the dataset: the rows of pieces that are kept go to the split of their piece."""

from __future__ import annotations

import importlib
import json
import os
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import numpy as np
import pyarrow as pa

from partimento.data.dataset import SPLITS, ShardWriter, schema
from partimento.data.prepare.judged import Judged, judged
from partimento.data.prepare.merging import merged
from partimento.data.prepare.rows import PIECES
from partimento.data.prepare.texts import text_schema
from partimento.data.prepare.work import Work, write_text
from partimento.io.yaml.rows import FIELDS
from partimento.representations import TextRepresentation

pc: Any = importlib.import_module("pyarrow.compute")  # its functions are made when it is loaded
_SHARD_BYTES = 32 * 2**20
"""Size of the rows of a shard of the dataset, about."""
CATALOGUE = pa.schema(
    [
        *(field for field in PIECES if field.name not in ("stated_split", "sketch")),
        ("split", pa.string()),
        ("cluster", pa.string()),
        ("duplicate_of", pa.string()),
    ]
)
"""Columns of `pieces.parquet`. A cluster is called by the id of its first piece."""


def plan_writing(work: Work) -> int:
    """Decide which shards of files make each shard of the dataset; their number.

    `groups.json` gets for each of them the first and last shard of files, and how many pieces come before.
    """
    groups, first, held, pieces = list[tuple[int, int, int]](), 0, 0, 0
    before = pieces
    for shard in range(work.shards):
        size = work.path("rows", shard).stat().st_size
        if shard > first and held + size > _SHARD_BYTES:
            groups.append((first, shard, before))
            first, held, before = shard, 0, pieces
        held += size
        pieces += (work.counts("read", shard) or {})["pieces"]
    groups.append((first, work.shards, before))
    write_text(work.folder / "groups.json", json.dumps(groups))
    return len(groups)


class _Tally:
    """What went where."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {
            name: Counter() for name in ("rows", "tokens", "notes", "sources", "pieces", "licences")
        }

    def as_dict(self) -> dict[str, Any]:
        """Counts as JSON has them."""
        return {name: dict(counter) for name, counter in self.counts.items()}


def write_shard(work: Work, index: int) -> dict[str, Any]:
    """Write one shard of each split, and its part of the table of pieces.

    Returns:
        Counts: duplicates, and by split rows, tokens, notes and pieces, by source the pieces that are kept.
    """
    first, last, before = json.loads((work.folder / "groups.json").read_text("utf-8"))[index]
    tally = _Tally()
    parts = list[Any]()
    columns, merges = row_schema(work), work.merges
    with ShardWriter(work.dataset, columns, shard=index) as shards, _Lines(work, index) as lines:
        for shard in range(first, last):
            found = judged(work, shard, before)
            before += len(found.pieces)
            if merges is not None:
                found = merged(found, merges)
            _write_rows(work, found, shards, lines, tally)
            parts.append(found.pieces.select(CATALOGUE.names).cast(CATALOGUE))
    work.write("catalogue", index, pa.concat_tables(parts))
    counts = tally.as_dict()
    work.finish("wrote", index, counts)
    return counts


def row_schema(work: Work) -> Any:
    """Columns of the dataset's shards."""
    if isinstance(work.said, TextRepresentation):
        return text_schema(work.said)
    return schema(len(work.said.tokens))


class _Lines:
    """Rows of Chord Llama as its tools read them: JSON Lines beside the shards, one file for each split."""

    def __init__(self, work: Work, shard: int) -> None:
        self._fields = FIELDS if work.method.is_text and work.representation.name == "chord_llama" else ()
        self._paths = {split: work.dataset / f"{split}-{shard:05d}.jsonl" for split in SPLITS if self._fields}
        self._files = dict[str, TextIO]()

    def __enter__(self) -> _Lines:
        self._files = {split: _unfinished(path).open("w", encoding="utf-8") for split, path in self._paths.items()}
        return self

    def write(self, split: str, rows: Any) -> None:
        for row in rows.select(list(self._fields)).to_pylist() if self._fields else ():
            self._files[split].write(json.dumps(row, ensure_ascii=False) + "\n")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for split, file in self._files.items():
            file.close()
            if kind is None:
                os.replace(_unfinished(self._paths[split]), self._paths[split])


def _unfinished(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.getpid()}.unfinished")


def _write_rows(work: Work, found: Judged, shards: ShardWriter, lines: _Lines, tally: _Tally) -> None:
    rows, pieces = found.rows, found.pieces
    place, names = rows["place"].to_numpy(), row_schema(work).names
    for index, name in enumerate(SPLITS):
        wanted = np.flatnonzero(found.split == index)
        table = rows.take(wanted)
        said = pieces.take(place[wanted])
        columns = [table[c] if c in rows.column_names else said[c] for c in names]
        shards.write_table(name, pa.table(columns, names=names))
        lines.write(name, table)
        tally.counts["rows"][name] += len(table)
        tally.counts["notes"][name] += int(table["notes"].to_numpy().sum())
        lengths = table["tokens"] if "tokens" in names else pc.list_value_length(table["ids"])
        tally.counts["tokens"][name] += int(lengths.to_numpy().sum())
    kept = pieces.filter(pc.equal(pieces["duplicate_of"], ""))
    for count, name in (("pieces", "split"), ("sources", "source"), ("licences", "licence")):
        tally.counts[count].update(kept[name].to_pylist())
