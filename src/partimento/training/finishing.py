"""What a training run leaves: the model folder, with its card, logs, samples and kept checkpoints."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from rich.console import Console
from safetensors.torch import load_file
from transformers import PreTrainedModel

from partimento.models import family
from partimento.models.adapter_folder import checksum, licences_of, save_adapter_folder
from partimento.models.folder import save_model_folder
from partimento.training.bigram import bigram_loss
from partimento.training.callbacks import Status
from partimento.training.card import model_card
from partimento.training.module import LanguageModule
from partimento.training.recipe import Recipe
from partimento.training.runs import Run
from partimento.training.strategies import is_spread

_EXTRAS = ("samples", "checkpoints", "tensorboard", "wandb")
"""Folders of a run that are kept."""


def finish(run: Run, module: LanguageModule, status: Status, out: Path, console: Console) -> None:
    """Write the model folder with the best weights, and clear away the rest."""
    model = run.module(1).model if is_spread(module.model) else module.model
    # What is tied or frozen is not in the file.
    model.load_state_dict(load_file(run.folder / "best.safetensors"), strict=False)
    made = _provenance(run, model, status)
    logs = {name: (run.folder / name).read_text("utf-8") for name in ("losses.csv", "metrics.csv")}
    save(run, model, out, made, model_card(run.recipe, made), logs)
    move_extras(run.folder, out)
    shutil.rmtree(run.folder)
    losses = made["losses"]
    said = f"validation loss {status.best_loss:.3f} (step {status.best_step})"
    if "bigram" in losses:
        percent = losses["percent_below_bigram"]
        said += f", bigram {losses['bigram']:.3f}: {abs(percent):.1f} % {'below' if percent >= 0 else 'above'} it"
    console.print(f"{said}\nthe model is in {out}", soft_wrap=True)


def save_standing(run: Run, module: LanguageModule, folder: Path, status: Status) -> None:
    """Write the model as it stands in the midst of training."""
    known = {"step": status.step, "of": status.steps, "loss": status.loss}
    card = f"# {run.recipe.name} after step {status.step}\n"
    save(run, module.model, folder, {"training": known, "measures": status.measures}, card, {})


def save(
    run: Run,
    model: PreTrainedModel | PeftModel,
    folder: Path,
    provenance: dict[str, Any],
    card: str,
    texts: dict[str, str],
) -> None:
    """Write a model of a run; the one place that does."""
    said: dict[str, Any] = {
        "representation": run.source.representation,
        "recipe": run.recipe.as_dict(),
        "provenance": provenance,
        "card": card,
        "extra_files": texts,
        "also": [tokenizer.save_pretrained] if (tokenizer := getattr(model, "tokenizer", None)) else (),
    }
    if isinstance(model, PeftModel):
        assert run.base is not None, "adapters stand beside a base"
        save_adapter_folder(folder, model, run.base, **said)
        return
    save_model_folder(
        folder,
        model,
        **said,
        dtype=getattr(torch, run.recipe.model.stored_dtype),
    )


def move_extras(run_folder: Path, out: Path) -> None:
    """Samples, checkpoints and logs of a finished run go into its model folder."""
    for name in _EXTRAS:
        if (run_folder / name).exists() and not (out / name).exists():
            os.replace(run_folder / name, out / name)


def _sizes(model: PreTrainedModel | PeftModel) -> dict[str, int]:
    if not isinstance(model, PeftModel):
        return {"parameters": model.num_parameters()}
    trained, parameters = model.get_nb_trainable_parameters()
    return {"parameters": parameters - trained, "adapter_parameters": trained}


def _initialised_from(recipe: Recipe) -> dict[str, Any]:
    """Which weights were taken over."""
    name = recipe.model.initialise_from
    if name is None or family(recipe.model.family).reads != "tokens":
        return {}
    return {"initialised_from": {"name": name, "sha256": checksum(name), "licences": licences_of(name)}}


def _provenance(run: Run, model: PreTrainedModel | PeftModel, status: Status) -> dict[str, Any]:
    """What the model learnt from, how, and how well, beside the bigram's loss on the same tokens of music."""
    losses: dict[str, Any] = {
        "unit": "nats per token", "validation": status.best_loss, "best_step": status.best_step,
        "training": status.loss,
    }  # fmt: skip
    if run.source.splits and family(run.recipe.model.family).reads != "text":
        bigram = bigram_loss(*run.source.splits, prompt_loss=run.recipe.training.prompt_loss)
        own = (status.best_measures or {}).get("loss/task/compose", status.best_loss)
        losses |= {"bigram": bigram, "percent_below_bigram": round(100 * (1 - own / bigram), 2)}
    splits = dict(zip(("train", "validation"), run.feed.examples, strict=True))
    return {
        "losses": losses,
        "measures": status.best_measures,
        **({"base": run.base.as_dict()} if run.base else {}),
        **_initialised_from(run.recipe),
        "data": {
            "sources": run.source.sources,
            "licences": run.source.licences,
            "windows": {name: len(examples) for name, examples in splits.items()},
            "tokens": {name: int(examples.lengths.sum()) for name, examples in splits.items()},
        },
        "training": {
            **_sizes(model),
            "steps": status.step,
            "tokens": status.tokens,
            "seconds": round(status.seconds),
            "precision": run.precision,
            "threads": torch.get_num_threads(),
            "device": "cpu" if run.on_cpu else torch.cuda.get_device_name(),
        },
    }
