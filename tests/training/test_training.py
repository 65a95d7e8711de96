"""Training runs: what they learn, that they can be stopped anywhere, and what they refuse."""

import csv
import math
import signal

import numpy as np
import pytest

from partimento.data.datamodule import PackedBatches
from partimento.data.dataset import TokenDataset
from partimento.errors import BadRecipe
from partimento.models.folder import load_model_folder
from partimento.training.bigram import bigram_loss
from partimento.training.loop import train
from partimento.training.module import LanguageModule
from partimento.training.optimising import learning_rate

GOLDEN = {1: 3.7205, 16: 2.1045, 32: 1.6927, 48: 1.4551}
"""Losses of the run below, in nats per token: a change in training shows here."""


@pytest.fixture(scope="module")
def trained(dataset, recipe_with, tmp_path_factory):
    """The folder of an uninterrupted run."""
    return train(recipe_with(), dataset, tmp_path_factory.mktemp("run") / "model", progress=False)


def log(folder):
    with (folder / "losses.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def weights(folder):
    return (folder / "model.safetensors").read_bytes()


def test_golden_losses(trained):
    losses = {int(row["step"]): float(row["loss"]) for row in log(trained)}
    assert list(losses) == list(range(1, 49))
    assert {step: losses[step] for step in GOLDEN} == pytest.approx(GOLDEN, abs=0.02)


def test_the_folder_says_how_good_the_model_is_and_what_made_it(trained, dataset, recipe_with):
    loaded = load_model_folder(trained)
    losses = loaded.provenance["losses"]
    validated = {int(row["step"]): float(row["validation_loss"]) for row in log(trained) if row["validation_loss"]}
    assert list(validated) == [10, 20, 30, 40, 48]
    assert losses["validation"] == pytest.approx(min(validated.values()), abs=1e-5)
    assert losses["validation"] < 0.9 * losses["bigram"]
    assert loaded.recipe == recipe_with().as_dict()
    assert loaded.provenance["data"]["licences"] == {"walks": "CC0"}
    assert "CC0" in (trained / "README.md").read_text("utf-8")
    assert [path.name for path in trained.parent.iterdir()] == ["model"]


def test_the_stored_model_has_the_loss_that_its_folder_states(trained, dataset, recipe_with):
    loaded = load_model_folder(trained)
    module = LanguageModule(loaded.model, recipe_with().training, 1)
    loss = module.measure(PackedBatches(TokenDataset(dataset, "validation"), 64, 3).once()).loss
    assert loss == pytest.approx(loaded.provenance["losses"]["validation"], abs=1e-5)


def test_micro_batches_and_attention_by_piece_do_not_change_the_loss(trained, dataset, recipe_with):
    batch = PackedBatches(TokenDataset(dataset, "train"), 64, 8).batch(3)
    losses = []
    for on_cpu in (True, False):
        module = LanguageModule(load_model_folder(trained).model, recipe_with().training, 1, on_cpu=on_cpu)
        losses += [
            module.measure([batch]).loss,
            module.measure({k: v[i : i + 2] for k, v in batch.items()} for i in (0, 2, 4, 6)).loss,
        ]
    assert losses == pytest.approx([losses[0]] * 4, abs=1e-5)


@pytest.mark.parametrize("step", [7, 48])
def test_ctrl_c_waits_for_the_step_and_leaves_a_checkpoint(trained, dataset, recipe_with, tmp_path, step, capsys):
    calls, pieces = [], []

    def interrupt(ids, rng):
        calls.append(len(ids))
        if len(calls) == pieces[step] + 1:  # the next batch is made ahead
            signal.raise_signal(signal.SIGINT)
        return ids

    batches = PackedBatches(TokenDataset(dataset, "train"), 64, 8, seed=1)
    starts = [int((batches.batch(s)["input_ids"] == 1).sum()) for s in range(48)]
    pieces += np.cumsum([0, *starts]).tolist()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(recipe_with(), dataset, tmp_path / "model", augment=interrupt)
    assert f"stopped after step {step} of 48" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is before
    train(recipe_with(), dataset, tmp_path / "model", augment=lambda ids, rng: ids)
    assert "% below" in capsys.readouterr().out
    assert weights(tmp_path / "model") == weights(trained)


def test_a_run_is_not_mixed_with_another(trained, dataset, recipe_with, tmp_path, capsys):
    stamp = (trained / "model.safetensors").stat().st_mtime_ns
    assert train(recipe_with(), dataset, trained) == trained
    assert "trained already" in capsys.readouterr().out
    assert (trained / "model.safetensors").stat().st_mtime_ns == stamp
    with pytest.raises(BadRecipe, match="another recipe"):
        train(recipe_with(steps=9), dataset, trained)
    (tmp_path / "model.training").mkdir()
    (tmp_path / "model.training" / "run.json").write_text('{"fingerprint": "else", "steps": 3}')
    with pytest.raises(BadRecipe, match="another recipe"):
        train(recipe_with(), dataset, tmp_path / "model")


def test_epochs_are_passes_over_the_training_split(dataset, recipe_with, tmp_path):
    rows = PackedBatches(TokenDataset(dataset, "train"), 64, 8).rows_per_epoch
    folder = train(recipe_with(steps=None, epochs=1.5), dataset, tmp_path / "model", progress=False)
    assert [int(row["step"]) for row in log(folder)] == list(range(1, math.ceil(1.5 * rows / 8) + 1))


def test_minutes_are_planned_by_the_clock(dataset, recipe_with, tmp_path):
    folder = train(recipe_with(steps=None, minutes=0.01), dataset, tmp_path / "model", progress=False)
    assert len(log(folder)) == load_model_folder(folder).provenance["training"]["steps"] > 4


def test_a_loss_that_explodes_is_named(dataset, recipe_with, tmp_path):
    with pytest.raises(BadRecipe, match=r"training\.learning_rate"):
        train(recipe_with(learning_rate=1e30, warm_up_steps=0, clip=1e30), dataset, tmp_path / "model", progress=False)
    assert not (tmp_path / "model").exists()


def test_bf16_learns_the_same(trained, dataset, recipe_with, tmp_path):
    folder = train(recipe_with(precision="bf16"), dataset, tmp_path / "model", progress=False)
    losses = [load_model_folder(each).provenance["losses"]["validation"] for each in (folder, trained)]
    assert losses[0] == pytest.approx(losses[1], abs=0.05)


def test_learning_rate_rises_and_falls(recipe_with):
    rates = [learning_rate(recipe_with().training, step, 48) for step in range(48)]
    assert rates[:4] == pytest.approx([0.005, 0.01, 0.015, 0.02])
    assert rates[3:] == sorted(rates[3:], reverse=True)
    assert rates[-1] == pytest.approx(2e-3, rel=0.1)


def test_only_matrices_of_the_blocks_decay(trained, recipe_with):
    model = load_model_folder(trained).model
    decayed, spared = LanguageModule(model, recipe_with().training, 1).configure_optimizers().param_groups
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert all("proj" in names[id(parameter)] for parameter in decayed["params"])
    assert all("norm" in names[id(parameter)] or "embed" in names[id(parameter)] for parameter in spared["params"])
    assert len(decayed["params"]) + len(spared["params"]) == len(names)


def test_bigram_loss_is_that_of_counting_by_hand(dataset):
    training, validation = (TokenDataset(dataset, split) for split in ("train", "validation"))
    counts = np.zeros((40, 40))
    for window in (training[index] for index in range(len(training))):
        np.add.at(counts, (window[:-1], window[1:]), 1)
    windows = [validation[index] for index in range(len(validation))]
    for first, prompt_loss in ((1, True), (2, False)):
        losses = []
        for k in (1.0, 0.3, 0.1, 0.03, 0.01, 0.003):
            chances = (counts + k) / (counts + k).sum(1, keepdims=True)
            losses.append(-np.log(np.concatenate([chances[w[first - 1 : -1], w[first:]] for w in windows])).mean())
        assert bigram_loss(training, validation, prompt_loss=prompt_loss) == pytest.approx(min(losses))
