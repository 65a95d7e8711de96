"""`prepare` and `train` on tunes made up here: that the stages are wired, not that anything is learned."""

import json
import random
from pathlib import Path

import pytest

from partimento.cli import main
from partimento.errors import BadRecipe
from partimento.training.recipe import load_recipe

RECIPE = """
name: small
data: {{sources: ["{tunes}"], dataset: "{dataset}", transpose: 2, prepare: {{context: 128}}}}
model: {{config: {{hidden_size: 16, layers: 1, heads: 1, key_value_heads: 1, ff_size: 32, context: 128}}}}
training: {{steps: 2, tokens_per_batch: 256, micro_batch_tokens: 256, context: 128, warm_up_steps: 1, threads: 1}}
"""


@pytest.fixture
def tunes(tmp_path) -> Path:
    rng = random.Random(1)
    tunes = [
        f"X:{number}\nM:4/4\nL:1/4\nK:G\n" + "|".join("".join(rng.choices("GABcde", k=4)) for _ in range(5)) + "|]\n"
        for number in range(1, 81)
    ]
    path = tmp_path / "tunes.abc"
    path.write_text("\n".join(tunes), "utf-8")
    return path


@pytest.fixture
def recipe(tmp_path, tunes) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(RECIPE.format(tunes=tunes.as_posix(), dataset=(tmp_path / "data").as_posix()), "utf-8")
    return path


def test_prepare_counts_what_it_did(tunes, tmp_path, capsys):
    assert main(["prepare", str(tunes), str(tunes), "--out", str(tmp_path / "data"), "--context", "128"]) == 0
    assert "80 duplicates" in " ".join(capsys.readouterr().out.split())
    assert json.loads((tmp_path / "data" / "dataset.json").read_text("utf-8"))["options"]["context"] == 128
    assert main(["prepare", str(tunes), "--out", str(tmp_path / "data")]) == 2
    assert "exists already" in capsys.readouterr().err


def test_train_prepares_trains_and_composes(recipe, tmp_path, capsys):
    out = tmp_path / "model"
    assert main(["train", str(recipe), "--out", str(out), "--set", "seed=2", "training.steps=1"]) == 0
    assert f"--model {out}" in capsys.readouterr().out
    assert (out / "model.safetensors").is_file()
    arguments = ["compose", "2 bars of flute", "--model", str(out), "--out", str(tmp_path / "piece")]
    assert main(arguments) == 0
    assert (tmp_path / "piece.musicxml").is_file()


def test_a_dataset_made_with_other_options_is_refused(recipe, tmp_path):
    from partimento.training.run import dataset_of

    dataset_of(load_recipe(recipe), progress=False)
    with pytest.raises(BadRecipe, match="prepared with other options"):
        dataset_of(load_recipe(recipe, ["data.prepare.max_parts=2"]))
    with pytest.raises(BadRecipe, match=r"data\.prepare\.colour: there is no such key"):
        dataset_of(load_recipe(recipe, ["data.prepare.colour=2"]))
    with pytest.raises(BadRecipe, match=r"data\.prepare\.max_parts"):
        dataset_of(load_recipe(recipe, ["data.prepare.max_parts=many"]))
    with pytest.raises(BadRecipe, match=r"prepared with other sources \(tunes.abc\)"):
        dataset_of(load_recipe(recipe, ["data.sources=[music21:bach]"]))
    with pytest.raises(BadRecipe, match=r"prepared with other representation \(remi\)"):
        dataset_of(load_recipe(recipe, ["data.representation=amt"]))


def test_a_recipe_with_merges_trains_and_composes_in_merged_tokens(recipe, tmp_path, capsys):
    out = tmp_path / "model"
    arguments = ["train", str(recipe), "--out", str(out), "--set", "training.steps=1", "data.prepare.merges=40"]
    assert main(arguments) == 0
    assert main([*arguments, "data.prepare.merges=30"]) == 2
    assert "prepared with other options" in capsys.readouterr().err
    said = json.loads((out / "representation.json").read_text("utf-8"))["representation"]
    assert (said["name"], said["inner"], len(said["merges"])) == ("bpe", "remi", 40)
    arguments = ["compose", "2 bars of flute", "--model", str(out), "--out", str(tmp_path / "piece")]
    assert main(arguments) == 0
    assert (tmp_path / "piece.musicxml").is_file()
