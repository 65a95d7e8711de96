"""Decoder-only transformers as the built-in engine runs them: Llama and GPT-2, with their weights joined and arranged.

Both are an embedding, blocks that turn rows into queries, keys and values and take what was attended to, a last norm
and a head. Names and shapes of weights are those of transformers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import layer_norm, rms_norm, silu

from partimento.errors import BadRecipe
from partimento.generation.engines.linear import Linear, Precision


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes that the cache and attention need."""

    vocabulary: int
    context: int
    heads: int
    kv_heads: int
    width: int
    """Of a head."""


class Block(Protocol):
    """One layer."""

    def heads(self, x_NC: Tensor, turns: Tensor | None) -> Tensor:
        """Scaled queries, keys and values, shape (N, heads + 2 kv heads, width); `turns` as `Decoder.turns` gives."""
        ...

    def rest(self, x_NC: Tensor, attended_NC: Tensor) -> Tensor:
        """What goes to the next layer."""
        ...


class Decoder(Protocol):
    """A model without its cache."""

    shape: Shape
    head: Tensor
    """Weights of the output layer, shape (vocabulary, channels)."""

    @property
    def blocks(self) -> Sequence[Block]:
        """The layers in order."""
        ...

    def embed(self, tokens_N: Tensor, positions_N: Tensor) -> Tensor:
        """What goes into the first layer, shape (N, channels)."""
        ...

    def turns(self, positions_N: Tensor) -> Tensor | None:
        """What all layers turn their heads by at these positions; None where positions are embedded."""
        ...

    def last(self, x_NC: Tensor) -> Tensor:
        """What goes into the output layer."""
        ...


class Llama:
    """RMSNorm, rotary positions, grouped queries, SwiGLU (Touvron et al., arXiv:2302.13971)."""

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Tensor], precision: Precision) -> None:
        """Shapes as in transformers' LlamaConfig; weights under LlamaForCausalLM's names."""
        heads = config["num_attention_heads"]
        self.shape = Shape(
            config["vocab_size"], config["max_position_embeddings"], heads,
            config.get("num_key_value_heads") or heads, config.get("head_dim") or config["hidden_size"] // heads,
        )  # fmt: skip
        self._epsilon: float = config["rms_norm_eps"]
        self._embedding = weights["model.embed_tokens.weight"].float()
        self._norm = weights["model.norm.weight"].float()
        self.head = weights.get("lm_head.weight", self._embedding)
        self._turns = _rotations(self.shape, _rope_theta(config))
        self.blocks = [
            _LlamaBlock(_of_layer(weights, f"model.layers.{index}."), self.shape, self._epsilon, precision)
            for index in range(config["num_hidden_layers"])
        ]

    def embed(self, tokens_N: Tensor, positions_N: Tensor) -> Tensor:
        """Embeddings of tokens."""
        return self._embedding[tokens_N]

    def turns(self, positions_N: Tensor) -> Tensor:
        """Complex numbers, shape (N, heads + 2 kv heads, width / 2); values stay as they are."""
        heads, kv_heads = self.shape.heads, self.shape.kv_heads
        turns = torch.ones(len(positions_N), heads + 2 * kv_heads, self.shape.width // 2, dtype=torch.complex64)
        turns[:, : heads + kv_heads] = self._turns[positions_N, None]
        return turns

    def last(self, x_NC: Tensor) -> Tensor:
        """The last norm."""
        return rms_norm(x_NC, x_NC.shape[-1:], self._norm, self._epsilon)


class _LlamaBlock:
    def __init__(self, weights: Mapping[str, Tensor], shape: Shape, epsilon: float, precision: Precision) -> None:
        self._epsilon, self._width = epsilon, shape.width
        self._before, self._between = (
            weights[f"{name}.weight"].float() for name in ("input_layernorm", "post_attention_layernorm")
        )
        q, k, v = (weights[f"self_attn.{name}_proj.weight"].float() for name in "qkv")
        q, k = _by_pairs(q, shape.width), _by_pairs(k, shape.width)
        self._qkv = Linear(torch.cat([q * shape.width**-0.5, k, v]), None, precision)
        self._out = Linear(weights["self_attn.o_proj.weight"], None, precision)
        gate, up = weights["mlp.gate_proj.weight"], weights["mlp.up_proj.weight"]
        self._gate_up = Linear(torch.cat([gate, up]), None, precision)
        self._down = Linear(weights["mlp.down_proj.weight"], None, precision)

    def heads(self, x_NC: Tensor, turns: Tensor | None) -> Tensor:
        qkv = self._qkv(rms_norm(x_NC, x_NC.shape[-1:], self._before, self._epsilon))
        assert turns is not None
        turned = torch.view_as_complex(qkv.view(*turns.shape, 2)) * turns
        return torch.view_as_real(turned).view(x_NC.shape[0], -1, self._width)

    def rest(self, x_NC: Tensor, attended_NC: Tensor) -> Tensor:
        x_NC = self._out.plus(attended_NC, x_NC)
        gate, up = self._gate_up(rms_norm(x_NC, x_NC.shape[-1:], self._between, self._epsilon)).chunk(2, -1)
        return self._down.plus(silu(gate).mul_(up), x_NC)


class GPT2:
    """Layer norm before each block, GELU, learned positions (Radford et al. 2019)."""

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Tensor], precision: Precision) -> None:
        """Shapes as in transformers' GPT2Config; weights under GPT2LMHeadModel's names."""
        channels, heads = config["n_embd"], config["n_head"]
        self.shape = Shape(config["vocab_size"], config["n_positions"], heads, heads, channels // heads)
        self._epsilon: float = config.get("layer_norm_epsilon", 1e-5)
        self._embedding = weights["transformer.wte.weight"].float()
        self._places = weights["transformer.wpe.weight"].float()
        self._norm = _weight_and_bias(weights, "transformer.ln_f")
        self.head = weights.get("lm_head.weight", self._embedding)
        self.blocks = [
            _Gpt2Block(_of_layer(weights, f"transformer.h.{index}."), self.shape, self._epsilon, precision)
            for index in range(config["n_layer"])
        ]

    def embed(self, tokens_N: Tensor, positions_N: Tensor) -> Tensor:
        """Embeddings of tokens and of their positions."""
        return self._embedding[tokens_N] + self._places[positions_N]

    def turns(self, positions_N: Tensor) -> None:
        """Nothing: positions are embedded."""

    def last(self, x_NC: Tensor) -> Tensor:
        """The last norm."""
        return layer_norm(x_NC, x_NC.shape[-1:], *self._norm, self._epsilon)


class _Gpt2Block:
    def __init__(self, weights: Mapping[str, Tensor], shape: Shape, epsilon: float, precision: Precision) -> None:
        self._epsilon, self._width = epsilon, shape.width
        self._before, self._between = (_weight_and_bias(weights, name) for name in ("ln_1", "ln_2"))
        weight, bias = _weight_and_bias(weights, "attn.c_attn")
        scale = torch.ones(len(bias))
        scale[: shape.heads * shape.width] = shape.width**-0.5
        self._qkv = Linear(weight.T * scale[:, None], bias * scale, precision)  # its layers keep them transposed
        self._out = _turned(weights, "attn.c_proj", precision)
        self._up = _turned(weights, "mlp.c_fc", precision, "gelu")
        self._down = _turned(weights, "mlp.c_proj", precision)

    def heads(self, x_NC: Tensor, turns: Tensor | None) -> Tensor:
        h_NC = layer_norm(x_NC, x_NC.shape[-1:], *self._before, self._epsilon)
        return self._qkv(h_NC).view(x_NC.shape[0], -1, self._width)

    def rest(self, x_NC: Tensor, attended_NC: Tensor) -> Tensor:
        x_NC = self._out.plus(attended_NC, x_NC)
        h_NC = layer_norm(x_NC, x_NC.shape[-1:], *self._between, self._epsilon)
        return self._down.plus(self._up(h_NC), x_NC)


DECODERS = {"llama": Llama, "gpt2": GPT2}
"""By `model_type` in config.json."""
_USUAL: dict[str, dict[str, Any]] = {
    "llama": {"hidden_act": "silu", "attention_bias": False, "mlp_bias": False},
    "gpt2": {
        "activation_function": "gelu_new", "scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False,
        "add_cross_attention": False,
    },
}  # fmt: skip


def is_usual(config: Mapping[str, Any]) -> bool:
    """Whether a model is one of these, without a variation that only transformers knows."""
    usual = _USUAL.get(str(config.get("model_type")))
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    is_plain_rope = isinstance(rope, dict) and rope.get("rope_type", "default") == "default"
    return (
        usual is not None and is_plain_rope and all(config.get(name, value) == value for name, value in usual.items())
    )


def decoder(config: Mapping[str, Any], weights: Mapping[str, Tensor], precision: Precision = "fp32") -> Decoder:
    """The decoder of a configuration.

    Raises:
        BadRecipe: the architecture is another, a weight is missing, or a size is.
    """
    kind = DECODERS.get(str(config.get("model_type")))
    if kind is None:
        raise BadRecipe(f"this engine runs {' and '.join(DECODERS)}, not {config.get('model_type')!r}")
    try:
        return kind(config, weights, precision)
    except KeyError as error:
        raise BadRecipe(f"model weights or config.json lack {error.args[0]}") from error


def _of_layer(weights: Mapping[str, Tensor], prefix: str) -> Mapping[str, Tensor]:
    """The weights of a layer, whose missing ones are named in full."""
    return _Layer(
        {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}, prefix
    )


class _Layer(dict[str, Tensor]):
    def __init__(self, weights: Mapping[str, Tensor], prefix: str) -> None:
        super().__init__(weights)
        self._prefix = prefix

    def __missing__(self, name: str) -> Tensor:
        raise KeyError(self._prefix + name)


def _weight_and_bias(weights: Mapping[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
    return weights[f"{name}.weight"].float(), weights[f"{name}.bias"].float()


def _turned(weights: Mapping[str, Tensor], name: str, precision: Precision, activation: Any = "none") -> Linear:
    weight, bias = _weight_and_bias(weights, name)
    return Linear(weight.T, bias, precision, activation)


def _rope_theta(config: Mapping[str, Any]) -> float:
    """Base of the rotary embedding; transformers 5 keeps it under rope_parameters."""
    parameters = config.get("rope_parameters") or {}
    return float(parameters.get("rope_theta", config.get("rope_theta", 10000.0)))


def _rotations(shape: Shape, theta: float) -> Tensor:
    """Rotary position embeddings (Su et al., arXiv:2104.09864) as complex numbers, shape (context, width / 2)."""
    frequencies = theta ** -(torch.arange(0, shape.width, 2, dtype=torch.float32) / shape.width)
    angles = torch.outer(torch.arange(shape.context, dtype=torch.float32), frequencies)
    return torch.polar(torch.ones_like(angles), angles)


def _by_pairs(weight_OC: Tensor, width: int) -> Tensor:
    """Rows in which the two parts of each complex number stand side by side; Llama has halves of heads."""
    return weight_OC.view(-1, 2, width // 2, weight_OC.shape[1]).transpose(1, 2).reshape(weight_OC.shape)
