"""How fast does training go, and in how much memory: partimento's loop beside transformers' own Trainer.

    python benchmarks/training/bench.py DATASET [--recipes recipes/tiny.yaml …] [--steps 8] [--rounds 2]

The model of each recipe is trained on the dataset, in fp32 on one thread, three ways: by `partimento train`'s loop; by
Trainer on the very same packed rows; by Trainer as it is usually fed, one window to a row, padded to the longest. Each
way has its own process, by turns; CPU seconds of all steps but the first two and the last, real tokens only.
Writes `results.json`.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from partimento.data.datamodule import IGNORED, PackedBatches
from partimento.data.dataset import TokenDataset
from partimento.models import Special, Vocabulary, family
from partimento.training.recipe import Recipe, load_recipe

HERE = Path(__file__).parent
WAYS = ("partimento", "Trainer, packed rows", "Trainer, padded")
SKIPPED = 2


def main() -> None:
    """Measure, print and write the results; or, with --way, measure one in this process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--recipes", nargs="+", type=Path, default=[HERE.parents[1] / "recipes" / "tiny.yaml"])
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--way", choices=WAYS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(measured(options.way, options.recipes[0], options.dataset, options.steps)))
        return
    found = {path.stem: compared(path, options) for path in options.recipes}
    (HERE / "results.json").write_text(json.dumps({"machine": machine(), **found}, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


def compared(recipe: Path, options: Any) -> dict[str, Any]:
    """All ways of one recipe."""
    tokens, seconds, memory = defaultdict[str, int](int), defaultdict[str, float](float), dict[str, float]()
    for _ in range(options.rounds):
        for way in WAYS:
            command = [sys.executable, __file__, options.dataset, "--recipes", recipe, "--way", way]
            command += ["--steps", str(options.steps)]
            run = subprocess.run([str(each) for each in command], capture_output=True, text=True, check=True)
            one = json.loads(run.stdout.splitlines()[-1])
            tokens[way] += one["tokens"]
            seconds[way] += one["seconds"]
            memory[way] = one["memory"]
    speed = {way: tokens[way] / seconds[way] for way in WAYS}
    return {
        way: {
            "tokens/s": round(speed[way]), "peak MiB": round(memory[way]),
            "partimento is": round(speed[WAYS[0]] / speed[way], 3),
        }
        for way in WAYS
    }  # fmt: skip


def measured(way: str, path: Path, dataset: Path, steps: int) -> dict[str, float]:
    """Real tokens, CPU seconds and peak memory of one way."""
    torch.set_num_threads(1)
    examples = TokenDataset(dataset, "train")
    context = json.loads((dataset / "dataset.json").read_text())["options"]["context"]
    recipe = load_recipe(path, [f"training.context={context}", f"model.config.context={context}"])
    how = replace(recipe.training, precision="fp32", threads=1, accelerator="cpu", steps=steps, minutes=None)
    recipe = replace(recipe, training=how)
    marks = ours(recipe, examples) if way == WAYS[0] else trainers(recipe, examples, is_packed=way == WAYS[1])
    (first_tokens, first), (tokens, last) = marks[SKIPPED - 1], marks[-2]  # the last one validates, too
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"tokens": tokens - first_tokens, "seconds": last - first, "memory": used}


def ours(recipe: Recipe, examples: TokenDataset) -> list[tuple[int, float]]:
    """Real tokens and CPU seconds after each step of our loop, through Lightning."""
    from lightning.pytorch import Callback

    from partimento.training.loop import train

    marks, batches = list[tuple[int, float]](), packed(recipe, examples)

    class Clock(Callback):
        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
            before = marks[-1][0] if marks else 0
            marks.append((before + real(batches.batch(trainer.global_step - 1)), time.process_time()))

    import partimento.training.loop as loop

    made = loop._callbacks  # pyright: ignore[reportPrivateUsage]
    loop._callbacks = lambda *given: [*made(*given), Clock()]  # pyright: ignore[reportPrivateUsage]
    recipe = replace(recipe, training=replace(recipe.training, validate_every=10**9, checkpoint_every=10**9))
    with tempfile.TemporaryDirectory() as folder:
        train(recipe, examples.folder, Path(folder) / "model", progress=False)
    return marks


def trainers(recipe: Recipe, examples: TokenDataset, *, is_packed: bool) -> list[tuple[int, float]]:
    """The same of transformers' Trainer."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    marks, counts = list[tuple[int, float]](), list[int]()
    batches, how = packed(recipe, examples), recipe.training
    micro = max(1, how.micro_batch_tokens // how.context)
    accumulated = max(1, batches.rows // micro)

    class Clock(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            marks.append((sum(counts[: state.global_step * accumulated]), time.process_time()))

    rows = packed_rows(batches, counts, micro) if is_packed else windows(examples, batches, counts, micro)

    class Rows(torch.utils.data.IterableDataset[dict[str, Any]]):
        def __iter__(self) -> Iterator[dict[str, Any]]:
            return iter(rows)

    special = Special(**{name: examples.info.special[name] for name in ("pad", "bos", "eos")})
    vocabulary = Vocabulary(examples.info.vocabulary_size, special)
    model = family(recipe.model.family).build(recipe.model_config(), vocabulary, recipe.seed)
    model.config.use_cache = False
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, max_steps=how.steps or 1, per_device_train_batch_size=1, use_cpu=True, report_to=[],
            gradient_accumulation_steps=accumulated, learning_rate=how.learning_rate, optim="adamw_torch_fused",
            save_strategy="no", logging_strategy="no", disable_tqdm=True, dataloader_pin_memory=False,
        )  # fmt: skip
        Trainer(
            model=model, args=arguments, train_dataset=Rows(), callbacks=[Clock()], data_collator=lambda given: given[0]
        ).train()
    return marks


def packed(recipe: Recipe, examples: TokenDataset) -> PackedBatches:
    """The batches of a recipe."""
    how = recipe.training
    return PackedBatches(examples, how.context, how.tokens_per_batch // how.context, seed=recipe.seed)


def packed_rows(batches: PackedBatches, counts: list[int], micro: int) -> Iterator[dict[str, Any]]:
    """Micro-batches of the very rows that we train on."""
    for step in range(10**6):
        batch: dict[str, Any] = batches.batch(step)
        for first in range(0, batches.rows, micro):
            part = {name: tensor[first : first + micro] for name, tensor in batch.items()}
            counts.append(real(part))
            yield part


def windows(examples: TokenDataset, batches: PackedBatches, counts: list[int], micro: int) -> Iterator[dict[str, Any]]:
    """Micro-batches of about as many real tokens: windows in random order, padded to the longest."""
    rng, number = np.random.default_rng(1), max(1, micro * batches.context // int(examples.lengths.mean()))
    while True:
        chosen = [examples[int(index)].astype(np.int64) for index in rng.permutation(len(examples))[:number]]
        ids = torch.full((number, max(map(len, chosen))), examples.pad)
        mask, labels = torch.zeros_like(ids), torch.full_like(ids, IGNORED)
        for row, tokens in enumerate(map(torch.from_numpy, chosen)):
            ids[row, : len(tokens)], mask[row, : len(tokens)], labels[row, : len(tokens)] = tokens, 1, tokens
        counts.append(int(mask.sum()))
        yield {"input_ids": ids, "attention_mask": mask, "labels": labels}


def real(batch: Any) -> int:
    """Tokens that are no padding: targets, and the first of each piece."""
    is_target = batch["labels"] != IGNORED
    starts = is_target[:, 1:] & (batch["position_ids"][:, 1:] == 1)
    return int(is_target.sum()) + int(starts.sum())


def machine() -> dict[str, Any]:
    """With what this ran."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=HERE)
    packages = {name: version(name) for name in ("torch", "transformers", "accelerate", "lightning")}
    return {"commit": commit.stdout.strip(), "python": platform.python_version(), "threads": 1, **packages}


if __name__ == "__main__":
    main()
