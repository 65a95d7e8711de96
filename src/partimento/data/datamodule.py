"""Batches for training: whole pieces packed into rows, and every batch a pure function of seed and step.

Which pieces share a row is decided once (best fit, the longest first). An endless stream of rows is one
random permutation of them after another; step s takes rows s·B to (s + 1)·B of it. So a run that was stopped
needs only its step to go on, and every piece is seen equally often.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from partimento.data.dataset import TokenDataset
from partimento.data.examples import Examples, ExamplesOfPieces, pieces_of
from partimento.errors import BadRecipe

Augment = Callable[[NDArray[np.int32], np.random.Generator], NDArray[np.int32]]
"""Another version of a piece: ids and a generator to ids. A longer version is cut to the length of the original."""
Batch = dict[str, Tensor]
"""`input_ids`, `labels` and `position_ids`, each int64 of shape (rows, context)."""

IGNORED = -100
"""Label of what is no target."""
_ORDER, _AUGMENT = 0, 1


class Share(NamedTuple):
    """Which rows of each batch a process computes, of several that train together."""

    rank: int
    """Number of the process, from 0."""
    world: int
    """How many there are."""

    def most(self, rows: int) -> int:
        """Rows of the largest share; smaller ones are filled up with rows without targets."""
        return -(-rows // self.world)

    def of(self, rows: int) -> range:
        """The rows of the share, side by side."""
        most = self.most(rows)
        return range(min(rows, self.rank * most), min(rows, (self.rank + 1) * most))


WHOLE = Share(0, 1)
"""All of it."""


class Batches(Protocol):
    """Batches of one split."""

    @property
    def rows(self) -> float:
        """Rows of a batch, on average."""
        ...

    @property
    def rows_per_epoch(self) -> int:
        """Rows in which everything occurs once."""
        ...

    def batch(self, step: int, share: Share = WHOLE) -> Batch:
        """A process's share of the batch of a step, whatever came before."""
        ...

    def once(self) -> Iterator[Batch]:
        """Everything once, as it is."""
        ...


def pack(lengths: NDArray[np.int64], context: int) -> list[list[int]]:
    """Rows of windows: each window, the longest first, goes where it leaves the least space.

    Args:
        lengths: tokens of each window, none above `context`.
        context: tokens of a row.

    Returns:
        Indices of windows, per row.
    """
    rows = list[list[int]]()
    space = list[tuple[int, int]]()  # (tokens free, row), ascending
    for window in np.argsort(-lengths, kind="stable").tolist():
        length = int(lengths[window])
        at = bisect_left(space, (length, -1))
        free, row = space.pop(at) if at < len(space) else (context, len(rows))
        if row == len(rows):
            rows.append([])
        rows[row].append(window)
        insort(space, (free - length, row))
    return rows


class PackedBatches:
    """Batches of one split.

    Args:
        examples: its sequences, such as the windows of a `TokenDataset`.
        context: tokens of a row; no window may be longer.
        rows: rows of a batch.
        seed: of order and augmentation.
        augment: another version of each piece at each reading.
        prompt_loss: whether the tokens of the prompt are targets, too.

    Raises:
        BadRecipe: a window is longer than the context, or there is none.
    """

    def __init__(
        self,
        examples: Examples,
        context: int,
        rows: int,
        *,
        seed: int = 0,
        augment: Augment | None = None,
        prompt_loss: bool = True,
    ) -> None:
        if not len(examples):
            raise BadRecipe(f"{examples}: is empty; prepare more music")
        if int(examples.lengths.max()) > context:
            raise BadRecipe(
                f"{examples}: has windows of {examples.lengths.max()} tokens, and training.context is "
                f"{context}; raise it or prepare shorter windows"
            )
        self.examples, self.context, self.rows = examples, context, rows
        self._seed, self._augment, self._prompt_loss = seed, augment, prompt_loss
        self._packed = pack(examples.lengths, context)
        self._epoch, self._order = -1, np.empty(0, np.int64)

    @property
    def dataset(self) -> TokenDataset:
        """The examples of a split of a dataset as it was prepared."""
        return cast(TokenDataset, self.examples)

    @property
    def rows_per_epoch(self) -> int:
        """Rows in which every window occurs once."""
        return len(self._packed)

    @property
    def fill(self) -> float:
        """Share of positions that hold a token."""
        return int(self.examples.lengths.sum()) / (len(self._packed) * self.context)

    def batch(self, step: int, share: Share = WHOLE) -> Batch:
        """The batch of a training step, whatever came before, or one process's share of it."""
        part = share.of(self.rows)
        places = range(step * self.rows + part.start, step * self.rows + part.stop)
        rows = [self._row(place) for place in places]
        rngs = [self._generator(_AUGMENT, place) for place in places]
        missing = share.most(self.rows) - len(rows)
        return self._batch(rows + [[]] * missing, rngs + [None] * missing)

    def once(self) -> Iterator[Batch]:
        """All windows once, as they are, in batches of which the last may be shorter."""
        for first in range(0, len(self._packed), self.rows):
            rows = self._packed[first : first + self.rows]
            yield self._batch(rows, [None] * len(rows))

    def _row(self, index: int) -> list[int]:
        """Windows of the row at a place of the endless stream."""
        _, row = self._place(index, len(self._packed))
        return self._packed[row]

    def _place(self, index: int, rows: int) -> tuple[int, int]:
        """Epoch of a place of the endless stream, and which of its rows stands there."""
        epoch, place = divmod(index, rows)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._generator(_ORDER, epoch).permutation(rows)
        return epoch, int(self._order[place])

    def _generator(self, purpose: int, counter: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=[self._seed, purpose], counter=[0, 0, 0, counter]))

    def _batch(self, rows: list[list[int]], rngs: Sequence[np.random.Generator | None]) -> Batch:
        shape = (len(rows), self.context)
        input_ids = np.full(shape, self.examples.pad, np.int64)
        labels = np.full(shape, IGNORED, np.int64)
        position_ids = np.zeros(shape, np.int64)
        for row, (windows, rng) in enumerate(zip(rows, rngs, strict=True)):
            at = 0
            for window in windows:
                length = int(self.examples.lengths[window])
                ids = self._ids(window, rng)[:length]
                first_target = 1 if self._prompt_loss else max(1, int(self.examples.prompt_length[window]))
                input_ids[row, at : at + len(ids)] = ids
                labels[row, at + first_target : at + len(ids)] = ids[first_target:]
                position_ids[row, at : at + length] = np.arange(length)
                at += length
            position_ids[row, at:] = np.arange(self.context - at)
        arrays = {"input_ids": input_ids, "labels": labels, "position_ids": position_ids}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def _ids(self, window: int, rng: np.random.Generator | None) -> NDArray[np.int32]:
        ids = self.examples[window].astype(np.int32)
        return ids if rng is None or self._augment is None else self._augment(ids, rng)


class CaptionEpochs(PackedBatches):
    """One window of every piece in each epoch: in epoch k the k-th, cyclically, one to a row.

    So an epoch is one pass over the pieces, and over their captions, and long pieces weigh no more than short ones.
    The arguments are those of `PackedBatches`.
    """

    def __init__(self, examples: ExamplesOfPieces, context: int, rows: int, **options: Any) -> None:
        super().__init__(examples, context, rows, **options)
        names = examples.column("piece")
        self._windows = pieces_of(names, range(len(names)))
        self.pieces: list[str] = [names[windows[0]] for windows in self._windows]
        """Ids of the pieces, in the order of the dataset."""

    @property
    def rows_per_epoch(self) -> int:
        """As many as there are pieces."""
        return len(self.pieces)

    @property
    def fill(self) -> float:
        """Share of positions that hold a token, on average over many epochs."""
        return float(np.mean([self.examples.lengths[each].mean() for each in self._windows])) / self.context

    def window(self, epoch: int, piece: int) -> int:
        """Which window a piece contributes to an epoch."""
        return self._windows[piece][epoch % len(self._windows[piece])]

    def _row(self, index: int) -> list[int]:
        return [self.window(*self._place(index, len(self.pieces)))]


class MusicDataModule(LightningDataModule):
    """Training batches from the step the trainer stands at, and the validation split.

    Args:
        training: of the training split.
        validation: of the validation split.
        share: of each training batch that this process computes.
    """

    def __init__(self, training: Batches, validation: Batches, share: Share = WHOLE) -> None:
        super().__init__()
        self.training, self.validation, self._share = training, validation, share

    def train_dataloader(self) -> DataLoader[Batch]:
        """An endless stream of batches that goes on at the trainer's step."""
        first = self.trainer.global_step if self.trainer is not None else 0
        return DataLoader(_Stream(self.training, first, self._share), batch_size=None)


class _Stream(IterableDataset[Batch]):
    def __init__(self, batches: Batches, first: int, share: Share) -> None:
        self._batches, self._first, self._share = batches, first, share

    def __iter__(self) -> Iterator[Batch]:
        step = self._first
        while True:
            yield self._batches.batch(step, self._share)
            step += 1


def count_targets(batch: Batch) -> int:
    """Number of targets."""
    return int((batch["labels"] != IGNORED).sum())


def shard_batch(batch: Batch, rows: int) -> Iterator[Batch]:
    """A batch in parts of some rows each."""
    for first in range(0, len(batch["input_ids"]), rows):
        yield {name: cast(Any, tensor)[first : first + rows] for name, tensor in batch.items()}
