"""Engines: prompts in, logits out. They know nothing of music; the grammar drives them.

`load_engine` picks the one for a model folder; `ENGINES` lists those that go through transformers.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

from partimento.errors import BadRecipe
from partimento.generation.engines.base import Batch, Batches, Condition, Engine, OneByOne, Session
from partimento.generation.engines.decoders import is_usual
from partimento.generation.engines.llamacpp import SUFFIX, LlamaCppEngine
from partimento.generation.engines.torch_engine import TorchEngine
from partimento.models.foreign import is_foreign, representation_in

__all__ = [
    "ENGINES", "Batch", "Batches", "Condition", "Engine", "LlamaCppEngine", "OneByOne", "Session", "TorchEngine",
    "load_engine",
]  # fmt: skip

_TRANSFORMERS = "partimento.generation.engines.transformers_engine"
_CONDITIONAL = "partimento.generation.engines.conditional"
ENGINES = {
    "tokens": (_TRANSFORMERS, "TransformersEngine"),
    "pairs": (_CONDITIONAL, "EncoderDecoderEngine"),
    "text+tokens": (_CONDITIONAL, "TextPrefixEngine"),
    "text": ("partimento.generation.engines.language_model", "LanguageModelEngine"),
}
"""Module and class for models by what their family reads; it takes a `LoadedModel`."""


def load_engine(folder: Path) -> Engine:
    """An engine for a model: the built-in one for plain Llamas and GPT-2s, since it starts fast, else transformers.

    Args:
        folder: model folder, or a GGUF file, which llama.cpp runs.

    Raises:
        BadRecipe: it is no model folder, a damaged one, or one that nothing here can run.
    """
    if folder.suffix == SUFFIX:
        return LlamaCppEngine(folder)
    if _is_plain(folder):
        return TorchEngine.load(folder)
    from partimento.models.folder import load_model_folder  # takes seconds to import

    loaded = load_model_folder(folder)
    if loaded.family.reads not in ENGINES:
        raise BadRecipe(f"{folder}: models that read {loaded.family.reads} cannot be run here")
    module, name = ENGINES[loaded.family.reads]
    return getattr(importlib.import_module(module), name)(loaded)


def _is_plain(folder: Path) -> bool:
    """Whether the built-in engine can run a folder; where that cannot be said, the whole reading says why."""
    try:
        config, described = _json(folder / "config.json"), representation_in(folder)
    except (OSError, ValueError, RecursionError, BadRecipe):
        return False
    return (
        is_usual(config)
        and config.get("vocab_size") == described.get("vocabulary_size")
        and not (folder / "adapter_config.json").exists()
        and ((folder / "model.safetensors").is_file() or not is_foreign(folder))  # else in several files
        and "music" not in config  # a language model reads text, too
    )


def _json(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text("utf-8"))
    if not isinstance(content, dict):
        raise ValueError("not a mapping of names to values")
    return content
