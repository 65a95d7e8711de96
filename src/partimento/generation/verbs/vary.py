"""`vary`: some bars of some parts once more, over the same harmony, the form and all the rest as they stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from partimento.errors import BadPlan
from partimento.generation.compose import Composer
from partimento.generation.sampling import Sampling, generator
from partimento.generation.verbs.bars import in_bars
from partimento.generation.verbs.filling import all_filled
from partimento.generation.verbs.infill import parts_called
from partimento.generation.verbs.pen import Pen
from partimento.generation.writer import Writer, never
from partimento.plan import Infill
from partimento.score import Score

RUN_BARS = 2
"""Bars of a part that are written in one go."""


class Cell(NamedTuple):
    """A few bars of a part."""

    part: int
    first: int
    """Its first measure."""
    last: int
    """The measure behind its last."""
    notes: int
    """How many notes begin in it."""


def vary(
    score: Score,
    amount: float = 0.3,
    parts: Sequence[int | str] | None = None,
    *,
    writer: Writer | Composer,
    seed: int = 0,
    sampling: Sampling | None = None,
    stop: Callable[[], bool] = never,
) -> Score:
    """The piece with about a share of its notes written anew, in runs of bars of single parts drawn by lot.

    The chords under the new notes are those that stood there, stated or heard, and the last bar stays.

    Args:
        score: any piece; one without bars gets some to write in, and is given back as it was.
        amount: share of the notes, above 0 and up to 1.
        parts: indices or names of the parts that may be varied; all by default.
        writer: a model that fills in bars.
        seed: of the choices.
        sampling: how bold.
        stop: asked before every step of the model; when it says so, `Cancelled` is raised.

    Raises:
        BadRecipe: the model does not fill in bars.
        BadPlan: the amount is out of range, or there is no such part.
        NeedsBeats: the piece has no bars, and none can be heard.
    """
    if not 0 < amount <= 1:
        raise BadPlan(f"amount {amount:g}: say a share of the notes, above 0 and up to 1, such as 0.3")
    barred, pen = in_bars(score), Pen.of(writer, seed, sampling, stop)
    chosen = range(len(score.parts)) if parts is None else parts_called(score, parts)
    cells = drawn(cells_of(barred.score, chosen), amount, seed)
    tasks = [Infill(cell.first, cell.last, (cell.part,)) for cell in cells]
    return barred.restored(all_filled(barred.score, tasks, pen, chords=True))


def cells_of(score: Score, parts: Sequence[int]) -> list[Cell]:
    """All runs of bars of these parts in which notes begin, but for the last bar of the piece."""
    notes = score.sounding().notes
    notes = notes[notes["grace"] == 0]
    measure = score.measure_at(notes["onset_tick"])
    final = max(int(measure.max(initial=0)), 1)
    found: list[Cell] = []
    for part in parts:
        own = measure[notes["part"] == part]
        for first in range(0, final, RUN_BARS):
            last = min(first + RUN_BARS, final)
            count = int(((own >= first) & (own < last)).sum())
            found += [Cell(part, first, last, count)] if count else []
    return found


def drawn(cells: Sequence[Cell], amount: float, seed: int) -> list[Cell]:
    """Cells by lot that together hold about a share of all notes, at least one; in the order of the piece."""
    order = generator(seed).permutation(len(cells)).tolist()
    wanted = amount * sum(cell.notes for cell in cells)
    taken: list[Cell] = []
    for index in order:
        cell, so_far = cells[index], sum(cell.notes for cell in taken)
        if not taken or abs(so_far + cell.notes - wanted) < abs(so_far - wanted):
            taken.append(cell)
    return sorted(taken, key=lambda cell: (cell.first, cell.part))
