"""BART and T5 in NumPy, for comparison: written from the papers (arXiv:1910.13461, arXiv:1910.10683), one sequence."""

import math

import numpy as np
import pytest
import torch

from partimento.models import Special, Vocabulary
from partimento.models.encoder_decoder import EncoderDecoderSizes, build


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def layer_norm(x, w, name):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * w[f"{name}.weight"] + w[f"{name}.bias"]


def attend(q_TC, k_SC, v_SC, heads, scale, bias_HTS=0.0, causal=False):
    def split(x):
        return x.reshape(len(x), heads, -1).swapaxes(0, 1)

    scores = split(q_TC) @ split(k_SC).swapaxes(1, 2) * scale + bias_HTS
    if causal:
        scores = np.where(np.tri(*scores.shape[1:], dtype=bool), scores, -np.inf)
    return (softmax(scores) @ split(v_SC)).swapaxes(0, 1).reshape(len(q_TC), -1)


def bart(state, source, music, heads):
    """Logits of a `MusicEncoderDecoder` on BART, shape (T, vocabulary)."""
    w = {name.removeprefix("inner.model."): tensor for name, tensor in state.items()}

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def attention(x, memory, name, causal=False):
        scale = (x.shape[1] // heads) ** -0.5
        q, k, v = linear(x, f"{name}.q_proj"), linear(memory, f"{name}.k_proj"), linear(memory, f"{name}.v_proj")
        return linear(attend(q, k, v, heads, scale, causal=causal), f"{name}.out_proj")

    def embedded(rows, side):
        return layer_norm(
            rows + w[f"{side}.embed_positions.weight"][2 : 2 + len(rows)], w, f"{side}.layernorm_embedding"
        )

    def block(x, name, memory=None):
        x = layer_norm(x + attention(x, x, f"{name}.self_attn", memory is not None), w, f"{name}.self_attn_layer_norm")
        if memory is not None:
            x = layer_norm(x + attention(x, memory, f"{name}.encoder_attn"), w, f"{name}.encoder_attn_layer_norm")
        return layer_norm(x + linear(gelu(linear(x, f"{name}.fc1")), f"{name}.fc2"), w, f"{name}.final_layer_norm")

    def layers(side):
        return sorted({int(name.split(".")[2]) for name in w if name.startswith(f"{side}.layers.")})

    read = embedded(state["source.weight"][source], "encoder")
    for layer in layers("encoder"):
        read = block(read, f"encoder.layers.{layer}")
    x = embedded(w["shared.weight"][music], "decoder")
    for layer in layers("decoder"):
        x = block(x, f"decoder.layers.{layer}", read)
    return x @ w["shared.weight"].T + state["inner.final_logits_bias"][0]


def bucket(distance, two_sided, buckets=32, furthest=128):
    """Bucket of how far a key lies behind (negative) or before a query."""
    first = 0
    if two_sided:
        buckets //= 2
        first = buckets if distance > 0 else 0
        distance = abs(distance)
    else:
        distance = -min(distance, 0)
    exact = buckets // 2
    if distance < exact:
        return first + distance
    far = exact + int(math.log(distance / exact) / math.log(furthest / exact) * (buckets - exact))
    return first + min(far, buckets - 1)


def t5(state, source, music, heads):
    """Logits of a `MusicEncoderDecoder` on T5 with gated GELU and tied embeddings, shape (T, vocabulary)."""
    w = {name.removeprefix("inner."): tensor for name, tensor in state.items()}

    def norm(x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * w[f"{name}.weight"]

    def attention(x, memory, name, bias=0.0, causal=False):
        q, k, v = (rows @ w[f"{name}.{part}.weight"].T for rows, part in ((x, "q"), (memory, "k"), (memory, "v")))
        return attend(q, k, v, heads, 1.0, bias, causal) @ w[f"{name}.o.weight"].T

    def stack(x, side, memory=None):
        first = f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        table = [[bucket(key - query, memory is None) for key in range(len(x))] for query in range(len(x))]
        bias = w[first][np.array(table)].transpose(2, 0, 1)
        for block in sorted({int(name.split(".")[2]) for name in w if name.startswith(f"{side}.block.")}):
            at = f"{side}.block.{block}.layer"
            normed = norm(x, f"{at}.0.layer_norm")
            x = x + attention(normed, normed, f"{at}.0.SelfAttention", bias, memory is not None)
            if memory is not None:
                x = x + attention(norm(x, f"{at}.1.layer_norm"), memory, f"{at}.1.EncDecAttention")
            last = f"{at}.{1 if memory is None else 2}"
            normed, ff = norm(x, f"{last}.layer_norm"), f"{last}.DenseReluDense"
            gated = gelu_tanh(normed @ w[f"{ff}.wi_0.weight"].T) * (normed @ w[f"{ff}.wi_1.weight"].T)
            x = x + gated @ w[f"{ff}.wo.weight"].T
        return norm(x, f"{side}.final_layer_norm")

    read = stack(state["source.weight"][source], "encoder")
    x = stack(w["shared.weight"][music], "decoder", read)
    return x * x.shape[1] ** -0.5 @ w["shared.weight"].T


@pytest.mark.parametrize(("architecture", "forward"), [("bart", bart), ("t5", t5)])
def test_logits_are_those_of_the_numpy_forward(architecture, forward):
    sizes = EncoderDecoderSizes(architecture, 32, 2, 2, 4, 64, context=64, source_context=48)
    model = build(sizes, Vocabulary(40, Special(0, 1, 2)), 1).double().eval()
    generator = torch.Generator().manual_seed(5)
    for parameter in model.parameters():  # large enough to show mistakes
        parameter.data += torch.randn(parameter.shape, generator=generator) * (0.2 if parameter.ndim > 1 else 0.1)
    state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    source, music = np.arange(5, 50), np.arange(1, 39)
    with torch.no_grad():
        ours = model(input_ids=torch.from_numpy(source)[None], decoder_input_ids=torch.from_numpy(music)[None]).logits
    assert ours.abs().max() > 1
    np.testing.assert_allclose(ours[0].numpy(), forward(state, source, music, 4), atol=1e-5, rtol=1e-5)
