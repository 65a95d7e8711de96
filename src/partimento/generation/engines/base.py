"""What an engine can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadRecipe

Condition = str | Sequence[int]
"""What a conditional model reads before it writes: a text, or token ids."""


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


def refuse_condition(given: Condition | None, wanted: Literal[None, "text", "tokens"]) -> None:
    """Raise where a model is given what it cannot read.

    Raises:
        BadRecipe: it reads something else, or nothing before the music.
    """
    kind = None if given is None else "text" if isinstance(given, str) else "tokens"
    if kind not in (None, wanted):
        raise BadRecipe(f"this model reads {wanted or 'nothing'} before it writes, and was given {kind}")
