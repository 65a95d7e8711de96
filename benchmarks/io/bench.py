"""How fast are files of music loaded, beside the readers that people use?

    PARTIMENTO_DATA=FOLDER python benchmarks/io/bench.py [midi] [musicxml] [abc] [--rounds 5]

Each round loads the same files with each reader by turns and takes its processor seconds; the first round warms up
and is not counted. A reader that fails on one of the files is timed up to its failure, which is counted. Writes
`results.json` beside itself.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import platform
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import mido
import music21
import numpy as np
import pretty_midi
import symusic

from partimento.io import load_scores

sys.modules["fluidsynth"] = None  # type: ignore[assignment]  # partitura would fetch a soundfont on import
try:
    import partitura
except ImportError:
    partitura = None
finally:
    del sys.modules["fluidsynth"]

HERE = Path(__file__).parent
STEPS = {".mid": 25, ".mxl": 60, ".abc": 100}
"""Of the corpus's files in the order of their names, every so-manieth is loaded."""
ENDINGS = {"midi": ".mid", "musicxml": ".mxl", "abc": ".abc"}
GOALS = {"midi": ("pretty_midi", 50), "musicxml": ("music21", 20), "abc": ("music21", 20)}
PACKAGES = ("music21", "pretty_midi", "symusic", "mido", "partitura", "lxml", "numpy")

Load = Callable[[Path], Any]


def _music21(path: Path) -> Any:
    """music21 without the pickles that it keeps of files it has seen."""
    return music21.converter.parseFile(path, forceSource=True, storePickle=False)


def _readers() -> dict[str, dict[str, Load]]:
    readers: dict[str, dict[str, Load]] = {
        "midi": {
            "partimento": load_scores,
            "pretty_midi": lambda path: pretty_midi.PrettyMIDI(str(path)),
            "mido": mido.MidiFile,
            "symusic": symusic.Score,
        },
        "musicxml": {"partimento": load_scores, "music21": _music21},
        "abc": {"partimento": load_scores, "music21": _music21},
    }
    if partitura is not None:
        readers["midi"]["partitura"] = partitura.load_performance_midi
        readers["musicxml"]["partitura"] = partitura.load_musicxml
    return readers


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("formats", nargs="*", choices=[*ENDINGS, []], help="all by default")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    corpus = Path(os.environ["PARTIMENTO_DATA"])
    results: dict[str, Any] = {"machine": machine(), "rounds": options.rounds}
    for name in options.formats or ENDINGS:
        results[name] = measured(name, corpus, options.rounds)
        print(json.dumps({name: results[name]}, indent=2), flush=True)
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def measured(name: str, corpus: Path, rounds: int) -> dict[str, Any]:
    """Seconds and failures of each reader of a format, and how many times as long as ours each takes."""
    ending = ENDINGS[name]
    paths = sorted(corpus.rglob(f"*{ending}"))[:: STEPS[ending]]
    seconds: dict[str, list[float]] = {reader: [] for reader in _readers()[name]}
    failures: dict[str, int] = {}
    for turn in range(rounds + 1):
        for reader, load in _readers()[name].items():
            taken, failures[reader] = _one_round(load, paths)
            seconds[reader] += [taken] * (turn > 0)
    ours = np.array(seconds["partimento"])
    notes = sum(len(score.notes) for path in paths for score in load_scores(path))
    peer, goal = GOALS[name]
    return {
        "files": len(paths), "every": STEPS[ending], "notes": notes,
        "bytes": sum(path.stat().st_size for path in paths),
        "median_seconds": {reader: round(float(np.median(s)), 4) for reader, s in seconds.items()},
        "times_as_long": {reader: round(float(np.median(np.array(s) / ours)), 2) for reader, s in seconds.items()},
        "failures": {reader: count for reader, count in failures.items() if count},
        "goal": f"{peer} takes {goal} times as long or longer",
    }  # fmt: skip


def _one_round(load: Load, paths: list[Path]) -> tuple[float, int]:
    """Processor seconds for all files, and how many of them could not be loaded."""
    gc.collect()
    failures = 0
    start = time.process_time()
    for path in paths:
        try:
            load(path)
        except Exception:  # a peer's errors are of any kind
            failures += 1
    return time.process_time() - start, failures


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=HERE, check=True
    )
    return {
        "commit": commit.stdout.strip(), "python": platform.python_version(), "system": platform.system(),
        "processor": _processor(), "cores": os.cpu_count(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }  # fmt: skip


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


if __name__ == "__main__":
    main()
