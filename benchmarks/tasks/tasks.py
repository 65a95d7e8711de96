"""What learning tasks costs and gives: losses by task on the same held-out windows, and seconds for sixteen bars.

python benchmarks/tasks/tasks.py --dataset datasets/starter --models models/starter-base models/starter
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from partimento.data.dataset import TokenDataset
from partimento.data.mixture import TASKS, Mixture
from partimento.data.tasks import TaskExamples
from partimento.generation import Composer
from partimento.models.folder import load_model_folder, made_by
from partimento.plan.parse import parse_prompt
from partimento.representations import create

SENTENCE = "a waltz in G major for flute and guitar, 16 bars"
PLAYED = ("all", "drums", "four parts or more")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dataset", type=Path, required=True)
    options.add_argument("--models", type=Path, nargs="+", required=True)
    options.add_argument("--context", type=int, default=1536)
    options.add_argument("--out", type=Path, default=Path(__file__).with_name("results.json"))
    asked = options.parse_args()
    torch.set_num_threads(1)
    split = TokenDataset(asked.dataset, "validation")
    examples = TaskExamples(split, Mixture(1, 1, 1, versions=1), each=True, seed=1, context=asked.context)
    found = {str(model): losses(model, examples) for model in asked.models}
    times = seconds(asked.models)
    for name, result in found.items():
        result["seconds_for_16_bars"] = times[name]
    windows = {"windows": examples.counts, "seed": 1}
    machine = {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count(), "threads": 1}
    content = {"made_by": made_by(), "machine": machine, "held_out": windows, "models": found}
    asked.out.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    print(json.dumps(found, indent=1))


def losses(folder: Path, examples: TaskExamples) -> dict[str, Any]:
    """Nats per target by task; None where the model's tokens cannot say it."""
    loaded = load_model_folder(folder)
    table = _ids(loaded.representation, examples.dataset.info.representation)
    groups = dict(zip(PLAYED, _groups(examples), strict=True))
    sums = {task: {group: np.zeros(2) for group in PLAYED} for task in TASKS}
    for index, task in enumerate(examples.task.tolist()):
        ids = table[examples[index]]
        if (ids < 0).any():
            continue
        nats = _nats(loaded.model, ids)[int(examples.prompt_length[index]) - 1 :]
        for group, members in groups.items():
            if members[examples.window[index]]:
                sums[TASKS[task]][group] += nats.sum(), len(nats)
    return {
        task: {group: round(float(nats / number), 4) if number else None for group, (nats, number) in each.items()}
        for task, each in sums.items()
    }


def _nats(model: Any, ids: np.ndarray) -> np.ndarray:
    """Loss of each token but the first, shape (n − 1,), in fp32."""
    row = torch.from_numpy(ids.astype(np.int64))[None]
    with torch.inference_mode():
        logits = model(input_ids=row, use_cache=False).logits[0, :-1].float()
    return cross_entropy(logits, row[0, 1:], reduction="none").numpy()


def _ids(theirs: dict[str, Any], ours: dict[str, Any]) -> np.ndarray:
    """A model's id of each of the dataset's tokens, −1 where it has none."""
    place = {token: index for index, token in enumerate(create(**theirs).tokens)}
    return np.array([place.get(token, -1) for token in create(**ours).tokens])


def _groups(examples: TaskExamples) -> Iterator[np.ndarray]:
    """Whether each window belongs to each of the groups in `PLAYED`."""
    tokens, windows = create(**examples.dataset.info.representation).tokens, examples.dataset
    drums, bar = tokens.index("Instrument_128"), [i for i, token in enumerate(tokens) if token.startswith("Bar_")]
    is_part = np.array([token.startswith("Instrument_") for token in tokens])
    heads = [windows[i][: int(np.isin(windows[i], bar).argmax())] for i in range(len(windows))]
    yield np.ones(len(windows), bool)
    yield np.array([drums in head for head in heads])
    yield np.array([is_part[head].sum() >= 4 for head in heads])


def seconds(folders: list[Path], rounds: int = 5) -> dict[str, float]:
    """Median CPU seconds of this process for the sentence, the models taking turns."""
    composers, taken = {str(folder): Composer(folder) for folder in folders}, {str(folder): [] for folder in folders}
    understood = parse_prompt(SENTENCE)
    for seed in range(rounds + 1):
        for name, composer in composers.items():
            began = time.process_time()
            composer.compose(understood.plan, seed=seed)
            taken[name].append(time.process_time() - began)
    return {name: round(statistics.median(times[1:]), 2) for name, times in taken.items()}


if __name__ == "__main__":
    main()
