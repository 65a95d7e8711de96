"""Captions of the pieces of a dataset, in a file beside its shards: `captions.parquet`.

One row per caption: the piece, the text, the bars it speaks of (none: the whole piece), the facts it came from as
JSON, who wrote it, and what the text was before a language model said it in other words.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from partimento.analysis.facts import Facts
from partimento.data.chat import Writer
from partimento.data.rewriting import rewritten
from partimento.errors import BadFile, BadInput
from partimento.plan.caption import Caption, caption, phrase_captions

FILE = "captions.parquet"
TEMPLATES = "templates"
"""Who wrote a caption that no language model has touched."""
SCHEMA = pa.schema(
    [("piece", pa.string()), ("text", pa.string()), ("first_bar", pa.int32()), ("last_bar", pa.int32())]
    + [(name, pa.string()) for name in ("facts", "by", "before")]
)
_PIECES_AT_ONCE = 1024


@dataclass
class Counts:
    """What `caption_dataset` did."""

    pieces: int = 0
    captions: int = 0
    rewritten: int = 0
    refused: int = 0
    """Captions whose rewriting lost or added a fact, so that they stayed as they were."""


def caption_dataset(
    folder: Path,
    *,
    each: int = 1,
    phrases: bool = False,
    seed: int = 0,
    writer: Writer | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Counts:
    """Write the captions of a dataset's pieces; the same seed gives the same ones, but for a writer's words.

    What a writer has said is kept in `captions.cache.jsonl` until all is done, so that a stopped run goes on.

    Args:
        folder: a dataset that was prepared with facts.
        each: captions of each piece.
        phrases: whether to describe each phrase, too.
        seed: of the choice of facts and words.
        writer: says captions of whole pieces in other words.
        progress: is told how many pieces of how many are done.

    Raises:
        BadFile: it is no dataset.
        BadInput: its pieces have no facts, or the writer cannot be reached.
    """
    source = _pieces(folder)
    counts, cache = Counts(), _Cache(folder / "captions.cache.jsonl", writer)
    target = folder / FILE
    unfinished = target.with_name(f".{FILE}.{os.getpid()}")
    total = source.metadata.num_rows
    try:
        with cache, pq.ParquetWriter(unfinished, SCHEMA, compression="zstd") as parquet:
            for batch in source.iter_batches(_PIECES_AT_ONCE, columns=["piece", "facts"]):
                rows = list[dict[str, Any]]()
                for piece, text in zip(batch["piece"].to_pylist(), batch["facts"].to_pylist(), strict=True):
                    has_facts = text not in (None, "", "{}")
                    if has_facts:
                        rows += _rows(piece, Facts.from_dict(json.loads(text)), each, phrases, seed, cache, counts)
                    counts.pieces += has_facts
                    progress(counts.pieces, total)
                parquet.write_table(pa.Table.from_pylist(rows, SCHEMA))
                counts.captions += len(rows)
        if not counts.pieces:
            raise BadInput(f"{folder}: its pieces have no facts; prepare it with --facts")
        os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)
    cache.forget()
    return counts


def read_captions(folder: Path) -> dict[str, list[Caption]]:
    """Captions by piece, empty where there are none.

    Raises:
        BadFile: the file is damaged.
    """
    found = dict[str, list[Caption]]()
    path = folder / FILE
    if not path.is_file():
        return found
    try:
        table = pq.read_table(path, columns=["piece", "text", "facts", "first_bar", "last_bar"])
        for piece, *content in zip(*table.to_pydict().values(), strict=True):
            text, facts, *bars = content
            found.setdefault(piece, []).append(Caption(text, json.loads(facts), *bars))
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise BadFile(path, f"is damaged ({type(error).__name__}); caption the dataset again") from None
    return found


def _pieces(folder: Path) -> pq.ParquetFile:
    path = folder / "pieces.parquet"
    if not path.is_file():
        raise BadFile(folder, "is no dataset (it has no pieces.parquet); make one with `partimento prepare`")
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError):
        raise BadFile(path, "is damaged; prepare the dataset again") from None


def _rows(
    piece: str, facts: Facts, each: int, phrases: bool, seed: int, cache: _Cache, counts: Counts
) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng([seed, int(hashlib.blake2b(piece.encode(), digest_size=8).hexdigest(), 16)])
    for _ in range(each):
        told = caption(facts, rng)
        words = cache.rewritten(told.text, seed, counts)
        yield _row(piece, told, told.text if words is None else words, TEMPLATES if words is None else cache.by)
    for told in phrase_captions(facts, rng) if phrases else ():
        yield _row(piece, told, told.text, TEMPLATES)


def _row(piece: str, told: Caption, text: str, by: str) -> dict[str, Any]:
    return {
        "piece": piece,
        "text": text,
        "first_bar": told.first_bar,
        "last_bar": told.last_bar,
        "facts": json.dumps(told.facts, ensure_ascii=False),
        "by": by,
        "before": told.text if text != told.text else "",
    }


class _Cache:
    """What a writer has said already, kept line by line."""

    def __init__(self, path: Path, writer: Writer | None) -> None:
        self._path, self._writer, self._file = path, writer, None
        self.by = writer.name if writer is not None else TEMPLATES
        self._known = dict[tuple[str, str, int], str | None]()

    def __enter__(self) -> _Cache:
        if self._writer is None:
            return self
        for line in self._path.read_text("utf-8").splitlines() if self._path.is_file() else ():
            try:
                by, text, seed, words = json.loads(line)
            except ValueError:
                continue  # the line at which it was stopped
            self._known[by, text, seed] = words
        self._file = self._path.open("a", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def rewritten(self, text: str, seed: int, counts: Counts) -> str | None:
        """The writer's words for a text, None where there is no writer or its words are of no use."""
        if self._writer is None or self._file is None:
            return None
        key = (self.by, text, seed)
        if key not in self._known:
            self._known[key] = rewritten(text, self._writer, seed)
            self._file.write(json.dumps([*key, self._known[key]], ensure_ascii=False) + "\n")
            self._file.flush()
        words = self._known[key]
        counts.rewritten += words is not None
        counts.refused += words is None
        return words

    def forget(self) -> None:
        """Remove the file, when all is in its place."""
        self._path.unlink(missing_ok=True)
