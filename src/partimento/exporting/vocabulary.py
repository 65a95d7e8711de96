"""The vocabulary in a GGUF file: of a tokenizer, of a representation, or both in a row.

llama.cpp cuts text into words by rules that it knows by name, and then merges bytes as the tokenizer says. A tokenizer
whose rules it does not know is refused, since its words would come out wrong without anyone being told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from partimento.data.answers import exchange
from partimento.errors import BadRecipe
from partimento.exporting.stored import StoredModel
from partimento.representations import create

_NORMAL, _CONTROL, _USER_DEFINED, _UNUSED = 1, 3, 4, 5
_CONTRACTIONS, _LETTERS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)", r"[^\r\n\p{L}\p{N}]?\p{L}+"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_RULES = {
    (r"GPT2", False): "gpt-2",
    (r"Digits GPT2", False): "smollm",
    (rf"{_CONTRACTIONS}|{_LETTERS}|\p{{N}}{{1,3}}|{_REST}", True): "llama-bpe",
    (rf"{_CONTRACTIONS}|{_LETTERS}|\p{{N}}{{1,3}}|{_REST}", False): "smaug-bpe",
    (rf"{_CONTRACTIONS}|{_LETTERS}|\p{{N}}|{_REST}", False): "qwen2",
}
"""How words are cut, and whether whole words are looked up before merging ▶ llama.cpp's name for it."""
_LARGEST = 1 << 28
"""Bytes of a tokenizer.json; that of Llama 3 has 9 million."""


@dataclass(frozen=True)
class Words:
    """Tokens in the order of their ids."""

    tokens: tuple[str, ...]
    kinds: tuple[int, ...]
    merges: tuple[str, ...]
    rule: str
    special: Mapping[str, int]
    """Ids of bos, eos, pad and unk, as far as there are any."""
    begins: bool = False
    """Whether text begins with the bos token."""
    chat_template: str = ""

    def describe(self, writer: Any) -> None:
        """Into a GGUFWriter."""
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(self.rule)
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.kinds)
        writer.add_token_merges(self.merges)
        for role, index in self.special.items():
            getattr(writer, f"add_{role}_token_id")(index)
        writer.add_add_bos_token(self.begins)
        if self.chat_template:
            writer.add_chat_template(self.chat_template)

    @property
    def end(self) -> str:
        """The token that ends a text; empty where there is none."""
        return self.tokens[self.special["eos"]] if "eos" in self.special else ""


def words_of(stored: StoredModel) -> Words:
    """The vocabulary of a model folder, as long as its embedding.

    Raises:
        BadRecipe: there is none, it does not fit the model, or llama.cpp does not know how it cuts words.
    """
    size: int = stored.config["vocab_size"]
    if stored.has_tokenizer:
        words = _of_tokenizer(stored)
        if stored.music:
            words = _followed_by(_padded(words, stored.music["offset"]), stored)
    elif stored.writes_tokens:
        words = _of_representation(stored)
    else:
        raise BadRecipe(f"{stored.folder}: has neither tokenizer.json nor a representation of tokens")
    if len(words.tokens) > size:
        raise BadRecipe(f"{stored.folder}: {len(words.tokens)} tokens, and the model has {size}; copy it again")
    return _padded(words, size)


def _padded(words: Words, size: int) -> Words:
    """Embeddings are often longer than their vocabulary, to be divisible."""
    spare = tuple(f"[unused {index}]" for index in range(len(words.tokens), size))
    return replace(words, tokens=words.tokens + spare, kinds=words.kinds + (_UNUSED,) * len(spare))


# Music


def _names(stored: StoredModel) -> tuple[str, ...]:
    """A space behind each name parts them in what is printed, which `partimento decode` reads as .tokens."""
    return tuple(f"{name} " for name in create(**stored.representation).tokens)


def _of_representation(stored: StoredModel) -> Words:
    special = create(**stored.representation).special
    names = _names(stored)
    roles = {"bos": special.bos, "eos": special.eos, "pad": special.pad}
    return Words(names, (_USER_DEFINED,) * len(names), ("a b",), "gpt-2", roles)


def _followed_by(words: Words, stored: StoredModel) -> Words:
    """Text, then music, which ends what is written."""
    names, offset = _names(stored), len(words.tokens)
    roles = {**words.special, "eos": offset + create(**stored.representation).special.eos}
    return replace(
        words, tokens=(*words.tokens, *names), kinds=words.kinds + (_USER_DEFINED,) * len(names), special=roles
    )


# Text


def _of_tokenizer(stored: StoredModel) -> Words:
    path = stored.folder / "tokenizer.json"
    content = _read(path)
    model = content.get("model") or {}
    if model.get("type") != "BPE" or model.get("byte_fallback"):
        raise BadRecipe(f"{path}: is no byte-level BPE, the only kind of tokenizer that is exported")
    rule = _RULES.get((_cuts(path, content), bool(model.get("ignore_merges"))))
    if rule is None:
        raise BadRecipe(
            f"{path}: cuts words by rules that llama.cpp has no name for here; use those of GPT-2 or Llama 3"
        )
    tokens = {index: token for token, index in model["vocab"].items()}
    kinds = dict.fromkeys(tokens, _NORMAL)
    for added in content.get("added_tokens") or []:
        tokens[added["id"]] = added["content"]
        kinds[added["id"]] = _CONTROL if added["special"] else _USER_DEFINED
    if sorted(tokens) != list(range(len(tokens))):
        raise BadRecipe(f"{path}: its ids have gaps; copy the folder again")
    merges = tuple(m if isinstance(m, str) else " ".join(m) for m in model["merges"]) or ("a b",)
    order = range(len(tokens))
    words = Words(tuple(tokens[i] for i in order), tuple(kinds[i] for i in order), merges, rule, {})
    return _with_roles(words, stored.folder)


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"larger than {_LARGEST >> 20} MiB")
        content = json.loads(path.read_text("utf-8"))
        if not isinstance(content, dict):
            raise ValueError("no mapping")
    except (OSError, ValueError, RecursionError) as error:
        raise BadRecipe(f"{path}: is damaged ({str(error)[:100]}); copy the folder again") from error
    return content


def _cuts(path: Path, content: Mapping[str, Any]) -> str:
    """How a tokenizer cuts words: a regular expression, or `GPT2` where the library's own cuts."""
    normalizer = content.get("normalizer")
    if normalizer and normalizer.get("type") != "NFC":
        raise BadRecipe(
            f"{path}: changes the text before it cuts it ({normalizer.get('type')}), which llama.cpp does not"
        )
    before = content.get("pre_tokenizer") or {}
    steps = before.get("pretokenizers") or [before]
    said: list[str] = []
    for step in steps:
        match step:
            case {"type": "ByteLevel", "add_prefix_space": True}:
                raise BadRecipe(f"{path}: puts a space before the text, which llama.cpp does not")
            case {"type": "ByteLevel"}:
                said += ["GPT2"] if step.get("use_regex", True) else []
            case {"type": "Digits", "individual_digits": True}:
                said.append("Digits")
            case {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"}:
                said.append(pattern)
            case _:
                said.append(f"?{step.get('type')}")
    return " ".join(said)


def _with_roles(words: Words, folder: Path) -> Words:
    """The special tokens by their roles, as transformers reads them."""
    tokenizer = tokenizer_of(folder)
    template = tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else ""
    roles = {role: getattr(tokenizer, f"{role}_token_id") for role in ("bos", "eos", "pad", "unk")}
    found = {role: index for role, index in roles.items() if isinstance(index, int)}
    asked = exchange({"input": "a", "output": ""}, tokenizer).prompt
    begins = "bos" in found and asked.startswith(words.tokens[found["bos"]])
    return replace(words, special=found, begins=begins, chat_template=template)


def tokenizer_of(folder: Path) -> Any:
    """The tokenizer of a model folder, as transformers loads it.

    Raises:
        BadRecipe: there is none, or a damaged one.
    """
    from transformers import AutoTokenizer  # takes its time

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadRecipe(f"{folder}: the tokenizer cannot be read ({str(error)[:100]}); copy it again") from error
