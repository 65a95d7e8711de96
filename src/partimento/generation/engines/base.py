"""What an engine can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadRecipe

Condition = str | Sequence[int]
"""What a conditional model reads before it writes: a text, or token ids."""


Wanted = Sequence[tuple[int, int]]
"""Half-open ranges of ids whose logits are looked at."""


class Session(Protocol):
    """One sequence being written."""

    def feed(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Append tokens; logits of what may follow the last of them, shape (vocabulary,).

        Raises:
            ValueError: the sequence grows past the context.
        """
        ...


class Engine(Protocol):
    """A loaded model."""

    vocabulary_size: int
    context: int
    """Longest sequence in tokens."""
    condition: Literal[None, "text", "tokens"]
    """What its sessions are given first, None where they are given nothing."""

    def session(self, condition: Condition | None = None) -> Session:
        """Begin a sequence.

        Raises:
            BadRecipe: a condition is given and the model reads none, or of the other kind.
        """
        ...


class Batch(Protocol):
    """Sequences that are written side by side; each is as if it were alone."""

    def open(self, condition: Condition | None = None) -> None:
        """Begin a sequence behind the others.

        Raises:
            BadRecipe: a condition is given and the model reads none, or of the other kind.
        """
        ...

    def close(self, row: int) -> None:
        """End a sequence; the last one takes its place."""
        ...

    def feed(self, tokens: Sequence[Sequence[int]], wanted: Sequence[Wanted] | None = None) -> NDArray[np.float32]:
        """Append tokens to every sequence, at least one to each; logits of what may follow.

        Args:
            tokens: new ones of each row.
            wanted: of each row; other logits may hold anything.

        Returns:
            Shape (rows, vocabulary); good until the next call.
        """
        ...


@runtime_checkable
class Batches(Protocol):
    """An engine that writes sequences side by side."""

    most_rows: int
    """Rows beyond which it is hardly faster."""

    def batch(self, rows: int) -> Batch:
        """Room for so many sequences."""
        ...


class OneByOne:
    """The same for an engine that has only sessions; there is nothing to gain by several at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions: list[Session] = []

    def open(self, condition: Condition | None = None) -> None:
        """Begin a sequence behind the others."""
        self._sessions.append(self._engine.session(condition))

    def close(self, row: int) -> None:
        """End a sequence; the last one takes its place."""
        last = self._sessions.pop()
        if row < len(self._sessions):
            self._sessions[row] = last

    def feed(self, tokens: Sequence[Sequence[int]], wanted: Sequence[Wanted] | None = None) -> NDArray[np.float32]:
        """Append tokens to every sequence; logits of what may follow, shape (rows, vocabulary)."""
        return np.stack([session.feed(new) for session, new in zip(self._sessions, tokens, strict=True)])


def refuse_condition(given: Condition | None, wanted: Literal[None, "text", "tokens"]) -> None:
    """Raise where a model is given what it cannot read.

    Raises:
        BadRecipe: it reads something else, or nothing before the music.
    """
    kind = None if given is None else "text" if isinstance(given, str) else "tokens"
    if kind not in (None, wanted):
        raise BadRecipe(f"this model reads {wanted or 'nothing'} before it writes, and was given {kind}")
