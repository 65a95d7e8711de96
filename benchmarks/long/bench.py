"""Are long pieces made faster than they play, in flat memory, and does an analyser find their form again?

    python benchmarks/long/bench.py [--model FOLDER] [--seeds 1] [--out FOLDER]

Composes three minutes of each of the wishes below with their form, and once more without one (a single section in one
draft, so that everything is written anew), on one thread. Streams one of them, and the longest piece there can be.
Writes `results.json` beside itself after each piece, and the pieces to `--out`.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from partimento.analysis.form import sections_of
from partimento.analysis.heard import bar_lines, heard
from partimento.generation import Composer
from partimento.generation.compose import DRAFTS
from partimento.generation.form import theme
from partimento.generation.layout import laid_out
from partimento.io import save_score
from partimento.plan import Plan, Section
from partimento.plan.parse import parse_prompt
from partimento.plan.plan import MAX_BARS
from partimento.score import Score
from partimento.theory.pitch import pitch_class

HERE = Path(__file__).parent
SECONDS = 180.0
NEAR_BARS = 1
"""A boundary counts as found so near."""
WISHES = (
    "a string quartet in D major, andante",
    "a reel in D major for fiddle",
    "a song in E flat major for flute and piano, AABA",
    "a hymn in F major for SATB choir",
    "a waltz for piano in A minor",
    "a 12-bar blues in F for tenor sax and piano",
)


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="model folder; by default the one that comes with the package")
    parser.add_argument("--seeds", type=int, default=1, help="pieces of each wish")
    parser.add_argument("--out", type=Path, help="where the pieces go; nowhere by default")
    options = parser.parse_args()
    torch.set_num_threads(1)
    composer = Composer(options.model)
    composer.compose(Plan(bars=1), drafts=1)  # what is imported late is imported
    streams, pieces = [streamed(composer, wish(WISHES[0]))], list[dict[str, Any]]()
    for text, seed in ((text, seed) for text in WISHES for seed in range(options.seeds)):
        pieces.append(piece(composer, text, seed, options.out))
        keep(streams, pieces)
    keep([*streams, streamed(composer, Plan(instruments=(40, 40, 41, 42), bars=MAX_BARS))], pieces)
    print(json.dumps(summary(pieces), indent=1))


def keep(streams: list[dict[str, Any]], pieces: list[dict[str, Any]]) -> None:
    """Write what has been measured so far."""
    measured = {
        "machine": machine(),
        "drafts": DRAFTS,
        "summary": summary(pieces),
        "streams": streams,
        "pieces": pieces,
    }
    (HERE / "results.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


def wish(text: str) -> Plan:
    """Three minutes of what a text asks for."""
    return parse_prompt(f"{text}, three minutes").plan


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False
    )
    return {
        "commit": commit.stdout.strip(), "python": platform.python_version(), "torch": torch.__version__,
        "processor": platform.machine(), "threads": torch.get_num_threads(),
    }  # fmt: skip


def streamed(composer: Composer, plan: Plan) -> dict[str, Any]:
    """When each bar of a stream is there, in CPU seconds, and how much memory is held then."""
    start, begun, grown = time.process_time(), time.perf_counter(), list[tuple[int, float, float, float]]()
    for score in composer.stream(plan, seed=1):
        bars, music = len(score.measures), float(score.seconds_at(score.end_tick))
        grown.append((bars, time.process_time() - start, music, resident_mb()))
    seconds = time.perf_counter() - begun
    bars, cpu, music, memory = map(np.array, zip(*grown, strict=True))
    late = bars >= bars[-1] // 4
    return {
        "bars": int(bars[-1]), "music_s": round(float(music[-1]), 1), "cpu_s": round(float(cpu[-1]), 2),
        "wall_s": round(seconds, 1), "first_bar_cpu_s": round(float(cpu[0]), 2),
        "waits_for_music_s": round(float(np.maximum(cpu[1:] - cpu[0] - music[:-1], 0).max()), 2),
        "memory_mb": {str(b): round(float(m)) for b, m in zip(bars[::16], memory[::16], strict=True)},
        "memory_growth_from_a_quarter_on_mb": round(float(memory[late].max() - memory[late][0]), 1),
    }  # fmt: skip


def resident_mb() -> float:
    """Memory that the process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def piece(composer: Composer, text: str, seed: int, out: Path | None) -> dict[str, Any]:
    """A wish with its form and without, and what is measured on both."""
    plan = wish(text)
    laid = laid_out(plan)
    start = time.process_time()
    score = composer.compose(plan, seed=seed)
    cpu = time.process_time() - start
    free = composer.compose(replace(laid, form=(Section("A"),)), seed=seed, drafts=1)
    for name, made in (("form", score), ("free", free)) if out else ():
        assert out is not None
        out.mkdir(parents=True, exist_ok=True)
        place = out / f"{WISHES.index(text)}-{seed}-{name}"
        save_score(made, place.with_suffix(".musicxml"))
        save_score(made, place.with_suffix(".mid"))
    found = {
        "wish": text,
        "seed": seed,
        "bars": laid.bars,
        "music_s": round(float(score.seconds_at(score.end_tick)), 2),
    }
    found |= {"cpu_s": round(cpu, 2), "form": " ".join(f"{s.label}{s.bars}" for s in laid.form or ())}
    found |= {"with_form": agreement(laid, score), "without": agreement(laid, free), "end": ending(score)}
    print(found["wish"], found["form"], found["with_form"], found["without"], found["cpu_s"], flush=True)
    return found


def agreement(plan: Plan, score: Score) -> dict[str, Any]:
    """How well the sections that the analysis finds agree with those of the plan.

    Pairs of bars with one label (Levy and Sandler, "Structural segmentation of musical audio by constrained
    clustering", 2008), and boundaries within a bar.
    """
    sections = sections_of(heard(score), bar_lines(score), 1)
    found = [s.label for s in sections for _ in range(s.first_bar, s.last_bar + 1)]
    wanted = [theme(s.label) for s in plan.form or () for _ in range(s.bars or 0)]
    hits = matched(edges(wanted, plan), [s.first_bar - 1 for s in sections][1:])
    return {
        "found": " ".join(f"{s.label}{s.last_bar - s.first_bar + 1}" for s in sections),
        "labels": f_measure(*pairs(wanted, found)), "boundaries": f_measure(*hits),
    }  # fmt: skip


def edges(labels: list[str], plan: Plan) -> list[int]:
    """Bars with which the plan's sections begin, the first left out."""
    starts = np.cumsum([section.bars or 0 for section in plan.form or ()]).tolist()[:-1]
    return [start for start in starts if start < len(labels)]


def pairs(wanted: list[str], found: list[str]) -> tuple[int, int, int]:
    """Pairs of bars with the same label in both, in the first and in the second."""
    one, other = (np.array(labels)[:, None] == np.array(labels) for labels in (wanted, found))
    upper = np.triu_indices(len(wanted), 1)
    return int((one & other)[upper].sum()), int(one[upper].sum()), int(other[upper].sum())


def matched(wanted: list[int], found: list[int]) -> tuple[int, int, int]:
    """Boundaries found, wanted and claimed."""
    left, hits = list(found), 0
    for edge in wanted:
        near = [other for other in left if abs(other - edge) <= NEAR_BARS]
        if near:
            left.remove(min(near, key=lambda other: abs(other - edge)))
            hits += 1
    return hits, len(wanted), len(found)


def f_measure(hits: int, wanted: int, claimed: int) -> float:
    """Harmonic mean of precision and recall."""
    return round(2 * hits / (wanted + claimed), 3) if wanted + claimed else 1.0


def ending(score: Score) -> dict[str, bool]:
    """Whether the bass ends on the tonic (where chords were asked for, the last root), and all parts are held."""
    notes, end = score.sounding().notes, score.end_tick
    pitched = notes[~np.array([part.is_drums for part in score.parts], bool)[notes["part"]]]
    final = pitched[pitched["onset_tick"] + pitched["duration_tick"] == end]
    key, start = score.key_at(end), int(score.measures["onset_tick"][-1])
    root = score.chords[-1].symbol.root if score.chords and score.chords[-1].symbol else key.tonic if key else 0
    half = score.meter_at(start).duration_quarter / 2 * score.ticks_per_quarter
    in_time = bool(final["onset_tick"].max() <= start + half) if len(final) else False
    return {
        "on_root": bool(len(final)) and int(final["pitch"].min()) % 12 == pitch_class(root),
        "held": in_time and set(final["part"].tolist()) == set(pitched["part"].tolist()),
    }


def summary(pieces: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over all pieces."""

    def mean(kind: str, figure: str) -> float:
        return round(float(np.mean([each[kind][figure] for each in pieces])), 3)

    speeds = [each["music_s"] / each["cpu_s"] for each in pieces]
    return {
        "pieces": len(pieces),
        "labels_agree": {"with_form": mean("with_form", "labels"), "without": mean("without", "labels")},
        "boundaries_agree": {"with_form": mean("with_form", "boundaries"), "without": mean("without", "boundaries")},
        "times_faster_than_it_plays": {"median": round(float(np.median(speeds)), 1), "least": round(min(speeds), 1)},
        "seconds_off_three_minutes": round(max(abs(each["music_s"] - SECONDS) for each in pieces), 2),
        "ends_on_the_root": mean("end", "on_root"), "ends_held": mean("end", "held"),
    }  # fmt: skip


if __name__ == "__main__":
    main()
