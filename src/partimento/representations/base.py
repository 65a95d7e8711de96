"""What every representation can do: the protocol and its types."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from partimento.plan import Task
from partimento.score import Score

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Mask = NDArray[np.bool_]
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


class Special(NamedTuple):
    """Ids that training and sampling need by their role; one id may have several."""

    pad: int
    """Fills rows."""
    bos: int
    """Opens a sequence."""
    eos: int
    """Ends the music of a piece."""


class Grid(NamedTuple):
    """On what times are rounded: `steps` to a quarter or to a second."""

    unit: Literal["quarter", "second"]
    """Where it is the quarter, music without a beat cannot be said (`NeedsBeats`)."""
    steps: int


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

    @property
    def special(self) -> Special:
        """Ids by their role."""
        ...

    @property
    def grid(self) -> Grid:
        """On what onsets and releases are rounded, to the nearest."""
        ...

    @property
    def enforces(self) -> frozenset[str]:
        """Fields of Plan and Constraints that `start` turns into rules; the others are hopes. Infill: `infill`."""
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

    def transposition(self, semitones: int) -> Ints | None:
        """Id of each token's counterpart a number of semitones higher, shape (vocabulary,).

        None where tokens have no counterpart of their own, since spelling depends on what stands around them.
        """
        ...

    def exchange(self, programs: Mapping[int, int]) -> Ints | None:
        """Id of each token's counterpart when programs (128: drums) are played by others, shape (vocabulary,), or None.

        Programs that are not named stay. Exchanging twice, there and back, gives the tokens again.
        """
        ...


@runtime_checkable
class Repairs(Protocol):
    """A representation whose tokens other programs write too, of which not all keep to its grammar."""

    def repaired(self, ids: Ints) -> tuple[Ints, int]:
        """What can be read of any ids, and how many tokens had to be dropped; `decode` reads the same of both."""
        ...


@runtime_checkable
class Redirects(Protocol):
    """A representation that knows what a model means by tokens that may not come yet."""

    def redirected(self, state: Any, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits, shape (vocabulary,), in which wishes that cannot be kept yet count for what leads there."""
        ...


@runtime_checkable
class TextRepresentation(Protocol):
    """Music as text that a language model reads and writes in its own tokens."""

    @property
    def name(self) -> str:
        """The name in the registry."""
        ...

    @property
    def config(self) -> dict[str, Any]:
        """Options that `create_text(name, **config)` takes to build it again."""
        ...

    @property
    def suffix(self) -> str:
        """Ending of a file with such text, `.abc`."""
        ...

    @property
    def is_notation(self) -> bool:
        """Whether it is sheet music, so that what was only played is better engraved first (`notation.engrave`)."""
        ...

    def quantise(self, score: Score) -> tuple[Score, Losses]:
        """What can be said of a score, and what has to be left out."""
        ...

    def write(self, score: Score, task: Task) -> str:
        """The text of what can be said."""
        ...

    def read(self, text: str, task: Task) -> Score:
        """The score of a text.

        Raises:
            BadInput: it is no such text; says at which line and why.
        """
        ...

    def syntax(self, task: Task) -> str:
        """A grammar for llguidance (its Lark dialect), which holds all that syntax can hold."""
        ...

    def faults(self, text: str, task: Task) -> tuple[str, ...]:
        """What syntax cannot count, such as bars that are not full: one line each, empty where all is right."""
        ...
