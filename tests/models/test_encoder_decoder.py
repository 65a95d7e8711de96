"""Encoder-decoders: logits of the reference classes, caches, padding, pretrained bases."""

from typing import Any

import numpy as np
import pytest
import torch
from transformers import BartConfig, BartForConditionalGeneration, T5Config, T5ForConditionalGeneration

from partimento.errors import BadRecipe
from partimento.models import Special, Vocabulary
from partimento.models.encoder_decoder import EncoderDecoderSizes, MusicEncoderDecoder, build
from partimento.models.folder import load_model_folder, save_model_folder

SIZE = 40
SIZES: dict[str, Any] = {"hidden_size": 32, "encoder_layers": 2, "decoder_layers": 2, "heads": 4, "ff_size": 64,
         "context": 64, "source_context": 48}  # fmt: skip


def built(architecture, seed=1, **changes):
    sizes = EncoderDecoderSizes(architecture=architecture, **SIZES | changes)
    return build(sizes, Vocabulary(SIZE, Special(0, 1, 2)), seed).eval()


@pytest.fixture(scope="module", params=["bart", "t5"])
def model(request):
    """A small model whose weights are large enough to show mistakes."""
    made = built(request.param)
    generator = torch.Generator().manual_seed(5)
    for parameter in made.parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        parameter.data += noise * (0.3 if parameter.ndim > 1 else 0.1)
    return made


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(3)
    ids = torch.from_numpy(rng.integers(3, SIZE, (2, 14)))
    ids[:, 0] = 1
    return torch.from_numpy(rng.integers(3, 900, (2, 9))), ids


@torch.no_grad()
def logits(model, source, music, **options):
    return model(input_ids=source, decoder_input_ids=music, **options).logits


def one_vocabulary(model):
    """The reference class with the words behind the music in one vocabulary."""
    inner = model.inner
    words = len(model.source.weight)
    config = type(inner.config)(**inner.config.to_dict() | {"vocab_size": SIZE + words})
    reference = type(inner)(config).eval()
    both = torch.cat([model.get_input_embeddings().weight, model.source.weight])
    shapes = {name: tensor.shape for name, tensor in reference.state_dict().items()}
    state = {name: t if t.shape == shapes[name] else both for name, t in inner.state_dict().items() if t.ndim}
    state = {name: t for name, t in state.items() if t.shape == shapes[name]}
    reference.load_state_dict(state, strict=False)
    return reference


def test_logits_are_those_of_the_reference_class(model, batch):
    source, music = batch
    with torch.no_grad():
        wanted = one_vocabulary(model)(input_ids=source + SIZE, decoder_input_ids=music).logits[..., :SIZE]
    torch.testing.assert_close(logits(model, source, music), wanted, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_cached_and_uncached_decoding_agree(model, batch):
    source, music = batch
    read, cache, cached = model.encode(source), None, []
    for at in range(music.shape[1]):
        step = model(
            decoder_input_ids=music[:, at : at + 1], encoder_outputs=read, past_key_values=cache, use_cache=True
        )
        cache = step.past_key_values
        cached.append(step.logits)
    torch.testing.assert_close(torch.cat(cached, 1), logits(model, source, music), atol=2e-5, rtol=1e-5)


def test_padding_changes_nothing_and_the_future_is_unseen(model, batch):
    source, music = batch
    alone = logits(model, source[:1, :5], music[:1, :8])
    mask, music_mask = torch.ones_like(source), torch.ones_like(music)
    mask[0, 5:], music_mask[0, 8:] = 0, 0
    together = logits(model, source, music, attention_mask=mask, decoder_attention_mask=music_mask)
    torch.testing.assert_close(together[:1, :8], alone, atol=1e-5, rtol=1e-5)
    changed = music.clone()
    changed[:, 8:] = 7
    torch.testing.assert_close(
        logits(model, source, changed)[:, :8], logits(model, source, music)[:, :8], atol=1e-5, rtol=1e-5
    )
    assert not torch.allclose(logits(model, source.flip(0), music), logits(model, source, music), atol=1e-3)


def test_generate_takes_the_likeliest_of_its_own_logits(model, batch):
    source, _ = batch
    written = model.generate(source, max_new_tokens=5, do_sample=False, eos_token_id=None)
    assert (written[:, 0] == 1).all()
    for length in range(1, 6):
        likeliest = logits(model, source, written[:, :length])[:, -1].argmax(-1)
        assert torch.equal(written[:, length], likeliest)


def test_saved_and_loaded_it_has_the_same_logits(model, batch, tmp_path):
    model.save_pretrained(tmp_path / "hub")
    again = MusicEncoderDecoder.from_pretrained(tmp_path / "hub").eval()
    assert torch.equal(logits(again, *batch), logits(model, *batch))
    save_model_folder(
        tmp_path / "ours", model, representation={"name": "performance"}, recipe={}, provenance={}, card=""
    )
    loaded = load_model_folder(tmp_path / "ours")
    assert torch.equal(logits(loaded.model, *batch), logits(model, *batch))
    assert loaded.family.reads == "pairs"


def test_weights_depend_on_the_seed_alone():
    first, again, other = (built("bart", seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["source.weight"], other["source.weight"])


@pytest.fixture(scope="module", params=["bart", "t5"])
def pretrained(request, tmp_path_factory):
    """A folder as the hub has it: random weights of the real class, and the tokenizer of a real encoder."""
    from partimento.models.tokenizers import source_tokenizer

    kinds: dict[str, Any] = {
        "bart": (BartConfig(vocab_size=30522, d_model=16, encoder_layers=1, decoder_layers=2, encoder_attention_heads=2,
                            decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32,
                            max_position_embeddings=32), BartForConditionalGeneration),
        "t5": (T5Config(vocab_size=30522, d_model=16, d_kv=8, num_layers=1, num_decoder_layers=2, num_heads=2, d_ff=32,
                        feed_forward_proj="gated-gelu"), T5ForConditionalGeneration),
    }  # fmt: skip
    config, kind = kinds[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    made = kind(config)
    made.save_pretrained(folder)
    source_tokenizer("text").save_pretrained(folder)
    return request.param, folder, made


def test_a_pretrained_base_lends_its_layers_and_its_words(pretrained):
    architecture, folder, base = pretrained
    model = built(architecture, base=str(folder), source="text")
    ours, theirs = model.inner.state_dict(), base.state_dict()
    layers = [name for name in theirs if ".layers." in name or ".block." in name]
    assert len(layers) > 20
    assert all(torch.equal(ours[name], theirs[name]) for name in layers)
    assert torch.equal(model.source.weight, base.get_input_embeddings().weight)
    assert model.get_input_embeddings().weight.shape == (SIZE, 16)
    assert model.config.max_position_embeddings == (32 if architecture == "bart" else 64)


def test_a_base_of_another_kind_is_refused_in_one_line(pretrained, tmp_path):
    architecture, folder, _ = pretrained
    other = "t5" if architecture == "bart" else "bart"
    with pytest.raises(BadRecipe, match="architecture"):
        built(other, base=str(folder))
    with pytest.raises(BadRecipe, match="no such"):
        built(architecture, base=str(tmp_path / "nothing"))


def test_a_model_of_our_own_is_tuned_as_it_is(model, tmp_path):
    save_model_folder(tmp_path / "m", model, representation={"name": "performance"}, recipe={}, provenance={}, card="")
    again = built("bart", base=str(tmp_path / "m"))
    assert torch.equal(again.source.weight, model.source.weight)
    with pytest.raises(BadRecipe, match="tokens"):
        build(EncoderDecoderSizes(base=str(tmp_path / "m")), Vocabulary(41, Special(0, 1, 2)), 1)


@pytest.mark.parametrize(("sizes", "word"), [({"hidden_size": 30}, "multiple"), ({"dropout": 1.0}, "dropout")])
def test_sizes_that_do_not_fit_are_refused(sizes, word):
    with pytest.raises(BadRecipe, match=word):
        EncoderDecoderSizes(**sizes)
