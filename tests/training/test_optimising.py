"""Optimisers, averages of weights, early stopping, μP, and programs that compute them: what each promises."""

from typing import Any, cast

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from partimento.data.datamodule import PackedBatches
from partimento.data.dataset import TokenDataset
from partimento.errors import BadRecipe
from partimento.models.folder import load_model_folder
from partimento.training.averages import Averages
from partimento.training.loop import train
from partimento.training.module import LanguageModule
from partimento.training.optimising import build_optimiser, scale_first_weights


def model_of(width, tied=False, heads=2):
    torch.manual_seed(1)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=40, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=2,
            num_attention_heads=width // 8, num_key_value_heads=width // 8, tie_word_embeddings=tied,
        )
    )  # fmt: skip


def losses(folder):
    return [line.split(",")[1:3] for line in (folder / "losses.csv").read_text().splitlines()[1:]]


@pytest.mark.parametrize("kind", ["adamw8bit", "paged"])
def test_averages_of_eight_bits_learn_the_same(kind, dataset, recipe_with, tmp_path):
    pytest.importorskip("bitsandbytes")
    validations = [
        load_model_folder(
            train(recipe_with(optimiser=name), dataset, tmp_path / name, progress=False)
        ).provenance["losses"]["validation"]
        for name in ("adamw", kind)
    ]  # fmt: skip
    assert validations[1] == pytest.approx(validations[0], abs=0.1)


def test_averages_of_eight_bits_take_a_quarter(recipe_with):
    pytest.importorskip("bitsandbytes")
    model: Any = model_of(128)
    optimiser = build_optimiser(model, recipe_with(optimiser="adamw8bit").training, on_cpu=True)
    model(input_ids=torch.tensor([[1, 2]])).logits.sum().backward()
    optimiser.step()
    state = optimiser.state[model.model.layers[0].mlp.up_proj.weight]
    assert state["state1"].dtype == torch.uint8


def test_the_average_of_weights_is_stored_and_survives_a_stop(dataset, recipe_with, tmp_path):
    recipe = recipe_with(ema=0.9, steps=12)

    def stop_at(step):
        calls = []

        def augment(ids, rng):
            calls.append(ids)
            if len(calls) == step:
                raise RuntimeError("killed")
            return ids

        return augment

    with pytest.raises(RuntimeError, match="killed"):
        train(recipe, dataset, tmp_path / "a", augment=stop_at(140), progress=False)
    assert (tmp_path / "a.training" / "last.ckpt").exists()
    for name in ("a", "b"):
        train(recipe, dataset, tmp_path / name, augment=lambda ids, rng: ids, progress=False)
    train(recipe_with(steps=12), dataset, tmp_path / "plain", augment=lambda ids, rng: ids, progress=False)
    stored = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("a", "b", "plain")]
    assert stored[0] == stored[1] != stored[2]
    assert [row[0] for row in losses(tmp_path / "b")] == [row[0] for row in losses(tmp_path / "plain")]
    assert losses(tmp_path / "b")[-1][1] != losses(tmp_path / "plain")[-1][1]


def test_an_average_is_the_sum_that_it_is_said_to_be():
    averages, layer = Averages(0.5), torch.nn.Linear(2, 1, bias=False)
    module = type("Module", (), {"model": layer})()
    values = [torch.full((1, 2), float(value)) for value in (0, 1, 2, 3)]
    layer.weight.data = values[0].clone()
    averages.on_train_start(None, module)  # type: ignore[arg-type]
    expected = values[0]
    for step, value in enumerate(values[1:], start=1):
        layer.weight.data = value.clone()
        trainer: Any = type("Trainer", (), {"global_step": step})()
        averages.on_train_batch_end(trainer, module, None, None, 0)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    with averages.in_place(layer):
        assert torch.allclose(layer.weight, expected)
    assert torch.equal(layer.weight, values[3])


def test_a_run_stops_when_validations_get_no_better(dataset, recipe_with, tmp_path):
    recipe = recipe_with(early_stopping=2, validate_every=2, learning_rate=0.5, steps=200, warm_up_steps=0)
    folder = train(recipe, dataset, tmp_path / "model", progress=False)
    made = load_model_folder(folder).provenance
    validated = [float(row[1]) for row in losses(folder) if row[1]]
    assert len(losses(folder)) == made["training"]["steps"] == made["losses"]["best_step"] + 4 < 200
    assert min(validated) == validated[-3] == pytest.approx(made["losses"]["validation"], abs=1e-5)


def test_checkpointed_and_compiled_activations_change_no_loss(dataset, recipe_with):
    batch = PackedBatches(TokenDataset(dataset, "train"), 64, 4).batch(0)
    found = list[list[torch.Tensor]]()
    for options in ({}, {"gradient_checkpointing": True}):
        module = LanguageModule(model_of(32), recipe_with(**options).training, 1)
        module.train()
        module.summed_loss(batch).backward()
        found.append([cast(torch.Tensor, parameter.grad).clone() for parameter in module.parameters()])
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(*found, strict=True))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, where it compiles
def test_what_cannot_be_compiled_is_said_and_computed_all_the_same(dataset, recipe_with, capsys):
    batch = PackedBatches(TokenDataset(dataset, "train"), 64, 4).batch(0)
    plain = LanguageModule(model_of(32), recipe_with().training, 1)
    module = LanguageModule(model_of(32), recipe_with(compile=True).training, 1)

    def no_compiler(graph, inputs):
        raise RuntimeError("no compiler is installed")

    torch._dynamo.reset()
    module.model.compile(backend=no_compiler)
    losses = [float(each.summed_loss(batch).detach()) for each in (module, plain)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert "goes on without" in capsys.readouterr().err
    torch._dynamo.reset()


def test_under_mup_wide_models_change_no_faster_than_narrow_ones(recipe_with):
    ids = torch.from_numpy(np.random.default_rng(1).integers(0, 40, (4, 32)))
    batch = {"input_ids": ids, "position_ids": torch.arange(32).repeat(4, 1), "labels": ids}
    changes = {}
    for is_mup in (True, False):
        for width in (32, 256):
            recipe = recipe_with(mup_base_width=32 if is_mup else None, learning_rate=1e-2).training
            model = model_of(width)
            if is_mup:
                scale_first_weights(model, recipe)
            module = LanguageModule(model, recipe, 10, on_cpu=False)
            optimiser = module.configure_optimizers()
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * group["scale"]
            with torch.no_grad():
                before = module(batch)
            for _ in range(3):
                optimiser.zero_grad()
                module.summed_loss(batch).div(128).backward()
                optimiser.step()
            with torch.no_grad():
                changes[is_mup, width] = float((module(batch) - before).std())
    assert changes[True, 256] / changes[True, 32] < 1.5
    assert changes[False, 256] / changes[False, 32] > 2


def test_mup_leaves_the_base_width_alone_and_refuses_tied_weights(recipe_with):
    recipe = recipe_with(mup_base_width=32).training
    model, same = model_of(32), model_of(32)
    scale_first_weights(model, recipe)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), same.parameters(), strict=True))
    with pytest.raises(BadRecipe, match="tied_embeddings"):
        scale_first_weights(model_of(64, tied=True), recipe)
