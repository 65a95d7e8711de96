"""The compositions beside music by people that the model has not seen: copy check and distances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from partimento.evaluation.copying import CopyIndex, SharedRun, note_runs
from partimento.evaluation.distances import METRICS, distance
from partimento.evaluation.pieces import Piece
from partimento.evaluation.report import copy_table, distance_table, run_quantiles, table
from partimento.score import Score

DANCES = frozenset(("jig", "slip jig", "reel", "hornpipe", "polka", "strathspey", "waltz", "march", "air", "folk"))
SETTING_SHARE = 1 / 2
"""A held-out piece that shares more than that of its longest part with a training piece is a setting of it."""
JUDGED_QUANTILES = ("median", "90 %")


@dataclass(frozen=True)
class Comparison:
    """What came out of it."""

    text: str
    """Tables in Markdown."""
    answer: str
    """One sentence."""
    figures: dict[str, Any]
    faults: list[str]


def compare(generated: Sequence[Score], styles: Sequence[str], people: Sequence[Piece], index: CopyIndex) -> Comparison:
    """Compare compositions with two sets of held-out excerpts of the same styles and lengths.

    The copy check asks that the model's pieces share no longer runs with training pieces than people's do, where
    people's pieces that are other settings of a training piece do not count.
    """
    wanted = [(style, len(score.measures)) for style, score in zip(styles, generated, strict=True)]
    held_out, second = excerpts(people[::2], wanted), excerpts(people[1::2], wanted)
    runs = _runs(index, generated, [*held_out, *second])
    ours, theirs = run_quantiles(runs["generated"]), run_quantiles(runs["held-out, no settings"])
    text = "\n".join(
        (
            copy_table(runs),
            _longest(generated, runs["generated"]),
            distance_table(generated, held_out, second),
        )
    )
    figures = {
        "training notes": len(index),
        "longest shared run": {name: run_quantiles(of_set) for name, of_set in runs.items()},
        "distance of generated and held-out": _distances(generated, held_out),
        "distance of held-out and second held-out": _distances(held_out, second),
    }
    faults = [
        f"copies: {ours[quantile]:g} notes shared by the {quantile}, people {theirs[quantile]:g}"
        for quantile in JUDGED_QUANTILES
        if ours[quantile] > theirs[quantile]
    ]
    answer = (
        f"The longest run that they share with a training piece has {ours['median']:g} notes in the median, "
        f"in music by people that the model has not seen {theirs['median']:g}."
    )
    return Comparison(text, answer, figures, faults)


def excerpts(pieces: Sequence[Piece], wanted: Sequence[tuple[str, int]], seed: int = 0) -> list[Score]:
    """For each style and number of bars an excerpt of that length, of that style where there is one.

    The beginnings of pieces come first; no window serves twice before all of its kind have served once.
    """
    rng = np.random.default_rng(seed)
    windows = [
        (order, float(rng.random()), piece.style, window)
        for piece in pieces
        for order, window in enumerate(piece.windows)
    ]
    windows.sort(key=lambda row: row[:2])
    served = [0] * len(windows)
    chosen = list[Score]()
    for style, bars in wanted:
        best = min(range(len(windows)), key=lambda i: (_unlikeness(style, windows[i][2]), served[i], i))
        served[best] += 1
        window = windows[best][3]
        chosen.append(window.slice_bars(0, min(bars, len(window.measures))))
    return chosen


def _unlikeness(style: str, other: str) -> int:
    """0 for the same style, 1 for the same family, 2 for another."""
    return 0 if style == other else 1 if (style in DANCES) == (other in DANCES) else 2


def _runs(index: CopyIndex, generated: Sequence[Score], people: Sequence[Score]) -> dict[str, list[SharedRun]]:
    ours, theirs = index.longest_shared_runs(generated), index.longest_shared_runs(people)
    own = [
        run
        for run, score in zip(theirs, people, strict=True)
        if run.notes <= SETTING_SHARE * max(map(len, note_runs([score])), default=0)
    ]
    return {"generated": ours, "held-out": theirs, "held-out, no settings": own}


def _longest(generated: Sequence[Score], runs: Sequence[SharedRun], most: int = 5) -> str:
    order = sorted(range(len(runs)), key=lambda i: -runs[i].notes)[:most]
    rows = [
        (generated[i].title, runs[i].notes, len(generated[i].sounding().notes), runs[i].title, runs[i].source)
        for i in order
    ]
    return table(("longest copies", "notes shared", "of", "with", "from"), rows)


def _distances(ours: Sequence[Score], theirs: Sequence[Score]) -> dict[str, Any]:
    return {metric: asdict(distance(metric, ours, theirs)) for metric in METRICS}
