"""Byte-pair encoding of a dataset: merges are learned from rows of the training split, and all rows written in them.

Rows are cut before anything is merged, so that what is in a row does not depend on the merges; packing fills the
contexts of training with as many of the shortened rows as fit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from partimento.data.dataset import ids_type
from partimento.data.prepare.judged import Judged, judged
from partimento.data.prepare.work import Work, write_text
from partimento.representations import Ints, Representation
from partimento.representations.bpe import Bpe, train_bpe

_MOST_TOKENS = 20_000_000
"""From so many tokens merges are learned, at most; of larger datasets, every so-manyth row is taken."""


def learn(work: Work) -> None:
    """Write `merges.json` for a run whose verdicts are written."""
    inside = work.representation
    assert isinstance(inside, Representation)
    counts = [work.counts("read", shard) or {} for shard in range(work.shards)]
    every = -(-sum(count["tokens"] for count in counts) // _MOST_TOKENS) or 1
    size = len(inside.tokens) + work.method.options.merges
    trained = train_bpe(inside, _sequences(work, [count["pieces"] for count in counts], every), size)
    write_text(work.folder / "merges.json", json.dumps(trained.config["merges"]))


def _sequences(work: Work, pieces: list[int], every: int) -> Iterator[Ints]:
    """Prompts and targets of the training split, of every so-manyth row."""
    before = seen = 0
    for shard, count in enumerate(pieces):
        found = judged(work, shard, before)
        before += count
        training = np.flatnonzero(found.split == 0)
        chosen = training[-seen % every :: every]
        seen += len(training)
        for prompt, target in _halves(found.rows.take(chosen)):
            yield from (prompt, target)


def _halves(rows: Any) -> Iterator[tuple[Ints, Ints]]:
    """Prompt and target of each row."""
    column = rows["ids"].combine_chunks()
    ids, ends = column.flatten().to_numpy(), np.cumsum(column.value_lengths().to_numpy(), dtype=np.int64)
    for start, end, prompt in zip([0, *ends.tolist()], ends.tolist(), rows["prompt_length"].to_pylist(), strict=False):
        row = ids[start:end].astype(np.int32)
        yield row[:prompt], row[prompt:]


def merged(found: Judged, bpe: Bpe) -> Judged:
    """A shard whose rows are written in merged tokens, prompt and target each for itself."""
    halves = [(bpe.merge(prompt), bpe.merge(target)) for prompt, target in _halves(found.rows)]
    lengths = np.array([len(prompt) + len(target) for prompt, target in halves], np.int64)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]).astype(np.int32)
    flat = np.concatenate([np.empty(0, np.int32), *(ids for half in halves for ids in half)])
    ids = pa.array(flat.astype(ids_type(len(bpe.tokens)).to_pandas_dtype()))
    columns = {
        "ids": pa.ListArray.from_arrays(pa.array(offsets), ids),
        "prompt_length": pa.array([len(prompt) for prompt, _ in halves], pa.int32()),
    }
    tokens = np.bincount(found.rows["place"].to_numpy(), lengths, len(found.pieces))
    rows, pieces = found.rows, found.pieces
    for name, column in columns.items():
        rows = rows.set_column(rows.column_names.index(name), name, column)
    pieces = pieces.set_column(pieces.column_names.index("tokens"), "tokens", pa.array(tokens.astype(np.int32)))
    return replace(found, rows=rows, pieces=pieces)
