"""How near is a GGUF file to the model that it was written from, how large is it, and how fast?

    python benchmarks/export/bench.py    # the starter, on Bach's chorales
    python benchmarks/export/bench.py --model FOLDER --rows DATASET --name chord-llama    # on rows of text

Teacher-forced, one token after the other as when music is written, on one thread. Torch is this package's engine in
fp32. Speeds are CPU time, in turns within the same run. Results go under their name into `results.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from partimento.data.answers import exchange, rows_of
from partimento.exporting import export
from partimento.exporting.vocabulary import tokenizer_of
from partimento.generation.engines import Engine, load_engine
from partimento.generation.writer import STARTER
from partimento.io import load_score
from partimento.plan import Compose
from partimento.representations import create

HERE = Path(__file__).parent
KINDS = ("f32", "f16", "bf16", "q8_0", "q6_k", "q4_k_m")
CLEAR = 1e-3
"""Where the two likeliest are further apart, f32 has to choose the same."""


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=STARTER)
    parser.add_argument("--rows", type=Path, help="dataset of text")
    parser.add_argument("--name", default="starter")
    parser.add_argument("--sequences", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    ids = list(texts(options) if options.rows else chorales(options.sequences))
    path = HERE / "results.json"
    results = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    results["machine"] = machine()
    results[options.name] = measured(options.model, ids)
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results[options.name], indent=2))


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=HERE, capture_output=True, text=True, check=True).stdout
    return {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count(), "commit": commit.strip()}


def chorales(count: int) -> Iterator[list[int]]:
    """Bach's chorales as the starter reads them, in its context of 1,536 tokens."""
    import music21

    representation = create("remi")
    folder = Path(music21.__file__).parent / "corpus" / "bach"
    for path in sorted(folder.glob("bwv2*.mxl"))[:count]:
        score, task = next(iter(representation.windows(load_score(path), Compose(), 1536)))
        yield representation.encode(score, task).ids.tolist()


def texts(options: argparse.Namespace) -> Iterator[list[int]]:
    """Rows that were held out, prompt and answer, as the model was tuned on them."""
    tokenizer = tokenizer_of(options.model)
    for _, row in zip(range(options.sequences), rows_of(options.rows, "test"), strict=False):
        said = exchange(row, tokenizer)
        yield tokenizer(said.prompt + said.answer, add_special_tokens=False)["input_ids"][:1024]


def measured(model: Path, sequences: list[list[int]]) -> dict[str, Any]:
    """Figures of every kind against torch."""
    engine = load_engine(model)
    with tempfile.TemporaryDirectory() as place:
        engines: dict[str, Engine] = {"torch": engine}
        sizes = {"torch": (model / "model.safetensors").stat().st_size}
        for kind in KINDS:
            (path,) = export(model, f"gguf:{kind}", Path(place) / kind).glob("*.gguf")
            engines[kind], sizes[kind] = load_engine(path), path.stat().st_size
        logits = {name: list[Any]() for name in engines}
        seconds = dict.fromkeys(engines, 0.0)
        for ids in sequences:
            for name, each in engines.items():
                found, spent = run(each, ids)
                logits[name].append(found)
                seconds[name] += spent
    tokens = sum(map(len, sequences))
    whole = {name: np.concatenate(found) for name, found in logits.items()}
    figures = {name: against(whole["torch"], whole[name]) if name != "torch" else {} for name in engines}
    for name, figure in figures.items():
        figure |= {"bytes": sizes[name], "tokens_per_cpu_second": round(tokens / seconds[name])}
    return {"tokens": tokens, "vocabulary": whole["torch"].shape[1], "kinds": figures}


def run(engine: Engine, ids: list[int]) -> tuple[Any, float]:
    """Logits after each token, and CPU seconds."""
    session, start = engine.session(), time.process_time()
    found = [session.feed([token]).copy() for token in ids]
    return np.array(found), time.process_time() - start


def against(wanted: Any, found: Any) -> dict[str, Any]:
    """Agreement of the likeliest token, and divergence from torch's distribution in nats per token."""
    ranked = np.partition(wanted, -2, axis=1)
    is_clear = ranked[:, -1] - ranked[:, -2] > CLEAR
    agrees = wanted.argmax(1) == found.argmax(1)
    p, q = (torch.log_softmax(torch.tensor(x, dtype=torch.float64), 1) for x in (wanted, found))
    return {
        "argmax_agreement": float(agrees.mean()),
        "differ_though_clear": int((is_clear & ~agrees).sum()),
        "kl_nats": float((p.exp() * (p - q)).sum(1).mean()),
        "largest_difference": float(np.abs(wanted - found).max()),
    }


if __name__ == "__main__":
    main()
