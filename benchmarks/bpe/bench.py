"""How much shorter do sequences become by byte-pair encoding, and what does its grammar cost?

    PARTIMENTO_DATA=FOLDER python benchmarks/bpe/bench.py [--every 20]

Merges are learnt from every second piece and applied to the others. Times are CPU seconds on one core. Writes
`results.json` beside itself.
"""

import argparse
import json
import logging
import os
import platform
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from partimento.errors import BadFile, NeedsBeats
from partimento.io import load_scores
from partimento.plan import Compose, Task
from partimento.representations import Encoded, Representation, create, create_text
from partimento.representations.bpe import Bpe, train_bpe
from partimento.score import Score

HERE = Path(__file__).parent
TASK = Compose()
CONTEXT, STEPS = 1024, 300
MERGES = (500, 2000, 5000)


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=20, help="take every n-th file of the corpus")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    scores = list(pieces(Path(os.environ["PARTIMENTO_DATA"]), options.every))
    results = {"machine": machine(), "pieces": len(scores), "per_note": per_note(scores)}
    results["bpe"] = {name: measured(name, scores) for name in ("performance", "remi")}
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))


def machine() -> dict[str, Any]:
    """Where this runs."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=True
    )
    return {"commit": commit.stdout.strip(), "python": platform.python_version(), "processor": platform.machine()}


def pieces(corpus: Path, every: int) -> Iterator[Score]:
    """The first score of some files."""
    for line in (corpus / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines()[::every]:
        try:
            yield load_scores(corpus / json.loads(line)["path"])[0]
        except BadFile:
            continue


def per_note(scores: list[Score]) -> dict[str, float]:
    """Tokens of `performance` and characters of `event_json` for each note that they keep."""
    events, text = create("performance"), create_text("event_json")
    tokens = sum(len(events.encode(score, TASK).target) for score in scores)
    characters = sum(len(text.write(score, TASK)) for score in scores)
    kept = [sum(len(rep.quantise(score)[0].notes) for score in scores) for rep in (events, text)]
    return {"performance_tokens": round(tokens / kept[0], 2), "event_json_characters": round(characters / kept[1], 2)}


def measured(name: str, scores: list[Score]) -> list[dict[str, Any]]:
    """A row for each number of merges."""
    rep = create(name)
    encoded = [e for score in scores for e, _ in windows(rep, score, 1 << 14)]
    learnt, held_out = [e.target for e in encoded[::2]], [e.target for e in encoded[1::2]]
    rows: list[dict[str, Any]] = []
    for merges in MERGES:
        start = time.process_time()
        bpe = train_bpe(rep, learnt, len(rep.tokens) + merges)
        trained = time.process_time() - start
        before, start = sum(map(len, held_out)), time.process_time()
        after = sum(len(bpe.merge(ids)) for ids in held_out)
        merging = time.process_time() - start
        rows.append({
            "merges": merges, "times_shorter": round(before / after, 2), "training_s": round(trained, 1),
            "training_tokens": sum(map(len, learnt)), "merging_us_per_token": round(1e6 * merging / before, 2),
            **grammar(bpe, scores[1::40]),
        })  # fmt: skip
    return rows


def windows(rep: Representation[Any], score: Score, context: int) -> Iterator[tuple[Encoded, Task]]:
    """A piece in windows, none where it has no beat and needs one."""
    try:
        yield from ((rep.encode(piece, task), task) for piece, task in rep.windows(score, TASK, context))
    except NeedsBeats:
        return


def grammar(bpe: Bpe, scores: list[Score]) -> dict[str, float]:
    """Microseconds that `allowed` and `step` take for a merged token, along real sequences."""
    seconds, count = [0.0, 0.0], 0
    for score in scores:
        for encoded, task in list(windows(bpe, score, CONTEXT))[:1]:
            state = bpe.start(task)
            for token in encoded.ids[:STEPS].tolist():
                start = time.process_time()
                bpe.allowed(state)
                middle = time.process_time()
                state = bpe.step(state, token)
                seconds[0] += middle - start
                seconds[1] += time.process_time() - middle
                count += 1
    return {"allowed_us": round(1e6 * seconds[0] / count), "step_us": round(1e6 * seconds[1] / count)}


if __name__ == "__main__":
    main()
