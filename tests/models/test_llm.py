"""Extended language models: the base's own logits beside those of music, against NumPy, folded, initialised."""

import copy
import json
from typing import Any, cast

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from partimento.errors import BadRecipe
from partimento.models import Special, Vocabulary, family
from partimento.models.attention import use_pieces
from partimento.models.folder import load_model_folder, save_model_folder
from partimento.models.llm import LlmConfig, build, folded, music_of
from partimento.representations.amt import midi_llm, vocabulary

MUSIC = Vocabulary(30, Special(0, 1, 2))
KINDS = ("llama", "qwen2", "gpt2", "gemma3_text")


@pytest.fixture(params=KINDS)
def folder(request, language_model):
    return language_model(request.param)


@pytest.fixture
def llama(language_model):
    return language_model("llama")


def extended(folder, seed=7, **options):
    return build(LlmConfig(base=str(folder), context=64, **options), MUSIC, seed).eval()


def stirred(model):
    """A linear layer that is no identity, as after training."""
    with torch.no_grad():
        projection = model.get_input_embeddings().music.projection.weight
        projection += 0.3 * torch.sin(torch.arange(projection.numel(), dtype=torch.float32)).view_as(projection)
    return model


@torch.no_grad()
def logits(model, ids, **arguments):
    return model(input_ids=ids, **arguments).logits


def some_ids(size, rows=2, length=24):
    return torch.from_numpy(np.random.default_rng(3).integers(0, size, (rows, length)))


def test_text_has_the_base_s_own_logits_and_music_stands_behind(folder):
    base, model = AutoModelForCausalLM.from_pretrained(folder).eval(), stirred(extended(folder))
    text = some_ids(base.config.vocab_size)
    size = base.config.vocab_size
    assert logits(model, text).shape[-1] == model.config.vocab_size == size + 30
    torch.testing.assert_close(logits(model, text)[..., :size], logits(base, text), atol=1e-5, rtol=1e-5)


def test_an_extended_model_is_numpy_s(folder):
    """The embedding ▶ linear layer, and both heads beside each other, by hand around the base's own blocks."""
    base: Any = AutoModelForCausalLM.from_pretrained(folder).eval()
    model = stirred(extended(folder))
    size, ids = base.config.vocab_size, some_ids(model.config.vocab_size)
    state = {name: value.detach().double().numpy() for name, value in model.state_dict().items()}
    rows, projection, head = (
        _one(state, end) for end in ("music.rows.weight", "music.projection.weight", "head.music.weight")
    )
    scale = getattr(base.get_input_embeddings(), "scalar_embed_scale", 1.0)
    table = np.concatenate([base.get_input_embeddings().weight.detach().numpy() * scale, rows @ projection.T * scale])
    with torch.no_grad():
        embedded = torch.from_numpy(table[ids.numpy()]).float()
        states = base.base_model(inputs_embeds=embedded).last_hidden_state.double().numpy()
    text_head = base.get_output_embeddings().weight.detach().double().numpy()
    expected = states @ np.concatenate([text_head, head]).T
    assert np.abs(expected[..., size:]).max() > 0.01
    np.testing.assert_allclose(logits(model, ids).numpy(), expected, atol=1e-5, rtol=1e-5)


def _one(state, end):
    (found,) = [value for name, value in state.items() if name.endswith(end)]
    return found


def test_folded_it_is_an_ordinary_model_with_the_same_logits(folder, tmp_path):
    model = stirred(extended(folder))
    ids, before = some_ids(model.config.vocab_size), copy.deepcopy(model.state_dict())
    plain = folded(model)
    assert type(plain) is type(AutoModelForCausalLM.from_pretrained(folder))
    torch.testing.assert_close(logits(plain, ids), logits(model, ids), atol=1e-5, rtol=1e-5)
    plain.save_pretrained(tmp_path)
    again = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(logits(again, ids), logits(model, ids), atol=1e-5, rtol=1e-5)
    assert not any("music" in name for name in again.state_dict())
    assert music_of(again.config) == music_of(model.config)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_what_is_saved_is_loaded(folder, tmp_path):
    model = stirred(extended(folder))
    ids = some_ids(model.config.vocab_size)
    for number, each in enumerate((model, folded(model))):
        place = save_model_folder(
            tmp_path / str(number), each, representation={"name": "remi"}, provenance={}, card="",
            recipe={"model": {"family": "llm"}},
        )  # fmt: skip
        loaded = load_model_folder(place)
        assert type(loaded.model).__name__ == type(each).__name__
        assert loaded.vocabulary_size == 30
        torch.testing.assert_close(logits(loaded.model, ids), logits(model, ids), atol=1e-6, rtol=1e-6)
    content = json.loads((tmp_path / "0" / "config.json").read_text())
    (tmp_path / "0" / "config.json").write_text(json.dumps(content | {"music_rows": 31}))
    with pytest.raises(BadRecipe, match=r"config\.json"):
        load_model_folder(tmp_path / "0")


def test_cached_batched_and_packed_it_gives_the_same(folder):
    model = stirred(extended(folder))
    ids = some_ids(model.config.vocab_size)
    whole = logits(model, ids)
    with torch.no_grad():
        first = model(input_ids=ids[:, :9], use_cache=True)
        rest = model(input_ids=ids[:, 9:], past_key_values=first.past_key_values, use_cache=True)
    torch.testing.assert_close(torch.cat([first.logits, rest.logits], 1), whole, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(torch.cat([logits(model, row[None]) for row in ids]), whole, atol=1e-5, rtol=1e-5)


def test_packed_pieces_do_not_see_each_other(llama):
    model = stirred(extended(llama))
    ids = some_ids(model.config.vocab_size)
    alone = torch.cat([logits(model, ids[:, :9]), logits(model, ids[:, 9:])], 1)
    positions = torch.cat([torch.arange(9), torch.arange(15)]).repeat(2)[None]
    use_pieces(model)
    packed = logits(model, ids.reshape(1, -1), position_ids=positions, pieces=[9, 15] * 2, use_cache=False)
    torch.testing.assert_close(packed.view_as(alone), alone, atol=1e-5, rtol=1e-5)


def test_every_added_weight_learns(folder):
    model: Any = extended(folder)
    ids = some_ids(model.config.vocab_size)
    loss = model(input_ids=ids, labels=ids).loss
    loss.backward()
    targets = torch.nn.functional.cross_entropy(logits(model, ids)[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    assert loss.item() == pytest.approx(float(targets), abs=1e-5)
    added = [model.get_submodule(name) for name in model.added_modules]
    gradients = [parameter.grad for module in added for parameter in module.parameters()]
    assert len(gradients) == 3
    assert all(gradient.abs().sum() > 0 for gradient in gradients)


def test_random_rows_have_the_deviation_of_the_text_s_and_depend_on_the_seed_alone(folder):
    models = [cast(Any, extended(folder, seed=seed)) for seed in (1, 1, 2)]
    embedding = models[0].get_input_embeddings()
    assert embedding.music.rows.weight.std().item() == pytest.approx(embedding.weight.std().item(), rel=0.1)
    assert torch.equal(embedding.music.folded(), embedding.music.rows.weight)
    rows = [model.get_input_embeddings().music.rows.weight for model in models]
    assert torch.equal(rows[0], rows[1])
    assert not torch.equal(rows[0], rows[2])


def music_model(folder, width, size=30):
    config = GPT2Config(vocab_size=size, n_embd=width, n_layer=1, n_head=4, n_positions=64)
    torch.manual_seed(5)
    GPT2LMHeadModel(config).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("width", [16, 32])
def test_transferred_rows_are_copied_scaled_and_filled_up(llama, tmp_path, width):
    source = music_model(tmp_path / "music", width)
    model: Any = extended(llama, initialise_from=source)
    theirs = GPT2LMHeadModel.from_pretrained(source).transformer.wte.weight
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    for layer, rows in ((embedding, embedding.music.folded()), (head, head.music.weight)):
        copied, rest = rows[:, :width], rows[:, width:]
        assert not rest.any()
        assert copied.std().item() == pytest.approx(layer.weight.std().item(), rel=1e-4)
        torch.testing.assert_close(copied / copied.std(), theirs / theirs.std(), atol=1e-5, rtol=1e-5)


def test_a_wider_music_model_goes_through_the_linear_layer(llama, tmp_path):
    model: Any = extended(llama, initialise_from=music_model(tmp_path / "music", 48))
    music = model.get_input_embeddings().music
    assert music.projection.weight.shape == (32, 48)
    deviation = model.get_input_embeddings().weight.std().item()
    assert music.folded().std().item() == pytest.approx(deviation, rel=0.1)
    with pytest.raises(BadRecipe, match="29 tokens"):
        extended(llama, initialise_from=music_model(tmp_path / "other", 16, size=29))


def test_midi_llm_s_layout_comes_out_and_is_read(tmp_path, llama):
    """183,286 rows: Llama's 128,256, AMT's 55,028 and two without a meaning; a folder of theirs is taken as it is."""
    sizes: dict[str, Any] = {
        "hidden_size": 4,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
    }
    config = LlamaConfig(vocab_size=midi_llm.SHIFT, intermediate_size=4, tie_word_embeddings=True, **sizes)
    tokenizer = AutoTokenizer.from_pretrained(llama)
    for name in ("llama", "midi_llm"):
        tokenizer.save_pretrained(tmp_path / name)
    LlamaForCausalLM(config).save_pretrained(tmp_path / "llama")
    amt = Vocabulary(vocabulary.SIZE, Special(vocabulary.SEPARATOR, vocabulary.AUTOREGRESS, vocabulary.SEPARATOR))
    options: dict[str, Any] = {"offset": midi_llm.SHIFT, "vocabulary_size": midi_llm.VOCABULARY}
    model = build(LlmConfig(base=str(tmp_path / "llama"), **options), amt, 1)
    plain = folded(model)
    assert plain.get_input_embeddings().weight.shape == plain.lm_head.weight.shape == (183_286, 4)
    assert plain.config.bos_token_id == midi_llm.OPENING == 183_282
    config.vocab_size, config.tie_word_embeddings = midi_llm.VOCABULARY, False
    LlamaForCausalLM(config).save_pretrained(tmp_path / "midi_llm")
    theirs = build(LlmConfig(base=str(tmp_path / "midi_llm"), **options), amt, 1)
    assert type(theirs) is LlamaForCausalLM
    assert theirs.config.vocab_size == midi_llm.VOCABULARY
    assert (music_of(theirs.config) or ())[:2] == (midi_llm.SHIFT, vocabulary.SIZE)


def test_without_music_it_is_the_pretrained_model_itself(llama, tmp_path):
    model = build(LlmConfig(base=str(llama), context=64), Vocabulary(0, Special(0, 0, 0)), 1)
    assert type(model) is LlamaForCausalLM
    place = save_model_folder(
        tmp_path / "model", model, representation={"name": "abc"}, provenance={}, card="",
        recipe={"model": {"family": "llm"}},
    )  # fmt: skip
    assert load_model_folder(place).vocabulary_size == 0


def test_what_does_not_fit_is_refused(llama):
    with pytest.raises(BadRecipe, match=r"model\.base is missing"):
        build(LlmConfig(), MUSIC, 1)
    with pytest.raises(BadRecipe, match="attends to 512"):
        build(LlmConfig(base=str(llama), context=513), MUSIC, 1)
    for options in ({"offset": 1000}, {"vocabulary_size": 340}, {"offset": 310}):
        with pytest.raises(BadRecipe, match="do not follow"):
            extended(llama, **options)
    for content in ({"model_type": "bert"}, {"model_type": "partimento_llm", "base": {"model_type": "gpt2"}}):
        with pytest.raises(ValueError, match=r"language model|music"):
            family("llm").read_config(content)
