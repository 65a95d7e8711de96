"""Models of the real classes, small, with random weights, as folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from partimento.representations import create

LLAMA3_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
    r"\s+(?!\S)|\s+"
)
CHAT = (
    "{{ bos_token }}{% for m in messages %}<|start|>{{ m['role'] }}\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
_SIZES: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128},
    **{
        kind: {
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "intermediate_size": 64,
            "head_dim": 8,
            "max_position_embeddings": 128,
        }
        for kind in ("llama", "mistral", "qwen2", "qwen3")
    },
    "llama3": {},
    "linear": {},
}
_SIZES["llama3"] = _SIZES["llama"] | {
    "rope_parameters": {
        "rope_type": "llama3",
        "rope_theta": 500.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32,
    }
}
_SIZES["linear"] = _SIZES["llama"] | {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0}}
ARCHITECTURES = tuple(_SIZES)
Make = Callable[..., Path]


def random_model(kind: str, vocab_size: int, **changes: Any) -> Any:
    """A model whose norms and biases are random, too."""
    sizes = {"mistral": {"sliding_window": None}}.get(kind, {})
    model_type = "llama" if kind in ("llama3", "linear") else kind
    config = AutoConfig.for_model(
        model_type, vocab_size=vocab_size, bos_token_id=1, eos_token_id=2, **_SIZES[kind] | sizes | changes
    )
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = AutoModelForCausalLM.from_config(config).float().eval()
        for parameter in model.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def text_tokenizer(words: str = "GPT2", chat: str | None = CHAT) -> PreTrainedTokenizerFast:
    """A small byte-pair encoding of YAML."""
    bpe = Tokenizer(models.BPE(ignore_merges=words == "llama3"))
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=words == "GPT2")
    split = pre_tokenizers.Split(Regex(LLAMA3_WORDS), "isolated")
    bpe.pre_tokenizer = level if words == "GPT2" else pre_tokenizers.Sequence([split, level])
    bpe.decoder = decoders.ByteLevel()
    specials = ["<|pad|>", "<|begin|>", "<|end|>", "<|start|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=340,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(
        ["- a00_note:\n    pitch:\n      step: C\n      octave: '4'\n    duration: '24'\n"] * 9, trainer
    )
    bpe.add_tokens([AddedToken("key of ", normalized=False)])
    roles = {"pad_token": "<|pad|>", "bos_token": "<|begin|>", "eos_token": "<|end|>"}
    return PreTrainedTokenizerFast(tokenizer_object=bpe, chat_template=chat, **roles)


@pytest.fixture(scope="session")
def music_model(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a folder of a model over the tokens of `performance`."""

    def make(kind: str = "llama", dtype: torch.dtype = torch.float32, **changes: Any) -> Path:
        folder = tmp_path_factory.mktemp(kind) / "music"
        representation = create("performance")
        model = random_model(kind, len(representation.tokens), **changes)
        model.to(dtype).save_pretrained(folder)
        described = {"representation": {"name": "performance", **representation.config}}
        (folder / "representation.json").write_text(json.dumps(described))
        licences = {"tunes": "CC0-1.0", "base": 'the "Community" Licence'}
        (folder / "provenance.json").write_text(json.dumps({"data": {"licences": licences}}))
        return folder

    return make


@pytest.fixture(scope="session")
def text_model(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a folder of a language model with its tokenizer, a few rows of its embedding spare."""

    def make(kind: str = "llama", words: str = "GPT2", chat: str | None = CHAT, **changes: Any) -> Path:
        folder = tmp_path_factory.mktemp(kind) / "text"
        tokenizer = text_tokenizer(words, chat)
        random_model(kind, len(tokenizer) + 3, **changes).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        described = {"representation": {"name": "chord_llama", "style": "block"}}
        (folder / "representation.json").write_text(json.dumps(described))
        return folder

    return make


@pytest.fixture(scope="session")
def extended_model(text_model: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a language model whose vocabulary has the tokens of `performance` besides, not folded."""
    from partimento.models import Vocabulary
    from partimento.models.folder import save_model_folder
    from partimento.models.llm import LlmConfig, build

    base, representation = text_model(), create("performance")
    vocabulary = Vocabulary(len(representation.tokens), representation.special)
    model = build(LlmConfig(base=str(base), context=100), vocabulary, 3)
    return save_model_folder(
        tmp_path_factory.mktemp("extended") / "both",
        model,
        representation={"name": "performance", **representation.config},
        recipe={"model": {"family": "llm"}},
        provenance={},
        card="",
        also=[text_tokenizer().save_pretrained],
    )
