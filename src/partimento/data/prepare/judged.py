"""The pieces and rows of a shard of files, and what the verdicts make of them."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from partimento.data.dataset import SPLITS
from partimento.data.prepare.verdicts import alone
from partimento.data.prepare.work import Work

pc: Any = importlib.import_module("pyarrow.compute")  # its functions are made when it is loaded


@dataclass(frozen=True, slots=True)
class Judged:
    """What a shard of files gives to the dataset."""

    pieces: Any
    """Table of all pieces, with split, cluster and duplicate_of."""
    rows: Any
    """Table of all rows."""
    split: NDArray[np.int8]
    """Index into `SPLITS` of each row, −1 where it is left out, shape (rows,)."""


def judged(work: Work, shard: int, before: int) -> Judged:
    """The pieces and rows of a shard.

    Args:
        work: its folder, the verdicts written.
        shard: its number.
        before: how many pieces the shards before it have.
    """
    pieces, rows = _pieces(work, shard, before), work.table("rows", shard)
    place, chunk = rows["place"].to_numpy(), rows["chunk"].to_numpy()
    is_kept = pc.equal(pieces["duplicate_of"], "").to_numpy()
    split = np.array([SPLITS.index(name) for name in pieces["split"].to_pylist()], np.int8)[place]
    in_share = (split > 0) | _in_share(pieces, place, chunk, work.method.options.keep)
    return Judged(pieces, rows, np.where(is_kept[place] & in_share, split, -1).astype(np.int8))


def _pieces(work: Work, shard: int, before: int) -> Any:
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


def _in_share(pieces: Any, place: Any, chunk: Any, keep: dict[str, float]) -> NDArray[np.bool_]:
    """Which rows are kept of a source of which only a share is: spread evenly over each piece, from a place that its
    hash decides, so that nothing but the piece has to be known."""
    share = np.array([keep.get(source, 1.0) for source in pieces["source"].to_pylist()], float)[place]
    start = np.array([int(content[-8:], 16) / 2**32 for content in pieces["content"].to_pylist()], float)[place]
    return np.floor(start + (chunk + 1) * share) > np.floor(start + chunk * share)
