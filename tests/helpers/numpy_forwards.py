"""Models' forward passes written in NumPy from their papers, in double precision: what the real ones are compared with.

Each takes the stored weights by name, the configuration, and the ids of one sequence, and gives the logits, shape
(tokens, vocabulary). Letters at the end of names are axes: T tokens, S tokens attended to, C width, H heads, D width of
a head.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
State = dict[str, Floats]


def under(state: State, prefix: str) -> State:
    """The weights whose names begin so, without the beginning."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def linear(x_TC: Floats, weights: State, name: str) -> Floats:
    """A linear layer, with its bias where it has one."""
    return x_TC @ weights[f"{name}.weight"].T + weights.get(f"{name}.bias", 0.0)


def layer_norm(x_TC: Floats, weights: State, name: str, epsilon: float = 1e-5) -> Floats:
    """Ba et al., arXiv:1607.06450."""
    centred = x_TC - x_TC.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def rms_norm(x_TC: Floats, weight_C: Floats, epsilon: float = 1e-6) -> Floats:
    """Zhang and Sennrich, arXiv:1910.07467."""
    return x_TC / np.sqrt((x_TC**2).mean(-1, keepdims=True) + epsilon) * weight_C


def softmax(x: Floats) -> Floats:
    shares = np.exp(x - x.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


def gelu_tanh(x: Floats) -> Floats:
    """The approximation that GPT-2 uses of Hendrycks and Gimpel, arXiv:1606.08415."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def heads(x_TC: Floats, width: int) -> Floats:
    """Shape (H, T, D)."""
    return x_TC.reshape(len(x_TC), -1, width).swapaxes(0, 1)


def attend(q_HTD: Floats, k_HSD: Floats, v_HSD: Floats, *, causal: bool = True, bias: Any = 0.0) -> Floats:
    """Vaswani et al., arXiv:1706.03762; shape (T, C)."""
    scores_HTS = q_HTD @ k_HSD.swapaxes(1, 2) / np.sqrt(q_HTD.shape[-1]) + bias
    if causal:
        scores_HTS = np.where(np.tri(*scores_HTS.shape[1:], dtype=bool), scores_HTS, -np.inf)
    return (softmax(scores_HTS) @ v_HSD).swapaxes(0, 1).reshape(q_HTD.shape[1], -1)


def rotate(x_HTD: Floats, theta: float) -> Floats:
    """Rotary position embedding (Su et al., arXiv:2104.09864): pairs (i, i + D/2) turn by position · theta^(−2i/D)."""
    tokens, width = x_HTD.shape[1:]
    angle = np.arange(tokens)[:, None] * theta ** (-np.arange(0, width, 2) / width)
    first, second = x_HTD[..., : width // 2], x_HTD[..., width // 2 :]
    turned = first * np.cos(angle) - second * np.sin(angle), second * np.cos(angle) + first * np.sin(angle)
    return np.concatenate(turned, -1)


def llama(state: State, config: Any, ids_T: NDArray[np.int64]) -> Floats:
    """Touvron et al., arXiv:2302.13971, with grouped queries (Ainslie et al., arXiv:2305.13245)."""
    width, theta = config.hidden_size // config.num_attention_heads, config.rope_parameters["rope_theta"]
    groups = config.num_attention_heads // config.num_key_value_heads
    x_TC = state["model.embed_tokens.weight"][ids_T]
    for layer in range(config.num_hidden_layers):
        weights = under(state, f"model.layers.{layer}.")
        h_TC = rms_norm(x_TC, weights["input_layernorm.weight"])
        q_HTD, k_HTD, v_HTD = (heads(linear(h_TC, weights, f"self_attn.{name}_proj"), width) for name in "qkv")
        k_HTD, v_HTD = rotate(k_HTD, theta).repeat(groups, 0), v_HTD.repeat(groups, 0)
        x_TC = x_TC + linear(attend(rotate(q_HTD, theta), k_HTD, v_HTD), weights, "self_attn.o_proj")
        h_TC = rms_norm(x_TC, weights["post_attention_layernorm.weight"])
        gate = linear(h_TC, weights, "mlp.gate_proj")
        x_TC = x_TC + linear(gate * sigmoid(gate) * linear(h_TC, weights, "mlp.up_proj"), weights, "mlp.down_proj")
    return rms_norm(x_TC, state["model.norm.weight"]) @ state["model.embed_tokens.weight"].T


def gpt2(state: State, config: Any, ids_T: NDArray[np.int64]) -> Floats:
    """Radford et al. 2019; its matrices are stored the other way round."""

    def layer_of(x_TC: Floats, weights: State, name: str) -> Floats:
        return x_TC @ weights[f"{name}.weight"] + weights[f"{name}.bias"]

    weights = under(state, "transformer.")
    x_TC = weights["wte.weight"][ids_T] + weights["wpe.weight"][: len(ids_T)]
    for layer in range(config.n_layer):
        block = under(weights, f"h.{layer}.")
        qkv_TC = layer_of(layer_norm(x_TC, block, "ln_1"), block, "attn.c_attn")
        q_HTD, k_HTD, v_HTD = (heads(part, config.n_embd // config.n_head) for part in np.split(qkv_TC, 3, -1))
        x_TC = x_TC + layer_of(attend(q_HTD, k_HTD, v_HTD), block, "attn.c_proj")
        inner = gelu_tanh(layer_of(layer_norm(x_TC, block, "ln_2"), block, "mlp.c_fc"))
        x_TC = x_TC + layer_of(inner, block, "mlp.c_proj")
    return layer_norm(x_TC, weights, "ln_f") @ weights["wte.weight"].T


def lstm(state: State, config: Any, ids_T: NDArray[np.int64]) -> Floats:
    """Hochreiter and Schmidhuber 1997, forget gate by Gers et al. 2000; gates in the order input, forget, cell, output.

    A layer's weights end in `_l` and its number.
    """
    x_TC = state["embed_tokens.weight"][ids_T] * np.sqrt(config.hidden_size)
    for layer in range(config.num_hidden_layers):
        end = f"_l{layer}"
        weights = {n.removesuffix(end): value for n, value in under(state, "layers.").items() if n.endswith(end)}
        bias = weights["bias_ih"] + weights["bias_hh"]
        hidden, cell, outputs = np.zeros(config.hidden_size), np.zeros(config.hidden_size), list[Floats]()
        for x_C in x_TC:
            gates = np.split(weights["weight_ih"] @ x_C + weights["weight_hh"] @ hidden + bias, 4)
            cell = sigmoid(gates[1]) * cell + sigmoid(gates[0]) * np.tanh(gates[2])
            hidden = sigmoid(gates[3]) * np.tanh(cell)
            outputs.append(hidden)
        x_TC = np.array(outputs)
    return x_TC @ state["embed_tokens.weight"].T


FORWARDS: dict[str, Callable[[State, Any, NDArray[np.int64]], Floats]] = {
    "transformer": llama,
    "gpt2": gpt2,
    "lstm": lstm,
}
"""By family."""
