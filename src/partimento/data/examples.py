"""What batches are made of: sequences of ids, each a prompt and what is to be learnt.

`TokenDataset` is one such collection; others are views that put text before music, or text alone in an order of its
own. All of them are packed alike (`datamodule.PackedBatches`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@runtime_checkable
class Examples(Protocol):
    """Sequences of one split; `str(examples)` says where they come from, for messages."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each sequence, shape (sequences,)."""
        ...

    @property
    def prompt_length(self) -> NDArray[np.int32]:
        """How many tokens at the beginning of each are given, not written; shape (sequences,)."""
        ...

    @property
    def pad(self) -> int:
        """Id that fills rows; what it is does not matter to any loss."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> NDArray[Any]:
        """Ids of a sequence, shape (length,)."""
        ...


class ExamplesOfPieces(Examples, Protocol):
    """Sequences that are windows of pieces; those of a piece stand side by side, in order."""

    def column(self, name: str) -> list[Any]:
        """What is known of each sequence; `piece` is the id of its piece."""
        ...


def pieces_of(pieces: Sequence[str], windows: Sequence[int] | NDArray[np.int64]) -> list[list[int]]:
    """Some windows, in order, put together by the piece they are cut from.

    Args:
        pieces: id of the piece of each window of a dataset.
        windows: those to put together.
    """
    return [list(group) for _, group in groupby(map(int, windows), key=lambda window: pieces[window])]
