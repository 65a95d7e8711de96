"""The transformer against a forward pass written in NumPy, and laws of causal models."""

import numpy as np
import pytest
import torch

from partimento.errors import BadRecipe
from partimento.models import Special, Vocabulary, family
from partimento.models.attention import use_pieces
from partimento.models.transformer import TransformerConfig, build
from partimento.models.weights import needed_shapes

CONFIG = TransformerConfig(hidden_size=32, layers=2, heads=4, key_value_heads=2, ff_size=48, context=64)
VOCABULARY = 50


@pytest.fixture
def model():
    model = build(CONFIG, Vocabulary(VOCABULARY, Special(0, 1, 2)), seed=3)
    with torch.no_grad():  # fresh weights are so small that mistakes would hide
        for name, parameter in model.named_parameters():
            parameter.mul_(1 if "norm" in name else 5).add_(0.1 * torch.sin(torch.arange(parameter.shape[-1])))
    return model.eval()


@pytest.fixture
def ids():
    return torch.from_numpy(np.random.default_rng(5).integers(3, VOCABULARY, (3, 24)))


def logits(model, ids, **arguments):
    with torch.no_grad():
        return model(input_ids=ids, use_cache=False, **arguments).logits


def rms_norm(x, weight):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * weight


def rotate(x_HTD):
    """Rotary position embedding: pairs (i, i + D/2) turn by position · base^(−2i/D)."""
    tokens, size = x_HTD.shape[1:]
    angle = np.arange(tokens)[:, None] * CONFIG.rope_theta ** (-np.arange(0, size, 2) / size)
    first, second = x_HTD[..., : size // 2], x_HTD[..., size // 2 :]
    turned = first * np.cos(angle) - second * np.sin(angle), second * np.cos(angle) + first * np.sin(angle)
    return np.concatenate(turned, -1)


def attend(x_TC, weights):
    tokens, heads, groups = len(x_TC), CONFIG.heads, CONFIG.heads // CONFIG.key_value_heads
    query, key, value = (
        (x_TC @ weights[f"self_attn.{name}_proj"].T).reshape(tokens, -1, CONFIG.hidden_size // heads).swapaxes(0, 1)
        for name in "qkv"
    )
    query, key, value = rotate(query), rotate(key).repeat(groups, 0), value.repeat(groups, 0)
    scores = query @ key.swapaxes(1, 2) / np.sqrt(query.shape[-1])
    scores = np.where(np.tri(tokens, dtype=bool), scores, -np.inf)
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    return (shares @ value).swapaxes(0, 1).reshape(tokens, -1) @ weights["self_attn.o_proj"].T


def feed_forward(x_TC, weights):
    gate, up = x_TC @ weights["mlp.gate_proj"].T, x_TC @ weights["mlp.up_proj"].T
    return (gate / (1 + np.exp(-gate)) * up) @ weights["mlp.down_proj"].T


def reference(state, ids_T):
    """Logits of one sequence in double precision, shape (tokens, vocabulary)."""
    x_TC = state["model.embed_tokens.weight"][ids_T]
    for layer in range(CONFIG.layers):
        start = f"model.layers.{layer}."
        weights = {
            name.removeprefix(start).removesuffix(".weight"): value
            for name, value in state.items()
            if name.startswith(start)
        }
        x_TC = x_TC + attend(rms_norm(x_TC, weights["input_layernorm"]), weights)
        x_TC = x_TC + feed_forward(rms_norm(x_TC, weights["post_attention_layernorm"]), weights)
    return rms_norm(x_TC, state["model.norm.weight"]) @ state["model.embed_tokens.weight"].T


def test_logits_are_those_of_the_numpy_forward(model, ids):
    state = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
    ours = logits(model, ids).numpy()
    assert np.abs(ours).max() > 1
    for row, sequence in zip(ours, ids.numpy(), strict=True):
        np.testing.assert_allclose(row, reference(state, sequence), atol=1e-5, rtol=1e-5)


def test_cached_and_uncached_decoding_agree(model, ids):
    uncached, cache, cached = logits(model, ids), None, []
    with torch.no_grad():
        for position in range(ids.shape[1]):
            output = model(input_ids=ids[:, position : position + 1], past_key_values=cache, use_cache=True)
            cache = output.past_key_values
            cached.append(output.logits)
    torch.testing.assert_close(torch.cat(cached, 1), uncached, atol=1e-5, rtol=1e-5)


def test_batch_and_single_agree_and_the_future_is_unseen(model, ids):
    together = logits(model, ids)
    torch.testing.assert_close(torch.cat([logits(model, row[None]) for row in ids]), together, atol=1e-5, rtol=1e-5)
    changed = ids.clone()
    changed[:, 12:] = 7
    torch.testing.assert_close(logits(model, changed)[:, :12], together[:, :12], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(logits(model, changed)[:, 12:], together[:, 12:], atol=1e-2)


@pytest.mark.parametrize("by_piece", [False, True])
def test_packed_pieces_do_not_see_each_other(model, ids, by_piece):
    alone = torch.cat([logits(model, ids[:, :9]), logits(model, ids[:, 9:])], 1)
    positions = torch.cat([torch.arange(9), torch.arange(15)]).expand(3, -1)
    if by_piece:
        use_pieces(model)
        packed = logits(model, ids.reshape(1, -1), position_ids=positions.reshape(1, -1), pieces=[9, 15] * 3)
    else:
        packed = logits(model, ids, position_ids=positions)
    torch.testing.assert_close(packed.view_as(alone), alone, atol=1e-5, rtol=1e-5)


def test_weights_depend_on_the_seed_alone():
    first = build(CONFIG, Vocabulary(VOCABULARY, Special(0, 1, 2)), seed=1).state_dict()
    torch.rand(3)
    again, other = (build(CONFIG, Vocabulary(VOCABULARY, Special(0, 1, 2)), seed=seed).state_dict() for seed in (1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["model.embed_tokens.weight"], other["model.embed_tokens.weight"])


@pytest.mark.parametrize("tied", [True, False])
def test_shapes_are_those_of_the_stored_tensors(tied):
    model = build(
        TransformerConfig(32, 2, 4, 2, 48, 64, tied_embeddings=tied), Vocabulary(VOCABULARY, Special(0, 1, 2)), seed=1
    )
    state = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if tied:
        del state["lm_head.weight"]
    assert needed_shapes(family("transformer"), model.config) == state


@pytest.mark.parametrize(
    ("sizes", "word"),
    [({"hidden_size": 30}, "multiple"), ({"key_value_heads": 3}, "multiple"), ({"layers": 0}, "layers")],
)
def test_sizes_that_do_not_fit_are_refused(sizes, word):
    with pytest.raises(BadRecipe, match=word):
        TransformerConfig(**sizes)


def test_unknown_family_names_the_known():
    with pytest.raises(BadRecipe, match="transformer"):
        family("perceiver")
