"""Language models learn music from real chorales: the smoke recipes train, compose, and their folders load."""

import shutil
from pathlib import Path

import music21
import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from partimento.data.captions import caption_dataset
from partimento.generation.batching import sample
from partimento.generation.engines import load_engine
from partimento.models.folder import load_model_folder
from partimento.models.llm import ExtendedForCausalLM, folded
from partimento.plan import Compose, Constraints, Plan
from partimento.representations import create
from partimento.representations.amt import vocabulary
from partimento.training.recipe import load_recipe, recipe_from
from partimento.training.run import dataset_of, run

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture(scope="module")
def chorales(tmp_path_factory):
    """A few chorales of music21's corpus."""
    folder = tmp_path_factory.mktemp("chorales")
    found = sorted((Path(music21.__file__).parent / "corpus" / "bach").glob("*.mxl"))[::60]
    for path in found:
        shutil.copy(path, folder)
    assert len(found) >= 5
    return folder


@pytest.fixture(scope="module")
def amt_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("amt")
    torch.manual_seed(2)
    GPT2LMHeadModel(
        GPT2Config(vocab_size=vocabulary.SIZE, n_embd=16, n_layer=1, n_head=2, n_positions=64)
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def trained(chorales, amt_model, language_model, tmp_path_factory):
    """Trains a smoke recipe on the chorales; each at most once."""
    made, place = dict[str, Path](), tmp_path_factory.mktemp("runs")

    def train(name, chat=False):
        if name in made:
            return made[name]
        base = language_model("gpt2" if "gpt2" in name else "llama", chat=chat, context=3072)
        asked = load_recipe(RECIPES / f"{name}.yaml")
        settings = [f"data.sources=['{chorales}']", f"model.base={base}", "data.prepare.validation=50"]
        settings += [f"data.dataset={place / Path(asked.data.dataset).name}"]
        settings += [f"model.initialise_from={amt_model}"] if asked.model.initialise_from else []
        recipe = load_recipe(RECIPES / f"{name}.yaml", settings)
        dataset = dataset_of(recipe, progress=False)
        if recipe.data.text == "caption":
            caption_dataset(dataset, each=2)
        made[name] = run(recipe, place / name, progress=False)
        return made[name]

    return train


def course(folder):
    """Training losses, and the best one of validation."""
    lines = (folder / "losses.csv").read_text().splitlines()
    column = lines[0].split(",").index("loss")
    return [float(line.split(",")[column]) for line in lines[1:] if line.split(",")[column]]


@pytest.mark.parametrize("name", ["text-llama-1b-expand-smoke", "text-llama-3b-expand-amt-init-smoke"])
def test_a_sentence_before_music_is_learnt_and_composed_from(trained, name):
    folder = trained(name)
    losses = course(folder)
    assert losses[-1] < 0.75 * losses[0]
    loaded = load_model_folder(folder)
    assert isinstance(loaded.model, ExtendedForCausalLM)
    ids = torch.randint(0, loaded.model.config.vocab_size, (1, 20), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        ours, plain = loaded.model(input_ids=ids).logits, folded(loaded.model)(input_ids=ids).logits
    torch.testing.assert_close(ours, plain, atol=1e-5, rtol=1e-5)
    amt, engine = create("amt"), load_engine(folder)
    task = Compose(Plan(), Constraints(budget=60))
    pieces = [
        list(sample(engine, amt, task, rng=np.random.default_rng(1), condition="a chorale in G major")) for _ in "ab"
    ]
    assert pieces[0] == pieces[1]
    assert len(amt.decode(np.array(pieces[0], np.int32), task).notes)


def test_so_is_it_beside_a_base_in_four_bits(trained):
    pytest.importorskip("bitsandbytes")
    folder = trained("text-llama-1b-expand-qlora-smoke")
    losses = course(folder)
    assert losses[-1] < 0.85 * losses[0]
    amt, task = create("amt"), Compose(Plan(), Constraints(budget=60))
    written = sample(load_engine(folder), amt, task, rng=np.random.default_rng(1), condition="a chorale in G major")
    assert len(amt.decode(np.array(list(written), np.int32), task).notes)


@pytest.mark.parametrize("name", ["chord-llama-8b-lora-smoke", "mozart-gpt2-medium-lora-smoke"])
def test_answers_to_rows_are_learnt(trained, name):
    folder = trained(name, chat="chord" in name)
    losses = course(folder)
    assert losses[-1] < losses[0] - 0.1
    loaded = load_model_folder(folder)
    assert loaded.vocabulary_size == 0
    assert (folder / "tokenizer.json").is_file()
    assert loaded.recipe["training"]["prompt_loss"] is False


def test_what_is_left_out_is_said_when_training_starts(trained, capsys):
    said = load_model_folder(trained("mozart-gpt2-medium-lora-smoke")).recipe
    recipe = recipe_from(said | {"training": said["training"] | {"steps": 1, "context": 900}})
    folder = run(recipe, Path(said["data"]["dataset"]).with_name("short"))
    assert folder.is_dir()
    assert "rows are longer than the context and left out" in capsys.readouterr().out
