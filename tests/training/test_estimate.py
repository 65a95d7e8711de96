"""What a recipe takes: estimates against reality, and advice instead of a traceback where memory is short."""

import resource
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from transformers import AutoConfig

from partimento.cli import main
from partimento.errors import BadRecipe
from partimento.training.estimate import _module, estimate
from partimento.training.memory import advice, memory_advice
from partimento.training.recipe import load_recipe, recipe_from

TINY = Path(__file__).parents[2] / "recipes" / "tiny.yaml"
SETTINGS = [
    "training.accelerator=cpu", "training.precision=fp32", "training.threads=1", "training.context=512",
    "training.tokens_per_batch=4096", "training.micro_batch_tokens=4096",
    "model.config={hidden_size: 256, layers: 4, heads: 4, key_value_heads: 4, ff_size: 704, context: 512}",
]  # fmt: skip

REALITY = """
import sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
from partimento.training.estimate import _batch, _module, _rows, estimate
from partimento.training.recipe import load_recipe

def step(recipe):
    module, batch = _module(recipe, True), _batch(recipe, _rows(recipe))
    optimiser = module.configure_optimizers()
    for _ in range(2):
        begun = time.process_time()
        optimiser.zero_grad()
        module.summed_loss(batch).backward()
        optimiser.step()
    return time.process_time() - begun

def peak():  # getrusage would count what the process had that started this one
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024

path, settings = Path(sys.argv[1]), sys.argv[2:]
small = ["training.context=64", "training.tokens_per_batch=64", "training.micro_batch_tokens=64"]
step(load_recipe(path, [*settings, *small, "model.config.hidden_size=32"]))
before = peak()
seconds = step(load_recipe(path, settings))
taken = peak() - before
said = estimate(load_recipe(path, settings))  # afterwards: it tries the step out
print(said.memory, taken, said.seconds_per_step, seconds)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux says what a process took at most")
def test_memory_and_time_are_near_what_a_step_takes():
    process = subprocess.run(
        [sys.executable, "-c", REALITY, str(TINY), *SETTINGS], capture_output=True, text=True, check=True
    )
    said, taken, said_seconds, seconds = map(float, process.stdout.split())
    assert 0.75 < said / taken < 1.33
    assert 0.25 < said_seconds / seconds < 4


def test_parts_follow_the_recipe():
    plain = estimate(load_recipe(TINY, SETTINGS), timed=False)
    assert plain.parameters == plain.trained == sum(p.numel() for p in _model().parameters())
    assert (plain.weights, plain.gradients, plain.optimiser) == tuple(n * plain.parameters for n in (4, 4, 8))
    options = ["training.optimiser=adamw8bit", "training.ema=0.9", "training.gradient_checkpointing=true"]
    other = estimate(load_recipe(TINY, [*SETTINGS, *options]), timed=False)
    assert other.optimiser == plain.optimiser // 4
    assert other.averages == 8 * other.parameters
    assert other.activations < 0.6 * plain.activations
    halved = estimate(load_recipe(TINY, [*SETTINGS, "training.micro_batch_tokens=2048"]), timed=False)
    assert halved.activations == pytest.approx(plain.activations / 2, rel=0.05)
    assert halved.flops == plain.flops > 6 * 4096 * (plain.parameters - 2065 * 256)


def _model():
    return _module(load_recipe(TINY, SETTINGS), cpu=True).model


@pytest.mark.parametrize(
    "family",
    [
        {"family": "gpt2", "config": {"hidden_size": 32, "layers": 2, "heads": 2, "context": 512}},
        {"family": "lstm", "config": {"hidden_size": 32, "layers": 2, "context": 512}},
        {"family": "encoder_decoder", "config": {"hidden_size": 32, "encoder_layers": 1, "decoder_layers": 1}},
    ],
    ids=lambda content: content["family"],
)
def test_every_fresh_family_can_be_estimated(family):
    content = load_recipe(TINY, SETTINGS).as_dict() | {"model": family}
    if family["family"] == "encoder_decoder":
        content["data"]["text"] = "chords"
    found = estimate(recipe_from(content), timed=False)
    assert found.activations > 0 < found.flops


@pytest.mark.parametrize("name", ["text-llama-1b-expand", "text-llama-1b-expand-qlora", "chord-llama-8b-lora"])
def test_of_a_base_the_configuration_is_enough(name, language_model, tmp_path):
    """A folder without weights stands for Llama 3.2 1B, which is never in memory."""
    sizes = {"vocab_size": 128256, "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
             "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "tie_word_embeddings": True,
             "max_position_embeddings": 131072, "bos_token_id": 0, "eos_token_id": 1}  # fmt: skip
    AutoConfig.for_model("llama", **sizes).save_pretrained(tmp_path)
    for path in language_model("llama").glob("tokenizer*"):
        shutil.copy(path, tmp_path)
    settings = [f"model.base={tmp_path}", "training.accelerator=cpu"]
    before, found = _resident(), estimate(load_recipe(TINY.with_name(f"{name}.yaml"), settings), timed=False)
    assert _resident() - before < 1 << 30
    assert found.parameters > 1.23e9
    assert (found.trained < found.parameters) == ("lora" in name)
    assert (found.weights < 4 * found.parameters) == ("qlora" in name)


def _resident():
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_the_command_says_it_and_stops(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", str(TINY), "--estimate"]) == 0
    said = capsys.readouterr().out
    assert all(words in said for words in ("parameters", "1,117,440", "activations", "minutes in all"))
    assert not list(tmp_path.iterdir())


def test_advice_names_what_is_needed_and_a_setting_that_makes_it_fit():
    recipe = load_recipe(TINY, SETTINGS)
    needed = estimate(recipe, timed=False)
    said = advice(recipe, needed, free=needed.memory // 2, where="the GPU")
    assert "training.micro_batch_tokens to 1024" in said
    smaller = replace(recipe, training=replace(recipe.training, micro_batch_tokens=1024))
    assert estimate(smaller, timed=False).memory < needed.memory // 2
    heavy = replace(needed, activations=1)
    assert "training.optimiser to adamw8bit" in advice(recipe, heavy, free=1, where="the GPU")


def test_want_of_memory_on_a_gpu_is_advice(monkeypatch):
    monkeypatch.setattr("partimento.training.memory._gpu_bytes", lambda: 10**8)
    with pytest.raises(BadRecipe, match="the GPU has 100 MB; set training"), memory_advice(load_recipe(TINY, SETTINGS)):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
    with pytest.raises(RuntimeError, match="shapes"), memory_advice(load_recipe(TINY, SETTINGS)):
        raise RuntimeError("shapes do not fit")


LIMITED = """
import resource, sys
from pathlib import Path
import torch
from partimento.cli import print_error
from partimento.errors import BadRecipe
from partimento.training.loop import train
from partimento.training.recipe import load_recipe
torch.set_num_threads(1)
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (400 << 20), used + (400 << 20)))
try:
    train(load_recipe(Path(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]), progress=False)
except BadRecipe as error:
    print_error(str(error))
    sys.exit(2)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="limits are set by Linux's means")
def test_want_of_memory_on_the_machine_is_advice(dataset, recipe_with, tmp_path):
    recipe = recipe_with(tokens_per_batch=1 << 17, micro_batch_tokens=1 << 17).as_dict()
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    arguments = [str(tmp_path / "recipe.yaml"), str(dataset), str(tmp_path / "model")]
    process = subprocess.run([sys.executable, "-c", LIMITED, *arguments], capture_output=True, text=True)
    assert process.returncode == 2, process.stderr[-500:]
    assert "out of memory" in process.stderr
    assert "training.micro_batch_tokens to" in process.stderr
    assert "Traceback" not in process.stderr
