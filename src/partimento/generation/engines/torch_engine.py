"""The built-in engine: a decode loop for the Llama architecture with a preallocated key-value cache, batch of one.

It reads a model folder's config.json and safetensors itself, which spares a cold start the import of transformers;
that its logits equal those of `LlamaForCausalLM` is a test.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import linear, rms_norm, scaled_dot_product_attention, silu

from partimento.errors import BadRecipe
from partimento.generation.engines.base import Condition, refuse_condition


class TorchEngine:
    """A decoder-only transformer (Llama architecture) in fp32 on the CPU."""

    condition: Literal[None, "text", "tokens"] = None

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
        """Shapes as in transformers' LlamaConfig; weights under LlamaForCausalLM's names.

        Raises:
            BadRecipe: a weight is missing or the architecture is another.
        """
        if config.get("model_type") != "llama":
            raise BadRecipe(f"this engine runs the Llama architecture, not {config.get('model_type')!r}")
        self.vocabulary_size: int = config["vocab_size"]
        self.context: int = config["max_position_embeddings"]
        self._heads: int = config["num_attention_heads"]
        self._kv_heads: int = config["num_key_value_heads"]
        self._width: int = config.get("head_dim") or config["hidden_size"] // self._heads
        self._epsilon: float = config["rms_norm_eps"]
        try:
            self._embedding = weights["model.embed_tokens.weight"].float()
            self._final_norm = weights["model.norm.weight"].float()
            self._layers = [_layer(weights, index) for index in range(config["num_hidden_layers"])]
        except KeyError as error:
            raise BadRecipe(f"model weights lack {error.args[0]}") from error
        head = weights.get("lm_head.weight")
        self._head = self._embedding if head is None else head.float()
        self._cos_TD, self._sin_TD = _rotations(self.context, self._width, _rope_theta(config))

    @classmethod
    def load(cls, folder: Path) -> TorchEngine:
        """Read a model folder.

        Raises:
            BadRecipe: it is no model folder, or a damaged one.
        """
        try:
            config = json.loads((folder / "config.json").read_text("utf-8"))
            weights = load_file(folder / "model.safetensors")
        except (OSError, ValueError, SafetensorError) as error:
            raise BadRecipe(f"{folder}: no model folder ({_reason(error)})") from error
        return cls(config, weights)

    def session(self, condition: Condition | None = None) -> TorchSession:
        """Begin a sequence.

        Raises:
            BadRecipe: a condition is given, and the model reads none.
        """
        refuse_condition(condition, self.condition)
        return TorchSession(self)

    @torch.inference_mode()
    def forward(self, tokens: Sequence[int], cache: list[tuple[Tensor, Tensor]], start: int) -> Tensor:
        """Logits after the last of T tokens at positions `start` …, shape (vocabulary,); the cache is filled in."""
        end = start + len(tokens)
        x_TC = self._embedding[torch.tensor(tokens)]
        cos_TD, sin_TD = self._cos_TD[start:end], self._sin_TD[start:end]
        mask_TS = torch.ones(len(tokens), end, dtype=torch.bool).tril(start) if len(tokens) > 1 else None
        for layer, (keys_HSD, values_HSD) in zip(self._layers, cache, strict=True):
            h_TC = rms_norm(x_TC, x_TC.shape[-1:], layer["input_layernorm"], self._epsilon)
            q_HTD, k_HTD, v_HTD = (self._split(linear(h_TC, layer[name])) for name in ("q_proj", "k_proj", "v_proj"))
            keys_HSD[:, start:end], values_HSD[:, start:end] = _rotated(k_HTD, cos_TD, sin_TD), v_HTD
            attended_HTD = scaled_dot_product_attention(
                _rotated(q_HTD, cos_TD, sin_TD)[None], keys_HSD[None, :, :end], values_HSD[None, :, :end], mask_TS,
                enable_gqa=self._heads != self._kv_heads,
            )[0]  # fmt: skip
            x_TC = x_TC + linear(attended_HTD.transpose(0, 1).flatten(1), layer["o_proj"])
            h_TC = rms_norm(x_TC, x_TC.shape[-1:], layer["post_attention_layernorm"], self._epsilon)
            x_TC = x_TC + linear(
                silu(linear(h_TC, layer["gate_proj"])) * linear(h_TC, layer["up_proj"]), layer["down_proj"]
            )
        last_C = rms_norm(x_TC[-1], x_TC.shape[-1:], self._final_norm, self._epsilon)
        return linear(last_C, self._head)

    def empty_cache(self) -> list[tuple[Tensor, Tensor]]:
        """Keys and values of every layer for a whole context, shape (kv heads, context, head width) each."""
        shape = (self._kv_heads, self.context, self._width)
        return [(torch.zeros(shape), torch.zeros(shape)) for _ in self._layers]

    def _split(self, x_TC: Tensor) -> Tensor:
        return x_TC.view(len(x_TC), -1, self._width).transpose(0, 1)


class TorchSession:
    """A sequence with its cache."""

    def __init__(self, engine: TorchEngine) -> None:
        self._engine = engine
        self._cache = engine.empty_cache()
        self._length = 0

    def feed(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Append tokens; logits of what may follow.

        Raises:
            ValueError: the sequence grows past the context.
        """
        if self._length + len(tokens) > self._engine.context:
            raise ValueError(f"{self._length + len(tokens)} tokens, and the context holds {self._engine.context}")
        logits = self._engine.forward(tokens, self._cache, self._length)
        self._length += len(tokens)
        return logits.numpy()


def _layer(weights: Mapping[str, Tensor], index: int) -> dict[str, Tensor]:
    names = {
        "input_layernorm": "input_layernorm", "post_attention_layernorm": "post_attention_layernorm",
        **{name: f"self_attn.{name}" for name in ("q_proj", "k_proj", "v_proj", "o_proj")},
        **{name: f"mlp.{name}" for name in ("gate_proj", "up_proj", "down_proj")},
    }  # fmt: skip
    return {short: weights[f"model.layers.{index}.{full}.weight"].float() for short, full in names.items()}


def _rope_theta(config: Mapping[str, Any]) -> float:
    """Base of the rotary embedding; transformers 5 keeps it under rope_parameters."""
    parameters = config.get("rope_parameters") or {}
    return float(parameters.get("rope_theta", config.get("rope_theta", 10000.0)))


def _rotations(context: int, width: int, theta: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines of rotary position embeddings (Su et al., arXiv:2104.09864), shape (context, width)."""
    frequencies = theta ** -(torch.arange(0, width, 2, dtype=torch.float32) / width)
    angles = torch.outer(torch.arange(context, dtype=torch.float32), frequencies).repeat(1, 2)
    return angles.cos(), angles.sin()


def _rotated(x_HTD: Tensor, cos_TD: Tensor, sin_TD: Tensor) -> Tensor:
    first, second = x_HTD.chunk(2, dim=-1)
    return x_HTD * cos_TD + torch.cat([-second, first], dim=-1) * sin_TD


def _reason(error: Exception) -> str:
    return error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
