"""Text prefixes: laws of the music model behind them, an independent forward, encoders and what is refused."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaModel

from partimento.errors import BadRecipe
from partimento.models import Special, Vocabulary, family
from partimento.models.folder import load_model_folder, save_model_folder
from partimento.models.text_encoder import text_encoder
from partimento.models.text_prefix import TextPrefix, TextPrefixSizes, build, layer_weights

VOCABULARY = Vocabulary(40, Special(0, 1, 2))
SIZES = {"hidden_size": 32, "layers": 2, "heads": 4}
MUSIC = {
    "transformer": SIZES | {"key_value_heads": 4, "ff_size": 64},
    "gpt2": SIZES | {"ff_size": 64},
}
TEXTS = ("a sad waltz", "a lively jig in D major for flute and two violins")


def built(music="transformer", layers="weighted", seed=1, **changes):
    sizes: dict[str, Any] = {"music": music, "music_config": MUSIC[music], "context": 64, "layers": layers}
    model = build(TextPrefixSizes(**sizes | changes), VOCABULARY, seed).eval()
    generator = torch.Generator().manual_seed(5)
    for parameter in model.parameters():  # large enough to show mistakes
        parameter.data += torch.randn(parameter.shape, generator=generator) * (0.2 if parameter.ndim > 1 else 0.1)
    return model


@pytest.fixture(scope="module", params=["transformer", "gpt2"])
def model(request):
    return built(request.param)


@pytest.fixture(scope="module")
def batch():
    tokens = [text_encoder("").tokens(text, 64) for text in TEXTS]
    longest = max(map(len, tokens))
    ids = [each + [0] * (longest - len(each)) for each in tokens]
    mask = [[1] * len(each) + [0] * (longest - len(each)) for each in tokens]
    music = np.random.default_rng(3).integers(3, 40, (2, 14))
    return {"text_ids": torch.tensor(ids), "text_mask": torch.tensor(mask), "input_ids": torch.from_numpy(music)}


@torch.no_grad()
def logits(model, **batch):
    return model(**batch).logits


def test_with_the_prefix_masked_out_it_is_its_music_model(model, batch):
    ids = batch["input_ids"]
    with torch.no_grad():
        wanted = model.music(input_ids=ids).logits
    masked = logits(model, **batch | {"text_mask": torch.zeros_like(batch["text_mask"])})
    torch.testing.assert_close(masked, wanted, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(logits(model, input_ids=ids), wanted, atol=1e-5, rtol=1e-5)
    assert (logits(model, **batch) - wanted).abs().max() > 0.1


def test_batch_and_single_agree_and_the_future_is_unseen(model, batch):
    together = logits(model, **batch)
    for row, text_mask in enumerate(batch["text_mask"].bool()):
        alone = {
            "text_ids": batch["text_ids"][row : row + 1, text_mask],
            "input_ids": batch["input_ids"][row : row + 1],
        }
        torch.testing.assert_close(logits(model, **alone)[0], together[row], atol=1e-5, rtol=1e-5)
    changed = batch["input_ids"].clone()
    changed[:, 8:] = 7
    torch.testing.assert_close(
        logits(model, **batch | {"input_ids": changed})[:, :8], together[:, :8], atol=1e-5, rtol=1e-5
    )


@torch.no_grad()
def test_cached_and_uncached_decoding_agree(model, batch):
    cache, cached, given = None, [], dict(batch)
    for at in range(batch["input_ids"].shape[1]):
        given |= {"input_ids": batch["input_ids"][:, at : at + 1]}
        step = model(**given, past_key_values=cache, use_cache=True)
        cache, given = step.past_key_values, {"text_mask": batch["text_mask"]}
        cached.append(step.logits)
    torch.testing.assert_close(torch.cat(cached, 1), logits(model, **batch), atol=1e-5, rtol=1e-5)


def test_generate_takes_the_likeliest_of_its_own_logits(model, batch):
    begun = batch["input_ids"][:, :3]
    written = model.generate(**batch | {"input_ids": begun}, max_new_tokens=6, do_sample=False, eos_token_id=None)
    for length in range(3, 9):
        likeliest = logits(model, **batch | {"input_ids": written[:, :length]})[:, -1].argmax(-1)
        assert torch.equal(written[:, length], likeliest)


def test_logits_are_those_of_the_numpy_forward(batch):
    model = built()
    state = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
    states = model.encoder.states(batch["text_ids"], batch["text_mask"]).double().numpy()
    ours = logits(model.double(), **batch).numpy()
    assert np.abs(ours).max() > 1
    for row, (mask, music) in enumerate(
        zip(batch["text_mask"].bool().numpy(), batch["input_ids"].numpy(), strict=True)
    ):
        np.testing.assert_allclose(ours[row], reference(state, states[:, row, mask], music), atol=1e-5, rtol=1e-5)


def reference(state, states_LSC, music, heads=4):
    """Logits of the Llama architecture behind a prefix that is not rotated, shape (T, vocabulary)."""
    shares = np.exp(state["mix.weight"])
    prefix = np.tensordot(shares / shares.sum(), states_LSC, 1) @ state["project.weight"].T + state["project.bias"]
    x = np.concatenate([prefix, state["music.model.embed_tokens.weight"][music]])
    places = np.concatenate([np.zeros(len(prefix)), np.arange(len(music))])
    half = x.shape[1] // heads // 2
    angles = np.tile(np.outer(places, 10_000.0 ** (-np.arange(half) / half)), 2)

    def norm(x, weight):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * weight

    def split(x):
        return x.reshape(len(x), heads, -1).swapaxes(0, 1)

    def turned(x):
        return x * np.cos(angles) + np.concatenate([-x[..., half:], x[..., :half]], -1) * np.sin(angles)

    for layer in range(2):
        w = {n.removeprefix(f"music.model.layers.{layer}."): t for n, t in state.items() if f".layers.{layer}." in n}
        h = norm(x, w["input_layernorm.weight"])
        q, k, v = (split(h @ w[f"self_attn.{part}_proj.weight"].T) for part in "qkv")
        scores = turned(q) @ turned(k).swapaxes(1, 2) / math.sqrt(2 * half)
        scores = np.exp(np.where(np.tri(len(x), dtype=bool), scores, -np.inf))
        heard = (scores / scores.sum(-1, keepdims=True) @ v).swapaxes(0, 1).reshape(x.shape)
        x = x + heard @ w["self_attn.o_proj.weight"].T
        h = norm(x, w["post_attention_layernorm.weight"])
        gate = h @ w["mlp.gate_proj.weight"].T
        x = x + gate / (1 + np.exp(-gate)) * (h @ w["mlp.up_proj.weight"].T) @ w["mlp.down_proj.weight"].T
    return norm(x, state["music.model.norm.weight"])[len(prefix) :] @ state["music.model.embed_tokens.weight"].T


def test_saved_and_loaded_it_has_the_same_logits_and_stores_no_encoder(model, batch, tmp_path):
    save_model_folder(tmp_path / "m", model, representation={"name": "remi"}, recipe={}, provenance={}, card="")
    loaded = load_model_folder(tmp_path / "m")
    torch.testing.assert_close(logits(loaded.model, **batch), logits(model, **batch), atol=1e-6, rtol=1e-6)
    assert (tmp_path / "m" / "model.safetensors").stat().st_size < 1 << 20
    model.save_pretrained(tmp_path / "hub")
    again = TextPrefix.from_pretrained(tmp_path / "hub").eval()
    assert torch.equal(logits(again, **batch), logits(model, **batch))


def test_encoder_is_frozen_and_the_rest_learns(batch):
    model = built()
    encoder = {name: tensor.clone() for name, tensor in model.encoder.model.state_dict().items()}
    model.train()
    output = model(**batch).logits
    torch.nn.functional.cross_entropy(output[:, :-1].flatten(0, 1), batch["input_ids"][:, 1:].flatten()).backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in model.parameters())
    assert not any("encoder" in name for name, _ in model.named_parameters())
    assert all(torch.equal(encoder[name], t) for name, t in model.encoder.model.state_dict().items())


def test_layer_weights_are_shares():
    model = built()
    assert len(layer_weights(model)) == 7
    assert sum(layer_weights(model)) == pytest.approx(1)
    assert layer_weights(built(layers="last")) == [0] * 6 + [1]
    assert layer_weights(build(TextPrefixSizes(layers="weighted"), VOCABULARY, 1)) == pytest.approx([1 / 7] * 7)
    with pytest.raises(BadRecipe, match="text_prefix"):
        layer_weights(model.music)


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """A language model as the hub has it, random weights, with a tokenizer."""
    folder = tmp_path_factory.mktemp("llama")
    config = LlamaConfig(vocab_size=30522, hidden_size=16, intermediate_size=32, num_hidden_layers=3,
                         num_attention_heads=2)  # fmt: skip
    LlamaModel(config).save_pretrained(folder)
    text_encoder("").tokenizer.save_pretrained(folder)
    return folder


def test_any_model_with_layers_encodes(llama, batch):
    model = built(encoder=str(llama))
    assert model.project.weight.shape == (32, 16)
    assert len(layer_weights(model)) == 4
    assert logits(model, **batch).isfinite().all()


def test_an_encoder_with_other_weights_is_refused(llama):
    encoder = text_encoder(str(llama))
    with pytest.raises(BadRecipe, match="not those this model was trained with"):
        text_encoder(str(llama), "0" * 64)
    assert text_encoder(str(llama), encoder.sha256) is encoder


def test_a_music_model_of_our_own_gets_a_prefix(model, tmp_path):
    save_model_folder(tmp_path / "m", model.music, representation={"name": "remi"}, recipe={}, provenance={}, card="")
    made = build(TextPrefixSizes(base=str(tmp_path / "m"), context=4096), VOCABULARY, 1)
    for name, tensor in model.music.state_dict().items():
        assert torch.equal(made.music.state_dict()[name], tensor)
    assert made.config.max_position_embeddings == 64
    with pytest.raises(BadRecipe, match="tokens"):
        build(TextPrefixSizes(base=str(tmp_path / "m")), Vocabulary(41, Special(0, 1, 2)), 1)


@pytest.mark.parametrize(
    ("sizes", "word"),
    [({"text_context": 0}, "text_context"), ({"base": "x", "music_config": {"layers": 1}}, "exclude")],
)
def test_settings_that_do_not_fit_are_refused(sizes, word):
    with pytest.raises(BadRecipe, match=word):
        TextPrefixSizes(**sizes)


def test_a_size_that_the_music_model_does_not_know_is_named():
    with pytest.raises(BadRecipe, match="depth"):
        build(TextPrefixSizes(music_config={"depth": 3}), VOCABULARY, 1)
    assert family("text_prefix").reads == "text+tokens"
