"""Are the verbs safe, and do their bars fit? A hundred pieces of eight collections, and chorales beside Bach's own.

    PARTIMENTO_DATA=FOLDER python benchmarks/verbs/bench.py run --rows rows.jsonl [--model FOLDER]
    PARTIMENTO_DATA=FOLDER python benchmarks/verbs/bench.py chorales --rows rows.jsonl
    python benchmarks/verbs/bench.py sum --rows rows.jsonl

`run` takes eight bars out of the middle of each piece (twenty seconds where there are none), writes them as a file in
the collection's own format, and does everything to that file. A run that is cut off goes on where it was.

- untouched: each note that was not to change is the same in all its fields, and what the saved MIDI and MusicXML say of
  these notes (place, length, pitch, spelling, part) is in the saved result.
- valid: new notes begin in bars that were to be written and end within the piece, every bar is as long as it was, a new
  one as its meter says, and both files load again with as many bars.
- seams: `partimento.generation.verbs.seams.seam`. Beside the new bars stand the original ones, and bars of the next
  piece of the collection put in their place.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from chorales import measured, same_roots, soprano_alone
from fit_harmony import chorales

from partimento.errors import PartimentoError
from partimento.generation import verbs
from partimento.generation.verbs.bars import in_bars
from partimento.generation.verbs.filling import in_gap
from partimento.generation.verbs.seams import seam
from partimento.generation.writer import Writer
from partimento.io import FORMATS, load_score
from partimento.plan import Infill
from partimento.score import Score

COLLECTIONS = {
    "A_openscore-lieder": 20, "A_openscore-string-quartets": 14, "B_bach-chorales-music21": 14, "A_openhymnal-abc": 14,
    "B_folk-abc-music21": 14, "B_pop909": 12, "A_openewld-leadsheets": 6, "A_vienna4x22-performance": 6,
}  # fmt: skip
ENDINGS = (".mxl", ".musicxml", ".abc", ".mid")
BARS, HEARD, GAP = 8, 6, (4, 5)
"""Length of an excerpt; what `continue` is given of it; bars that `infill` writes, as musicians count."""
SECONDS = 20.0
LEAP = 37
TRIES = 3
"""Files that are tried for each piece, since some are too short."""
RESULTS = Path(__file__).parent / "results.json"


def places() -> list[tuple[str, tuple[Path, ...]]]:
    """(Collection, files to try) of each piece, evenly spread over each collection."""
    root = Path(os.environ["PARTIMENTO_DATA"])
    found: list[tuple[str, tuple[Path, ...]]] = []
    for name, wanted in COLLECTIONS.items():
        files = sorted(path for path in (root / name).rglob("*") if path.suffix in ENDINGS)
        spread = [files[int((k + 0.5) * len(files) / (TRIES * wanted))] for k in range(TRIES * wanted)]
        found += [(name, tuple(spread[TRIES * k : TRIES * (k + 1)])) for k in range(wanted)]
    return found


def long_enough(paths: tuple[Path, ...]) -> tuple[Path, Score]:
    """The first of some files that has bars enough, or none at all, and its excerpt."""
    for path in paths:
        score = load_score(path)
        if len(score.measures) >= BARS + 2 or not len(score.measures):
            return path, excerpt(path, score)
    raise SystemExit(f"{paths[0]} and its neighbours are too short")


def excerpt(path: Path, score: Score) -> Score:
    """Eight bars from the middle, or some seconds, as they are read from a file of their own."""
    if len(score.measures):
        first = (len(score.measures) - BARS) // 2
        some = score.slice_bars(first, first + BARS)
    else:
        some = score.with_notes(score.notes[score.seconds_at(score.notes["onset_tick"]) < SECONDS])
    suffix = ".musicxml" if path.suffix == ".mxl" else path.suffix
    return FORMATS[suffix].read(FORMATS[suffix].write(some), path.name)[0]


def tasks(score: Score, writer: Writer) -> dict[str, tuple[Score, Callable[[], Score]]]:
    """Verb ▶ what it is given, and the call."""
    how: dict[str, Any] = {"writer": writer, "seed": 1}
    barred = in_bars(score).score
    given = barred.slice_bars(0, HEARD) if len(score.measures) else score
    start = 0 if barred.has_pickup else 1
    bars = (GAP[0] + start - 1, GAP[1] + start - 1)
    last = [len(score.parts) - 1]
    return {
        "infill": (score, lambda: verbs.infill(score, bars, **how)),
        "infill of a part": (score, lambda: verbs.infill(score, bars, last, **how)),
        "continue": (given, lambda: verbs.continue_(given, BARS - HEARD, **how)),
        "accompany": (score, lambda: verbs.accompany(score, (32,), **how)),
        "vary": (score, lambda: verbs.vary(score, 0.3, **how)),
        "harmonise": (score, lambda: verbs.harmonise(score, seed=1)),
    }


# What stays


def untouched(before: Score, after: Score) -> bool:
    """Whether every note that stays is the same, here and in files."""
    resolution = math.lcm(before.ticks_per_quarter, after.ticks_per_quarter)
    old, new = before.with_resolution(resolution), after.with_resolution(resolution)
    kept = np.intersect1d(old.notes["note_id"], new.notes["note_id"])
    one, two = (score.with_notes(score.notes[np.isin(score.notes["note_id"], kept)]) for score in (old, new))
    if one.notes.tolist() != two.notes.tolist():
        return False
    suffixes = (".mid", ".musicxml") if len(before.measures) else (".mid",)
    return all(not contents(written(one, suffix)) - contents(written(new, suffix)) for suffix in suffixes)


def written(score: Score, suffix: str) -> Score:
    """A score as a file has it."""
    return FORMATS[suffix].read(FORMATS[suffix].write(score), f"x{suffix}")[0]


def contents(score: Score) -> Counter[tuple[Any, ...]]:
    """Place, length, pitch, spelling and name of the part of all notes, ties as one.

    Parts go by name, since a MIDI file leaves out those without notes, so that the others change their number.
    """
    notes, quarter = score.sounding().notes, score.ticks_per_quarter
    names = [score.parts[part].name for part in notes["part"].tolist()]
    columns = [notes[name].tolist() for name in ("onset_tick", "duration_tick", "pitch", "spelling", "grace")]
    return Counter((o / quarter, d / quarter, *rest) for o, d, *rest in zip(*columns, names, strict=True))


def valid(before: Score, after: Score, verb: str) -> bool:
    """Whether the result is music that files hold."""
    new = after.notes[~np.isin(after.notes["note_id"], before.notes["note_id"])]
    if not len(new) or (new["duration_tick"] <= 0).any() or (new["onset_tick"] < 0).any():
        return False
    if len(before.measures):
        full = [(o / after.ticks_per_quarter, d / after.ticks_per_quarter) for o, d in after.measures.tolist()]
        old = [(o / before.ticks_per_quarter, d / before.ticks_per_quarter) for o, d in before.measures.tolist()]
        meter = float(before.meter_at(before.measures["onset_tick"][-1]).duration_quarter)
        if full[: len(old)] != old or any(d != meter for _, d in full[len(old) :]):
            return False
        released = int((before.notes["onset_tick"] + before.notes["duration_tick"]).max())
        sounding = int(before.measure_at(np.array([released - 1]))[0]) + 1  # it goes on behind these
        if (len(full) <= sounding) if verb == "continue" else (len(full) != len(old)):
            return False
        if (new["onset_tick"] + new["duration_tick"]).max() > after.measures[-1]["onset_tick"] + after.measures[-1][
            "duration_tick"
        ]:
            return False
    suffixes = (".mid", ".musicxml") if len(before.measures) else (".mid",)
    return all(len(written(after, suffix).measures) >= len(after.measures) - 1 for suffix in suffixes)


# Seams


def seams(score: Score, after: Score, other: Score, verb: str) -> dict[str, list[float]]:
    """Density, register and key of the new bars, the original ones, and ones from elsewhere."""
    if not len(score.measures) or verb in ("vary", "harmonise"):
        return {}
    first, last = (HEARD, BARS) if verb == "continue" else (GAP[0] - 1, GAP[1])
    parts: Any = [len(score.parts) - 1] if verb == "infill of a part" else range(len(score.parts))
    if verb == "accompany":
        first, last, parts = 0, BARS, [len(score.parts)]
        return {"new": list(seam(after, (first, last), parts))}
    alien = transplanted(score, other, Infill(first, last, tuple(parts)))
    three = {"new": after, "original": score, "elsewhere": alien}
    return {name: list(seam(piece, (first, last), parts)) for name, piece in three.items()}


def transplanted(score: Score, other: Score, task: Infill) -> Score:
    """A piece with bars of another in place of some of its own; parts go by their order."""
    resolution = math.lcm(score.ticks_per_quarter, other.ticks_per_quarter)
    whole, donor = score.with_resolution(resolution), other.with_resolution(resolution)
    gone = in_gap(whole, task)
    begin = int(whole.measures["onset_tick"][task.first])
    end = int(whole.measures["onset_tick"][task.last - 1] + whole.measures["duration_tick"][task.last - 1])
    new = donor.notes[(donor.notes["onset_tick"] < end - begin)].copy()
    new["part"] %= len(score.parts)
    new = new[np.isin(new["part"], task.parts or ())]
    new["onset_tick"] += begin
    new["note_id"] = int(whole.notes["note_id"].max()) + 1 + np.arange(len(new))
    return whole.with_notes(np.concatenate([whole.notes[~np.isin(whole.notes["note_id"], gone["note_id"])], new]))


# Running


def run(rows: Path, model: Path | None, share: tuple[int, int]) -> None:
    """Do everything to every piece that has no row yet, of every so many the one that is this process's."""
    done = {json.loads(line)["place"] for line in rows.read_text().splitlines()} if rows.exists() else set[int]()
    writer, every = Writer(model), places()
    # in leaps, so that a run that is not over has seen all collections
    for turn, index in enumerate(LEAP * k % len(every) for k in range(len(every))):
        collection, paths = every[index]
        if index in done or turn % share[1] != share[0]:
            continue
        path, score = long_enough(paths)
        mates = [others for name, others in every if name == collection and others != paths]
        _, other = long_enough(mates[index % len(mates)])
        row: dict[str, Any] = {"place": index, "piece": path.name, "collection": collection, "verbs": {}}
        for verb, (given, call) in tasks(score, writer).items():
            start = time.process_time()
            try:
                after = call()
            except PartimentoError as error:
                row["verbs"][verb] = {"refused": str(error)}
                continue
            seconds = time.process_time() - start
            whole = in_bars(score).score if verb == "continue" else score
            row["verbs"][verb] = {
                "untouched": untouched(given, after), "valid": valid(given, after, verb), "cpu_s": seconds,
                "seams": seams(whole if len(score.measures) else score, after, other, verb),
            }  # fmt: skip
        with rows.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(index, collection, path.name, row["verbs"], flush=True)


def run_chorales(rows: Path) -> None:
    """Harmonise the sopranos that nothing was counted on."""
    totals: dict[str, defaultdict[str, list[float]]] = {
        name: defaultdict(lambda: [0.0, 0.0]) for name in ("bach", "ours")
    }
    count, start = 0, time.process_time()
    for path in chorales()[1::2]:
        score = load_score(path)
        if len(score.parts) != 4 or not len(score.measures):
            continue
        ours = verbs.harmonise(soprano_alone(score), seed=1)
        figures = {"bach": measured(score), "ours": {**measured(ours), "roots": same_roots(ours, score)}}
        for name, measures in figures.items():
            for measure, (part, whole) in measures.items():
                totals[name][measure][0] += part
                totals[name][measure][1] += whole
        count += 1
    found = {name: {m: round(float(a / b), 4) for m, (a, b) in of.items()} for name, of in totals.items()}
    whole = {"chorales": count, "cpu_s_per_chorale": round((time.process_time() - start) / count, 3), **found}
    rows.with_suffix(".chorales.json").write_text(json.dumps(whole, indent=2))
    print(whole)


def summed(rows: Path) -> dict[str, Any]:
    """All figures."""
    table = [json.loads(line) for line in rows.read_text().splitlines()]
    by_verb: dict[str, Any] = {}
    for verb in table[0]["verbs"]:
        tried = [row["verbs"][verb] for row in table if verb in row["verbs"]]
        made = [one for one in tried if "refused" not in one]
        figures: dict[str, Any] = {
            "pieces": len(tried), "refused": len(tried) - len(made),
            "untouched": sum(one["untouched"] for one in made) / max(len(made), 1),
            "valid": sum(one["valid"] for one in made) / max(len(made), 1),
            "median_cpu_s": round(float(np.median([one["cpu_s"] for one in made])), 2),
        }  # fmt: skip
        for name in ("new", "original", "elsewhere"):
            found = np.array([one["seams"][name] for one in made if name in one["seams"]], float)
            if len(found):
                figures[name] = summary(found)
        by_verb[verb] = figures
    return {"pieces": len(table), "collections": dict(Counter(row["collection"] for row in table)), "verbs": by_verb}


def summary(found: np.ndarray) -> dict[str, float | None]:
    """Of rows (density, register, key): median factor of density, median distance of pitch, mean share in the key."""
    density = found[found[:, 0] > 0, 0]
    return {
        "density_factor": round(float(np.exp2(np.median(np.abs(np.log2(density))))), 2),
        "silent": int((found[:, 0] == 0).sum()),
        "register_semitones": round(float(np.nanmedian(found[:, 1])), 2)
        if not np.isnan(found[:, 1]).all()
        else math.nan,
        "in_key": round(float(np.nanmean(found[:, 2])), 3),
    }


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("run", "chorales", "sum"))
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--share", type=int, nargs=2, default=(0, 1), help="which process this is, of how many")
    arguments = parser.parse_args()
    if arguments.what == "run":
        run(arguments.rows, arguments.model, tuple(arguments.share))
    elif arguments.what == "chorales":
        run_chorales(arguments.rows)
    else:
        results = summed(arguments.rows)
        chorale = arguments.rows.with_suffix(".chorales.json")
        results["chorales"] = json.loads(chorale.read_text()) if chorale.exists() else None
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        ).stdout
        machine = {
            "cpu": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        }
        RESULTS.write_text(json.dumps({"machine": machine, "commit": commit.strip(), **results}, indent=2) + "\n")
        json.dump(results, sys.stdout, indent=2)


if __name__ == "__main__":
    main()
