"""The tokenizer inside a GGUF file, with as much of transformers' interface as is needed to ask a model."""

from __future__ import annotations

import ctypes
import warnings
from collections.abc import Sequence
from typing import Any

from partimento.errors import BadRecipe
from partimento.generation.engines.llamacpp import LlamaCppEngine, llama_cpp

_LONGEST_TOKEN = 4096


class GgufTokenizer:
    """Text ⇄ ids by llama.cpp, and the chat template that the file brings."""

    def __init__(self, engine: LlamaCppEngine) -> None:
        """`engine`: the loaded file."""
        self._cpp, self._engine = llama_cpp(), engine
        self.bos_token = self._piece(self._cpp.llama_vocab_bos(engine.vocab))
        self.eos_token = self._piece(self._cpp.llama_vocab_eos(engine.vocab))
        self.chat_template: str | None = engine.said("tokenizer.chat_template") or None

    def __call__(self, text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        """Ids of a text under `input_ids`, special tokens inside it read as such."""
        data = text.encode()
        room = len(data) + 2
        ids = (ctypes.c_int32 * room)()
        count = self._cpp.llama_tokenize(self._engine.vocab, data, len(data), ids, room, add_special_tokens, True)
        if count < 0:
            raise BadRecipe(f"{self._engine.path}: its tokenizer makes {-count} tokens of {len(data)} bytes")
        return {"input_ids": list(ids[:count])}

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = False) -> str:
        """The text of ids."""
        return b"".join(self._bytes(token, not skip_special_tokens) for token in ids).decode("utf-8", "replace")

    def apply_chat_template(
        self,
        messages: Sequence[dict[str, str]],
        *,
        tokenize: bool = False,
        add_generation_prompt: bool = False,
        **also: Any,
    ) -> str:
        """Messages as the text that the model was tuned on.

        Raises:
            BadRecipe: the file has no template.
        """
        if self.chat_template is None or tokenize:
            raise BadRecipe(f"{self._engine.path}: has no chat template, and it gives text only")
        from transformers.utils.chat_template_utils import render_jinja_template

        special = {"bos_token": self.bos_token, "eos_token": self.eos_token}
        rendered, _ = render_jinja_template(
            conversations=[list(messages)],
            chat_template=self.chat_template,
            add_generation_prompt=add_generation_prompt,
            **special,
            **also,
        )
        return rendered[0]

    def for_llguidance(self) -> Any:
        """The vocabulary for grammars."""
        from llguidance.llamacpp import lltokenizer_from_vocab

        with warnings.catch_warnings():  # llguidance asks llama.cpp by the older names
            warnings.simplefilter("ignore", DeprecationWarning)
            return lltokenizer_from_vocab(self._engine.vocab)

    def _piece(self, token: int) -> str:
        return self._bytes(token, True).decode("utf-8", "replace") if token >= 0 else ""

    def _bytes(self, token: int, special: bool) -> bytes:
        buffer = ctypes.create_string_buffer(_LONGEST_TOKEN)
        size = self._cpp.llama_token_to_piece(self._engine.vocab, token, buffer, _LONGEST_TOKEN, 0, special)
        return buffer.raw[: max(size, 0)]
