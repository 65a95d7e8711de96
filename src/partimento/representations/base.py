"""What every representation can do: the protocol and its types."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from partimento.plan import Task
from partimento.score import Score

Ints = NDArray[np.int32]
Ranges = tuple[tuple[int, int], ...]
"""Half-open ranges of token ids, ascending and disjoint, never empty."""
State = TypeVar("State", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that a representation cannot say."""

    what: str
    note_id: int = -1
    """The note that is dropped or changed; −1 where it is no note."""


Losses = tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of a score for a task."""

    prompt: Ints
    """What is given, shape (p,)."""
    target: Ints
    """What is to be written, shape (t,)."""

    @property
    def ids(self) -> Ints:
        """Prompt and target, shape (p + t,)."""
        return np.concatenate([self.prompt, self.target])


@runtime_checkable
class Representation(Protocol[State]):
    """Music as tokens, with the grammar of its sequences."""

    @property
    def name(self) -> str:
        """The name in the registry."""
        ...

    @property
    def tokens(self) -> Sequence[str]:
        """The vocabulary in order, specials included; ids are indices into it."""
        ...

    @property
    def canonical(self) -> bool:
        """Whether one score has one token sequence."""
        ...

    @property
    def config(self) -> dict[str, Any]:
        """Options that `create(name, **config)` takes to build it again."""
        ...

    def windows(self, score: Score, task: Task, budget: int) -> Iterator[tuple[Score, Task]]:
        """Parts of a score, in order, each of which encodes in at most `budget` tokens."""
        ...

    def quantise(self, score: Score) -> tuple[Score, Losses]:
        """What can be said of a score, and what has to be left out."""
        ...

    def encode(self, score: Score, task: Task) -> Encoded:
        """Tokens of what can be said."""
        ...

    def decode(self, ids: Ints, task: Task) -> Score:
        """The score of any accepted prefix; bars that are finished never change as it grows."""
        ...

    def start(self, task: Task) -> State:
        """The grammar's state before the first token.

        Raises:
            InfeasibleTask: no sequence satisfies the task.
        """
        ...

    def step(self, state: State, token: int) -> State:
        """The state after a token that `allowed` admits; pure."""
        ...

    def allowed(self, state: State) -> Ranges:
        """Tokens that may follow."""
        ...

    def forced(self, state: State) -> tuple[int, ...]:
        """Tokens that must follow, without a choice, so that they need no sampling."""
        ...

    def shortest_end(self, state: State) -> int:
        """How many tokens close the sequence validly from here, at the most economical."""
        ...

    def transposition(self, semitones: int) -> Ints:
        """Id of each token's counterpart a number of semitones higher, shape (vocabulary,)."""
        ...
