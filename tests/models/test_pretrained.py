"""Bases: what transformers have saved is read, and everything else is refused in a line that says what to do."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BartConfig, BartForConditionalGeneration, BertConfig, BertModel, GPT2Config, GPT2LMHeadModel

from partimento.errors import BadRecipe
from partimento.models import Special, Vocabulary, family
from partimento.models.folder import save_model_folder
from partimento.models.pretrained import load_base
from partimento.models.weights import quiet
from partimento.representations import create
from partimento.representations.pretrained import to_pretrained

SMALL: dict[str, Any] = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
MODELS = {
    "causal": lambda: GPT2LMHeadModel(
        GPT2Config(vocab_size=50, n_embd=16, n_layer=1, n_head=2, n_positions=32, **SMALL)
    ),
    "seq2seq": lambda: BartForConditionalGeneration(
        BartConfig(
            vocab_size=50, d_model=16, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=16, decoder_ffn_dim=16,
            encoder_attention_heads=2, decoder_attention_heads=2, max_position_embeddings=32, **SMALL,
            decoder_start_token_id=2, forced_eos_token_id=2,
        )
    ),
    "encoder": lambda: BertModel(
        BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    ),
}  # fmt: skip


def saved(kind: str, folder: Path) -> torch.nn.Module:
    with quiet():
        model = MODELS[kind]()
        model.save_pretrained(folder)
    return model.eval()


@pytest.mark.parametrize("kind", MODELS)
def test_a_folder_of_each_kind_is_read(kind, tmp_path):
    model, before = saved(kind, tmp_path), torch.random.get_rng_state()
    loaded = load_base(str(tmp_path), kind)
    assert type(loaded) is type(model)
    assert not loaded.training
    assert torch.equal(torch.random.get_rng_state(), before)
    state = loaded.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


def test_options_are_handed_on(tmp_path):
    saved("causal", tmp_path)
    assert load_base(tmp_path, "causal", dtype=torch.bfloat16).dtype == torch.bfloat16


def test_our_own_folders_are_bases_too(tmp_path):
    kind = family("lstm")
    model = kind.build(kind.config(hidden_size=16, layers=1), Vocabulary(50, Special(0, 1, 2)), 1)
    described = {"name": "remi"}
    save_model_folder(tmp_path / "m", model, representation=described, recipe={}, provenance={}, card="")
    assert torch.equal(load_base(tmp_path / "m", "causal").lm_head.weight, model.lm_head.weight)


def test_a_tokenizer_is_read(tmp_path):
    to_pretrained(create("remi")).save_pretrained(tmp_path)
    assert load_base(tmp_path, "tokenizer")("BOS EOS").input_ids == [1, 2]


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def with_pickle(folder: Path) -> None:
    without_weights(folder)
    torch.save({}, folder / "pytorch_model.bin")


def cut(folder: Path) -> None:
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])


def edited(**changes):
    def edit(folder: Path) -> None:
        content = json.loads((folder / "config.json").read_text()) | changes
        (folder / "config.json").write_text(json.dumps(content))

    return edit


def with_code(folder: Path) -> None:
    (folder / "modeling_own.py").write_text("raise SystemExit('ran')")
    edited(model_type="own", auto_map={"AutoConfig": "modeling_own.Own", "AutoModelForCausalLM": "modeling_own.M"})(
        folder
    )


DAMAGES = {
    "no weights": (without_weights, "no model.safetensors"),
    "a pickle": (with_pickle, "no model.safetensors"),
    "cut": (cut, "damaged"),
    "code of its own": (with_code, "never run"),
    "no type": (edited(model_type="own"), "own"),
    "wider than its weights": (edited(n_embd=32), "cannot be loaded"),
    "more layers than weights": (edited(n_layer=3), "no weights"),
    "no JSON": (lambda folder: (folder / "config.json").write_text("{"), "cannot be loaded"),
    "no config": (lambda folder: (folder / "config.json").unlink(), "config.json is missing"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_one_line_that_names_the_place(damage, tmp_path, capsys):
    saved("causal", tmp_path)
    harm, word = DAMAGES[damage]
    harm(tmp_path)
    with pytest.raises(BadRecipe) as caught:
        load_base(tmp_path, "causal")
    message = str(caught.value)
    assert message.startswith(str(tmp_path))
    assert word in message
    assert "\n" not in message
    assert capsys.readouterr() == ("", "")


def test_a_model_of_another_kind_is_refused(tmp_path):
    saved("encoder", tmp_path)
    with pytest.raises(BadRecipe, match="cannot be loaded"):
        load_base(tmp_path, "seq2seq")


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "a/b/c", "~/nowhere"])
def test_a_missing_folder_is_named(name):
    with pytest.raises(BadRecipe, match="there is no such model folder"):
        load_base(name, "causal")


@pytest.mark.parametrize("kind", ["causal", "tokenizer"])
def test_a_hub_that_cannot_be_reached_is_named(kind, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(BadRecipe, match="hub cannot be reached") as caught:
        load_base("nobody/nothing", kind)
    assert "\n" not in str(caught.value)


def test_what_is_no_name_is_refused():
    with pytest.raises(BadRecipe, match="neither a folder nor a name"):
        load_base("no name!", "causal")
