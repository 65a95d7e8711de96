"""Any model family through its cached forward in transformers, batch of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from partimento.generation.engines.base import Condition, refuse_condition
from partimento.models.folder import LoadedModel


class TransformersEngine:
    """A model of any family that reads nothing but its own tokens. Others extend it; see `opening`."""

    condition: Literal[None, "text", "tokens"] = None

    def __init__(self, loaded: LoadedModel) -> None:
        self.loaded, self.model = loaded, loaded.model
        self.vocabulary_size = loaded.vocabulary_size
        self.context: int = loaded.model.config.max_position_embeddings

    def session(self, condition: Condition | None = None) -> TransformersSession:
        """Begin a sequence.

        Raises:
            BadRecipe: a condition is given and the model reads none, or of the other kind.
        """
        refuse_condition(condition, self.condition)
        return TransformersSession(self, self.opening(condition))

    def opening(self, condition: Condition | None) -> dict[str, Any]:
        """What the model's first call is given beside the tokens, `past_key_values` among it where text comes first."""
        return {}

    def forward(self, tokens: Sequence[int], given: dict[str, Any]) -> tuple[torch.Tensor, dict[str, Any]]:
        """Logits after the last token, shape (vocabulary,), and what the next call is given."""
        output = self.model(input_ids=torch.tensor([tokens]), use_cache=True, **given)
        return output.logits[0, -1], {"past_key_values": output.past_key_values}


class TransformersSession:
    """A sequence with the cache, or the state, that the model keeps of it."""

    def __init__(self, engine: TransformersEngine, given: dict[str, Any]) -> None:
        self._engine, self._given = engine, given
        self._length = 0

    @torch.inference_mode()
    def feed(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Append tokens; logits of what may follow.

        Raises:
            ValueError: the sequence grows past the context.
        """
        self._length += len(tokens)
        if self._length > self._engine.context:
            raise ValueError(f"{self._length} tokens, and the context holds {self._engine.context}")
        logits, self._given = self._engine.forward(tokens, self._given)
        return logits.float().numpy()
