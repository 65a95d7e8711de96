"""Does MusicXML survive the way through Chord Llama's rows and back, element by element?

    PARTIMENTO_DATA=FOLDER python benchmarks/chord_llama/bench.py [--step 1]

Every MusicXML file of the corpus goes into rows of at most 3,500 tokens (by the default estimate) as JSON Lines and
back to MusicXML. What the cleaning keeps is listed in both documents by `kept.py`, which shares no code with the
product, and compared in order. What comes back goes into rows a second time, which must be the same rows. Writes
`results.json` beside itself.
"""

import argparse
import json
import logging
import os
import platform
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from kept import document, elements

from partimento.io.yaml import BUDGET, chord_llama_rows, estimated_tokens, from_rows

HERE = Path(__file__).parent
SPREAD = 40


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", type=int, default=1, help="every how manieth file")
    parser.add_argument("--results", type=Path, default=HERE / "results.json")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    corpus = Path(os.environ["PARTIMENTO_DATA"])
    counts: Counter[str] = Counter()
    folders: dict[str, Counter[str]] = {}
    differing: dict[str, str] = {}
    paths = sorted(corpus.rglob("*.mxl"))[:: options.step]
    paths = [path for first in range(SPREAD) for path in paths[first::SPREAD]]  # so that any beginning is a sample
    for number, path in enumerate(paths, 1):
        name, own = path.relative_to(corpus), Counter[str]()
        try:
            fault = survives(path, own)
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
        own["files"] += 1
        own["survive"] += not fault
        if fault:
            differing[str(name)] = fault[:300]
            print(name, fault[:300], flush=True)
        counts += own
        folders.setdefault(name.parts[0], Counter()).update(own)
        if number % SPREAD == 0 or number == len(paths):
            write(options.results, counts, folders, differing, len(paths))


def write(path: Path, counts: Counter[str], folders: dict[str, Counter[str]], bad: dict[str, str], of: int) -> None:
    """Keep the results so far."""
    results: dict[str, Any] = {"machine": machine(), "files_in_all": of, "whole": figures(counts)}
    results |= {"folders": {name: figures(own) for name, own in sorted(folders.items())}, "differing": bad}
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def survives(path: Path, counts: Counter[str]) -> str:
    """What is different in what comes back, empty if nothing is."""
    begin = time.process_time()
    lines = [json.dumps(row) for row in chord_llama_rows(path)]
    middle = time.process_time()
    rows = [json.loads(line) for line in lines]
    back = from_rows(rows, path.name)
    end = time.process_time()
    counts["writing_microseconds"] += int((middle - begin) * 1e6)
    counts["reading_microseconds"] += int((end - middle) * 1e6)
    counts["rows"] += len(rows)
    counts["rows_beyond_budget"] += sum(sum(map(estimated_tokens, row.values())) > BUDGET for row in rows)
    with tempfile.NamedTemporaryFile(suffix=".musicxml") as file:
        Path(file.name).write_bytes(back)
        again = list(chord_llama_rows(Path(file.name)))
        before, after = elements(document(path)), elements(document(Path(file.name)))
    counts["parts"] += len(before)
    counts["elements"] += sum(map(len, before))
    counts["notes"] += sum(row[1] == "note" for part in before for row in part)
    if len(before) != len(after):
        return f"{len(before)} parts, then {len(after)}"
    for number, (old, new) in enumerate(zip(before, after, strict=True), 1):
        for a, b in zip(old, new, strict=False):
            if a != b:
                return f"part {number}: {a}, then {b}"
        if len(old) != len(new):
            return f"part {number}: {len(old)} elements, then {len(new)}"
    return "" if again == rows else "other rows the second time"


def figures(counts: Counter[str]) -> dict[str, Any]:
    """Counts with the times in seconds of one core."""
    names = ("files", "survive", "parts", "notes", "elements", "rows", "rows_beyond_budget")
    times = {f"{what}_seconds": round(counts[f"{what}_microseconds"] / 1e6, 1) for what in ("writing", "reading")}
    return {name: counts[name] for name in names} | times


def machine() -> dict[str, Any]:
    """Where and with what this ran."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=HERE)
    return {
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
    }


if __name__ == "__main__":
    main()
