"""Vocabularies made of blocks: runs of consecutive ids for one kind of token; and blocks that several have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from partimento.plan import Task
from partimento.representations.base import Ints, Longs
from partimento.theory.chord import KINDS, ChordSymbol
from partimento.theory.instrument import DRUMS
from partimento.theory.pitch import pitch_class

VELOCITIES = tuple(range(2, 128, 4))
_UNSTATED_VELOCITY = 80
CHORD_KINDS = tuple(KINDS)
_KIND_INDEX = {kind: index for index, kind in enumerate(CHORD_KINDS)}


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

    def inside(self, ids: Ints, block: str) -> NDArray[np.bool_]:
        """Which ids belong to a block, same shape."""
        low, high = self.span(block)
        return (ids >= low) & (ids < high)

    def members(self, ids: Ints, block: str) -> Longs:
        """Indices within their block of those ids that belong to it."""
        return ids[self.inside(ids, block)].astype(np.int64) - self.first[block]

    def midway(self, task: Task) -> list[int]:
        """What a header says of an excerpt."""
        opens = [self.first["Opens"]] if task.opens_midway else []
        return opens + ([self.first["Ends"]] if task.ends_midway else [])

    # Counterparts

    def same(self) -> Ints:
        """Each id itself, shape (vocabulary,): a table of counterparts to begin with."""
        return np.arange(len(self.tokens), dtype=np.int32)

    def transpose(self, table: Ints, block: str, semitones: int) -> None:
        """Let a table move a block of 128 pitches; they stop at the ends of the MIDI range."""
        table[slice(*self.span(block))] = self.first[block] + np.clip(np.arange(128) + semitones, 0, 127)

    def rotate(self, table: Ints, block: str, by: int, start: int = 0) -> None:
        """Let a table move the members of a block from `start` on, those behind its end to its beginning."""
        low, high = self.span(block, start)
        table[low:high] = low + np.roll(np.arange(high - low), -by)

    def exchange(self, block: str, programs: Mapping[int, int]) -> Ints:
        """Id of each token's counterpart when programs, members of a block, are played by others."""
        table, first = self.same(), self.first[block]
        for program, other in programs.items():
            table[first + program] = first + other
        return table


def moves_drums(programs: Mapping[int, int]) -> bool:
    """Whether drums, whose notes are others, are exchanged with something else."""
    return any(DRUMS in pair and pair != (DRUMS, DRUMS) for pair in programs.items())


def chord_member(symbol: ChordSymbol) -> int:
    """Index of a chord without its bass in a block of twelve roots with all kinds."""
    return pitch_class(symbol.root) * len(CHORD_KINDS) + _KIND_INDEX[symbol.plain.kind]


def bass_of(chord: ChordSymbol) -> int | None:
    """Pitch class of the lowest tone, None where it is the root."""
    if chord.bass is None or pitch_class(chord.bass) == pitch_class(chord.root):
        return None
    return pitch_class(chord.bass)


def velocity_members(velocity: NDArray[np.uint8]) -> Longs:
    """Index in `VELOCITIES` of the nearest; 80 counts where the source does not say."""
    stated = np.where(velocity == 0, _UNSTATED_VELOCITY, velocity).astype(np.int64)
    return np.minimum(stated // 4, len(VELOCITIES) - 1)
