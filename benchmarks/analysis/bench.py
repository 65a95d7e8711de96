"""How often are chords, keys and meters found right from the notes alone?

    PARTIMENTO_DATA=FOLDER python benchmarks/analysis/bench.py [--songs 111] [--slow 20] [--keys 60]
        [--only chords keys meters roles cost]

Truth is described in `truth.py`, the peers in `peers.py`. Everything was fitted on one half (even places) and
is measured on the other. Chords are compared by mir_eval, weighed by duration. Writes `results.json` beside itself.
"""

import argparse
import itertools
import json
import logging
import os
import platform
import subprocess
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np
from fit import time_in_key
from peers import CHORDS, KEYS, SLOW_CHORDS, Labelled
from truth import (
    CORPUS,
    LEAD_SHEETS,
    WITH_MELODY,
    Keyed,
    Piece,
    analysed,
    keyed,
    lead_sheets,
    metered,
    pop909,
    songs,
    with_melody_first,
)

from partimento.analysis import estimate_key, estimate_meter, facts_of
from partimento.io import load_score
from partimento.notation.keys import estimate_keys as estimate_signatures
from partimento.notation.meter import estimate_meter as meter_for_notation
from partimento.score import Score
from partimento.theory.key import Key
from partimento.theory.meter import Meter

HERE = Path(__file__).parent
MEASURES = {"root": mir_eval.chord.root, "majmin": mir_eval.chord.majmin, "sevenths": mir_eval.chord.sevenths}


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=111, help="songs of POP909")
    parser.add_argument("--slow", type=int, default=20, help="of these for music21, which takes long")
    parser.add_argument("--keys", type=int, default=60, help="pieces of each source on which music21 is asked for keys")
    parser.add_argument("--only", nargs="*", default=[], help="what to measure anew: chords, keys, meters, roles, cost")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    file = HERE / "results.json"
    results: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    results["machine"] = machine()
    parts: dict[str, Callable[[], Any]] = {
        "chords": lambda: all_chords(options.songs, options.slow), "keys": lambda: keys(options.keys),
        "meters": meters, "roles": roles, "cost": cost,
    }  # fmt: skip
    for name, part in parts.items():
        if options.only and name not in options.only:
            continue
        results[name] = {"commit": commit(), **part()}
        print(name, json.dumps(results[name], indent=1), flush=True)
        file.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def commit() -> str:
    """The commit that is measured."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, cwd=HERE, check=True).stdout.strip()


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "python": platform.python_version(), "system": platform.system(),
        "processor": platform.machine(), "cores": os.cpu_count(),
        **{name: version(name) for name in ("mir_eval", "music21", "chorder", "numpy")},
    }  # fmt: skip


# Chords


def all_chords(count: int, slow: int) -> dict[str, Any]:
    """Every set of pieces with every estimator."""
    held_out = songs()[1::2]
    chosen = held_out[:: max(len(held_out) // count, 1)][:count]
    few = chosen[:: max(len(chosen) // slow, 1)][:slow]
    classical = list(itertools.islice(analysed(), 1, None, 2))
    return {
        "POP909": chords(map(pop909, chosen), CHORDS),
        "POP909, fewer songs": chords(map(pop909, few), CHORDS | SLOW_CHORDS),
        "chorales and madrigals": chords(classical, CHORDS | SLOW_CHORDS),
        "lead sheets, melody alone": chords(itertools.islice(lead_sheets(LEAD_SHEETS[0]), 1, None, 2), CHORDS),
        "lead sheets of the US only, melody alone": chords(
            itertools.islice(lead_sheets(LEAD_SHEETS[1]), 1, None, 2), CHORDS
        ),
    }


def chords(pieces: Iterable[Piece], estimators: dict[str, Callable[[Score], Labelled]]) -> dict[str, Any]:
    """Shares of the time that are right, and CPU seconds per piece."""
    right: dict[str, Any] = {name: defaultdict(float) for name in estimators}
    seconds, count = dict.fromkeys(estimators, 0.0), 0
    for piece in pieces:
        count += 1
        for name, estimate in estimators.items():
            start = time.process_time()
            found = estimate(piece.score)
            seconds[name] += time.process_time() - start
            for measure, (good, total) in judged(piece, found).items():
                right[name][measure] += good
                right[name][f"{measure} total"] += total
    rows = {
        name: {m: round(row[m] / row[f"{m} total"], 3) for m in MEASURES}
        | {"cpu_ms": round(1000 * seconds[name] / count, 1)}
        for name, row in right.items()
    }  # fmt: skip
    return {"pieces": count, **rows}


def judged(piece: Piece, found: Labelled) -> dict[str, tuple[float, float]]:
    """Quarters that are right by each measure of mir_eval, and quarters on which it has a say."""
    spans = np.maximum(piece.spans, 0)
    keep = spans[:, 1] - spans[:, 0] > 1e-6
    truth = [label for label, kept in zip(piece.labels, keep, strict=True) if kept]
    spans = _closed(spans[keep])
    estimate, labels = mir_eval.util.adjust_intervals(
        found[0], found[1], spans.min(), spans.max(), mir_eval.chord.NO_CHORD, mir_eval.chord.NO_CHORD
    )
    merged, reference, estimated = mir_eval.util.merge_labeled_intervals(spans, truth, estimate, labels)
    duration = np.diff(merged, axis=1)[:, 0]
    result: dict[str, tuple[float, float]] = {}
    for name, compare in MEASURES.items():
        hits = compare(reference, estimated)
        counts = hits >= 0
        result[name] = float((hits[counts] * duration[counts]).sum()), float(duration[counts].sum())
    return result


def _closed(spans: np.ndarray) -> np.ndarray:
    """Spans that meet: rounding in the files leaves gaps and overlaps of less than a millisecond."""
    spans = spans.copy()
    spans[:-1, 1] = spans[1:, 0]
    return spans


# Keys


def keys(most: int) -> dict[str, Any]:
    """Keys and signatures of held-out pieces by source, how sure was right how often, and changes of key."""
    found: defaultdict[str, list[tuple[Keyed, Key, float]]] = defaultdict(list)
    peers: defaultdict[str, defaultdict[str, list[tuple[bool, bool]]]] = defaultdict(lambda: defaultdict(list))
    steady: list[tuple[float, float, float]] = []
    changing: list[tuple[float, float, float]] = []
    for piece in keyed(1):
        key, confidence = estimate_key(piece.score)
        found[piece.source].append((piece, key, confidence))
        if len(found[piece.source]) <= most:
            for name, estimate in KEYS.items():
                peers[piece.source][name].append(right_key(piece, estimate(piece.score)))
            if len(piece.score.measures):
                first = estimate_signatures(piece.score)[["fifths", "mode"]][0].item()
                peers[piece.source]["notation.keys"].append(right_key(piece, Key.from_ids(*first)))
        if piece.local:
            (changing if len({row[2:] for row in piece.local}) > 1 else steady).append(time_in_key(piece))
    everything = {
        source: {"pieces": len(rows), **_rates([right_key(piece, key) for piece, key, _ in rows], rows[0][0])}
        for source, rows in found.items()
    }
    same = {
        source: {"pieces": len(rows["partimento"]), **{n: _rates(r, found[source][0][0]) for n, r in rows.items()}}
        for source, rows in peers.items()
    }
    return {
        "held out": everything, "same pieces": same, "confidence": _calibration(found),
        "songs that change key, share of time right": _summary(changing),
        "songs that do not, share of time right": _summary(steady),
    }  # fmt: skip


def right_key(piece: Keyed, key: Key) -> tuple[bool, bool]:
    """Whether key and signature are right."""
    same = (key.fifths - piece.fifths) % 12 == 0
    return same and (key.mode == "minor") == piece.is_minor, same


def _rates(rows: list[tuple[bool, bool]], example: Keyed) -> dict[str, float]:
    key, signature = np.mean(rows, axis=0)
    rates = {"signature": round(float(signature), 3)}
    return rates if example.is_minor is None else {"key": round(float(key), 3), **rates}


def _calibration(found: dict[str, list[tuple[Keyed, Key, float]]]) -> list[dict[str, float]]:
    rows = np.array([
        (confidence, right_key(piece, key)[0])
        for source in found.values() for piece, key, confidence in source if piece.is_minor is not None
    ])  # fmt: skip
    edges = (0, 0.5, 0.7, 0.9, 0.97, 1.01)
    table: list[dict[str, float]] = []
    for low, high in itertools.pairwise(edges):
        inside = rows[(rows[:, 0] >= low) & (rows[:, 0] < high)]
        stated, right = inside.mean(axis=0)
        table.append(
            {"from": low, "pieces": len(inside), "stated": round(float(stated), 3), "right": round(float(right), 3)}
        )
    return table


def _summary(rows: list[tuple[float, float, float]]) -> dict[str, float]:
    by_path, by_one, total = np.sum(rows, axis=0)
    return {
        "songs": len(rows), "estimate_keys": round(by_path / total, 3),
        "estimate_key throughout": round(by_one / total, 3),
    }  # fmt: skip


# Meters, roles, cost


def meters() -> dict[str, Any]:
    """Meters of held-out pieces; 2/2 counts as 4/4."""
    found: defaultdict[str, defaultdict[str, list[tuple[bool, bool]]]] = defaultdict(lambda: defaultdict(list))
    for source, score, stated in metered(1):
        wanted = Meter(4, 4) if stated == Meter(2, 2) else stated
        heard_as = meter_for_notation(score).meter_at(0)
        for name, meter in {
            "partimento": estimate_meter(score)[0], "notation.meter": heard_as, "always 4/4": Meter(4, 4),
        }.items():  # fmt: skip
            found[source][name].append((meter == wanted, meter.duration_quarter == wanted.duration_quarter))
    pooled = {name: [row for source in found.values() for row in source[name]] for name in found["B_pop909"]}
    return {source: _meter_rates(rows) for source, rows in {**found, "all": pooled}.items()}


def _meter_rates(rows: dict[str, list[tuple[bool, bool]]]) -> dict[str, Any]:
    rates = {name: np.mean(values, axis=0).round(3).tolist() for name, values in rows.items()}
    return {"pieces": len(rows["partimento"]), **{n: {"meter": r[0], "length of bar": r[1]} for n, r in rates.items()}}


def roles() -> dict[str, Any]:
    """Whether the melody is found: POP909's track of that name, the voice of songs, the first violin; and the bass."""
    result: dict[str, list[bool]] = defaultdict(list)
    for folder, name in zip(
        WITH_MELODY, ("MELODY of POP909", "voice of lieder", "first violin of quartets"), strict=True
    ):
        for score in with_melody_first(1, (folder,)):
            result[f"{name} is the melody"].append(_role(score, 0) == "melody")
            if folder == WITH_MELODY[-1]:
                result["violoncello of quartets is the bass"].append(_role(score, 3) == "bass")
    return {name: {"pieces": len(rows), "right": round(float(np.mean(rows)), 3)} for name, rows in result.items()}


def _role(score: Score, part: int) -> str:
    return next((facts.role for facts in facts_of(score).roles if facts.part == part), "")


def cost() -> dict[str, Any]:
    """CPU milliseconds of `facts_of` per 1,000 notes."""
    sources = {
        "POP909": [pop909(path).score for path in songs()[1::40]],
        "quartets": [load_score(p) for p in sorted((CORPUS / "A_openscore-string-quartets").glob("*.mxl"))[1::20]],
        "multi-track MIDI": [load_score(p) for p in sorted((CORPUS / "A_freedoom-midi").rglob("*.mid"))[1::12]],
        "chorales": [load_score(p) for p in sorted((CORPUS / "B_bach-chorales-music21").glob("*.mxl"))[1::40]],
    }
    result: dict[str, Any] = {}
    for name, scores in sources.items():
        start = time.process_time()
        notes = sum(facts_of(score).notes for score in scores)
        spent = time.process_time() - start
        result[name] = {
            "pieces": len(scores), "notes": notes, "ms per 1,000 notes": round(1e6 * spent / notes, 2),
            "ms per piece": round(1000 * spent / len(scores), 1),
        }  # fmt: skip
    return result


if __name__ == "__main__":
    main()
