"""Model folders: what goes in comes out, and damage is one line."""

import json
import subprocess
import sys

import pytest
import torch
from transformers import LlamaForCausalLM
from transformers.utils import logging as transformers_logging

from partimento.errors import BadRecipe
from partimento.models import Special, Vocabulary
from partimento.models.folder import load_model_folder, save_model_folder
from partimento.models.transformer import TransformerConfig, build


@pytest.fixture(scope="module")
def model():
    config = TransformerConfig(hidden_size=32, layers=2, heads=4, key_value_heads=2, ff_size=48, context=64)
    return build(config, Vocabulary(50, Special(0, 1, 2)), seed=3).eval()


@pytest.fixture
def folder(model, tmp_path):
    return save(model, tmp_path / "model")


def save(model, folder, **options):
    return save_model_folder(
        folder,
        model,
        representation={"name": "remi", "velocities": False},
        recipe={"name": "tiny", "seed": 1},
        provenance={"data": {"licences": {"music21:bach": "public domain"}}},
        card="# tiny\n",
        **options,
    )


def logits(model):
    with torch.no_grad():
        return model(input_ids=torch.arange(3, 40)[None]).logits


def test_what_is_saved_is_loaded(model, folder):
    loaded = load_model_folder(folder)
    assert torch.equal(logits(loaded.model), logits(model))
    assert loaded.representation == {"name": "remi", "velocities": False}
    assert loaded.recipe == {"name": "tiny", "seed": 1}
    assert loaded.provenance["data"]["licences"] == {"music21:bach": "public domain"}
    assert loaded.provenance["partimento"]
    assert loaded.vocabulary_size == 50
    assert not loaded.model.training


def test_transformers_reads_the_folder(model, folder):
    transformers_logging.disable_progress_bar()
    assert torch.equal(logits(LlamaForCausalLM.from_pretrained(folder)), logits(model))


def test_bfloat16_halves_the_file_and_loads_as_float32(model, folder, tmp_path):
    half = save(model, tmp_path / "half", dtype=torch.bfloat16)
    sizes = [(each / "model.safetensors").stat().st_size for each in (folder, half)]
    assert sizes[1] < 0.6 * sizes[0]
    loaded = load_model_folder(half)
    assert {parameter.dtype for parameter in loaded.model.parameters()} == {torch.float32}
    torch.testing.assert_close(logits(loaded.model), logits(model), atol=1e-2, rtol=1e-2)


def test_saving_again_replaces_and_leaves_nothing_beside(model, folder):
    before = (folder / "model.safetensors").read_bytes()
    (folder / "old.txt").write_text("old")
    save(model, folder)
    assert (folder / "model.safetensors").read_bytes() == before
    assert not (folder / "old.txt").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_no_other_folder_is_replaced(model, tmp_path):
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "sonata.mid").write_bytes(b"MThd")
    with pytest.raises(BadRecipe, match="music"):
        save(model, tmp_path / "music")
    assert [path.name for path in tmp_path.rglob("*")] == ["music", "sonata.mid"]


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def damage_text(name, text):
    return lambda folder: (folder / name).write_text(text)


DAMAGES = {
    "config.json: no JSON": (damage_text("config.json", "{"), "config.json"),
    "config.json: a list": (damage_text("config.json", "[]"), "config.json"),
    "config.json: another type": (lambda f: edit(f / "config.json", model_type="bert"), "bert"),
    "config.json: layers": (lambda f: edit(f / "config.json", num_hidden_layers=10**12), "fit"),
    "config.json: heads": (lambda f: edit(f / "config.json", num_attention_heads=0), "config.json"),
    "config.json: width": (lambda f: edit(f / "config.json", hidden_size=10**9), "fit"),
    "config.json: a word": (lambda f: edit(f / "config.json", hidden_size="wide"), "hidden_size"),
    "config.json: activation": (lambda f: edit(f / "config.json", hidden_act="none"), "none"),
    "recipe.yaml: no YAML": (damage_text("recipe.yaml", "a: [1"), "recipe.yaml"),
    "representation.json: empty": (damage_text("representation.json", "{}"), "representation"),
    "representation.json: tokens": (lambda f: edit(f / "representation.json", vocabulary_size=51), "51 tokens"),
    "model.safetensors: text": (damage_text("model.safetensors", "weights"), "model.safetensors"),
    "model.safetensors: empty": (damage_text("model.safetensors", ""), "model.safetensors"),
    "model.safetensors: missing": (lambda f: (f / "model.safetensors").unlink(), "model.safetensors"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_one_line_that_names_the_place(folder, damage):
    harm, word = DAMAGES[damage]
    harm(folder)
    with pytest.raises(BadRecipe) as caught:
        load_model_folder(folder)
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_cut_weights_and_wrong_weights_are_refused(model, folder, tmp_path):
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-100])
    with pytest.raises(BadRecipe, match="damaged"):
        load_model_folder(folder)
    (folder / "model.safetensors").write_bytes(weights[:-64] + b"\xff" * 64)
    with pytest.raises(BadRecipe, match="no numbers"):
        load_model_folder(folder)
    other = build(TransformerConfig(32, 1, 4, 2, 48, 64), Vocabulary(50, Special(0, 1, 2)), seed=3)
    save(other, tmp_path / "other")
    (folder / "model.safetensors").write_bytes((tmp_path / "other" / "model.safetensors").read_bytes())
    with pytest.raises(BadRecipe, match="fit"):
        load_model_folder(folder)


def test_missing_folder_and_text_file(tmp_path):
    with pytest.raises(BadRecipe, match="no such"):
        load_model_folder(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("a model, honestly")
    with pytest.raises(BadRecipe, match="is a file"):
        load_model_folder(tmp_path / "notes.txt")
    with pytest.raises(BadRecipe, match="missing"):
        load_model_folder(tmp_path)


def test_the_room_opens_without_torch():
    code = "import sys, partimento.models; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
