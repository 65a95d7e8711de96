"""What music by people scores in `evaluation.sounding`, and what a model's: reference values, weights, rates.

    python benchmarks/sounding/fit.py DATASET WORK [--model FOLDER] [--refit] [--pairs 72]

Reference: the last 8 to 16 bars of training pieces of DATASET, at most 150 of each source. Pairs: the last 8 bars of
held-out pieces, each beside a piece that the model writes to the same plan (key, meter, tempo, instruments, style,
bars). `--refit` writes src/partimento/evaluation/sounding_weights.py anew: the weights, each at least `LEAST`, that
make the people's half of the pairs likelier to be the better one (Bradley and Terry 1952). The rate given is that of
pairs whose weights were fitted on the others, in five parts. Without it, the weights that are there are judged on all
pairs.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import textwrap
import warnings
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partimento.analysis import estimate_key
from partimento.evaluation import sounding
from partimento.evaluation.pieces import read_pieces
from partimento.generation.compose import Composer
from partimento.generation.together import together
from partimento.generation.writer import Writer
from partimento.io import load_score, save_score
from partimento.plan import Plan
from partimento.score import Score

HERE = Path(__file__).parent
WEIGHTS_FILE = Path(sounding.__file__).with_name("sounding_weights.py")
PER_SOURCE, BARS, LEAST_BARS = 150, 8, 6
LEAST, PENALTY, STEPS, RATE = 0.05, 0.02, 2_000, 0.05
"""No feature is left out, so that what is odd in a way that the model's pieces are not costs something, too."""
Floats = NDArray[np.float64]
Pair = tuple[str, Score, Score]


def last_bars(score: Score, bars: int) -> Score:
    """The end of a piece."""
    return score.slice_bars(max(len(score.measures) - bars, 0), len(score.measures))


def reference(dataset: Path) -> list[tuple[int, Floats]]:
    """Voices and features of training pieces."""
    rng, counts, rows = np.random.default_rng(0), defaultdict[str, int](int), list[tuple[int, Floats]]()
    for piece in sorted(read_pieces(dataset), key=lambda piece: piece.content_hash):
        window = last_bars(piece.windows[-1], int(rng.integers(8, 17)))
        if counts[piece.source] < PER_SOURCE and len(window.measures) >= LEAST_BARS:
            counts[piece.source] += 1
            rows.append((sounding.voices(window), sounding.features(window)))
    return rows


def plan_of(score: Score, style: str) -> Plan:
    """What a piece by people would have been asked for with."""
    key = score.key_at(0)
    if key is None or key.mode is None:
        key = estimate_key(score, key.fifths if key else None)[0]
    tempo = float(score.tempos["tempo_bpm"][0]) if len(score.tempos) else None
    return Plan(
        key, score.meter_at(0), tempo, tuple(part.instrument for part in score.parts),
        len(score.measures) - score.has_pickup, style=style or None,
    )  # fmt: skip


def pairs(dataset: Path, work: Path, model: Path | None, most: int) -> list[Pair]:
    """Source, piece by people, piece by the model; what lies in `work` is not written again."""
    by_source: dict[str, list[tuple[str, Score, str]]] = defaultdict(list)
    for piece in sorted(read_pieces(dataset, ("validation", "test")), key=lambda piece: piece.content_hash):
        window = last_bars(piece.windows[-1], BARS)
        if len(window.measures) >= LEAST_BARS and len(window.notes):
            by_source[piece.source].append((piece.source, window, piece.style))
    turns = [group[k] for k in range(most) for group in by_source.values() if k < len(group)][:most]
    folder, writer = work / "pairs", Writer(model)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{number:03}.musicxml" for number in range(len(turns))]
    left = [number for number, file in enumerate(files) if not file.exists()]
    for start in range(0, len(left), 24):
        batch = left[start : start + 24]
        tasks = [partial(_composed, plan_of(*turns[number][1:]), number) for number in batch]
        for number, ours in zip(batch, together(tasks, writer, len(tasks)), strict=True):
            save_score(ours, files[number])
        print(f"{start + len(batch)} of {len(left)} pairs", flush=True)
    return [(source, score, load_score(file)) for (source, score, _), file in zip(turns, files, strict=True)]


def _composed(plan: Plan, seed: int, writer: Writer) -> Score:
    return Composer(writer).compose(plan, seed=seed)


def quantiles(rows: list[tuple[int, Floats]]) -> Floats:
    """10th, 50th and 90th percentile of each feature, shape (groups, 3, features)."""
    groups = [np.array([values for group, values in rows if group == k]) for k in range(3)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a line alone has no consonance
        return np.array([np.nan_to_num(np.nanquantile(group, (0.1, 0.5, 0.9), axis=0)) for group in groups])


def fitted(differences: Floats) -> Floats:
    """Weights for which the model's distances less the people's are likeliest, shape (features,)."""
    weights = np.full(differences.shape[1], 0.2)
    for _ in range(STEPS):
        wrong = 1 / (1 + np.exp(differences @ weights))
        gradient = (wrong[:, None] * differences).mean(axis=0) - PENALTY * weights
        weights = np.maximum(weights + RATE * gradient, LEAST)
    return weights


def rate(differences: Floats, weights: Floats) -> float:
    """Share of the pairs in which people's music scores higher."""
    return float((differences @ weights > 0).mean())


def main() -> None:
    """Measure, fit if asked to, and write the results."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("dataset", type=Path)
    options.add_argument("work", type=Path)
    options.add_argument("--model", type=Path)
    options.add_argument("--refit", action="store_true")
    options.add_argument("--pairs", type=int, default=72)
    given = options.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    made = pairs(given.dataset, given.work, given.model, given.pairs)
    if given.refit:
        sounding.QUANTILES = quantiles(reference(given.dataset)).tolist()
    away = np.array([[_distances(score) for score in pair[1:]] for pair in made])
    differences = away[:, 1] - away[:, 0]
    results: dict[str, Any] = {"machine": platform.machine(), "pairs": len(made)}
    if given.refit:
        part = np.arange(len(made)) % 5
        held_out = [rate(differences[part == k], fitted(differences[part != k])) for k in range(5)]
        weights = fitted(differences)
        WEIGHTS_FILE.write_text(_module(np.array(sounding.QUANTILES), weights), "utf-8")
        results["rate_cross_validated"] = round(float(np.average(held_out, weights=np.bincount(part))), 4)
    else:
        weights = np.array(sounding.WEIGHTS)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True)
    scores = -(away @ weights)
    results |= {
        "commit": commit.stdout.strip(),
        "rate": round(rate(differences, weights), 4),
        "rate_of_any_two": round(float((scores[:, 0][:, None] > scores[:, 1][None]).mean()), 4),
        "people": np.round(np.quantile(scores[:, 0], (0.1, 0.5, 0.9)), 3).tolist(),
        "model": np.round(np.quantile(scores[:, 1], (0.1, 0.5, 0.9)), 3).tolist(),
        "weights": dict(zip(sounding.FEATURES, np.round(weights, 3).tolist(), strict=True)),
        "rate_by_feature": dict(zip(sounding.FEATURES, _alone(differences), strict=True)),
        "rate_by_source": {
            source: round(rate(differences[[pair[0] == source for pair in made]], weights), 3)
            for source in sorted({pair[0] for pair in made})
        },
    }
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    print(json.dumps(results, indent=1))


def _distances(score: Score) -> Floats:
    return sounding.distances(sounding.features(score), sounding.voices(score))


def _alone(differences: Floats) -> list[float]:
    """How often people's music lies nearer in each feature, ties counting half."""
    return np.round((np.sign(differences).mean(axis=0) + 1) / 2, 3).tolist()


def _module(references: Floats, weights: Floats) -> str:
    groups = ["    (\n" + "".join(f"        {_row(row, 8)},\n" for row in group) + "    ),\n" for group in references]
    return (
        '"""Reference values and weights of `sounding`; written by benchmarks/sounding/fit.py."""\n\n'
        f"# fmt: off\nQUANTILES = (\n{''.join(groups)})\n"
        '"""10th, 50th, 90th percentile of each feature in music by people: a line alone, up to three parts, more."""\n'
        f"WEIGHTS = {_row(weights, 0)}\n# fmt: on\n"
    )


def _row(values: Floats, indent: int) -> str:
    text = f"({', '.join(f'{value:.3f}' for value in values)})"
    return ("\n" + " " * (indent + 1)).join(textwrap.wrap(text, 110 - indent))


if __name__ == "__main__":
    main()
