"""Sweeps: which settings are tried, that they go on, that a failure stops nothing, and what is refused."""

import csv
import math

import pytest
import yaml

from partimento.errors import BadInput, BadRecipe
from partimento.training.loop import train
from partimento.training.sweep import load_sweep, run_sweep, run_with_wandb, wandb_settings


@pytest.fixture
def written(recipe_with, tmp_path):
    """Writes a sweep over a small recipe."""
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe_with(steps=4).as_dict()))

    def write(**content):
        path = tmp_path / "sweep.yaml"
        path.write_text(yaml.safe_dump({"recipe": str(tmp_path / "recipe.yaml"), **content}))
        return path

    return write


def test_a_grid_is_all_combinations(written):
    values = {"training.learning_rate": [1e-3, 1e-2], "model.config.layers": [1, 2, 3]}
    points = list(load_sweep(written(parameters=values)).points())
    assert len(points) == 6 == len({tuple(point.values()) for point in points})
    assert points[0] == {"training.learning_rate": 1e-3, "model.config.layers": 1}


def test_a_random_search_draws_the_same_each_time_and_within_its_ranges(written):
    values = {
        "training.learning_rate": {"low": 1e-4, "high": 1e-2, "scale": "log"},
        "model.config.layers": {"low": 1, "high": 3, "scale": "whole"},
        "training.clip": [0.5, 1.0],
    }
    sweep = load_sweep(written(parameters=values, method="random", runs=200))
    points = list(sweep.points())
    assert points == list(sweep.points())
    rates = [point["training.learning_rate"] for point in points]
    assert 1e-4 <= min(rates) < 2e-4 < 5e-3 < max(rates) <= 1e-2
    assert 0.4 < sum(rate < 1e-3 for rate in rates) / 200 < 0.6
    assert {point["model.config.layers"] for point in points} == {1, 2, 3}
    described = wandb_settings(sweep)
    assert described["method"] == "random"
    assert described["parameters"]["training.clip"] == {"values": [0.5, 1.0]}
    assert described["parameters"]["training.learning_rate"]["distribution"] == "log_uniform_values"


def test_runs_are_compared_failures_noted_and_what_is_trained_stays(written, dataset, tmp_path):
    rates = {"training.learning_rate": [1e-5, 2e-2, -1.0]}
    sweep, trained = load_sweep(written(parameters=rates, settings=["training.steps=6"])), []

    def one(recipe, out):
        if len(trained) == 1:
            trained.append(out)
            raise KeyboardInterrupt
        trained.append(out)
        return train(recipe, dataset, out, progress=False)

    with pytest.raises(KeyboardInterrupt):
        run_sweep(sweep, tmp_path / "out", one)
    weights = (tmp_path / "out" / "run-001" / "model.safetensors").stat().st_mtime_ns
    outcomes = run_sweep(sweep, tmp_path / "out", one)
    assert [outcome.run for outcome in outcomes] == ["run-002", "run-001", "run-003"]
    assert outcomes[0].validation_loss < outcomes[1].validation_loss
    assert math.isnan(outcomes[2].validation_loss)
    assert "learning_rate" in outcomes[2].failure
    assert (tmp_path / "out" / "run-001" / "model.safetensors").stat().st_mtime_ns == weights
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["training.learning_rate"] for row in rows] == ["0.02", "1e-05", "-1.0"]
    assert float(rows[0]["validation_loss"]) == pytest.approx(outcomes[0].validation_loss)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"parameters": {}}, "parameters is empty"),
        ({"parameters": {"training.steps": []}}, "training.steps is empty"),
        ({"parameters": {"training.clip": {"low": 1, "high": 2}}}, "method to random"),
        ({"parameters": {"training.clip": {"low": 2, "high": 1}}, "method": "random", "runs": 1}, "not below"),
        ({"parameters": {"training.clip": [1]}, "method": "random"}, "runs is missing"),
        ({"parameters": {"training.stps": [1]}}, "training.stps: there is no such key"),
        ({"parameters": {"name.first": [1]}}, "has no keys inside"),
        ({"parameters": {"training.clip": [1]}, "paralel": 2}, "paralel"),
        ({"parameters": {"training.clip": [1]}, "recipe": "none.yaml"}, "no such recipe"),
    ],
)
def test_a_bad_sweep_is_refused_in_one_line(written, content, words):
    with pytest.raises(BadInput, match=words) as caught:
        load_sweep(written(**content))
    assert "\n" not in str(caught.value)


def test_weights_and_biases_needs_an_account(written, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    sweep = load_sweep(written(parameters={"training.clip": [1.0]}, through="wandb"))
    with pytest.raises(BadRecipe, match="WANDB_API_KEY"):
        run_with_wandb(sweep, tmp_path / "out", lambda recipe, path: None)
    assert not (tmp_path / "out").exists()
