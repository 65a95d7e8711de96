"""Does packing waste nothing: real tokens a second of packed rows beside padded ones of the same windows.

    python benchmarks/packing/bench.py DATASET [DATASET …] [--rounds 5] [--hidden 128]

Each dataset is measured at the context it was prepared for. Batches are of the same windows in a random order, not
sorted by length: once padded to the longest with an attention mask, as Hugging Face collators do, once packed as in
training. A step is forward, backward and AdamW of the same small Llama in fp32 on one thread. By turns in one run, CPU
time. The goal is .95 × the ratio of padded to real tokens. Writes `results.json` beside itself.
"""

import argparse
import json
import platform
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import LlamaForCausalLM

from partimento.data.datamodule import PackedBatches, count_targets
from partimento.data.dataset import TokenDataset
from partimento.models import Special, Vocabulary, family
from partimento.models.transformer import TransformerConfig
from partimento.training.module import LanguageModule
from partimento.training.recipe import TrainingRecipe

HERE = Path(__file__).parent


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--windows", type=int, default=6, help="of a padded batch")
    parser.add_argument("--hidden", type=int, default=128)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = [compared(folder, options.rounds, options.hidden, options.windows) for folder in options.datasets]
    results = {"machine": machine(), "runs": found}
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))


def compared(folder: Path, rounds: int, hidden: int, together: int) -> dict[str, Any]:
    """Real tokens per second of CPU time in both ways on one dataset."""
    dataset = TokenDataset(folder, "train")
    context = json.loads((folder / "dataset.json").read_text())["options"]["context"]
    chosen = np.random.default_rng(1).permutation(len(dataset))
    padded_step, packed_step = steps(dataset, context, hidden)
    seconds, real, padded = {"padded": 0.0, "packed": 0.0}, {"padded": 0, "packed": 0}, 0
    batches = PackedBatches(dataset, context, max(1, together * int(dataset.lengths.mean()) // context), seed=1)
    for turn in range(rounds + 1):
        windows = chosen[turn * together % len(chosen) :][:together]
        batch = padded_batch(dataset, windows)
        timed = {"padded": spent(padded_step, batch), "packed": spent(packed_step, batches.batch(turn))}
        if turn:  # the first warms up
            padded += batch["input_ids"].numel()
            real["padded"] += int(batch["attention_mask"].sum())
            filled = batches.batch(turn)
            real["packed"] += count_targets(filled) + int((filled["position_ids"] == 0).sum())
            seconds = {name: seconds[name] + timed[name] for name in timed}
    speed = {name: real[name] / seconds[name] for name in seconds}
    ratio = padded / real["padded"]
    return {
        "context": context, "windows": len(dataset), "mean length": round(float(dataset.lengths.mean())),
        "fill of packed rows": round(batches.fill, 4), "padded to real tokens": round(ratio, 3),
        "real tokens/s": {name: round(each) for name, each in speed.items()},
        "packed over padded": round(speed["packed"] / speed["padded"], 3),
        "of the ratio": round(speed["packed"] / speed["padded"] / ratio, 3),
    }  # fmt: skip


def steps(dataset: TokenDataset, context: int, hidden: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """A training step in each way, of equal models."""
    config = TransformerConfig(hidden, 4, 4, 4, hidden * 11 // 4, context)
    vocabulary = Vocabulary(dataset.info.vocabulary_size, _special(dataset))
    how = TrainingRecipe(steps=1, context=context, tokens_per_batch=context, micro_batch_tokens=context)
    models = [family("transformer").build(config, vocabulary, 1) for _ in range(2)]
    optimisers = [torch.optim.AdamW(model.parameters(), fused=True) for model in models]
    padded, module = models[0], LanguageModule(models[1], how, 1)
    assert isinstance(padded, LlamaForCausalLM)

    def padded_step(batch: dict[str, Any]) -> None:
        logits = padded(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False).logits
        finish(cross_entropy(logits[:, :-1].flatten(0, 1), batch["labels"][:, 1:].flatten()), optimisers[0])

    def packed_step(batch: dict[str, Any]) -> None:
        finish(module.summed_loss(batch) / count_targets(batch), optimisers[1])

    return padded_step, packed_step


def finish(loss: torch.Tensor, optimiser: torch.optim.Optimizer) -> None:
    """Backward and an optimiser step."""
    loss.backward()
    optimiser.step()
    optimiser.zero_grad()


def padded_batch(dataset: TokenDataset, windows: Any) -> dict[str, torch.Tensor]:
    """Windows as they come, each padded to the longest."""
    longest = int(dataset.lengths[windows].max())
    ids = torch.full((len(windows), longest), dataset.pad)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
    for row, window in enumerate(windows):
        tokens = torch.from_numpy(dataset[int(window)].astype(np.int64))
        ids[row, : len(tokens)], mask[row, : len(tokens)], labels[row, : len(tokens)] = tokens, 1, tokens
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def _special(dataset: TokenDataset) -> Any:
    return Special(**{name: dataset.info.special[name] for name in ("pad", "bos", "eos")})


def spent(step: Callable[..., Any], batch: dict[str, Any]) -> float:
    """CPU seconds of a call."""
    before = time.process_time()
    step(batch)
    return time.process_time() - before


def machine() -> dict[str, Any]:
    """With what this ran."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=HERE)
    return {
        "commit": commit.stdout.strip(), "python": platform.python_version(), "torch": torch.__version__, "threads": 1,
        "processor": platform.processor() or platform.machine(),
    }  # fmt: skip


if __name__ == "__main__":
    main()
