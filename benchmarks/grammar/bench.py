"""What does a grammar cost per row and step: taking a token in, saying what may follow, and masking the logits?

    PARTIMENTO_DATA=FOLDER python benchmarks/grammar/bench.py [--rows 16] [--steps 300] [--repeats 9]

Each row follows a real piece of music, encoded; before every step fresh fp32 logits are written, as a model would
do, and this is not timed. CPU seconds on one core, for every registered representation. Writes `results.json`
beside itself.
"""

import argparse
import json
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np

from partimento.errors import PartimentoError
from partimento.generation.sampling import restrict
from partimento.io import load_score
from partimento.plan import Compose
from partimento.representations import REPRESENTATIONS, Representation, create

HERE = Path(__file__).parent
TASK = Compose()


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=16, help="sequences in a batch")
    parser.add_argument("--steps", type=int, default=300, help="tokens of each")
    parser.add_argument("--repeats", type=int, default=9, help="turns per representation")
    options = parser.parse_args()
    corpus = Path(os.environ["PARTIMENTO_DATA"])
    lines = (corpus / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines()
    paths = [path for line in lines if (path := corpus / json.loads(line)["path"]).suffix == ".mid"]
    members = {name: create(name) for name in REPRESENTATIONS}
    pieces = {name: sequences(rep, paths[::7], options.rows, options.steps) for name, rep in members.items()}
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in members}
    for _ in range(options.repeats):
        for name, rep in members.items():
            turns[name].append(timed(rep, pieces[name]))
    results = {
        "machine": machine(), "rows": options.rows, "steps": options.steps, "repeats": options.repeats,
        "microseconds_per_row_and_step": {
            name: {"vocabulary": len(members[name].tokens)}
            | {part: round(float(np.median([turn[part] for turn in each])), 2) for part in each[0]}
            for name, each in turns.items()
        },
    }  # fmt: skip
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=HERE, check=True
    )
    return {
        "commit": commit.stdout.strip(), "python": platform.python_version(), "numpy": np.__version__,
        "processor": platform.machine(), "cores": os.cpu_count(),
    }  # fmt: skip


def sequences(rep: Representation[Any], paths: list[Path], rows: int, steps: int) -> list[list[int]]:
    """The first tokens of as many pieces as there are rows, shape (rows, steps)."""
    found: list[list[int]] = []
    for path in paths:
        try:
            window, task = next(iter(rep.windows(load_score(path), TASK, 1024)))
        except (PartimentoError, StopIteration):
            continue
        ids = rep.encode(window, task).ids.tolist()
        if len(ids) >= steps:
            found.append(ids[:steps])
        if len(found) == rows:
            return found
    raise SystemExit(f"the corpus has fewer than {rows} pieces of {steps} tokens")


def timed(rep: Representation[Any], pieces: list[list[int]]) -> dict[str, float]:
    """Microseconds per row and step: with masking, and the grammar alone."""
    rng = np.random.default_rng(0)
    fresh = rng.normal(size=(len(pieces), len(rep.tokens))).astype(np.float32)
    logits, total, alone = fresh.copy(), 0.0, 0.0
    states = [rep.start(TASK) for _ in pieces]
    for tokens in zip(*pieces, strict=True):
        logits[:] = fresh
        before = time.process_time()
        for row, token in enumerate(tokens):
            states[row] = rep.step(states[row], token)
            restrict(logits[row], rep.allowed(states[row]))
        total += time.process_time() - before
    states = [rep.start(TASK) for _ in pieces]
    for tokens in zip(*pieces, strict=True):
        before = time.process_time()
        for row, token in enumerate(tokens):
            states[row] = rep.step(states[row], token)
            rep.allowed(states[row])
        alone += time.process_time() - before
    count = len(pieces) * len(pieces[0]) / 1e6
    return {"grammar_and_mask": total / count, "grammar": alone / count}


if __name__ == "__main__":
    main()
