"""How fast is `remi` beside MidiTok's REMI on one core, and how many tokens does a note take?

    PARTIMENTO_DATA=FOLDER python benchmarks/tokenise/bench.py [--files 40] [--repeats 7]

Both sides start from scores that are loaded already and from ids that are made already: timed are Score ▶ ids and
ids ▶ Score, in CPU seconds, the two tokenizers by turns on the same MIDI files. Writes `results.json` beside itself.
"""

import argparse
import gc
import json
import logging
import os
import platform
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import miditok
import numpy as np
import symusic

from partimento.errors import PartimentoError
from partimento.io import load_score, load_scores
from partimento.plan import Compose
from partimento.representations import create

HERE = Path(__file__).parent
TASK = Compose()
MIDI, TIER_A = ".mid", ("A_", (".mxl", ".musicxml"))


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=40, help="MIDI files to measure")
    parser.add_argument("--repeats", type=int, default=7, help="turns per tokenizer")
    parser.add_argument("--pieces", type=int, default=300, help="MusicXML files for tokens per note")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    corpus = Path(os.environ["PARTIMENTO_DATA"])
    lines = (corpus / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines()
    paths = [corpus / json.loads(line)["path"] for line in lines]
    results = {
        "machine": machine(),
        "speed": speed([p for p in paths if p.suffix == MIDI], options.files, options.repeats),
        "tokens_per_note": tokens_per_note(
            [p for p in paths if p.relative_to(corpus).parts[0].startswith(TIER_A[0]) and p.suffix in TIER_A[1]],
            options.pieces,
        ),
    }
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=HERE, check=True
    )
    return {
        "commit": commit.stdout.strip(), "python": platform.python_version(), "system": platform.system(),
        "processor": platform.machine(), "cores": os.cpu_count(), "miditok": version("miditok"),
    }  # fmt: skip


def spread(paths: list[Path], count: int) -> list[Path]:
    """`count` of the paths, evenly spaced."""
    return paths[:: max(len(paths) // count, 1)][:count]


def speed(paths: list[Path], files: int, repeats: int) -> dict[str, Any]:
    """CPU seconds of encoding and decoding, by turns."""
    remi = create("remi", velocities=True)
    config = miditok.TokenizerConfig(use_programs=True, use_tempos=True, use_time_signatures=True)
    other = miditok.REMI(config)
    ours, theirs = [], []
    for path in spread(paths, 2 * files):
        try:
            score = load_score(path)
            if len(score.measures) and len(score.measures) <= 256 and len(ours) < files:
                ours.append(score)
                theirs.append(symusic.Score(path))
        except PartimentoError:
            continue
    ids = [remi.encode(score, TASK).ids for score in ours]
    tokens = [other.encode(score.copy()) for score in theirs]
    jobs: dict[str, Callable[[], Any]] = {
        "remi encode": lambda: [remi.encode(score, TASK) for score in ours],
        "miditok encode": lambda: [other.encode(score) for score in theirs],
        "remi decode": lambda: [remi.decode(x, TASK) for x in ids],
        "miditok decode": lambda: [other.decode(x) for x in tokens],
    }
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for name, job in chain.from_iterable([jobs.items()] * repeats):
        gc.collect()
        start = time.process_time()
        job()
        seconds[name].append(time.process_time() - start)
    notes = sum(len(score.notes) for score in ours)
    return {
        "files": len(ours), "notes": notes, "repeats": repeats,
        "microseconds_per_note": {name: round(float(np.median(s)) / notes * 1e6, 3) for name, s in seconds.items()},
        "encode_ratio": ratio(seconds["miditok encode"], seconds["remi encode"]),
        "decode_ratio": ratio(seconds["miditok decode"], seconds["remi decode"]),
        "tokens": {"remi": sum(map(len, ids)), "miditok": sum(map(len, tokens))},
    }  # fmt: skip


def ratio(slow: list[float], fast: list[float]) -> float:
    """Median over the turns."""
    return round(float(np.median(np.array(slow) / np.array(fast))), 1)


def tokens_per_note(paths: list[Path], pieces: int) -> dict[str, Any]:
    """Target tokens per sounding note that `remi` keeps, without velocities and headers."""
    remi = create("remi")
    tokens, notes, each = 0, 0, []
    for path in spread(paths, pieces):
        for score in load_scores(path):
            if not len(score.measures) or not len(score.notes):
                continue
            target = sum(len(remi.encode(piece, task).target) for piece, task in remi.windows(score, TASK, 1 << 30))
            kept = len(remi.quantise(score)[0].notes)
            tokens, notes, each = tokens + target, notes + kept, [*each, target / max(kept, 1)]
    return {
        "pieces": len(each), "notes": notes, "over_all_notes": round(tokens / notes, 3),
        "mean_of_pieces": round(float(np.mean(each)), 3), "median_of_pieces": round(float(np.median(each)), 3),
    }  # fmt: skip


if __name__ == "__main__":
    main()
