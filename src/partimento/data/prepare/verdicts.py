"""Which pieces are kept, and in which split each one is: what only all pieces together can tell.

Pieces of one cluster (the same music, perhaps in another key, tempo or setting) and versions of one work are a
group, and a group lies in one split. Where the source states a split, that counts; where the pieces of a group
state several, the one that is held out most strictly.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from partimento.data.dataset import SPLITS
from partimento.data.duplicates import SLOTS, clusters
from partimento.data.prepare.options import Options
from partimento.data.prepare.work import Work

VERDICT = np.dtype([("split", np.int8), ("cluster", "S32"), ("original", "S32")])
"""Index into `SPLITS`; id of the first piece of the cluster; id of the piece that it repeats, none: it is kept."""
_PARTS = 10_000
_Ints = NDArray[np.int64]
_Hashes = NDArray[np.uint64]


class _All(NamedTuple):
    """Of each piece what the verdicts need, in the order of the plan."""

    ids: NDArray[np.bytes_]
    contents: NDArray[Any]
    """Hash of the notes, two words each."""
    stated: NDArray[np.int8]
    """Index into `SPLITS`, −1 where the source says nothing."""
    works: _Hashes
    """Hash of the work, 0 where it has none."""
    sketches: NDArray[np.uint32]


def split_of(content: str, options: Options | None = None) -> str:
    """The split that a hash (hexadecimal) falls into, by the percentages of the options."""
    return SPLITS[_by_hash(np.array([int(content[:16], 16)], np.uint64), options or Options())[0]]


def alone(row: dict[str, Any], options: Options) -> str:
    """The split of a piece that is not compared with others: what its source states, else by its work or content."""
    return row["stated_split"] or split_of(_hashed(row["work"]) or row["content"], options)


def judge(work: Work) -> None:
    """Write `verdicts.npy`, one record per piece. Below 2 KiB are held per piece while this goes on."""
    everything = _gathered(work)
    place = np.arange(len(everything.contents))
    equal = _first_equal(everything.contents)
    cluster = _joined(equal, _first_equal(clusters(everything.sketches))) if len(place) else equal
    original = cluster if work.method.options.dedup == "near" else equal
    same_work = np.where(everything.works == 0, place, _first_equal(everything.works))
    verdicts = np.zeros(len(place), VERDICT)
    verdicts["cluster"] = everything.ids[cluster]
    verdicts["original"] = np.where(original == place, b"", everything.ids[original])
    verdicts["split"] = _splits(_joined(cluster, same_work), everything, work.method.options)
    temporary = work.folder / "verdicts.unfinished.npy"
    np.save(temporary, verdicts)
    temporary.replace(work.folder / "verdicts.npy")


def _gathered(work: Work) -> _All:
    """Of every piece what is needed; the arrays are made at once and filled, so that nothing is held twice."""
    counts = [(work.counts("read", shard) or {})["pieces"] for shard in range(work.shards)]
    total = sum(counts)
    everything = _All(
        np.empty(total, "S32"),
        np.empty(total, [("first", np.uint64), ("second", np.uint64)]),
        np.empty(total, np.int8),
        np.empty(total, np.uint64),
        np.empty((total, SLOTS + 1), np.uint32),
    )
    columns, at = ["piece", "content", "stated_split", "work", "sketch"], 0
    for shard, count in enumerate(counts):
        table, here = work.table("pieces", shard, columns), slice(at, at + count)
        everything.ids[here] = table["piece"].to_pylist()
        words = np.frombuffer(bytes.fromhex("".join(table["content"].to_pylist())), ">u8").reshape(-1, 2)
        everything.contents["first"][here], everything.contents["second"][here] = words.T
        everything.stated[here] = [SPLITS.index(s) if s else -1 for s in table["stated_split"].to_pylist()]
        everything.works[here] = [int(_hashed(name) or "0", 16) for name in table["work"].to_pylist()]
        sketches = b"".join(table["sketch"].to_pylist())
        everything.sketches[here] = np.frombuffer(sketches, "<u4").reshape(count, SLOTS + 1)
        at += count
    return everything


def _first_equal(values: NDArray[Any]) -> _Ints:
    """Place of the first element that each one equals."""
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    return first[inverse]


def _joined(one: _Ints, other: _Ints) -> _Ints:
    """The finest partition that both refine, as the place of the first element of each group."""
    label = np.arange(len(one))
    while True:
        before = label
        for partition in (one, other):
            lowest = label.copy()
            np.minimum.at(lowest, partition, label)
            label = lowest[partition]
        if np.array_equal(label, before):
            return label


def _splits(group: _Ints, everything: _All, options: Options) -> NDArray[np.int8]:
    """Split of each piece: of its group the strictest that is stated, else by the hash of the group's first piece."""
    strictest = np.full(len(group), -1, np.int8)
    np.maximum.at(strictest, group, everything.stated)
    hashes = np.where(everything.works == 0, everything.contents["first"], everything.works)
    return np.where(strictest[group] >= 0, strictest[group], _by_hash(hashes, options)[group]).astype(np.int8)


def _by_hash(hashes: _Hashes, options: Options) -> NDArray[np.int8]:
    place = (hashes >> np.uint64(32)) % np.uint64(_PARTS)
    validation, test = (round(percent * _PARTS / 100) for percent in (options.validation, options.test))
    return np.select([place < validation, place < validation + test], [1, 2], 0).astype(np.int8)


def _hashed(work: str) -> str:
    return hashlib.blake2b(work.encode(), digest_size=8).hexdigest() if work else ""
