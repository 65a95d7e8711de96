"""Tokenizers of what an encoder reads: the small vocabulary of chords and plans, or that of a language model."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, cast

from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from partimento.errors import BadRecipe
from partimento.models.pretrained import load_base
from partimento.models.text_encoder import embedded_encoder
from partimento.representations import conditions


def source_tokenizer(source: str, place: str = "") -> PreTrainedTokenizerBase:
    """The tokenizer of a source.

    Args:
        source: `words` or `text`.
        place: folder or name of a text's tokenizer; that of the embedded text encoder by default.

    Raises:
        BadRecipe: it is missing or damaged.
    """
    return words() if source == "words" else load_base(place or str(embedded_encoder()), "tokenizer")


@cache
def words() -> PreTrainedTokenizerBase:
    """The tokenizer of `representations.conditions`."""
    return PreTrainedTokenizerFast(
        tokenizer_object=conditions.word_tokenizer(), clean_up_tokenization_spaces=False,
        pad_token=conditions.PAD, unk_token=conditions.UNKNOWN, eos_token=conditions.END,
    )  # fmt: skip


def stored_tokenizer(folder: Path, source: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a model folder.

    Raises:
        BadRecipe: a text's tokenizer is missing in it.
    """
    if source == "words":
        return words()
    if not (folder / "tokenizer.json").is_file():
        raise BadRecipe(f"{folder}: is no complete model folder, tokenizer.json is missing; copy it again")
    return load_base(folder, "tokenizer")


def read_source(tokenizer: PreTrainedTokenizerBase, text: str, most: int) -> list[int]:
    """Ids of a text, cut to the first `most`; of one without any token, the end alone."""
    ids: Any = tokenizer(text, truncation=True, max_length=most)["input_ids"]
    return ids or [cast(int, tokenizer.eos_token_id or 0)]
