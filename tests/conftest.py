"""Settings for all tests, and real music where there is some.

The variable PARTIMENTO_DATA names a folder with a corpus of music files. Without it, tests that ask for
the `corpus` fixture are skipped.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# Two workers share two cores; torch would start as many threads in each of them.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is slow, not wrong. In CI the examples are the same each time: what chance finds, it finds elsewhere.
settings.register_profile("partimento", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("partimento")


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real music that PARTIMENTO_DATA names."""
    folder = os.environ.get("PARTIMENTO_DATA")
    if not folder:
        pytest.skip("PARTIMENTO_DATA names no corpus")
    return Path(folder)


CHAT = (
    "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
"""A chat template of the usual kind."""


@pytest.fixture(scope="session")
def language_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes folders of tiny language models with random weights and a tokenizer, as the hub has them."""
    made = dict[tuple[object, ...], Path]()

    def make(kind: str = "llama", *, chat: bool = False, context: int = 512, vocabulary: int = 320) -> Path:
        key = (kind, chat, context, vocabulary)
        if key not in made:
            folder = tmp_path_factory.mktemp("language_models") / kind
            made[key] = _language_model(folder, kind, CHAT if chat else None, context, vocabulary)
        return made[key]

    return make


def _language_model(folder: Path, kind: str, template: str | None, context: int, vocabulary: int) -> Path:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    tokenizer = _tokenizer(vocabulary)
    tokenizer.chat_template = template
    sizes = {"vocab_size": len(tokenizer), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    if kind == "gpt2":
        sizes |= {"n_positions": context}
    else:
        sizes |= {"num_key_value_heads": 2, "intermediate_size": 48, "head_dim": 8, "max_position_embeddings": context}
    if kind == "llama":
        wide = {"factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
        wide |= {"rope_type": "llama3", "rope_theta": 5e5, "original_max_position_embeddings": context // 2}
        sizes |= {"rope_parameters": wide, "tie_word_embeddings": True}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **sizes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer(size: int):
    """Byte-level BPE over captions, ABC and YAML."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    texts = [
        "You are a world-class composer. Please compose some music according to the following description: ",
        "A lively jig in D major for flute and guitar, 16 bars. A slow waltz for piano in G minor.",
        "X:1\nT:A reel\nM:2/4\nL:1/8\nK:D\nd2 fd | g2 ed | c2 A2 | d4 |]\n",
        "- a00_note:\n    pitch: {step: B, octave: '4'}\n    duration: '2'\n    type: quarter\n",
    ]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=size, special_tokens=["<|begin|>", "<|end|>"], show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )  # fmt: skip
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|begin|>", eos_token="<|end|>")
