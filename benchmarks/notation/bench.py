"""How right is the page that we make of MIDI, beside music21's and partitura's?

    PARTIMENTO_DATA=FOLDER python benchmarks/notation/bench.py [--every 1] [--only ours]

Scores whose notation is known become MIDI bytes (exact, without meters, or played with noise and rubato of stated
size), and each program makes a page of the same bytes. So it does of the 22 performances of each Vienna 4x22 excerpt.
Writes `results.json` beside itself.
"""

import argparse
import json
import logging
import os
import platform
import subprocess
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from marks import marks
from pages import MANNERS, Manner, as_performed, only_parts_with_notes, page_of
from vienna import agreement, excerpts, printed

from partimento.io import load_score, midi
from partimento.notation import engrave, estimate_meter
from partimento.score import Records, Score

HERE = Path(__file__).parent
FOLDERS = {"lieder": ("A_openscore-lieder", 30), "quartets": ("A_openscore-string-quartets", 10),
           "chorales": ("B_bach-chorales-music21", 20)}  # fmt: skip
BARS = 40
"""Longer pieces are cut behind this measure."""

UNMETERED = "exact, no meters"
Program = Callable[[bytes, Score, Manner | None], Records]


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="take every n-th of the sixty files")
    parser.add_argument("--only", default="", help="one program")
    parser.add_argument("--develop", action="store_true", help="take other files, to which the method may be fitted")
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    programs = {name: p for name, p in PROGRAMS.items() if options.only in ("", name)}
    files = chosen(options.develop)[:: options.every]
    found: defaultdict[tuple[str, str, str], list[dict[str, float]]] = defaultdict(list)
    pickups: list[tuple[bool, bool]] = []
    for kind, path in files:
        truth = truth_of(path)
        pickups.append(opening(truth))
        for manner in (*MANNERS, UNMETERED):
            for name, row in measured(truth, manner, programs, path).items():
                found[kind, manner, name].append(row)
    results: dict[str, Any] = {
        "machine": machine(),
        "files": [f"{path.parent.name}/{path.name}" for _, path in files],
        "marks": summary(found),
        "first bars": {
            "pickups": sum(has for has, _ in pickups), "found": sum(has and right for has, right in pickups),
            "full bars": sum(not has for has, _ in pickups), "kept": sum(right and not has for has, right in pickups),
        },
        "vienna": vienna(programs, options.every),
    }  # fmt: skip
    options.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(table(results["marks"]))
    print(json.dumps({key: results[key] for key in ("first bars", "vienna")}, indent=1))


def chosen(is_development: bool) -> list[tuple[str, Path]]:
    """(kind, path) of the files: evenly spaced through each folder, those of development beside the others."""
    corpus = Path(os.environ["PARTIMENTO_DATA"])
    files: list[tuple[str, Path]] = []
    for kind, (folder, count) in FOLDERS.items():
        paths = sorted((corpus / folder).glob("*.mxl"))
        step = len(paths) // count
        first = step // 2 + is_development * max(step // 4, 1)
        files += [(kind, path) for path in paths[first::step][:count]]
    return files


def truth_of(path: Path) -> Score:
    """The score as it is written, without silent parts, its first bars where it is long."""
    score = load_score(path)
    return only_parts_with_notes(score.slice_bars(0, min(BARS, len(score.measures))))


def measured(truth: Score, manner: str, programs: dict[str, Program], path: Path) -> dict[str, dict[str, float]]:
    """Marks of each program; one that fails gets nothing but `failed`."""
    data, seconds = as_performed(truth, MANNERS.get(manner, Manner()), seed=len(path.stem))
    page = page_of(truth)
    page["second"] = seconds
    if manner == UNMETERED:
        data = bare_of_meters(data)
    performed = midi.read(data, path.stem)[0]
    rows: dict[str, dict[str, float]] = {}
    for name, program in programs.items():
        try:
            rows[name] = marks(page, program(data, performed, MANNERS.get(manner))) | {"failed": 0.0}
        except Exception as error:  # what another program raises is not ours to know
            print(f"{name} failed on {path.stem}: {type(error).__name__} {error}")
            rows[name] = {"failed": 1.0}
    return rows


def bare_of_meters(data: bytes) -> bytes:
    """The same music without meter events; what is read back is in 4/4 from the first tick."""
    score = midi.read(data, "midi")[0]
    return midi.write(replace(score, meters=score.meters[:0], measures=score.measures[:0]))


def opening(truth: Score) -> tuple[bool, bool]:
    """Whether a piece has a pickup, and whether its first bar comes out right if MIDI fills it with a rest."""
    full = int(truth.meter_at(0).duration_quarter * truth.ticks_per_quarter)
    first = int(truth.measures["duration_tick"][0])
    filled = truth.with_leading_rest(full - first) if truth.has_pickup else truth
    page = engrave(midi.read(midi.write(replace(filled, keys=filled.keys[:0])), "midi")[0])
    return truth.has_pickup, page.quarters(page.measures["duration_tick"][0]) == truth.quarters(first)


def vienna(programs: dict[str, Program], every: int) -> dict[str, Any]:
    """Agreement of the pages of each excerpt, and what they say beside the print."""
    folder = Path(os.environ["PARTIMENTO_DATA"]) / "A_vienna4x22-performance"
    rows: dict[str, Any] = {}
    for excerpt, paths in excerpts(folder).items():
        for name, program in programs.items():
            pages = [program(path.read_bytes(), midi.read(path.read_bytes(), path.stem)[0], None)
                     for path in paths[::every]]  # fmt: skip
            found = agreement(pages) | printed(pages, excerpt)
            rows.setdefault(excerpt, {})[name] = {key: round(value, 4) for key, value in found.items()}
    return rows


def ours(data: bytes, performed: Score, manner: Manner | None) -> Records:
    """`partimento.notation.engrave`, the meter estimated first where the file states none."""
    score = midi.read(data, "midi")[0]
    return page_of(engrave(score if manner or not len(score.meters) else estimate_meter(score)))


def music21(data: bytes, performed: Score, manner: Manner | None) -> Records:
    """music21's MIDI reader."""
    from peers import by_music21

    return by_music21(data, performed)


def partitura(data: bytes, performed: Score, manner: Manner | None) -> Records:
    """partitura's MIDI reader; it quantises by one unit for the whole piece: a sixteenth where music was played."""
    from peers import by_partitura

    is_typed = manner == Manner() or (manner is None and len(performed.meters) > 0)
    return by_partitura(data, performed, None if is_typed else performed.ticks_per_quarter // 4)


PROGRAMS: dict[str, Program] = {"ours": ours, "music21": music21, "partitura": partitura}


def summary(found: dict[tuple[str, str, str], list[dict[str, float]]]) -> dict[str, Any]:
    """Means over the files, by kind, manner and program."""
    rows: dict[str, Any] = {}
    for (kind, manner, name), marks_of_files in sorted(found.items()):
        names = sorted({key for row in marks_of_files for key in row})
        means = {key: np.mean([row[key] for row in marks_of_files if key in row]) for key in names}
        rows.setdefault(kind, {}).setdefault(manner, {})[name] = {k: round(float(v), 4) for k, v in means.items()}
    return rows


def table(rows: dict[str, Any]) -> str:
    """The marks as lines of Markdown, in per cent."""
    columns = ("onset", "value", "voice", "spelling", "key", "hand", "meter", "failed")
    lines = ["| music | played | program | " + " | ".join(columns) + " |", "|---" * (3 + len(columns)) + "|"]
    for kind, manners in rows.items():
        for manner, programs in manners.items():
            for name, m in programs.items():
                cells = [f"{100 * m[c]:.1f}" if c in m else "–" for c in columns]
                lines.append(f"| {kind} | {manner} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=HERE, check=True
    )
    return {
        "commit": commit.stdout.strip(), "python": platform.python_version(), "system": platform.system(),
        "processor": platform.machine(), "cores": os.cpu_count(), "music21": version("music21"),
        "partitura": version("partitura"),
    }  # fmt: skip


if __name__ == "__main__":
    main()
