"""How much music by people is called degenerate by mistake (`analysis.faults`), and how much random tokens rightly.

PARTIMENTO_DATA=FOLDER python benchmarks/degenerate/bench.py
"""

from __future__ import annotations

import json
import logging
import os
import platform
import random
import subprocess
from collections import Counter
from pathlib import Path

from partimento.analysis.faults import faults
from partimento.errors import PartimentoError
from partimento.io import load_scores

HERE = Path(__file__).parent
PER_FOLDER = 25
ENDINGS = (".mid", ".mxl", ".musicxml", ".abc")


def main() -> None:
    """Count, and write the counts."""
    logging.getLogger("partimento.io").setLevel(logging.ERROR)
    table: dict[str, dict[str, object]] = {}
    for folder in sorted(path for path in Path(os.environ["PARTIMENTO_DATA"]).iterdir() if path.is_dir()):
        files = sorted(path for path in folder.rglob("*") if path.suffix in ENDINGS and "versions" not in path.parts)
        found, pieces = Counter[str](), 0
        for path in random.Random(0).sample(files, min(PER_FOLDER, len(files))):
            try:
                wrong = faults(load_scores(path)[0])
            except (PartimentoError, IndexError):
                continue
            pieces += 1
            found.update({fault.partition(":")[0] for fault in wrong} or {"none"})
        table[folder.name] = {"pieces": pieces, **found}
        print(folder.name, table[folder.name], flush=True)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True)
    results = {"machine": platform.machine(), "commit": commit.stdout.strip(), "folders": table}
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
