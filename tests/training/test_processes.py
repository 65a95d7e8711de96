"""Two processes that train one model: the losses of one, one writer, and a clear end when one of them dies."""

import csv
import subprocess
import sys

import pytest
import yaml

from partimento.training.loop import train

SCRIPT = """
import sys
from pathlib import Path
from partimento.training.loop import train
from partimento.training.recipe import load_recipe
if __name__ == "__main__":
    train(load_recipe(Path(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]))
"""


@pytest.fixture(scope="module")
def alone(dataset, recipe_with, tmp_path_factory):
    return train(recipe_with(steps=12), dataset, tmp_path_factory.mktemp("alone") / "model", progress=False)


@pytest.fixture
def spread_over(dataset, recipe_with, tmp_path):
    """Train in two processes, which torchrun or Slurm starts, or a run with `devices: 2`."""

    def start(**changes):
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump(recipe_with(steps=12, **changes).as_dict()))
        (tmp_path / "script.py").write_text(SCRIPT)
        return [str(each) for each in (tmp_path / "script.py", path, dataset, tmp_path / "model")]

    return start


def losses(folder):
    with (folder / "losses.csv").open(newline="") as file:
        return [
            {name: float(row[name] or 0) for name in ("step", "loss", "validation_loss", "tokens")}
            for row in csv.DictReader(file)
        ]


def same(folder, other, tolerance=1e-6):
    for row, expected in zip(losses(folder), losses(other), strict=True):
        assert row == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_two_processes_have_the_losses_of_one(alone, spread_over, tmp_path, strategy):
    command = spread_over(strategy=strategy)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run([*torchrun, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the model is in") == 1
    same(tmp_path / "model", alone)
