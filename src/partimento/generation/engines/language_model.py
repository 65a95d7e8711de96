"""Language models: music in a vocabulary of their own beside that of text, or written as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch

from partimento.errors import BadPlan, BadRecipe
from partimento.generation.engines.base import Condition
from partimento.generation.engines.transformers_engine import TransformersEngine
from partimento.models.folder import LoadedModel
from partimento.models.llm import MusicTokens, music_of
from partimento.models.tokenizers import stored_tokenizer

_ROOM = 256
"""Most tokens of the text before the music."""


class LanguageModelEngine(TransformersEngine):
    """A language model that reads a description and writes tokens of music, or texts.

    Tokens of music go in and out under the representation's own ids. The logits of text are left out, so that those
    of music keep their proportions.
    """

    condition: Literal[None, "text", "tokens"] = "text"
    says = "caption"

    def __init__(self, loaded: LoadedModel) -> None:
        super().__init__(loaded)
        config = loaded.model.config
        self.tokenizer: Any = stored_tokenizer(loaded.folder, "text")
        longest = getattr(config, "max_position_embeddings", None) or 1024
        self.music = music_of(config) or MusicTokens(0, 0, "", longest)
        self.writes_text = not self.music.size
        """Whether it has no tokens of music and writes texts."""
        self._room = 0 if self.writes_text else min(_ROOM, self.music.context // 4)
        self.context = min(self.music.context, longest) - self._room
        self.condition = None if self.writes_text else "text"
        if self.writes_text:
            self.vocabulary_size = config.vocab_size

    @torch.inference_mode()
    def opening(self, condition: Condition | None) -> dict[str, Any]:
        """What the model keeps of the text before the music; without a description, of an empty one.

        Raises:
            BadPlan: the description is too long.
        """
        if self.writes_text:
            return {}
        if condition is not None and not isinstance(condition, str):
            raise BadRecipe("this model reads text before it writes, and was given tokens")
        ids = self.tokenizer(self.music.asking(condition or ""))["input_ids"]
        if len(ids) > self._room:
            raise BadPlan(
                f"the description has {len(ids)} tokens with its instruction, and this model reads {self._room}"
            )
        if not ids:
            return {}
        output: Any = self.model(input_ids=torch.tensor([ids]), use_cache=True)
        return {"past_key_values": output.past_key_values}

    def forward(self, tokens: Sequence[int], given: dict[str, Any]) -> tuple[torch.Tensor, dict[str, Any]]:
        """Logits after the last token, shape (vocabulary,), and what the next call is given."""
        if self.writes_text:
            return super().forward(tokens, given)
        first, behind = self.music.offset, self.music.offset + self.music.size
        logits, given = super().forward([first + token for token in tokens], given)
        return logits[first:behind], given
