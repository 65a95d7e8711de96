"""The built-in engine: batches of sequences with a static cache, for models of the Llama and GPT-2 architectures.

It reads a model folder's config.json and safetensors itself, which spares a cold start the import of transformers;
that its logits equal those of transformers is a test. A row's numbers are the same, to the last bit, whatever is
written beside it: products do not depend on the number of rows (`linear`), each row attends alone or in steps of one
token, beginnings are read in chunks that always start at the same places, and only then shared (`cache`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from partimento.errors import BadRecipe
from partimento.generation.engines.base import Condition, Wanted, refuse_condition
from partimento.generation.engines.cache import CHUNK, Beginnings, Cache, rounded
from partimento.generation.engines.decoders import decoder
from partimento.generation.engines.linear import Linear, Precision

_HEAD_BLOCK = 1024
"""Tokens of the output layer that are computed together, or not at all where none of them may follow."""


class TorchEngine:
    """A decoder-only transformer on the CPU."""

    condition: Literal[None, "text", "tokens"] = None
    most_rows = 16

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Tensor], precision: Precision = "fp32") -> None:
        """Shapes as in the model's config.json; weights under transformers' names.

        Raises:
            BadRecipe: a weight is missing or the architecture is another.
        """
        self.decoder = decoder(config, weights, precision)
        self.vocabulary_size, self.context = self.decoder.shape.vocabulary, self.decoder.shape.context
        self.head = [Linear(block.float(), None, precision) for block in self.decoder.head.split(_HEAD_BLOCK)]
        self.beginnings = Beginnings()

    @classmethod
    def load(cls, folder: Path, precision: Precision = "fp32") -> TorchEngine:
        """Read a model folder.

        Raises:
            BadRecipe: it is no model folder, or a damaged one.
        """
        try:
            config = json.loads((folder / "config.json").read_text("utf-8"))
            weights = load_file(folder / "model.safetensors")
        except (OSError, ValueError, SafetensorError) as error:
            raise BadRecipe(f"{folder}: no model folder ({_reason(error)})") from error
        return cls(config, weights, precision)

    def session(self, condition: Condition | None = None) -> TorchSession:
        """Begin a sequence.

        Raises:
            BadRecipe: a condition is given, and the model reads none.
        """
        return TorchSession(self, condition)

    def batch(self, rows: int) -> TorchBatch:
        """Room for sequences that are written side by side."""
        return TorchBatch(self, rows)


class TorchBatch:
    """Sequences that are written side by side."""

    @torch.inference_mode()
    def __init__(self, engine: TorchEngine, rows: int) -> None:
        self._engine = engine
        self._cache = Cache(engine.decoder.shape, len(engine.decoder.blocks), rows)
        self._lengths: list[int] = []
        self._logits = np.empty((rows, engine.vocabulary_size), np.float32)

    def open(self, condition: Condition | None = None) -> None:
        """Begin a sequence behind the others.

        Raises:
            BadRecipe: a condition is given, and the model reads none.
        """
        refuse_condition(condition, self._engine.condition)
        self._lengths.append(0)

    @torch.inference_mode()
    def close(self, row: int) -> None:
        """End a sequence; the last one takes its place."""
        length = self._lengths.pop()
        if row < len(self._lengths):
            self._cache.move(len(self._lengths), row, length)
            self._lengths[row] = length

    @torch.inference_mode()
    def feed(self, tokens: Sequence[Sequence[int]], wanted: Sequence[Wanted] | None = None) -> NDArray[np.float32]:
        """Append tokens to every sequence, at least one to each; logits of what may follow.

        Args:
            tokens: new ones of each row.
            wanted: half-open ranges of ids; others need not be computed, and then hold anything.

        Returns:
            Shape (rows, vocabulary); good until the next call.

        Raises:
            ValueError: a row gets none, or grows past the context.
        """
        self._check(tokens)
        self._cache.make_room(max(length + len(new) for length, new in zip(self._lengths, tokens, strict=True)))
        tokens = [self._begun(row, new) for row, new in enumerate(tokens)]
        step = _Step.of(self._lengths, tokens, self._cache)
        x_NC = self._forward(step)
        self._lengths = [length + len(new) for length, new in zip(self._lengths, tokens, strict=True)]
        self._project(self._engine.decoder.last(x_NC[step.last]), wanted)
        return self._logits[: len(tokens)]

    def _check(self, tokens: Sequence[Sequence[int]]) -> None:
        for length, new in zip(self._lengths, tokens, strict=True):
            if not new:
                raise ValueError("at least one token for every row")
            if length + len(new) > self._engine.context:
                raise ValueError(f"{length + len(new)} tokens, and the context holds {self._engine.context}")

    def _begun(self, row: int, new: Sequence[int]) -> Sequence[int]:
        """Read whole chunks of a beginning, or copy what is known of them; the tokens that are left."""
        if self._lengths[row]:
            return new
        chunked = (len(new) - 1) // CHUNK * CHUNK
        for start in range(0, chunked, CHUNK):
            read, known = new[: start + CHUNK], self._engine.beginnings.get(new[: start + CHUNK])
            if known is None:
                self._forward(_Step.alone(row, start, new[start : start + CHUNK], self._cache))
                self._engine.beginnings.keep(read, self._cache.chunk(row, start))
            else:
                self._cache.put(row, start, known)
        self._lengths[row] = chunked
        return new[chunked:]

    def _forward(self, step: _Step) -> Tensor:
        """States behind the last layer, shape (N, channels)."""
        model, queries = self._engine.decoder, self._engine.decoder.shape.heads
        x_NC, turns = model.embed(step.tokens, step.positions), model.turns(step.positions)
        for layer, block in enumerate(model.blocks):
            heads_NHD = block.heads(x_NC, turns)
            self._cache.write(layer, step.places, heads_NHD[:, queries:])
            x_NC = block.rest(x_NC, self._attended(layer, heads_NHD[:, :queries], step))
        return x_NC

    def _attended(self, layer: int, q_NHD: Tensor, step: _Step) -> Tensor:
        """What each token takes from those before it, shape (N, channels)."""
        if len(step.groups) == 1:
            return self._attend(layer, q_NHD, step.groups[0])
        attended_NC = torch.empty(q_NHD.shape[0], q_NHD.shape[1] * q_NHD.shape[2])
        for group in step.groups:
            attended_NC[group.queries] = self._attend(layer, q_NHD[group.queries], group)
        return attended_NC

    def _attend(self, layer: int, q_NHD: Tensor, group: _Group) -> Tensor:
        rows, kv_heads, width = group.last - group.first, self._cache.shape.kv_heads, q_NHD.shape[-1]
        keys, values = self._cache.of(layer, group.first, group.last, group.room)
        # queries that share keys are rows of one product
        q_RHGTD = q_NHD.view(rows, -1, kv_heads, q_NHD.shape[1] // kv_heads, width).permute(0, 2, 3, 1, 4)
        scores = torch.matmul(q_RHGTD.reshape(rows, kv_heads, -1, width), keys.transpose(-1, -2))
        scores.view(*q_RHGTD.shape[:4], group.room).add_(group.mask)
        taken = torch.matmul(torch.softmax(scores, -1), values).view(q_RHGTD.shape)
        return taken.permute(0, 3, 1, 2, 4).reshape(q_NHD.shape[0], -1)

    def _project(self, x_RC: Tensor, wanted: Sequence[Wanted] | None) -> None:
        """Fill in logits, in those blocks of the vocabulary where somebody wants some."""
        count, blocks = x_RC.shape[0], len(self._engine.head)
        wanting = {block: list(range(count)) for block in range(blocks)} if wanted is None else _wanting(wanted)
        for block, rows in wanting.items():
            start, stop = block * _HEAD_BLOCK, (block + 1) * _HEAD_BLOCK
            some, target = (x_RC, slice(count)) if len(rows) == count else (x_RC[rows], rows)
            self._logits[target, start:stop] = self._engine.head[block](some).numpy()


def _wanting(wanted: Sequence[Wanted]) -> dict[int, list[int]]:
    """Rows that want ids of a block, by blocks."""
    found: dict[int, list[int]] = {}
    for row, ranges in enumerate(wanted):
        blocks = {block for low, high in ranges for block in range(low // _HEAD_BLOCK, (high - 1) // _HEAD_BLOCK + 1)}
        for block in blocks:
            found.setdefault(block, []).append(row)
    return found


class TorchSession:
    """A sequence with its cache."""

    def __init__(self, engine: TorchEngine, condition: Condition | None = None) -> None:
        self._batch = engine.batch(1)
        self._batch.open(condition)

    def feed(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Append tokens; logits of what may follow, shape (vocabulary,).

        Raises:
            ValueError: there are none, or the sequence grows past the context.
        """
        return self._batch.feed([tokens])[0].copy()


class _Group(NamedTuple):
    """Queries that attend in one go."""

    first: int
    """Row of the cache with which they begin."""
    last: int
    """Row behind them."""
    queries: slice | Tensor
    """Which of the N tokens they are; the same number in each row."""
    room: int
    """How many keys are looked at, in whole chunks."""
    mask: Tensor
    """0 or −∞, added to scores, shape (rows, 1, 1, queries of a row, room)."""


class _Step(NamedTuple):
    """N new tokens of some rows, one row's after the other's."""

    tokens: Tensor
    positions: Tensor
    places: Tensor
    """In the cache."""
    last: Tensor
    """The last token of each row."""
    groups: list[_Group]

    @classmethod
    def of(cls, lengths: Sequence[int], tokens: Sequence[Sequence[int]], cache: Cache) -> _Step:
        """New tokens of all rows. Single ones attend together; where a row has several, they attend by themselves."""
        counts = [len(new) for new in tokens]
        ends = np.cumsum(counts)
        starts = ends - counts
        rows = torch.from_numpy(np.repeat(np.arange(len(counts)), counts))
        positions = torch.from_numpy(np.arange(ends[-1]) + np.repeat(np.array(lengths) - starts, counts))
        groups: list[_Group] = []
        if len(counts) > 1 or counts[0] == 1:
            singles = slice(None) if max(counts) == 1 else torch.from_numpy(starts)
            groups.append(_group(0, singles, np.array(lengths)[:, None] + 1))
        groups += [
            _group(row, slice(starts[row], ends[row]), lengths[row] + 1 + np.arange(counts[row])[None])
            for row in range(len(counts))
            if counts[row] > 1
        ]
        ids = torch.tensor([token for new in tokens for token in new])
        return cls(ids, positions, cache.places(rows, positions), torch.from_numpy(ends - 1), groups)

    @classmethod
    def alone(cls, row: int, start: int, tokens: Sequence[int], cache: Cache) -> _Step:
        """New tokens of one row, wherever it is."""
        positions = torch.arange(start, start + len(tokens))
        groups = [_group(row, slice(None), positions.numpy()[None] + 1)]
        rows = torch.full_like(positions, row)
        return cls(torch.tensor(tokens), positions, cache.places(rows, positions), positions[-1:] - start, groups)


def _group(first: int, queries: slice | Tensor, seen_RT: NDArray[np.int64]) -> _Group:
    """A group of rows; `seen_RT` is how many keys each query looks at."""
    room = rounded(int(seen_RT.max()))
    hidden = np.arange(room) >= seen_RT[:, None, None, :, None]
    mask = torch.from_numpy(np.where(hidden, np.float32(-np.inf), np.float32(0)))
    return _Group(first, first + len(seen_RT), queries, room, mask)


def _reason(error: Exception) -> str:
    return error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
