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
from numpy.typing import NDArray

from partimento.data.dataset import SPLITS, ShardWriter, schema
from partimento.data.prepare.rows import PIECES
from partimento.data.prepare.texts import text_schema
from partimento.data.prepare.verdicts import alone
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
    columns = row_schema(work)
    with ShardWriter(work.dataset, columns, shard=index) as shards, _Lines(work, index) as lines:
        for shard in range(first, last):
            pieces = _judged(work, shard, before)
            before += len(pieces)
            _write_rows(work, shard, pieces, shards, lines, tally)
            parts.append(pieces.select(CATALOGUE.names).cast(CATALOGUE))
    work.write("catalogue", index, pa.concat_tables(parts))
    counts = tally.as_dict()
    work.finish("wrote", index, counts)
    return counts


def _judged(work: Work, shard: int, before: int) -> Any:
    """The pieces of a shard with split, cluster and duplicate_of."""
    pieces = work.table("pieces", shard)
    if work.method.options.dedup == "off":
        splits = [
            alone(row, work.method.options) for row in pieces.select(["stated_split", "work", "content"]).to_pylist()
        ]
        clusters, originals = pieces["piece"], pa.array([""] * len(pieces), pa.string())
    else:
        verdicts = np.load(work.folder / "verdicts.npy", mmap_mode="r")[before : before + len(pieces)]
        splits = [SPLITS[index] for index in verdicts["split"].tolist()]
        clusters = pa.array([name.decode() for name in verdicts["cluster"].tolist()], pa.string())
        originals = pa.array([name.decode() for name in verdicts["original"].tolist()], pa.string())
    added = {"split": pa.array(splits, pa.string()), "cluster": clusters, "duplicate_of": originals}
    for name, column in added.items():
        pieces = pieces.append_column(name, column)
    return pieces


def row_schema(work: Work) -> Any:
    """Columns of the dataset's shards."""
    if isinstance(work.representation, TextRepresentation):
        return text_schema(work.representation)
    return schema(len(work.representation.tokens))


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


def _write_rows(work: Work, shard: int, pieces: Any, shards: ShardWriter, lines: _Lines, tally: _Tally) -> None:
    rows = work.table("rows", shard)
    place, chunk = rows["place"].to_numpy(), rows["chunk"].to_numpy()
    is_kept = pc.equal(pieces["duplicate_of"], "").to_numpy()
    split = np.array([SPLITS.index(name) for name in pieces["split"].to_pylist()], np.int8)
    in_share = (split[place] > 0) | _in_share(pieces, place, chunk, work.method.options.keep)
    names = row_schema(work).names
    for index, name in enumerate(SPLITS):
        wanted = np.flatnonzero(is_kept[place] & (split[place] == index) & in_share)
        table = rows.take(wanted)
        said = pieces.take(place[wanted])
        columns = [table[c] if c in rows.column_names else said[c] for c in names]
        shards.write_table(name, pa.table(columns, names=names))
        lines.write(name, table)
        tally.counts["pieces"][name] += int((is_kept & (split == index)).sum())
        tally.counts["rows"][name] += len(table)
        tally.counts["notes"][name] += int(table["notes"].to_numpy().sum())
        lengths = table["tokens"] if "tokens" in names else pc.list_value_length(table["ids"])
        tally.counts["tokens"][name] += int(lengths.to_numpy().sum())
    kept = pieces.filter(pa.array(is_kept))
    for name in ("source", "licence"):
        tally.counts[f"{name}s"].update(kept[name].to_pylist())


def _in_share(pieces: Any, place: Any, chunk: Any, keep: dict[str, float]) -> NDArray[np.bool_]:
    """Which rows are kept of a source of which only a share is: spread evenly over each piece, from a place that its
    hash decides, so that nothing but the piece has to be known."""
    share = np.array([keep.get(source, 1.0) for source in pieces["source"].to_pylist()], float)[place]
    start = np.array([int(content[-8:], 16) / 2**32 for content in pieces["content"].to_pylist()], float)[place]
    return np.floor(start + (chunk + 1) * share) > np.floor(start + chunk * share)
