"""Compose the 200 prompts of `benchmarks/prompts`, once with what is asked for enforced and once without.

    python benchmarks/following/write.py OUT [--model FOLDER] [--every 10] [--batch 8]

Writes OUT/enforced/NNN.mid, .musicxml and .json, and OUT/free/ likewise; what is there already is not written again.
Prompts that ask for no length get 8 bars.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from partimento.errors import PartimentoError
from partimento.generation.compose import Composer
from partimento.generation.together import together
from partimento.generation.writer import Writer
from partimento.io import save_score
from partimento.plan import Plan
from partimento.plan.parse import parse_prompt
from partimento.score import Score

PROMPTS = Path(__file__).parent.parent / "prompts" / "prompts.yaml"
DEFAULT_BARS = 8
WAYS = ("enforced", "free")


def plan_of(text: str) -> Plan:
    """What is understood of a prompt, with a length."""
    plan = parse_prompt(text).plan
    has_length = plan.bars or plan.duration_seconds or plan.form
    return plan if has_length else replace(plan, bars=DEFAULT_BARS)


def written(index: int, text: str, way: str, writer: Writer) -> tuple[Score | None, dict[str, Any]]:
    """A piece, and what there is to say about it."""
    try:
        plan = plan_of(text)
        score = Composer(writer).compose(plan, text=text, seed=index, enforce=way == "enforced")
    except PartimentoError as error:
        return None, {"text": text, "error": f"{type(error).__name__}: {error}"}
    return score, {"text": text, "plan": plan.to_dict(), "seed": index}


def save(score: Score | None, told: dict[str, Any], prefix: Path) -> None:
    """Write the files of one piece, the description last."""
    if score is not None:
        for suffix in (".mid", ".musicxml"):
            save_score(score, prefix.with_suffix(suffix))
    prefix.with_suffix(".json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")


def main() -> None:
    """Write what is missing, a batch at a time."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("out", type=Path)
    options.add_argument("--model", type=Path)
    options.add_argument("--every", type=int, default=1, help="only each N-th prompt")
    options.add_argument("--batch", type=int, default=8, help="pieces written side by side")
    options.add_argument("--way", choices=WAYS, action="append")
    given = options.parse_args()
    logging.getLogger("partimento.io").setLevel(logging.ERROR)
    prompts = [prompt["text"] for prompt in yaml.safe_load(PROMPTS.read_text("utf-8"))["prompts"]]
    writer, started = Writer(given.model), time.perf_counter()
    for way in given.way or WAYS:
        folder = given.out / way
        folder.mkdir(parents=True, exist_ok=True)
        left = [k for k in range(0, len(prompts), given.every) if not (folder / f"{k:03}.json").exists()]
        for start in range(0, len(left), given.batch):
            batch = left[start : start + given.batch]
            tasks = [partial(written, k, prompts[k], way) for k in batch]
            for k, (score, told) in zip(batch, together(tasks, writer, given.batch), strict=True):
                save(score, told, folder / f"{k:03}")
            print(f"{way}: {start + len(batch)} of {len(left)}, {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
