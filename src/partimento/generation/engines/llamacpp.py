"""Models as GGUF files, run by llama.cpp (extra `llamacpp`): the fastest on CPUs, and the way to run quantised weights.

The file says everything itself: sizes, vocabulary, and, where `partimento export` wrote it, the representation.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadRecipe
from partimento.generation.engines.base import Condition, refuse_condition

SUFFIX = ".gguf"
_REPRESENTATION = "partimento.representation"
_MOST_AT_ONCE = 512
"""Tokens in a batch."""
_LONGEST_TEXT = 1 << 20


class LlamaCppEngine:
    """A GGUF file. Its sessions share one cache: the one that is fed last has it, others are read again."""

    condition: Literal[None, "text", "tokens"] = None

    def __init__(self, path: Path, *, context: int | None = None, threads: int | None = None) -> None:
        """Load a file.

        Args:
            path: GGUF file.
            context: longest sequence in tokens; by default what the model was made for.
            threads: CPU threads; OMP_NUM_THREADS or all cores by default. Equal output needs an equal number.

        Raises:
            BadRecipe: it is missing or damaged, or llama-cpp-python is not installed.
        """
        _check(path)
        self._cpp, self._log = _llama_cpp()
        cpp = self._cpp
        options = cpp.llama_model_default_params()
        options.n_gpu_layers = 0
        self._model: Any = cpp.llama_model_load_from_file(str(path).encode(), options)
        if not self._model:
            raise BadRecipe(f"{path}: llama.cpp cannot load it ({self._log.last}); export it again")
        self.path = path
        self.vocab: Any = cpp.llama_model_get_vocab(self._model)
        """llama.cpp's pointer to the vocabulary."""
        self.vocabulary_size: int = cpp.llama_vocab_n_tokens(self.vocab)
        self.context: int = context or cpp.llama_model_n_ctx_train(self._model)
        self._context = self._new_context(threads or int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
        self._owner: LlamaCppSession | None = None

    def _new_context(self, threads: int) -> Any:
        options = self._cpp.llama_context_default_params()
        options.n_ctx, options.n_batch, options.n_ubatch = self.context, _MOST_AT_ONCE, _MOST_AT_ONCE
        options.n_threads = options.n_threads_batch = threads
        if self.said("general.file_type") == "0":  # unquantised: let nothing be rounded
            options.type_k = options.type_v = self._cpp.GGML_TYPE_F32
        options.flash_attn_type = self._cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        context = self._cpp.llama_init_from_model(self._model, options)
        if not context:
            raise BadRecipe(f"{self.path}: llama.cpp has no room for {self.context} tokens ({self._log.last})")
        return context

    def close(self) -> None:
        """Free what llama.cpp holds; the engine cannot be used afterwards."""
        if getattr(self, "_context", None):
            self._cpp.llama_free(self._context)
            self._context = None
        if getattr(self, "_model", None):
            self._cpp.llama_model_free(self._model)
            self._model = None

    def __del__(self) -> None:
        self.close()

    @property
    def representation(self) -> dict[str, Any]:
        """Name and options of the representation.

        Raises:
            BadRecipe: the file names none.
        """
        try:
            content = json.loads(self.said(_REPRESENTATION))
            if not isinstance(content, dict) or not isinstance(content.get("name"), str):
                raise ValueError
        except ValueError as error:
            raise BadRecipe(f"{self.path}: names no representation; write it with partimento export") from error
        return content

    def said(self, key: str) -> str:
        """What stands in the file under a key, as text; empty where nothing does."""
        buffer = ctypes.create_string_buffer(_LONGEST_TEXT)
        self._cpp.llama_model_meta_val_str(self._model, key.encode(), buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")

    def session(self, condition: Condition | None = None) -> LlamaCppSession:
        """Begin a sequence.

        Raises:
            BadRecipe: a condition is given, and such models read none.
        """
        refuse_condition(condition, self.condition)
        return LlamaCppSession(self)

    def read(self, session: LlamaCppSession, batches: Sequence[Sequence[int]], whole: Sequence[Sequence[int]]) -> Any:
        """Logits after the last of new batches; all batches of the session are read where another had the cache."""
        if self._owner is not session:
            self._cpp.llama_memory_clear(self._cpp.llama_get_memory(self._context), True)
            self._owner, batches = session, whole
        for tokens in batches:
            array = (ctypes.c_int32 * len(tokens))(*tokens)
            if status := self._cpp.llama_decode(self._context, self._cpp.llama_batch_get_one(array, len(tokens))):
                self._owner = None
                raise RuntimeError(f"llama.cpp stops with status {status} ({self._log.last})")
        logits = self._cpp.llama_get_logits_ith(self._context, -1)
        return np.ctypeslib.as_array(logits, (self.vocabulary_size,)).copy()


class LlamaCppSession:
    """A sequence, which remembers how it was fed, so that reading it again gives the same numbers."""

    def __init__(self, engine: LlamaCppEngine) -> None:
        self._engine = engine
        self._batches: list[list[int]] = []
        self._length = 0

    def feed(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Append tokens; logits of what may follow the last of them, shape (vocabulary,).

        Raises:
            ValueError: there are none, one is unknown, or the sequence grows past the context.
        """
        ids = [int(token) for token in tokens]
        if not ids or not all(0 <= token < self._engine.vocabulary_size for token in ids):
            raise ValueError(f"tokens {ids[:8]}: at least one, each below {self._engine.vocabulary_size}")
        if self._length + len(ids) > self._engine.context:
            raise ValueError(f"{self._length + len(ids)} tokens, and the context holds {self._engine.context}")
        new = [ids[start : start + _MOST_AT_ONCE] for start in range(0, len(ids), _MOST_AT_ONCE)]
        self._batches += new
        self._length += len(ids)
        return self._engine.read(self, new, self._batches)


class _Log:
    """Keeps the last complaint of llama.cpp instead of printing all it says."""

    def __init__(self, cpp: Any) -> None:
        self.last = "it says nothing"
        self._errors = (3, 4)  # GGML_LOG_LEVEL_WARN, _ERROR
        self._keep = cpp.llama_log_callback(self._take)
        cpp.llama_log_set(self._keep, ctypes.c_void_p(0))

    def _take(self, level: int, text: bytes, _: Any) -> None:
        said = " ".join(text.decode("utf-8", "replace").split())
        if level in self._errors and said:
            self.last = said[:200]


_loaded: list[tuple[Any, _Log]] = []


def llama_cpp() -> Any:
    """The library, silent.

    Raises:
        BadRecipe: it is not installed.
    """
    return _llama_cpp()[0]


def _llama_cpp() -> tuple[Any, _Log]:
    if not _loaded:
        try:
            library: Any = importlib.import_module("llama_cpp")  # not everyone has it
        except ImportError as error:
            raise BadRecipe("GGUF files need llama-cpp-python: pip install 'partimento[llamacpp]'") from error
        log = _Log(library)
        library.llama_backend_init()
        _loaded.append((library, log))
    return _loaded[0]


def _check(path: Path) -> None:
    """Refuse what is no GGUF file, before llama.cpp sees it."""
    try:
        with path.open("rb") as file:
            is_gguf = file.read(4) == b"GGUF"
    except OSError as error:
        raise BadRecipe(f"{path}: {(error.strerror or 'cannot be read').lower()}") from error
    if not is_gguf:
        raise BadRecipe(f"{path}: is no GGUF file")
