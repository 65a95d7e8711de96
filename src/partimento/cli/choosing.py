"""`--best-of N`: candidates written side by side, and the best of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.text import Text

from partimento.cli.check import copy_index
from partimento.cli.console import console, table
from partimento.errors import BadInput
from partimento.evaluation.checking import CheckReport, report
from partimento.evaluation.choosing import Choice, best_of
from partimento.plan import Plan
from partimento.plan.parse import Understood
from partimento.score import Score

if TYPE_CHECKING:
    from pathlib import Path

    from partimento.generation.compose import Composer
    from partimento.generation.sampling import Sampling
    from partimento.generation.writer import Writer

MOST_CANDIDATES = 64


@dataclass(frozen=True, slots=True)
class Chosen:
    """A piece, what was found about it, and among which it was chosen."""

    score: Score
    found: CheckReport
    seed: int
    """By which it comes without `--best-of`, too."""
    choice: Choice | None = None

    def to_dict(self) -> dict[str, Any]:
        """What `.plan.json` says of the choice."""
        if self.choice is None:
            return {}
        head, *rows = self.choice.rows()
        return {"chosen": {"why": self.choice.why, "candidates": [dict(zip(head, row, strict=True)) for row in rows]}}


def checked(number: int) -> int:
    """A number of candidates.

    Raises:
        BadInput: it is none.
    """
    if not 1 <= number <= MOST_CANDIDATES:
        raise BadInput(f"--best-of {number}: choose from 1 to {MOST_CANDIDATES}")
    return number


def write_best(
    composer: Composer, wishes: Plan, understood: Understood | None, seed: int, candidates: int, *,
    text: str, sampling: Sampling, model: Path | None, melody: Score | None = None,
) -> Chosen:  # fmt: skip
    """Write pieces for one plan, around a melody if there is one, and choose; the first has the seed itself."""
    from partimento.generation.compose import Composer
    from partimento.generation.sampling import subseed
    from partimento.generation.together import together
    from partimento.generation.verbs import with_melody

    def written(seed: int, writer: Writer) -> Score:
        if melody is not None:
            return with_melody(melody, wishes, writer=writer, seed=seed, sampling=sampling)
        return Composer(writer).compose(wishes, text=text, seed=seed, sampling=sampling)

    seeds = [seed, *(subseed(seed, k) >> 33 for k in range(1, candidates))]
    scores = together([partial(written, each) for each in seeds], composer.writer)
    hashes = copy_index(model)
    if candidates == 1:
        found = report(wishes, understood, scores[0], hashes.check(scores[0]) if hashes else None)
        return Chosen(scores[0], found, seed)
    choice = best_of(scores, wishes, understood, hashes)
    return Chosen(scores[choice.index], choice.reports[choice.index], seeds[choice.index], choice)


def print_choice(choice: Choice) -> None:
    """Print the candidates and why one was kept."""
    head, *rows = choice.rows()
    console().print(table(rows, head))
    console().print(Text(choice.why, "bold"))
