"""Which models GGUF can hold, how their sizes are said there, and how their tensors are named and turned."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadRecipe
from partimento.exporting.stored import StoredModel

_LLAMA_LIKE = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
"""transformers' name ▶ llama.cpp's."""
_KNOWN = (*_LLAMA_LIKE, "gpt2")
_USUAL: dict[str, dict[str, Any]] = {
    "llama": {"mlp_bias": False},
    "mistral": {"sliding_window": None},
    "qwen2": {"use_sliding_window": False},
    "qwen3": {"use_sliding_window": False},
}
"""What llama.cpp takes for granted, beside SiLU."""
_UNFIT = "the weights do not fit config.json; copy both from the same model"
_SIZES = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
          "max_position_embeddings")  # fmt: skip
_GPT2_SIZES = ("vocab_size", "n_embd", "n_layer", "n_head", "n_positions")
_LEFT_OUT = (".attn.bias", ".attn.masked_bias", "rotary_emb.inv_freq")
"""Masks and tables that old checkpoints hold beside their weights."""


@dataclass(frozen=True)
class Architecture:
    """A model's sizes as llama.cpp knows them."""

    name: str
    config: dict[str, Any]
    says: Callable[[Any, Any], None]
    """Writes the sizes."""

    @property
    def context(self) -> int:
        """Longest sequence in tokens."""
        return self.config.get("max_position_embeddings") or self.config["n_positions"]

    @property
    def layers(self) -> int:
        """Number of blocks."""
        return self.config.get("num_hidden_layers") or self.config["n_layer"]

    @property
    def heads(self) -> int:
        """Heads of the queries."""
        return self.config.get("num_attention_heads") or self.config["n_head"]

    def describe(self, writer: Any) -> None:
        """The sizes, into a GGUFWriter."""
        writer.add_context_length(self.context)
        writer.add_block_count(self.layers)
        writer.add_head_count(self.heads)
        writer.add_vocab_size(self.config["vocab_size"])
        self.says(self, writer)

    def plan(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Name and shape that each tensor gets.

        Raises:
            BadRecipe: one is unknown to llama.cpp, or a usual one is missing.
        """
        if self.layers > len(shapes):
            raise BadRecipe(_UNFIT)
        plan = {name: (self._renamed(name), self._shape(name, shape)) for name, shape in shapes.items()}
        plan = {name: place for name, place in plan.items() if not self._is_left_out(name)}
        names = [name for name, _ in plan.values()]
        if not {"token_embd.weight", f"blk.{self.layers - 1}.ffn_up.weight"} <= {*names}:
            raise BadRecipe(_UNFIT)
        return plan

    def _is_left_out(self, name: str) -> bool:
        return name.endswith(_LEFT_OUT) or (name == "lm_head.weight" and bool(self.config.get("tie_word_embeddings")))

    def _renamed(self, name: str) -> str:
        if self._is_left_out(name):
            return ""
        full = name if self.name != "gpt2" or name.startswith(("transformer.", "lm_head")) else f"transformer.{name}"
        found = self._names.get_name(full, try_suffixes=(".weight", ".bias"))
        if found is None:
            raise BadRecipe(f"GGUF has no place for the tensor {name}; only plain {', '.join(_KNOWN)} models are held")
        return found

    @cached_property
    def _names(self) -> Any:
        import gguf

        arch = {value: key for key, value in gguf.MODEL_ARCH_NAMES.items()}[self.name]
        return gguf.get_tensor_name_map(arch, self.layers)

    def _is_transposed(self, name: str) -> bool:
        return self.name == "gpt2" and name.endswith((".c_attn.weight", ".c_proj.weight", ".c_fc.weight"))

    def _shape(self, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[::-1] if self._is_transposed(name) else shape

    def turned(self, name: str, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        """A tensor in llama.cpp's order."""
        if self._is_transposed(name):
            return tensor.T
        if self.name == "llama" and ".self_attn.q_proj." in name:
            return paired(tensor, self.heads)
        if self.name == "llama" and ".self_attn.k_proj." in name:
            return paired(tensor, int(self.config.get("num_key_value_heads") or self.heads))
        return tensor

    def extra_tensors(self) -> dict[str, NDArray[np.float32]]:
        """What transformers computes from config.json and llama.cpp reads: Llama 3's stretched rotations."""
        rope = _rope(self.config)
        return {"rope_freqs.weight": _stretched(rope, _head_width(self.config))} if _is_llama3(rope) else {}


def architecture_of(stored: StoredModel) -> Architecture:
    """The architecture of a model folder.

    Raises:
        BadRecipe: GGUF cannot hold it, or config.json lacks a size.
    """
    where, config = stored.folder / "config.json", stored.config
    kind = str(config.get("model_type"))
    if kind not in _KNOWN:
        raise BadRecipe(f"{where}: GGUF cannot hold {kind} models; it holds {', '.join(_KNOWN)}")
    try:
        _check_sizes(config, _GPT2_SIZES if kind == "gpt2" else _SIZES)
        if kind == "gpt2":
            _only(config, {"activation_function": "gelu_new", "scale_attn_weights": True,
                           "scale_attn_by_inverse_layer_idx": False, "add_cross_attention": False})  # fmt: skip
            return Architecture("gpt2", config, _say_gpt2)
        _only(config, {"hidden_act": "silu", **_USUAL[kind]})
        _say_rope(_rope(config), None)
        return Architecture(_LLAMA_LIKE[kind], config, _say_llama)
    except KeyError as error:
        raise BadRecipe(f"{where}: {error.args[0]} is missing; copy the folder again") from error
    except ValueError as error:
        raise BadRecipe(f"{where}: {error}") from error


def _only(config: Mapping[str, Any], usual: Mapping[str, Any]) -> None:
    for name, value in usual.items():
        if config.get(name, value) != value:
            raise ValueError(f"{name} is {config[name]!r}; GGUF holds this architecture with {value!r} only")


def _check_sizes(config: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if not isinstance(config.get(name), int) or not 1 <= config[name] <= 1 << 30:
            raise ValueError(f"{name} is {config.get(name)!r}; copy the folder again")


def _say_llama(architecture: Architecture, writer: Any) -> None:
    config, width = architecture.config, _head_width(architecture.config)
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count_kv(config.get("num_key_value_heads") or architecture.heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_key_length(width)
    writer.add_value_length(width)
    writer.add_rope_dimension_count(width)
    _say_rope(_rope(config), writer)


def _say_gpt2(architecture: Architecture, writer: Any) -> None:
    config = architecture.config
    writer.add_embedding_length(config["n_embd"])
    writer.add_feed_forward_length(config.get("n_inner") or 4 * config["n_embd"])
    writer.add_layer_norm_eps(config.get("layer_norm_epsilon", 1e-5))


def paired(tensor: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows of each head, first half and second half interleaved; shape (heads · width, …) stays."""
    halves = tensor.reshape(heads, 2, len(tensor) // heads // 2, *tensor.shape[1:])
    return halves.swapaxes(1, 2).reshape(tensor.shape)


# Rotary positions


def _head_width(config: Mapping[str, Any]) -> int:
    return int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])


def _rope(config: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of the rotation; transformers 5 keeps the base among them, 4 beside them."""
    rope = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
    rope.setdefault("rope_theta", config.get("rope_theta", 10_000.0))
    rope["rope_type"] = rope.get("rope_type", rope.get("type", "default"))
    return rope


def _is_llama3(rope: Mapping[str, Any]) -> bool:
    return rope["rope_type"] == "llama3"


def _say_rope(rope: Mapping[str, Any], writer: Any) -> None:
    """The rotation, checked; written where there is a writer."""
    if rope["rope_type"] not in ("default", "linear", "llama3"):
        raise ValueError(f"rope_type {rope['rope_type']!r} is not known here; default, linear and llama3 are")
    if writer is None:
        return
    writer.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] == "linear":
        import gguf

        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])


def _stretched(rope: Mapping[str, Any], width: int) -> NDArray[np.float32]:
    """By what each frequency is divided in Llama 3.1 and later, shape (width / 2,).

    Wavelengths below `original_max_position_embeddings / high_freq_factor` stay, those above `… / low_freq_factor` are
    stretched by `factor`, and those between by an even mixture of both frequencies.
    """
    factor, low, high = (float(rope[name]) for name in ("factor", "low_freq_factor", "high_freq_factor"))
    original = float(rope["original_max_position_embeddings"])
    frequencies = float(rope["rope_theta"]) ** -(np.arange(0, width, 2, dtype=np.float64) / width)
    turns = original * frequencies / (2 * math.pi)
    share = np.clip((turns - low) / (high - low), 0, 1)
    return (1 / ((1 - share) / factor + share)).astype(np.float32)
