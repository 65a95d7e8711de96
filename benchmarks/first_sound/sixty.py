"""Sixty compositions, judged from their files by other people's readers, with copy check and distances.

    python benchmarks/first_sound/sixty.py --dataset datasets/starter --out out/first_sound

Exit status 1 if anything that was asked for does not hold.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from judgement import SUFFIXES, Judgement, judge
from people import compare
from sixty_prompts import PROMPTS, Prompt

from partimento.cli.compose import gather
from partimento.errors import PartimentoError
from partimento.evaluation.copying import CopyIndex
from partimento.evaluation.pieces import read_pieces
from partimento.evaluation.report import table
from partimento.generation import Composer
from partimento.generation.writer import STARTER
from partimento.io import load_score, save_score
from partimento.models.folder import made_by
from partimento.plan.parse import parse_prompt


@dataclass(frozen=True)
class Job:
    """One composition to make."""

    prompt: Prompt
    seed: int
    folder: Path
    name: str

    def path(self, suffix: str) -> Path:
        return self.folder / f"{self.name}{suffix}"


@dataclass(frozen=True)
class Made:
    """One composition."""

    seconds: float
    style: str = ""
    failure: str = ""
    """Why there is none."""


@dataclass(frozen=True)
class Result:
    """One composition, judged."""

    job: Job
    made: Made
    judgement: Judgement

    @property
    def faults(self) -> list[str]:
        """What does not hold."""
        findings = [f"{finding.wish}: {finding.found}" for finding in self.judgement.faults]
        return [self.made.failure] if self.made.failure else findings


def main() -> int:
    try:
        return run(_options())
    except PartimentoError as error:
        print(error, file=sys.stderr)
        return 2


def run(options: argparse.Namespace) -> int:
    """Compose, judge, compare, report; 1 if anything does not hold."""
    jobs = _jobs(options)
    people = list(read_pieces(options.dataset, ("validation", "test"))) if options.dataset else []
    composer = Composer(options.model)
    results = [_result(number, compose(composer, job), job) for number, job in enumerate(jobs, 1)]
    print(_table(results))
    figures = _figures(results)
    faults = [f"{r.job.prompt.text!r}, seed {r.job.seed}: {fault}" for r in results for fault in r.faults]
    if options.same:
        differing = _differing(options, jobs[:: max(len(jobs) // options.same, 1)][: options.same])
        figures["same bytes twice"] = not differing
        faults += [f"{path} comes out otherwise the second time" for path in differing]
    if people:
        whole = [result for result in results if not result.made.failure]
        scores = [load_score(result.job.path(".musicxml")) for result in whole]
        index = CopyIndex.of_dataset(options.dataset)
        comparison = compare(scores, [result.made.style for result in whole], people, index)
        print(comparison.text)
        figures |= comparison.figures
        figures["answer"] += f" {comparison.answer}"
        faults += comparison.faults
    _save(options, results, figures, faults)
    print("\n".join([*(f"FAULT {fault}" for fault in faults), figures["answer"]]))
    return 1 if faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, default=STARTER, help="model folder (the one in the package)")
    parser.add_argument("--dataset", type=Path, help="what it was trained on; without it, no comparison with people")
    parser.add_argument("--seeds", default="0", help="comma-separated; each prompt is composed once with each")
    parser.add_argument("--only", default="", help="comma-separated numbers of prompts, from 1")
    parser.add_argument("--same", type=int, default=4, help="how many pieces to make again in another process")
    parser.add_argument("--out", type=Path, default=Path("out/first_sound"), help="where the pieces go")
    parser.add_argument("--results", type=Path, help="results file (OUT/results.json)")
    return parser.parse_args()


def _jobs(options: argparse.Namespace) -> list[Job]:
    numbers = [int(number) for number in options.only.split(",") if number] or range(1, len(PROMPTS) + 1)
    seeds = [int(seed) for seed in options.seeds.split(",")]
    return [
        Job(PROMPTS[number - 1], 1000 * seed + number, options.out, f"{number:02}-{seed}")
        for seed in seeds
        for number in numbers
    ]


def compose(composer: Composer, job: Job) -> Made:
    """Make one piece, and write its files, as `partimento compose` does."""
    began = time.perf_counter()
    try:
        plan = gather(parse_prompt(job.prompt.text), {"chords": job.prompt.chords or None}, None)
        score = composer.compose(plan, seed=job.seed)
        for suffix in SUFFIXES:
            save_score(score, job.path(suffix))
    except PartimentoError as error:
        return Made(time.perf_counter() - began, failure=f"not made: {error}")
    return Made(time.perf_counter() - began, score.tags[0] if score.tags else "")


def _result(number: int, made: Made, job: Job) -> Result:
    judgement = Judgement(()) if made.failure else judge(job.prompt, job.folder / job.name)
    result = Result(job, made, judgement)
    print(f"{number:3} {made.seconds:5.1f} s  {job.prompt.text[:70]:70}  {'; '.join(result.faults)}", flush=True)
    return result


def _differing(options: argparse.Namespace, jobs: Sequence[Job]) -> list[Path]:
    """Files that come out otherwise when a new process, with other hashes of strings, makes them again."""
    again = [Job(job.prompt, job.seed, options.out / "again", job.name) for job in jobs]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(_compose_all, (options.model, again))
    pairs = [
        (old.path(suffix), new.path(suffix))
        for old, new in zip(jobs, again, strict=True)
        for suffix in SUFFIXES
        if old.path(suffix).exists()
    ]
    return [old for old, new in pairs if not new.exists() or old.read_bytes() != new.read_bytes()]


def _compose_all(model: Path, jobs: Sequence[Job]) -> None:
    composer = Composer(model)
    for job in jobs:
        compose(composer, job)


def _table(results: Sequence[Result]) -> str:
    head = ("prompt", "seed", "s", "notes", "in scale", "least played", "longest rest", "faults")
    rows = list[tuple[object, ...]]()
    for result in results:
        judged = result.judgement
        rows.append(
            (
                result.job.prompt.text[:60],
                result.job.seed,
                f"{result.made.seconds:.1f}",
                judged.notes,
                f"{judged.in_scale:.1%}",
                f"{judged.least_played:.0%}",
                judged.longest_rest,
                "; ".join(result.faults),
            )
        )
    return table(head, rows)


def _figures(results: Sequence[Result]) -> dict[str, Any]:
    good = sum(not result.faults for result in results)
    seconds = [result.made.seconds for result in results]
    judged = [result.judgement for result in results if not result.made.failure]
    return {
        "answer": f"{good} of {len(results)} compositions hold everything that was asked for.",
        "compositions": len(results),
        "without fault": good,
        "least in scale": float(np.nanmin([j.in_scale for j in judged], initial=1)),
        "least bars played": float(np.nanmin([j.least_played for j in judged], initial=1)),
        "longest rest in bars": max((j.longest_rest for j in judged), default=0),
        "notes": sum(j.notes for j in judged),
        "median seconds a piece": float(np.median(seconds)),
        "most seconds a piece": max(seconds),
    }


def _save(options: argparse.Namespace, results: Sequence[Result], figures: dict[str, Any], faults: list[str]) -> None:
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    compositions = [
        {
            "prompt": result.job.prompt.text,
            "chords": result.job.prompt.chords,
            "seed": result.job.seed,
            "seconds": round(result.made.seconds, 2),
            "found": {finding.wish: finding.found for finding in result.judgement.findings},
        }
        for result in results
    ]
    content = {
        "machine": f"{system}, Python {platform.python_version()}",
        "made_by": made_by(),
        "model": options.model.name,
        "figures": figures,
        "faults": faults,
        "compositions": compositions,
    }
    path: Path = options.results or options.out / "results.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
