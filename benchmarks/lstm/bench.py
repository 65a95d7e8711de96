"""What the LSTM family costs beside torch's bare layers: `python benchmarks/lstm/bench.py`.

Forward and backward of the `small` size, in turns in one process and by CPU time of one thread: full rows beside
`nn.LSTM` between the same embedding and output layer, and packed pieces beside the same pieces padded to the longest.
"""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from partimento.models import Special, Vocabulary, family, sized
from partimento.models.folder import made_by

VOCABULARY, ROUNDS = 1947, 3


class Bare(nn.Module):
    """The same layers, called directly."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.embed: nn.Embedding
        self.layers: nn.LSTM
        self.embed, self.layers, self.head = model.embed_tokens, model.layers, model.lm_head

    def forward(self, ids: Tensor) -> Tensor:
        embedded = self.embed(ids) * self.layers.hidden_size**0.5
        return self.head(self.layers(embedded)[0])


def seconds(logits: Callable[[], Tensor], targets: Tensor) -> float:
    """CPU time of a forward and a backward pass."""
    start = time.process_time()
    cross_entropy(logits().flatten(0, 1), targets, ignore_index=-100).backward()
    return time.process_time() - start


def main() -> None:
    torch.set_num_threads(1)
    kind = family("lstm")
    model = kind.build(kind.config(**sized(kind, {"size": "small"})), Vocabulary(VOCABULARY, Special(0, 1, 2)), 1)
    bare, rng = Bare(model), np.random.default_rng(1)
    rows = torch.from_numpy(rng.integers(3, VOCABULARY, (8, 256)))
    lengths = np.clip(rng.lognormal(np.log(120), 0.7, 16), 16, 512).astype(int).tolist()
    pieces = [torch.from_numpy(rng.integers(3, VOCABULARY, length)) for length in lengths]
    flat, padded = torch.cat(pieces)[None], pad_sequence(pieces, batch_first=True)
    labels = pad_sequence(pieces, batch_first=True, padding_value=-100)
    ways: dict[str, tuple[Callable[[], Tensor], Tensor, int]] = {
        "full rows, LSTM family": (lambda: model(input_ids=rows, use_cache=False).logits, rows.flatten(), rows.numel()),
        "full rows, nn.LSTM": (lambda: bare(rows), rows.flatten(), rows.numel()),
        "pieces packed, LSTM family": (
            lambda: model(input_ids=flat, pieces=lengths, use_cache=False).logits, flat.flatten(), flat.numel(),
        ),
        "pieces padded, nn.LSTM": (lambda: bare(padded), labels.flatten(), flat.numel()),
    }  # fmt: skip
    times = {name: list[float]() for name in ways}
    for turn in range(ROUNDS + 1):
        for name, (logits, targets, _) in ways.items():
            spent = seconds(logits, targets)
            if turn:
                times[name].append(spent)
    speed = {name: round(ways[name][2] / statistics.median(spent)) for name, spent in times.items()}
    result = {
        "tokens_per_cpu_second": speed, "share_of_padded_positions_filled": round(flat.numel() / padded.numel(), 3),
        "parameters": model.num_parameters(), "processor": platform.processor() or platform.machine(), **made_by(),
    }  # fmt: skip
    Path(__file__).with_name("results.json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
