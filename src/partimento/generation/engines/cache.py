"""Keys and values of sequences that are written side by side, and of beginnings that several of them share."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor

from partimento.generation.engines.decoders import Shape

CHUNK = 64
"""Tokens of a beginning that are read in one go, and kept together; also what lengths are rounded up to."""
FIRST_ROOM = 2 * CHUNK
"""Tokens of a row for which there is room at first; it doubles as rows grow."""
MOST_KEPT_BYTE = 256 << 20
"""Size of all beginnings that are kept."""


def rounded(length: int) -> int:
    """A length, rounded up to whole chunks. Sums over what is masked in addition come out alike, to the last bit."""
    return -(-length // CHUNK) * CHUNK


class Cache:
    """Keys and values of rows, allotted beforehand for more than has been written, at most for the whole context."""

    def __init__(self, shape: Shape, layers: int, rows: int) -> None:
        self.shape, self.rows, self.room = shape, rows, 0
        self._layers = [torch.zeros(2, rows, shape.kv_heads, 0, shape.width) for _ in range(layers)]
        self.make_room(1)

    def make_room(self, length: int) -> None:
        """See to it that rows can be so long."""
        if length <= self.room:
            return
        room = min(max(rounded(length), 2 * self.room, FIRST_ROOM), rounded(self.shape.context))
        for index, layer in enumerate(self._layers):
            # zeros, since what is masked is multiplied with zero, which makes nothing good of infinities
            larger = torch.zeros(2, self.rows, self.shape.kv_heads, room, self.shape.width)
            larger[:, :, :, : self.room] = layer
            self._layers[index] = larger
        self.room, self._flat = room, [layer.view(-1, self.shape.width) for layer in self._layers]

    def places(self, rows_N: Tensor, positions_N: Tensor) -> Tensor:
        """Where N tokens go, for `write`."""
        kinds_heads = torch.arange(2 * self.shape.kv_heads)
        kind, head = kinds_heads // self.shape.kv_heads, kinds_heads % self.shape.kv_heads
        row = (kind * self.rows + rows_N[:, None]) * self.shape.kv_heads + head
        return (row * self.room + positions_N[:, None]).flatten()

    def write(self, layer: int, places: Tensor, kv_NHD: Tensor) -> None:
        """Put keys and values, shape (N, 2 kv heads, width), where they belong."""
        self._flat[layer].index_copy_(0, places, kv_NHD.reshape(-1, self.shape.width))

    def of(self, layer: int, first: int, last: int, length: int) -> tuple[Tensor, Tensor]:
        """Keys and values of rows [first, last), shape (rows, kv heads, length, width) each."""
        keys, values = self._layers[layer][:, first:last, :, :length]
        return keys, values

    def move(self, source: int, target: int, length: int) -> None:
        """Let a row take another's place."""
        for layer in self._layers:
            layer[:, target, :, :length] = layer[:, source, :, :length]

    def chunk(self, row: int, start: int) -> Tensor:
        """A copy of what stands in a chunk, shape (layers, 2, kv heads, CHUNK, width)."""
        return torch.stack([layer[:, row, :, start : start + CHUNK] for layer in self._layers])

    def put(self, row: int, start: int, chunk: Tensor) -> None:
        """Put a copy back."""
        for layer, kept in zip(self._layers, chunk, strict=True):
            layer[:, row, :, start : start + CHUNK] = kept


class Beginnings:
    """Chunks of beginnings that were read lately, by all the tokens up to their end."""

    def __init__(self, most_byte: int = MOST_KEPT_BYTE) -> None:
        self._most, self._size = most_byte, 0
        self._chunks: OrderedDict[tuple[int, ...], Tensor] = OrderedDict()

    def get(self, tokens: Sequence[int]) -> Tensor | None:
        """The last chunk of a beginning, if it is known."""
        chunk = self._chunks.get(key := tuple(tokens))
        if chunk is not None:
            self._chunks.move_to_end(key)
        return chunk

    def keep(self, tokens: Sequence[int], chunk: Tensor) -> None:
        """Remember a chunk; what was not asked for longest makes room."""
        self._chunks[tuple(tokens)] = chunk
        self._size += chunk.nbytes
        while self._size > self._most:
            self._size -= self._chunks.popitem(last=False)[1].nbytes
