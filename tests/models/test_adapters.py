"""Laws of adapters beside every family: what they change, what they train, how they are kept and merged."""

import json
import shutil
from inspect import signature
from typing import Any

import pytest
import torch
from peft import PeftModel
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from partimento.cli import main
from partimento.errors import BadRecipe
from partimento.generation.engines import load_engine
from partimento.models import FAMILIES, Special, Vocabulary, family
from partimento.models.adapter_folder import Base, checksum, load_adapter, save_adapter_folder
from partimento.models.adapters import as_intended, with_adapter
from partimento.models.folder import load_model_folder, save_model_folder
from partimento.models.merge import heard, merge
from partimento.models.quantised import added_modules, dequantise, linear_layers, quantise
from partimento.models.tuning import AdapterConfig
from partimento.models.unsloth import with_unsloth

VOCABULARY = Vocabulary(50, Special(0, 1, 2))
LLAMA: dict[str, Any] = {"hidden_size": 32, "layers": 2, "heads": 4, "key_value_heads": 2, "ff_size": 48, "context": 64}
TINY: dict[str, dict[str, Any]] = {
    "transformer": LLAMA,
    "gpt2": {"hidden_size": 32, "layers": 2, "heads": 4, "ff_size": 48, "context": 64},
    "encoder_decoder": {
        "hidden_size": 32, "encoder_layers": 1, "decoder_layers": 2, "heads": 4, "ff_size": 48, "context": 64,
        "dropout": 0.0,
    },
    "text_prefix": {"music_config": LLAMA, "context": 64, "layers": "weighted"},
    "llm": {"base": "", "context": 64},
}  # fmt: skip
WITHOUT_LINEAR_LAYERS = {"lstm"}
KINDS = [(kind, weights) for kind in ("lora", "dora") for weights in ("none", "nf4")]
TEXT_MODEL = LlamaConfig(
    vocab_size=70, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=64,
)  # fmt: skip
PAPERS: dict[str, Any] = {
    "representation": {"name": "remi"},
    "provenance": {"data": {"licences": {"bach": "CC0"}}},
    "card": "# tiny\n",
}


def test_every_family_is_here():
    assert TINY.keys() | WITHOUT_LINEAR_LAYERS == FAMILIES.keys()


@pytest.fixture(params=TINY, scope="module")
def base(request, tmp_path_factory):
    """A small model of a family, in its folder; its weights are large enough for mistakes to show."""
    name, place = request.param, tmp_path_factory.mktemp("models")
    config = dict(TINY[name])
    if name == "llm":
        config["base"] = str(place / "text")
        torch.manual_seed(3)
        LlamaForCausalLM(TEXT_MODEL).save_pretrained(place / "text")
        words = Tokenizer(WordLevel({f"word{id}": id for id in range(TEXT_MODEL.vocab_size)}, unk_token="word0"))
        PreTrainedTokenizerFast(tokenizer_object=words, unk_token="word0", eos_token="word1").save_pretrained(
            place / "text"
        )
        return Base(config["base"], name, config, VOCABULARY, 3, "none", checksum(config["base"]))
    model = family(name).build(family(name).config(**config), VOCABULARY, 3)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(3)
    folder = save_model_folder(place / "base", model, recipe={"model": {"family": name}}, **PAPERS)
    return Base(str(folder), name, config, VOCABULARY, 3, "none", checksum(str(folder)))


@pytest.fixture(params=KINDS, ids="-".join, scope="module")
def kind(request):
    return request.param


def fresh(base, kind, **options):
    """Base, and the adapter beside it."""
    model = base.model()
    if kind[1] == "nf4":
        quantise(model)
    return model, with_adapter(model, AdapterConfig(kind=kind[0], rank=4, **options), seed=1, base=base.name)


def rows(base):
    """Rows of tokens to train, where rows can be told apart."""
    return True if base.family == "llm" else [(3, 6)]


def train(model, tuned, steps=6):
    optimiser = torch.optim.AdamW([each for each in tuned.parameters() if each.requires_grad], lr=1e-2)
    ids = torch.arange(3, 43)[None]
    given = {"input_ids": ids}
    if "decoder_input_ids" in signature(model.forward).parameters:
        given = {"input_ids": ids % model.config.source_vocab_size, "decoder_input_ids": ids}
    losses = []
    for _ in range(steps):
        loss = cross_entropy(tuned(**given).logits[0, :-1], ids[0, 1:])
        loss.backward()
        losses.append(float(loss.detach()))
        optimiser.step()
        optimiser.zero_grad()
        tuned.eval()
        heard(model)  # a validation in between must not change what is trained
        tuned.train()
    tuned.eval()
    return losses


@pytest.fixture(scope="module")
def trained(base, kind, tmp_path_factory):
    """A trained adapter's folder, the base as it was described, and the logits of both together."""
    model, tuned = fresh(base, kind, train_tokens=rows(base))
    losses = train(model, tuned)
    assert losses[-1] < losses[0] - 0.05
    described = Base(base.name, base.family, base.config, VOCABULARY, 3, kind[1], base.sha256)
    folder = tmp_path_factory.mktemp("adapters") / "tuned"
    save_adapter_folder(folder, tuned, described, recipe={"model": {"family": base.family}}, **PAPERS)
    return folder, heard(model)


def test_a_fresh_adapter_changes_nothing(base, kind):
    model = base.model()
    if kind[1] == "nf4":
        quantise(model)
    before = heard(model)
    with_adapter(model, AdapterConfig(kind=kind[0], rank=4, train_tokens=rows(base)), seed=1)
    torch.testing.assert_close(heard(model), before, atol=1e-5, rtol=1e-5)


def test_what_is_trained_is_as_many_as_by_hand(base, kind):
    model = base.model()
    layers = [layer for _, layer in linear_layers(model)]
    outputs = sum(layer.weight.shape[0 if isinstance(layer, torch.nn.Linear) else 1] for layer in layers)
    expected = 4 * sum(sum(layer.weight.shape) for layer in layers) + (outputs if kind[0] == "dora" else 0)
    added = [model.get_submodule(name) for name in added_modules(model)]
    expected += sum(parameter.numel() for module in added for parameter in module.parameters())
    if rows(base) is not True:
        head, embedding = model.get_output_embeddings(), model.get_input_embeddings()
        expected += 3 * embedding.weight.shape[1] * (1 if head.weight is embedding.weight else 2)
    _, tuned = fresh(base, kind, train_tokens=rows(base))
    assert tuned.get_nb_trainable_parameters()[0] == expected


def test_only_what_is_asked_for_gets_gradients(base, kind):
    model, tuned = fresh(base, kind, targets="attention", train_tokens=rows(base))
    before = {name: tensor.clone() for name, tensor in tuned.state_dict().items() if "base_layer" in name}
    train(model, tuned)
    for name, parameter in tuned.named_parameters():
        is_adapter = "lora_" in name
        assert parameter.requires_grad == (is_adapter or "trainable_tokens" in name or "modules_to_save" in name), name
        assert not is_adapter or "att" in name.lower(), name
    after = tuned.state_dict()
    assert before
    head = model.get_output_embeddings()  # rows that input and output share are trained at both ends
    assert base.family == "llm" or hasattr(head, "token_adapter")
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_saved_and_loaded_it_gives_equal_logits(trained):
    folder, logits = trained
    assert torch.equal(heard(load_adapter(folder).get_base_model()), logits)
    files = {"adapter_model.safetensors", "adapter_config.json", "representation.json", "recipe.yaml"}
    assert {path.name for path in folder.iterdir()} == files | {"provenance.json", "README.md"}


def test_merged_it_gives_equal_logits(trained, base, tmp_path):
    folder, logits = trained
    difference = merge(folder, tmp_path / "merged")
    loaded = load_model_folder(tmp_path / "merged")
    torch.testing.assert_close(heard(loaded.model), logits, atol=1e-5, rtol=1e-5)
    assert difference == pytest.approx(float((heard(loaded.model) - logits).abs().max()), abs=1e-6)
    assert loaded.provenance["merged"]["logit_difference"] == difference < 1e-5
    assert type(loaded.model) is type(base.model())
    assert checksum(base.name) == base.sha256


def test_peft_reads_the_folder(trained, base, kind):
    folder, logits = trained
    if base.family != "transformer" or kind[1] == "nf4":
        pytest.skip("transformers' own loading is the same for all families")
    model = AutoModelForCausalLM.from_pretrained(base.name)
    with as_intended(model):
        tuned = PeftModel.from_pretrained(model, str(folder))
    assert torch.equal(heard(tuned.eval().get_base_model()), logits)


def test_the_engine_reads_the_folder(trained, base, kind):
    folder, logits = trained
    if family(base.family).reads != "tokens":
        pytest.skip("needs something to read first")
    engine = load_engine(folder)
    ids = torch.randint(50, (1, 64), generator=torch.Generator().manual_seed(1))[0].tolist()
    torch.testing.assert_close(torch.from_numpy(engine.session().feed(ids)), logits[0, -1], atol=1e-5, rtol=1e-5)


@pytest.fixture
def adapter(tmp_path):
    """A small adapter beside its base, both in one folder."""
    name = tmp_path / "base"
    model = family("transformer").build(family("transformer").config(**TINY["transformer"]), VOCABULARY, 3)
    save_model_folder(name, model, recipe={"model": {"family": "transformer"}}, **PAPERS)
    base = Base(str(name), "transformer", TINY["transformer"], VOCABULARY, 3, "none", checksum(str(name)))
    _, tuned = fresh(base, ("lora", "none"))
    return save_adapter_folder(tmp_path / "tuned", tuned, base, recipe={"model": {"family": "transformer"}}, **PAPERS)


def test_nf4_takes_an_eighth_and_comes_back_as_it_was_rounded(adapter):
    model = load_model_folder(adapter.parent / "base").model
    whole = sum(layer.weight.nbytes for _, layer in linear_layers(model))
    quantise(model)
    rounded = heard(model)
    assert sum(layer.weight.nbytes for _, layer in linear_layers(model)) == whole / 8
    dequantise(model)
    assert torch.equal(heard(model), rounded)
    quantise(model)
    assert torch.equal(heard(model), rounded)


def test_a_base_that_moved_along_is_found_and_another_is_refused(adapter, tmp_path):
    before = heard(load_adapter(adapter))
    shutil.copytree(tmp_path, tmp_path.parent / "elsewhere")
    moved = tmp_path.parent / "elsewhere"
    shutil.rmtree(tmp_path / "base")
    assert torch.equal(heard(load_adapter(moved / "tuned")), before)
    (moved / "base").rename(moved / "renamed")
    with pytest.raises(BadRecipe, match="--base"):
        load_adapter(moved / "tuned")
    assert torch.equal(heard(load_adapter(moved / "tuned", str(moved / "renamed"))), before)
    other = family("transformer").build(family("transformer").config(**TINY["transformer"]), VOCABULARY, 4)
    save_model_folder(moved / "other", other, recipe={}, **PAPERS)
    with pytest.raises(BadRecipe, match="another model"):
        load_adapter(moved / "tuned", str(moved / "other"))


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


DAMAGES = {
    "weights missing": (lambda f: (f / "adapter_model.safetensors").unlink(), "adapter_model.safetensors is missing"),
    "weights cut": (lambda f: (f / "adapter_model.safetensors").write_bytes(b"\0" * 40), "damaged"),
    "another rank": (lambda f: edit(f / "adapter_config.json", r=8), "do not fit"),
    "a huge rank": (lambda f: edit(f / "adapter_config.json", r=10**9), "rank"),
    "a word for a rank": (lambda f: edit(f / "adapter_config.json", r="wide"), "rank"),
    "another kind": (lambda f: edit(f / "adapter_config.json", peft_type="IA3"), "LoRA"),
    "other layers": (lambda f: edit(f / "adapter_config.json", target_modules=["qkv"]), "does not fit"),
    "no JSON": (lambda f: (f / "adapter_config.json").write_text("{"), "adapter_config.json"),
    "no base": (lambda f: (f / "provenance.json").write_text("{}"), "base"),
    "an unknown base": (lambda f: edit(f / "provenance.json", base={"name": "x"}), "base"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_one_line(adapter, damage):
    harm, word = DAMAGES[damage]
    harm(adapter)
    with pytest.raises(BadRecipe, match=word) as caught:
        load_model_folder(adapter)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"rank": 0}, "rank"),
        ({"targets": []}, "targets is empty"),
        ({"targets": ["qkv"]}, "q_proj"),
        ({"train_tokens": [(48, 51)]}, "no id 50"),
        ({"train_tokens": [(5, 5)]}, "ranges"),
    ],
)
def test_what_a_model_does_not_have_is_refused(adapter, options, word):
    with pytest.raises(BadRecipe, match=word):
        with_adapter(load_model_folder(adapter.parent / "base").model, AdapterConfig(**options), seed=1)


def test_rows_that_peft_cannot_tell_apart_are_refused(base):
    if rows(base) is True:
        with pytest.raises(BadRecipe, match="train_tokens"):
            fresh(base, ("lora", "none"), train_tokens=[(3, 6)])


def test_a_model_without_linear_layers_is_refused():
    for name in WITHOUT_LINEAR_LAYERS:
        model = family(name).build(family(name).config(hidden_size=32, layers=2, context=64), VOCABULARY, 3)
        with pytest.raises(BadRecipe, match="in full"):
            with_adapter(model, AdapterConfig(), seed=1)


def test_unsloth_is_refused_where_it_cannot_run():
    refused: list[tuple[dict[str, Any], str]] = [({}, "GPU|not installed"), ({"kind": "dora"}, "lora")]
    for options, word in refused:
        with pytest.raises(BadRecipe, match=word):
            with_unsloth("base", AdapterConfig(**options), seed=1, context=64, in_four_bits=True)


def test_frozen_parts_get_no_adapter_even_in_nf4(adapter):
    for weights in ("none", "nf4"):
        model = load_model_folder(adapter.parent / "base").model
        model.model.layers[0].requires_grad_(False)
        if weights == "nf4":
            quantise(model)
        tuned = with_adapter(model, AdapterConfig(), seed=1)
        names = [name for name, parameter in tuned.named_parameters() if parameter.requires_grad]
        assert names
        assert all("layers.1." in name for name in names)


def test_merge_on_the_command_line(adapter, tmp_path, capsys):
    assert main(["merge", str(adapter), "--out", str(tmp_path / "merged"), "--dtype", "bfloat16"]) == 0
    assert "differ from the adapter's by at most" in capsys.readouterr().out
    assert "Merged" in (tmp_path / "merged" / "README.md").read_text()
    assert main(["merge", str(adapter), "--out", str(tmp_path / "merged")]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["merge", str(tmp_path / "base"), "--out", str(tmp_path / "other")]) == 2
    assert "is no adapter folder" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "base")
    assert main(["merge", str(adapter), "--out", str(tmp_path / "other")]) == 2
    assert "--base" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["merged", "tuned"]
