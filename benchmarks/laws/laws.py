"""Do the laws of representations hold on every piece of a corpus, and on long random walks?

    PARTIMENTO_DATA=FOLDER python benchmarks/laws/laws.py [--every 1] [--walks 200]

For every file and every registered representation: notes kept and lost are all notes, quantising twice is quantising
once, every window decodes to what was quantised, and the grammar accepts every token of every window; texts are read
as they were written. Then random walks along `allowed` of up to 1,000 steps, each with its budget. What fails is
listed. Writes `results.json` beside itself, now and then while it runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from partimento.errors import PartimentoError
from partimento.io import load_scores
from partimento.plan import Compose, Constraints, Plan
from partimento.representations import REPRESENTATIONS, TEXT_REPRESENTATIONS, create, create_text
from partimento.score import Score
from partimento.theory.key import Key
from partimento.theory.meter import Meter

HERE = Path(__file__).parent
CONTEXT, STEPS = 1024, 1000
TASK = Compose()


def main() -> None:
    """Run all laws and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="take every n-th file")
    parser.add_argument("--walks", type=int, default=200, help="random walks of each representation")
    parser.add_argument("--without", nargs="*", default=[], help="text representations to leave out: the slow ones")
    options = parser.parse_args()
    texts = [name for name in TEXTS if name not in options.without]
    corpus = Path(os.environ["PARTIMENTO_DATA"])
    lines = (corpus / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines()[:: options.every]
    results: dict[str, Any] = {"machine": machine(), "walks": walks(options.walks)}
    counts: dict[str, Counter[str]] = {name: Counter() for name in (*REPRESENTATIONS, *map("{} (text)".format, texts))}
    failures: list[dict[str, str]] = []
    for number, line in enumerate(lines, 1):
        path = corpus / json.loads(line)["path"]
        for name, law in checked(path, texts, counts):
            failures.append({"representation": name, "law": law, "file": path.name})
        if number % 100 == 0 or number == len(lines):
            results["corpus"] = {"files": number, **{name: dict(count) for name, count in counts.items()}}
            results["failures"] = failures
            (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
            print(f"{number} of {len(lines)} files, {len(failures)} failures", flush=True)


TEXTS = list(TEXT_REPRESENTATIONS)


def machine() -> dict[str, Any]:
    """What it was measured on."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=HERE)
    return {"commit": commit.stdout.strip(), "python": platform.python_version(), "cores": os.cpu_count()}


def checked(path: Path, texts: list[str], counts: dict[str, Counter[str]]) -> Iterator[tuple[str, str]]:
    """Representation and law of everything that fails on a file."""
    try:
        scores = load_scores(path)
    except PartimentoError:
        return
    for score in scores:
        for name in REPRESENTATIONS:
            yield from ((name, law) for law in tokens_fail(REPS[name], score, counts[name]))
        for name in texts:
            label = f"{name} (text)"
            yield from ((label, law) for law in text_fails(TEXT_REPS[name], score, counts[label]))


REPS = {name: create(name) for name in REPRESENTATIONS}
TEXT_REPS = {name: create_text(name) for name in TEXTS}


def tokens_fail(rep: Any, score: Score, count: Counter[str]) -> Iterator[str]:
    """Laws that fail for a piece."""
    if rep.grid.unit == "quarter" and not len(score.measures):
        count["without a beat"] += 1
        return
    count["pieces"] += 1
    quantised, losses = rep.quantise(score)
    kept = [*quantised.notes["note_id"].tolist(), *(x.note_id for x in losses if x.note_id >= 0)]
    if sorted(kept) != sorted(score.sounding().notes["note_id"].tolist()):
        yield "notes kept and lost are all notes"
    if rep.quantise(quantised)[0] != quantised:
        yield "quantising twice"
    for piece, task in rep.windows(score, TASK, CONTEXT):
        ids = rep.encode(piece, task).ids
        count["windows"] += 1
        count["tokens"] += len(ids)
        if len(ids) > CONTEXT:
            yield "windows fit"
        if rep.decode(ids, task) != piece:
            yield "decoding"
        if not accepted(rep, task, ids.tolist()):
            yield "the grammar accepts"


def accepted(rep: Any, task: Any, ids: list[int]) -> bool:
    """Whether the grammar accepts all tokens."""
    state = rep.start(task)
    for token in ids:
        if not any(low <= token < high for low, high in rep.allowed(state)):
            return False
        state = rep.step(state, token)
    return True


def text_fails(rep: Any, score: Score, count: Counter[str]) -> Iterator[str]:
    """Laws that fail for a piece as text."""
    if not len(score.measures):
        count["without a beat"] += 1
        return
    count["pieces"] += 1
    quantised, _ = rep.quantise(score)
    if not len(quantised.notes):
        return
    text = rep.write(score, TASK)
    count["characters"] += len(text)
    if rep.read(text, TASK) != quantised:
        yield "reading what was written"
    if rep.quantise(quantised)[0] != quantised:
        yield "quantising twice"


def walks(number: int) -> dict[str, dict[str, int]]:
    """Random walks of each representation: how many end in their budget, decode, and how long they are."""
    found: dict[str, dict[str, int]] = {}
    for name, rep in REPS.items():
        counts = Counter(walks=number)
        for seed in range(number):
            rng = random.Random(seed)
            task = Compose(plan(rng), Constraints(budget=STEPS, playable=rng.random() < 0.5))
            ids, state = list[int](), rep.start(task)
            while rep.shortest_end(state) and len(ids) <= STEPS:
                ranges = rep.allowed(state)
                (low, high) = rng.choices(ranges, [high - low for low, high in ranges])[0]
                far = rng.random() < 0.1  # mostly near ids: a time drawn from all ends a piece at once
                ids.append(rng.randrange(low, high) if far else min(low + int(rng.expovariate(0.1)), high - 1))
                state = rep.step(state, ids[-1])
            score = rep.decode(np.array(ids, np.int32), task)
            counts["ended in the budget"] += len(ids) <= STEPS
            counts["decoded"] += 1
            counts["notes"] += len(score.notes)
            counts["tokens"] += len(ids)
        found[name] = dict(counts)
        print(name, found[name], flush=True)
    return found


def plan(rng: random.Random) -> Plan:
    """Some wishes that any representation can be asked for."""
    return Plan(
        key=rng.choice([None, Key(rng.randint(-6, 6), rng.choice(["major", "minor"]))]),
        meter=rng.choice([None, Meter(4, 4), Meter(6, 8), Meter(3, 4)]),
        instruments=rng.choice([None, tuple(rng.sample(range(128), rng.randint(1, 4)))]),
        bars=rng.choice([None, rng.randint(1, 24)]),
    )


if __name__ == "__main__":
    main()
