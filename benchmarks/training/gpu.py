"""What a GPU does with our training steps, in bf16: for the checks that are owed (docs/gpu-checks.md).

    python benchmarks/training/gpu.py [mfu] [adapters] [lstm] [--peak 989e12]

`mfu`: tokens/s and model FLOPs utilisation of 100M and 1B parameters on packed rows of random pieces; a token costs
6 × parameters, and 12 × layers × width × half the piece for attention. `adapters`: LoRA and QLoRA on the 1B model,
tokens/s and peak memory. `lstm`: the family beside a bare `torch.nn.LSTM` of cuDNN with the same embedding and head.
`--peak` is the card's dense bf16 rate: 989e12 for H100 and H200. Prints JSON, and writes `gpu.json` beside itself.
"""

import argparse
import json
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from partimento.models import Special, Vocabulary, family
from partimento.models.adapters import with_adapter
from partimento.models.quantised import quantise
from partimento.models.tuning import AdapterConfig
from partimento.training.module import LanguageModule
from partimento.training.recipe import TrainingRecipe

CONTEXT, ROWS, STEPS, SKIPPED = 2048, 8, 40, 10
VOCABULARY = Vocabulary(8192, Special(0, 1, 2))
SIZES = {
    "100M": {"hidden_size": 768, "layers": 14, "heads": 12, "key_value_heads": 12, "ff_size": 2048},
    "1B": {"hidden_size": 2048, "layers": 20, "heads": 16, "key_value_heads": 16, "ff_size": 5632},
}
HOW = TrainingRecipe(steps=STEPS, context=CONTEXT, tokens_per_batch=ROWS * CONTEXT, micro_batch_tokens=ROWS * CONTEXT)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=["mfu", "adapters", "lstm"])
    parser.add_argument("--peak", type=float, default=989e12, help="FLOP/s")
    options = parser.parse_args()
    measures: dict[str, Callable[[float], Any]] = {"mfu": utilisation, "adapters": adapters, "lstm": lstm}
    found: dict[str, Any] = {"card": torch.cuda.get_device_name(), "torch": torch.__version__}
    found |= {part: measures[part](options.peak) for part in options.parts}
    Path(__file__).with_name("gpu.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


def utilisation(peak: float) -> dict[str, Any]:
    """Speed and MFU by size."""
    found = dict[str, Any]()
    for name, sizes in SIZES.items():
        model = built("transformer", sizes)
        pieces = batch()["position_ids"].max(dim=1).values.double().mean() / 2
        cost = 6 * model.num_parameters() + 12 * sizes["layers"] * sizes["hidden_size"] * float(pieces)
        found[name] = trained(model)
        found[name] |= {"parameters": model.num_parameters(), "mfu": found[name]["tokens/s"] * cost / peak}
    return found


def adapters(_: float) -> dict[str, Any]:
    """LoRA and QLoRA."""
    found = dict[str, Any]()
    for name in ("LoRA", "QLoRA"):
        model = built("transformer", SIZES["1B"]).bfloat16()
        if name == "QLoRA":
            quantise(model, torch.bfloat16)
        found[name] = trained(with_adapter(model, AdapterConfig(rank=16), seed=1))
    return found


def lstm(_: float) -> dict[str, Any]:
    """Ours beside cuDNN's on equal rows, each a single piece."""
    model = built("lstm", {"hidden_size": 1024, "layers": 3})
    found = {"family": trained(model, pieces=1)}
    embedding, bare = nn.Embedding(8192, 1024).cuda(), nn.LSTM(1024, 1024, 3, batch_first=True).cuda()
    head = nn.Linear(1024, 8192).cuda()
    given = batch(pieces=1)

    def loss() -> torch.Tensor:
        logits = head(bare(embedding(given["input_ids"]))[0])
        return cross_entropy(logits[:, :-1].flatten(0, 1).float(), given["labels"][:, 1:].flatten(), reduction="sum")

    parameters = [*embedding.parameters(), *bare.parameters(), *head.parameters()]
    return found | {"cuDNN": timed(loss, parameters)}


def trained(model: Any, pieces: int = 6) -> dict[str, float]:
    """Speed and memory of our step."""
    module, given = LanguageModule(model, HOW, STEPS, on_cpu=False).cuda(), batch(pieces)
    return timed(lambda: module.summed_loss(given), [each for each in module.parameters() if each.requires_grad])


def timed(loss: Callable[[], torch.Tensor], parameters: list[Any]) -> dict[str, float]:
    """Forward, backward and AdamW, the first steps left out."""
    optimiser, begun = torch.optim.AdamW(parameters, fused=True), 0.0
    torch.cuda.reset_peak_memory_stats()
    for step in range(STEPS):
        if step == SKIPPED:
            torch.cuda.synchronize()
            begun = time.perf_counter()
        with torch.autocast("cuda", torch.bfloat16):
            total = loss() / (ROWS * CONTEXT)
        total.backward()
        optimiser.step()
        optimiser.zero_grad()
    torch.cuda.synchronize()
    speed = (STEPS - SKIPPED) * ROWS * CONTEXT / (time.perf_counter() - begun)
    return {"tokens/s": speed, "peak GiB": torch.cuda.max_memory_allocated() / 2**30}


def built(name: str, sizes: dict[str, int]) -> Any:
    """A fresh model on the GPU."""
    kind = family(name)
    model: Any = kind.build(kind.config(**sizes, context=CONTEXT), VOCABULARY, 1)
    return model.cuda()


def batch(pieces: int = 6) -> dict[str, torch.Tensor]:
    """Full rows of random pieces."""
    rng = np.random.default_rng(1)
    ids = torch.from_numpy(rng.integers(3, VOCABULARY.size, (ROWS, CONTEXT)))
    positions = torch.zeros_like(ids)
    for row in range(ROWS):
        cuts = [0, *sorted(rng.choice(np.arange(1, CONTEXT), pieces - 1, replace=False).tolist()), CONTEXT]
        positions[row] = torch.cat([torch.arange(b - a) for a, b in pairwise(cuts)])
    given = {"input_ids": ids, "labels": ids.where(positions > 0, -100), "position_ids": positions}
    return {name: tensor.cuda() for name, tensor in given.items()}


if __name__ == "__main__":
    main()
