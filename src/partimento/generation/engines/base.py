"""What an engine can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


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

    def session(self) -> Session:
        """Begin a sequence."""
        ...
