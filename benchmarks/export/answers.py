"""How often is an answer sheet music, with the grammar and without, from the merged model and from its GGUF files?

    python benchmarks/export/answers.py --rows DATASET MODEL [FILE.gguf ...] [--count 30]

Each model goes on with the same held-out rows of Chord Llama, with the same seeds. `reads` is the share of answers that
become MusicXML which our reader takes, `full` the share in which every bar is full, too. Without a grammar, and with it
at first, each answer is drawn once; then bars that are not full are drawn again. Results go into `answers.json`.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from partimento.data.answers import rows_of
from partimento.errors import BadInput
from partimento.generation.answering import Answerer
from partimento.plan import Compose, Task
from partimento.representations.chord_llama.answer import ChordLlamaAnswer

HERE = Path(__file__).parent


class Free(ChordLlamaAnswer):
    """The same without a grammar: any text."""

    def syntax(self, task: Task) -> str:
        """Everything."""
        return "start: /(.|\\n)*/\n"


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--out", type=Path, help="folder for the answers with the grammar, as MusicXML")
    options = parser.parse_args()
    rows = [row for row, _ in zip(rows_of(options.rows, "test"), range(options.count), strict=False)]
    results: dict[str, Any] = {"rows": len(rows)}
    for model in options.models:
        results[model.name] = {
            "without grammar": rates(model, rows, Free, 1, None),
            "grammar": rates(model, rows, ChordLlamaAnswer, 1, None),
            "grammar, bars drawn again": rates(model, rows, ChordLlamaAnswer, 8, options.out),
        }
        print(model.name, json.dumps(results[model.name], indent=2), flush=True)
    (HERE / "answers.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def rates(model: Path, rows: list[Any], kind: type[ChordLlamaAnswer], tries: int, out: Path | None) -> dict[str, Any]:
    """Shares of answers that read, and that have no fault."""
    answerer, reads, full, start = Answerer(model), 0, 0, time.process_time()
    for seed, row in enumerate(rows):
        checker = kind(row)
        take = answerer.write(row, seed=seed, tries=tries, representation=checker)
        try:
            score = checker.read(take.text, Compose())
        except BadInput:
            continue
        reads += len(score.notes) > 0
        full += not take.faults
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{model.stem}-{seed}.musicxml").write_bytes(checker.musicxml(take.text))
    seconds = (time.process_time() - start) / len(rows)
    return {"reads": reads / len(rows), "full": full / len(rows), "cpu_seconds_each": round(seconds, 2)}


if __name__ == "__main__":
    main()
