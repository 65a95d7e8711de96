"""The smoke recipes of system C, a family each: killed and gone on with, they learn, compose, and load elsewhere."""

import csv
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from music21 import corpus
from transformers import AutoModelForCausalLM

from partimento.generation.compose import Composer
from partimento.models.folder import load_model_folder
from partimento.plan import Plan
from partimento.theory.key import Key
from partimento.training.recipe import load_recipe
from partimento.training.run import run

RECIPES = Path(__file__).parents[2] / "recipes"
STEPS, KILLED = 24, 9


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scaling")
    (folder / "music").mkdir()
    for path in sorted(map(Path, corpus.getComposer("bach")))[:8]:
        shutil.copy(path, folder / "music")
    return folder


@pytest.fixture(scope="module", params=["transformer", "gpt2", "lstm"])
def trained(request, place, start):
    """A model folder, of a run that was killed."""
    recipe = load_recipe(
        RECIPES / f"scaling-{request.param}-smoke.yaml",
        [f"data.sources=[{place / 'music'}]", f"data.dataset={place / 'dataset'}", "data.prepare.validation=20",
         "data.prepare.test=0", f"training.steps={STEPS}", "training.checkpoint_every=4", "training.threads=1"],
    )  # fmt: skip
    out = place / request.param
    losses, process = place / f"{request.param}.training" / "losses.csv", start(recipe, None, out)
    while process.is_alive() and not (losses.exists() and losses.read_bytes().count(b"\n") > KILLED):
        time.sleep(0.001)
    process.kill()
    process.join()
    assert not out.exists()
    return run(recipe, out, progress=False)


def test_the_loss_falls_and_each_step_is_there_once(trained):
    with (trained / "losses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == list(range(1, STEPS + 1))
    assert np.mean([float(row["loss"]) for row in rows[-3:]]) < 0.8 * float(rows[0]["loss"])


def test_it_composes_what_is_asked_for(trained):
    plan = Plan(key=Key.parse("G major"), bars=4)
    first, second = (Composer(trained).compose(plan, seed=2) for _ in range(2))
    assert len(first.measures) == 4
    assert first.key_at(0) == plan.key
    assert len(first.notes) > 4
    assert first.notes.tobytes() == second.notes.tobytes()


def test_it_is_saved_and_loaded_with_equal_logits(trained, tmp_path):
    model = load_model_folder(trained).model.eval()
    ids = torch.randint(3, model.config.vocab_size, (2, 30), generator=torch.Generator().manual_seed(1))
    model.save_pretrained(tmp_path / "again")
    loaded = [type(model).from_pretrained(tmp_path / "again").eval()]
    if model.config.model_type in ("llama", "gpt2"):
        loaded.append(AutoModelForCausalLM.from_pretrained(trained).eval())
    with torch.no_grad():
        wanted = model(input_ids=ids).logits
        for other in loaded:
            torch.testing.assert_close(other(input_ids=ids).logits, wanted, atol=1e-5, rtol=1e-5)
