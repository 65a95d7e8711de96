"""Two processes that train one model: the losses of one, one writer, and a clear end when one of them dies."""

import csv
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
import torch
import yaml

from partimento.data.datamodule import PackedBatches, Share
from partimento.data.dataset import TokenDataset
from partimento.errors import BadRecipe, LostProcess
from partimento.training.loop import train

STEPS = 12
SCRIPT = """
import sys
from pathlib import Path
from partimento.training.loop import train
from partimento.training.recipe import load_recipe
train(load_recipe(Path(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]))
"""


@pytest.fixture(scope="module")
def alone(dataset, recipe_with, tmp_path_factory):
    return train(recipe_with(steps=STEPS), dataset, tmp_path_factory.mktemp("alone") / "model", progress=False)


def losses(folder):
    with (folder / "losses.csv").open(newline="") as file:
        names = ("step", "loss", "validation_loss", "tokens")
        return [{name: float(row[name] or 0) for name in names} for row in csv.DictReader(file)]


def assert_same(folder, other):
    for row, expected in zip(losses(folder), losses(other), strict=True):
        assert row == pytest.approx(expected, abs=1e-6)


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def launched(kind, rank, port):
    """What torchrun and srun tell a process about itself."""
    words = {
        "torchrun": f"RANK={rank} LOCAL_RANK={rank} WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 GROUP_RANK=0 "
        "TORCHELASTIC_RUN_ID=x MASTER_ADDR=127.0.0.1",
        "srun": f"SLURM_PROCID={rank} SLURM_LOCALID={rank} SLURM_NTASKS=2 SLURM_NTASKS_PER_NODE=2 SLURM_NODEID=0 "
        "SLURM_NNODES=1 SLURM_JOB_ID=4711 SLURM_JOB_NAME=train SLURM_NODELIST=localhost",
    }
    return dict(word.split("=") for word in f"{words[kind]} MASTER_PORT={port}".split())


def log_reaches(folder, step):
    path = folder.with_name("model.training") / "losses.csv"
    while not (path.exists() and path.read_bytes().count(b"\n") > step):
        time.sleep(0.001)


@pytest.mark.parametrize(("kind", "strategy"), [("torchrun", "ddp"), ("srun", "fsdp")])
def test_two_processes_have_the_losses_of_one_which_goes_on_from_their_checkpoint(
    alone, dataset, recipe_with, start, tmp_path, port, kind, strategy
):
    recipe, out = recipe_with(steps=STEPS, strategy=strategy), tmp_path / "model"
    two = [start(recipe, dataset, out, **launched(kind, rank, port)) for rank in range(2)]
    log_reaches(out, 5)
    os.kill(two[1].pid, signal.SIGTERM)  # as a scheduler does at the end of the time
    for process in two:
        process.join()
    checkpoint = torch.load(tmp_path / "model.training" / "last.ckpt", weights_only=True)
    assert 5 <= checkpoint["global_step"] < STEPS
    before = losses(tmp_path / "model.training")
    assert len(before) == checkpoint["global_step"]
    train(recipe, dataset, out, progress=False)
    assert_same(out, alone)
    assert losses(out)[: len(before)] == before


def test_torchrun_writes_one_model(alone, dataset, recipe_with, tmp_path):
    # Above 10 s on a busy machine: torchrun and two processes import torch, Lightning and transformers, each anew.
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe_with(steps=STEPS).as_dict()))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    (tmp_path / "script.py").write_text(SCRIPT)
    given = [tmp_path / "script.py", tmp_path / "recipe.yaml", dataset, tmp_path / "model"]
    done = subprocess.run([*torchrun, *map(str, given)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the model is in") == 1
    assert_same(tmp_path / "model", alone)


def test_a_process_that_dies_ends_all_and_the_run_goes_on(alone, dataset, recipe_with, tmp_path):
    recipe, out = recipe_with(steps=STEPS, devices=2), tmp_path / "model"

    def kill_one():
        log_reaches(out, 6)
        multiprocessing.active_children()[-1].kill()

    threading.Thread(target=kill_one, daemon=True).start()
    with pytest.raises(LostProcess, match=r"process [01] of 2 was ended by signal 9.*the same command goes on"):
        train(recipe, dataset, out, progress=False)
    assert not out.exists()
    train(recipe_with(steps=STEPS), dataset, out, progress=False)
    assert_same(out, alone)


@pytest.mark.parametrize("world", [2, 3])
def test_shares_are_the_whole_batch(dataset, world):
    batches = PackedBatches(
        TokenDataset(dataset, "train"), 64, 8, seed=1, augment=lambda ids, rng: rng.permutation(ids)
    )
    whole = batches.batch(3)
    shares = [batches.batch(3, Share(rank, world)) for rank in range(world)]
    assert len({len(share["labels"]) for share in shares}) == 1
    for name in whole:
        assert torch.equal(torch.cat([share[name] for share in shares])[:8], whole[name])
    assert (torch.cat([share["labels"] for share in shares])[8:] == -100).all()


def test_launchers_and_recipes_that_contradict_each_other_are_refused(
    dataset, recipe_with, tmp_path, monkeypatch, port
):
    for name, value in launched("torchrun", 0, port).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadRecipe, match=r"training\.devices is 4, and the launcher started 2"):
        train(recipe_with(devices=4), dataset, tmp_path / "model")
