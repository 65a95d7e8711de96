"""Tables in Markdown, for model cards and terminals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from partimento.evaluation.copying import SharedRun
from partimento.evaluation.distances import METRICS, distance
from partimento.score import Score

QUANTILES = {"least": 0.0, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "90 %": 0.9, "most": 1.0}


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; what follows the first column is aligned to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    lines = [" | ".join(str(cell).replace("|", r"\|") for cell in line) for line in (head, rule, *rows)]
    return "".join(f"| {line} |\n" for line in lines)


def distance_table(
    generated: Sequence[Score], held_out: Sequence[Score], second: Sequence[Score], *, seed: int = 0
) -> str:
    """Jensen-Shannon distances (base 2, with 95 % bootstrap intervals) of music by a model and by people.

    The last column says how far apart two sets of human music of this size lie; no model is expected to come
    closer.

    Raises:
        ValueError: a set is empty.
    """
    head = ("", "generated – held-out", "generated – second held-out", "held-out – second held-out")
    pairs = ((generated, held_out), (generated, second), (held_out, second))
    rows = [(metric, *(distance(metric, *pair, seed=seed) for pair in pairs)) for metric in METRICS]
    return table(head, rows)


def copy_table(runs: Mapping[str, Sequence[SharedRun]]) -> str:
    """Distribution of the longest runs (notes) that sets of pieces share with the training music.

    Args:
        runs: name of each set ▶ its pieces' longest shared runs, at least one.
    """
    rows = [
        (name, len(of_set), *(f"{value:.4g}" for value in run_quantiles(of_set).values()))
        for name, of_set in runs.items()
    ]
    return table(("notes shared with a training piece", "pieces", *QUANTILES), rows)


def run_quantiles(runs: Sequence[SharedRun]) -> dict[str, float]:
    """Quantiles of the lengths of shared runs, in notes, by the names in `QUANTILES`."""
    values = np.quantile([run.notes for run in runs], list(QUANTILES.values()))
    return dict(zip(QUANTILES, values.tolist(), strict=True))
