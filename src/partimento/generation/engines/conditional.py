"""Models that read a source or a text before they write: encoder-decoders and text prefixes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch

from partimento.generation.engines.base import Condition
from partimento.generation.engines.transformers_engine import TransformersEngine
from partimento.models.folder import LoadedModel
from partimento.models.tokenizers import read_source, stored_tokenizer


class _Conditional(TransformersEngine):
    condition: Literal[None, "text", "tokens"] = "text"

    def __init__(self, loaded: LoadedModel) -> None:
        super().__init__(loaded)
        self.model: Any = loaded.model
        data = loaded.recipe.get("data")
        self.says: str = (data.get("text") if isinstance(data, dict) else None) or "caption"
        """What its texts say, as `data.text` of its recipe has it."""
        self.reads_words: bool = getattr(loaded.model.config, "source", "text") == "words"
        """Whether its texts are made of the words of `representations.conditions`."""


class EncoderDecoderEngine(_Conditional):
    """An encoder-decoder: the source is read once, and its states are kept with the cache of the music."""

    def __init__(self, loaded: LoadedModel) -> None:
        super().__init__(loaded)
        self._tokenizer = stored_tokenizer(loaded.folder, loaded.model.config.source)

    @torch.inference_mode()
    def opening(self, condition: Condition | None) -> dict[str, Any]:
        """What the encoder makes of the source; of none, of its end alone."""
        if condition is None or isinstance(condition, str):
            condition = read_source(self._tokenizer, condition or "", self.model.config.source_context)
        return {"encoder_outputs": self.model.encode(torch.tensor([list(condition)]))}

    def forward(self, tokens: Sequence[int], given: dict[str, Any]) -> tuple[torch.Tensor, dict[str, Any]]:
        """Logits after the last token, shape (vocabulary,), and what the next call is given."""
        output = self.model(decoder_input_ids=torch.tensor([list(tokens)]), use_cache=True, **given)
        return output.logits[0, -1], given | {"past_key_values": output.past_key_values}


class TextPrefixEngine(_Conditional):
    """A music model with a text before it; without a text, the music model."""

    def opening(self, condition: Condition | None) -> dict[str, Any]:
        """The text in the encoder's tokens, for the first call."""
        if not condition:
            return {}
        model: Any = self.model
        is_text = isinstance(condition, str)
        read = model.encoder.tokens(condition, model.config.text_context) if is_text else list(condition)
        ids = torch.tensor([read])
        return {"text_ids": ids, "text_mask": torch.ones_like(ids)}

    def forward(self, tokens: Sequence[int], given: dict[str, Any]) -> tuple[torch.Tensor, dict[str, Any]]:
        """Logits after the last token, shape (vocabulary,), and what the next call is given."""
        output = self.model(input_ids=torch.tensor([list(tokens)]), use_cache=True, **given)
        kept = {"text_mask": given["text_mask"]} if "text_mask" in given else {}
        return output.logits[0, -1], kept | {"past_key_values": output.past_key_values}
