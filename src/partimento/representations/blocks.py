"""Vocabularies made of blocks: runs of consecutive ids for one kind of token."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from partimento.representations.base import Ints


@dataclass(frozen=True)
class Vocabulary:
    """Tokens in order, with the first id and the size of each block."""

    tokens: tuple[str, ...]
    first: dict[str, int]
    size: dict[str, int]
    block_of: Ints = field(repr=False)
    """Index of the block that each id belongs to, shape (vocabulary,)."""

    @classmethod
    def of(cls, blocks: Iterable[tuple[str, list[str]]]) -> Self:
        """The vocabulary of blocks (name, members); a token's name is one word: `Key_D-major`."""
        first, size, tokens = dict[str, int](), dict[str, int](), list[str]()
        for name, members in blocks:
            first[name], size[name] = len(tokens), len(members)
            tokens += [member.replace(" ", "-") for member in members]
        block_of = np.repeat(np.arange(len(size), dtype=np.int32), list(size.values()))
        return cls(tuple(tokens), first, size, block_of)

    def span(self, block: str, start: int = 0, stop: int | None = None) -> tuple[int, int]:
        """Half-open id range of members `start` to `stop` of a block."""
        return self.first[block] + start, self.first[block] + (self.size[block] if stop is None else stop)
