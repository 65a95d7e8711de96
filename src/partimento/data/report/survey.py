"""What the files of a dataset say about it, gathered for its page."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from partimento.data.captions import read_captions
from partimento.data.dataset import SPLITS
from partimento.errors import BadFile
from partimento.io import read_bytes
from partimento.plan.caption import Caption

PIECES = "pieces.parquet"


@dataclass(frozen=True)
class Leakage:
    """What stands on both sides of the split and should not."""

    clusters: int
    """Groups of near-duplicates or versions of one work with pieces in more than one split."""
    rows: dict[str, int]
    """Rows of validation and test whose tokens are, row for row, also in training."""
    names: list[tuple[str, str]]
    """(composer, title) of pieces outside training that a piece in training has, too."""


@dataclass(frozen=True)
class Survey:
    """Everything that the page shows."""

    name: str
    info: dict[str, Any]
    """`dataset.json`."""
    report: dict[str, Any]
    """`report.json`."""
    pieces: dict[str, list[Any]]
    """Columns of `pieces.parquet`, one value per piece; empty where the dataset has none."""
    lengths: dict[str, NDArray[np.int64]]
    """Tokens of each row, by split."""
    leakage: Leakage
    captions: list[list[Caption]]
    """Captions of each piece that has any."""

    def column(self, name: str) -> list[Any]:
        """Values of a column, without those that are not known."""
        return [value for value in self.pieces.get(name, []) if value not in (None, "")]

    def facts(self) -> Iterator[dict[str, Any]]:
        """What the analysis found in each piece, where it was asked."""
        for text in self.column("facts"):
            content = json.loads(text)
            if isinstance(content, dict):
                yield content


def survey(folder: Path) -> Survey:
    """Read a dataset.

    Raises:
        BadFile: the folder is no dataset, or a file of it is damaged.
    """
    info, report = _json(folder / "dataset.json"), _json(folder / "report.json")
    pieces = _pieces(folder / PIECES)
    lengths, rows = dict[str, NDArray[np.int64]](), dict[str, int]()
    training = set[bytes]()
    for split in SPLITS:
        lengths[split], digests = _rows(folder, split)
        if split == "train":
            training = set(digests)
        else:
            rows[split] = sum(digest in training for digest in digests)
    leakage = Leakage(_split_groups(pieces), rows, _shared(pieces))
    return Survey(folder.name, info, report, pieces, lengths, leakage, list(read_captions(folder).values()))


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise BadFile(path, "is missing; this is no dataset (make one with `partimento prepare`)")
    try:
        content = json.loads(read_bytes(path))
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise BadFile(path, "is damaged; prepare the dataset again")
    return content


def _table(path: Path, columns: list[str] | None = None) -> Any:
    try:
        return pq.read_table(path, columns=columns)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise BadFile(path, f"is damaged ({str(error).splitlines()[0]}); prepare the dataset again") from None


def _names(path: Path) -> set[str]:
    try:
        return set(pq.read_schema(path).names)
    except (pa.ArrowException, OSError):  # who reads the table says what is wrong with it
        return set()


def _pieces(path: Path) -> dict[str, list[Any]]:
    return _table(path).to_pydict() if path.is_file() else {}


def _rows(folder: Path, split: str) -> tuple[NDArray[np.int64], list[bytes]]:
    """Length of each row, and a digest of its tokens behind the prompt, which says what music it is."""
    lengths, digests = [np.empty(0, np.int64)], list[bytes]()
    for path in sorted(folder.glob(f"{split}-*.parquet")):
        if text := _names(path) & {"text", "output"}:  # rows of text count their tokens themselves
            table = _table(path, ["tokens", *text])
            lengths.append(table["tokens"].to_numpy().astype(np.int64))
            digests += [hashlib.blake2b(text.encode(), digest_size=12).digest() for text in table[1].to_pylist()]
            continue
        table = _table(path, ["ids", "prompt_length"])
        if not len(table):
            continue
        ids = table["ids"].combine_chunks()
        lengths.append(ids.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64))
        flat, ends = ids.flatten().to_numpy(zero_copy_only=False), np.cumsum(lengths[-1])
        starts = ends - lengths[-1] + table["prompt_length"].to_numpy()
        digests += [
            hashlib.blake2b(flat[start:end].tobytes(), digest_size=12).digest()
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]
    return np.concatenate(lengths), digests


def _split_groups(pieces: dict[str, list[Any]]) -> int:
    """Clusters whose pieces are in more than one split; what was left out as a duplicate is in none."""
    splits = defaultdict[Any, set[str]](set)
    for cluster, split in zip(pieces.get("cluster", []), pieces.get("split", []), strict=True):
        if cluster not in (None, "") and split:
            splits[cluster].add(split)
    return sum(len(found) > 1 for found in splits.values())


def _shared(pieces: dict[str, list[Any]]) -> list[tuple[str, str]]:
    """Composer and title, where both are stated, of what is in training and elsewhere."""
    splits = defaultdict[tuple[str, str], set[str]](set)
    columns = (pieces.get(name, []) for name in ("composer", "title", "split"))
    for composer, title, split in zip(*columns, strict=True):
        if composer and title and split:
            splits[composer, title].add(split)
    return sorted(name for name, found in splits.items() if "train" in found and len(found) > 1)


def counted(values: list[Any], most: int = 24) -> list[tuple[str, int]]:
    """Values and how often they occur, the most frequent first; what is rarer than the first `most` as one."""
    counts = Counter(map(str, values)).most_common()
    rest = sum(count for _, count in counts[most:])
    return counts[:most] + ([(f"{len(counts) - most} others", rest)] if rest else [])
