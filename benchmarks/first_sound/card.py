"""Put the figures of the sixty compositions into a model card, between two marks.

python benchmarks/first_sound/card.py src/partimento/models/starter/README.md
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from partimento.evaluation.report import table

RESULTS = Path(__file__).parent / "results.json"
BEGIN, END = "<!-- sixty compositions -->", "<!-- end -->"
_DISTANCES = ("distance of generated and held-out", "distance of held-out and second held-out")


def section(figures: dict) -> str:
    """Markdown: wishes kept, copies, distances."""
    runs = figures["longest shared run"]
    quantiles = list(next(iter(runs.values())))
    copies = table(
        ("notes shared with a training piece", *quantiles),
        [(name, *(f"{row[q]:.0f}" for q in quantiles)) for name, row in runs.items()],
    )
    distances = table(
        ("Jensen-Shannon distance", *(name.removeprefix("distance of ") for name in _DISTANCES)),
        [(metric, *(_interval(figures[name][metric]) for name in _DISTANCES)) for metric in figures[_DISTANCES[0]]],
    )
    return "\n\n".join(
        [
            BEGIN,
            "## How it does",
            figures["answer"],
            "Longest run of consecutive notes (intervals and durations, in any transposition) that a piece shares "
            "with some training piece; held-out music is by people, and `no settings` leaves out other settings of "
            "training tunes:",
            copies,
            "Distance of distributions, 0 for equal and 1 for disjoint, with 95 % bootstrap intervals:",
            distances,
            "Its music is further from people's than one set of people's music is from another. It keeps to the scale "
            "partly because the grammar sees to that. Made by `benchmarks/first_sound/sixty.py`.",
            END,
        ]
    )


def _interval(distance: dict[str, float]) -> str:
    return f"{distance['value']:.3f} [{distance['low']:.3f}, {distance['high']:.3f}]"


def main() -> None:
    """Rewrite the card named on the command line."""
    card = Path(sys.argv[1])
    text = card.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2] if rest else ""
    figures = json.loads(RESULTS.read_text("utf-8"))["figures"]
    card.write_text(f"{before.rstrip()}\n\n{section(figures)}\n{after.lstrip()}", "utf-8", newline="\n")


if __name__ == "__main__":
    main()
