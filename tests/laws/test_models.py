"""Laws of model families that read tokens: a new member of the registry needs a line in `TINY` and arrives tested."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import transformers
from numpy_forwards import FORWARDS
from transformers import AutoModelForCausalLM

from partimento.generation.engines import load_engine
from partimento.models import FAMILIES, Special, Vocabulary, family, sized
from partimento.models.attention import use_pieces
from partimento.models.folder import load_model_folder, save_model_folder
from partimento.models.sizes import PARAMETERS
from partimento.models.weights import needed_shapes, quiet, stored_tensors

TINY = {
    "transformer": {
        "hidden_size": 32, "layers": 2, "heads": 4, "key_value_heads": 2, "ff_size": 48, "context": 64,
    },
    "gpt2": {"hidden_size": 32, "layers": 2, "heads": 4, "ff_size": 48, "context": 64},
    "lstm": {"hidden_size": 32, "layers": 2, "context": 64},
}  # fmt: skip
VOCABULARY = Vocabulary(50, Special(0, 1, 2))
MEMBERS = [name for name in FAMILIES if family(name).reads == "tokens"]
CLOSE: dict[str, Any] = {"atol": 1e-5, "rtol": 1e-5}


def built(name, seed=3):
    kind = family(name)
    return kind.build(kind.config(**TINY[name]), VOCABULARY, seed)


@pytest.fixture(params=MEMBERS)
def name(request):
    assert request.param in TINY, f"give {request.param} a line in TINY"
    return request.param


@pytest.fixture
def model(name: str):
    model = built(name)
    with torch.no_grad():  # fresh weights are so small that mistakes would hide
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(5)
            parameter.add_(0.1 * torch.sin(torch.arange(parameter.shape[-1])))
    return model.eval()


@pytest.fixture
def ids():
    return torch.from_numpy(np.random.default_rng(5).integers(3, VOCABULARY.size, (3, 24)))


def logits(model, ids, **arguments):
    with torch.no_grad():
        return model(input_ids=ids, **{"use_cache": False} | arguments).logits


def saved(model, folder):
    representation = {"name": "remi"}
    return save_model_folder(folder, model, representation=representation, recipe={}, provenance={}, card="")


def test_logits_are_those_of_the_numpy_forward(name, model, ids):
    state = {each: tensor.double().numpy() for each, tensor in model.state_dict().items()}
    ours = logits(model, ids).numpy()
    assert np.ptp(ours) > 1
    for row, sequence in zip(ours, ids.numpy(), strict=True):
        np.testing.assert_allclose(row, FORWARDS[name](state, model.config, sequence), **CLOSE)


@pytest.mark.parametrize("steps", [[1] * 24, [9, 1, 14]])
def test_cached_and_uncached_decoding_agree(model, ids, steps):
    cache, cached = None, []
    with torch.no_grad():
        for part in ids.split(steps, dim=1):
            output = model(input_ids=part, past_key_values=cache, use_cache=True)
            cache = output.past_key_values
            cached.append(output.logits)
    torch.testing.assert_close(torch.cat(cached, 1), logits(model, ids), **CLOSE)


def test_batch_and_single_agree_and_the_future_is_unseen(model, ids):
    together = logits(model, ids)
    torch.testing.assert_close(torch.cat([logits(model, row[None]) for row in ids]), together, **CLOSE)
    changed = ids.clone()
    changed[:, 12:] = 7
    torch.testing.assert_close(logits(model, changed)[:, :12], together[:, :12], **CLOSE)
    assert not torch.allclose(logits(model, changed)[:, 12:], together[:, 12:], atol=1e-2)


@pytest.mark.parametrize("use_cache", [False, True])
def test_padding_does_not_matter(model, ids, use_cache):
    lengths, mask = [24, 17, 5], torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        mask[row, :length] = 1
    padded = logits(model, ids.where(mask == 1, 0), attention_mask=mask, use_cache=use_cache)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(padded[row, :length], logits(model, ids[row : row + 1, :length])[0], **CLOSE)


@pytest.mark.parametrize("by_piece", [False, True])
def test_packed_pieces_do_not_see_each_other(model, ids, by_piece):
    alone = torch.cat([logits(model, ids[:, :9]), logits(model, ids[:, 9:])], 1)
    positions = torch.cat([torch.arange(9), torch.arange(15)]).expand(3, -1)
    if by_piece:
        use_pieces(model)
        packed = logits(model, ids.reshape(1, -1), position_ids=positions.reshape(1, -1), pieces=[9, 15] * 3)
    else:
        packed = logits(model, ids, position_ids=positions)
    torch.testing.assert_close(packed.view_as(alone), alone, **CLOSE)


def test_weights_depend_on_the_seed_alone(name):
    first = built(name, seed=1).state_dict()
    before = torch.random.get_rng_state()
    again, other = (built(name, seed=seed).state_dict() for seed in (1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[each], again[each]) for each in first)
    assert not all(torch.equal(first[each], other[each]) for each in first)


def test_every_parameter_has_a_gradient(model, ids):
    model.train()
    model(input_ids=ids, use_cache=False).logits.square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_what_is_saved_is_loaded(name, model, ids, tmp_path):
    loaded = load_model_folder(saved(model, tmp_path / "model"))
    assert loaded.family == family(name)
    assert torch.equal(logits(loaded.model, ids), logits(model, ids))
    with quiet():
        assert torch.equal(logits(AutoModelForCausalLM.from_pretrained(tmp_path / "model"), ids), logits(model, ids))


def test_save_pretrained_and_from_pretrained_agree(name, model, ids, tmp_path):
    with quiet():
        model.save_pretrained(tmp_path)
        again = family(name).class_for(model.config).from_pretrained(tmp_path)
    assert torch.equal(logits(again, ids), logits(model, ids))


def test_shapes_are_known_before_memory_is_taken(name, model):
    shapes = {each: tuple(tensor.shape) for each, tensor in stored_tensors(model).items()}
    assert needed_shapes(family(name), model.config) == shapes


@pytest.mark.parametrize("steps", [[24], [1] * 24, [7, 1, 1, 15]])
def test_the_engine_gives_the_same_logits(model, ids, steps, tmp_path):
    engine = load_engine(saved(model, tmp_path / "model"))
    assert (engine.vocabulary_size, engine.context, engine.condition) == (50, 64, None)
    session, at = engine.session(), 0
    for step in steps:
        given = session.feed(ids[0, at : at + step].tolist())
        at += step
        np.testing.assert_allclose(given, logits(model, ids[:1])[0, at - 1], **CLOSE)
    with pytest.raises(ValueError, match="the context holds 64"):
        session.feed([3] * 41)


def test_generate_goes_on_as_the_logits_say(model, ids):
    with quiet():
        written = model.generate(
            ids[:1], attention_mask=torch.ones_like(ids[:1]), max_new_tokens=8, do_sample=False, eos_token_id=None
        )
    sequence = ids[:1]
    for _ in range(8):
        sequence = torch.cat([sequence, logits(model, sequence)[:, -1:].argmax(-1)], 1)
    assert torch.equal(written, sequence)


@pytest.mark.parametrize("size", PARAMETERS)
def test_named_sizes_have_about_as_many_parameters_as_they_say(name, size):
    kind = family(name)
    vocabulary = Vocabulary(2048, Special(0, 1, 2))
    with torch.device("meta"):
        model = kind.build(kind.config(**sized(kind, {"size": size, "context": 2048})), vocabulary, 1)
    millions = model.num_parameters() / 1e6
    assert PARAMETERS[size] / 1.6 < millions < PARAMETERS[size] * 1.25


@pytest.mark.parametrize("size", PARAMETERS)
def test_layers_of_one_size_have_as_many_parameters_in_every_family(size):
    counts = []
    for each in ("transformer", "gpt2", "lstm"):
        kind = family(each)
        with torch.device("meta"):
            model = kind.build(kind.config(**sized(kind, {"size": size})), VOCABULARY, 1)
        blocks = next(m for n, m in model.named_modules() if n in ("model.layers", "transformer.h", "layers"))
        counts.append(sum(parameter.numel() for parameter in blocks.parameters()))
    assert max(counts) < 1.05 * min(counts)


REFERENCES = {"transformer": transformers.LlamaForCausalLM, "gpt2": transformers.GPT2LMHeadModel}


@pytest.mark.parametrize("name", REFERENCES)
def test_logits_are_those_of_the_reference_class(name, model, ids, tmp_path):
    with quiet():
        reference = REFERENCES[name].from_pretrained(saved(model, tmp_path / "model"))
    loaded = load_model_folder(tmp_path / "model").model
    torch.testing.assert_close(logits(loaded, ids), logits(reference, ids), **CLOSE)
