"""Pieces of a dataset folder as scores again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from partimento.data.dataset import DatasetInfo, TokenDataset
from partimento.errors import BadFile
from partimento.plan import Compose
from partimento.representations import create
from partimento.score import Score


@dataclass(frozen=True, eq=False)
class Piece:
    """One piece, in the windows that it was cut into."""

    content_hash: str
    title: str
    source: str
    style: str
    windows: tuple[Score, ...]
    """Consecutive runs of bars with the same parts."""


def read_pieces(folder: Path, splits: Sequence[str] = ("train",)) -> Iterator[Piece]:
    """The pieces of some splits, as their tokens say them.

    Raises:
        BadFile: the folder is no dataset, or a shard is damaged.
        BadRecipe: the dataset's representation is unknown.
    """
    tokens = create(**DatasetInfo.read(folder).representation)
    for split in splits:
        dataset = TokenDataset(folder, split)
        if dataset.info.vocabulary_size != len(tokens.tokens):
            raise BadFile(folder, "was made with another version of its representation; prepare it again")
        columns = [dataset.column(name) for name in ("piece", "title", "source", "style")]
        rows = zip(range(len(dataset)), *columns, strict=True)
        for content_hash, group in groupby(rows, key=lambda row: row[1]):
            windows = list(group)
            _, _, title, source, style = windows[0]
            scores = tuple(tokens.decode(dataset[row[0]].astype(np.int32), Compose()) for row in windows)
            yield Piece(content_hash, title, source, style, scores)
