"""`continue`: a piece goes on behind its last bar, and ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile

import numpy as np

from partimento.errors import BadPlan
from partimento.generation.compose import Composer
from partimento.generation.sampling import Sampling
from partimento.generation.verbs.bars import in_bars, with_bars
from partimento.generation.verbs.filling import (
    MAX_CHROMATIC_SHARE,
    SPARE,
    View,
    brought_home,
    chromatic_share,
    filled,
    fittest,
    longest_rest,
    of_parts,
    put,
)
from partimento.generation.verbs.hints import hinted
from partimento.generation.verbs.likeness import controls_like
from partimento.generation.verbs.pen import Pen
from partimento.generation.windows import TOKENS_PER_BAR_AND_PART
from partimento.generation.writer import Writer, never
from partimento.plan import Compose, Constraints, Infill, Plan
from partimento.plan.plan import MAX_BARS
from partimento.representations.infilling import spliced
from partimento.score import NOTE, Score

HEARD_BARS = (16, 12, 8, 6, 4, 3, 2, 1)
"""How many bars before the new ones the model hears, as many as leave room for them."""


def continue_(
    score: Score,
    bars: int = 8,
    *,
    writer: Writer | Composer,
    seed: int = 0,
    sampling: Sampling | None = None,
    stop: Callable[[], bool] = never,
) -> Score:
    """The piece with more bars behind the last one that sounds; all its notes are the same, ids included.

    Key, meter, tempo and instruments go on as they are at its end, and the new end is an ending.

    Args:
        score: any piece; one without bars gets some to write in, and is given back as it was.
        bars: how many to write, 1 to 256.
        writer: a model of tokens, one that fills in bars or not.
        seed: of the choices.
        sampling: how bold.
        stop: asked before every step of the model; when it says so, `Cancelled` is raised.

    Raises:
        BadRecipe: the model writes text.
        BadPlan: the number of bars is out of range, or one bar is more than the model reads.
        NeedsBeats: the piece has no bars, and none can be heard.
    """
    if not 1 <= bars <= MAX_BARS:
        raise BadPlan(f"{bars} bars: go on for 1 to {MAX_BARS}")
    barred, pen = in_bars(score), Pen.of(writer, seed, sampling, stop)
    longer, first = _longer(barred.score, bars)
    if pen.fills and pen.representation.grid.unit == "second":
        return barred.restored(filled(longer, Infill(first, first + bars), pen))
    return barred.restored(_gone_on(longer, first, pen))


def _longer(score: Score, bars: int) -> tuple[Score, int]:
    """The piece with empty bars to write in, and the first of these: behind the last one in which something begins."""
    first = int(score.measure_at(score.notes["onset_tick"].max())) + 1
    missing = first + bars - len(score.measures)
    meter = score.meter_at(int(score.measures["onset_tick"][-1]))
    full = int(meter.duration_quarter * score.ticks_per_quarter)
    return replace(score, measures=with_bars(score.measures, max(missing, 0), full)), first


def _gone_on(score: Score, first: int, pen: Pen) -> Score:
    """The piece with its bars from `first` on written, window after window, each heard by the next."""
    draft = told = hinted(score, chords=len(score.parts) > 1)
    step, last = 0, len(score.measures)
    while first < last:
        view, heard = _view(draft, first, last, pen)
        drafts = [spliced(view.piece, written, view.task) for written in pen.write(_asked(view, pen), step, heard)]
        draft = put(draft, view, fittest(drafts, view))
        first, step = first + view.task.last - view.task.first, step + 1
    return brought_home(score, told, draft)


def _view(score: Score, first: int, last: int, pen: Pen) -> tuple[View, list[int]]:
    """The next bars to write with as many before them as leave room for them, and what is heard as tokens."""
    for before in (b for b in HEARD_BARS if b <= first or b == HEARD_BARS[-1]):
        start = max(first - before, 0)
        parts = _playing(score, start, first)
        some = of_parts(score, parts)
        shown = min(last - first, MAX_BARS - before)
        heard = _heard(some.slice_bars(start, first + shown), first - start, shown < last - first, pen)
        per_bar = max(SPARE * len(heard) / (first - start), 1 + len(parts) * TOKENS_PER_BAR_AND_PART)
        count = min(int((pen.writer.context - len(heard)) / per_bar), shown)
        if count >= min(shown, max(before // 2, 1)):
            piece = some.slice_bars(start, first + count)
            task = Infill(
                first - start, first - start + count, opens_midway=start > 0, ends_midway=first + count < last
            )
            return View(piece, task, start, parts), _heard(piece, task.first, task.ends_midway, pen, task.opens_midway)
    raise BadPlan(f"a bar of {len(score.parts)} parts is more than this model reads at once; keep fewer of them")


def _playing(score: Score, first: int, last: int) -> tuple[int, ...]:
    """The parts that strike notes in some bars; those that rest there go on resting."""
    measure = score.measure_at(score.notes["onset_tick"])
    return tuple(np.unique(score.notes["part"][(measure >= first) & (measure < last)]).tolist())


def _heard(piece: Score, first: int, ends_midway: bool, pen: Pen, opens_midway: bool = False) -> list[int]:
    """Tokens up to the first bar that is to be written, whatever may follow: what two ways to go on share."""
    task = Compose(opens_midway=opens_midway, ends_midway=ends_midway)
    note = np.zeros(1, NOTE)
    note["onset_tick"], note["duration_tick"] = piece.measures["onset_tick"][first], piece.ticks_per_quarter
    note["pitch"], note["note_id"] = 60, int(piece.notes["note_id"].max()) + 1
    going_on = piece.with_notes(np.concatenate([piece.notes, note]))
    ways = (pen.representation.encode(p, task).ids.tolist() for p in (piece, going_on))
    return [a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(*ways, strict=False))]


def _asked(view: View, pen: Pen) -> Compose:
    """The task with what makes music playable, in the style of what is heard, and whole."""
    piece, many = view.piece, len(view.parts) > 1
    constraints = Constraints(
        steady=True,
        playable=True,
        max_rest_bars=longest_rest(view),
        max_chromatic_share=max(chromatic_share(piece), MAX_CHROMATIC_SHARE),
        harmony="beats" if many or piece.chords else "hint",
        ends_on_tonic=True,
        budget=pen.writer.context,
    )
    span = (view.task.first, view.task.last)
    likeness = controls_like(piece, span, range(len(piece.parts))) if "controls" in pen.representation.enforces else ()
    plan = Plan(bars=len(piece.measures), controls=likeness)
    return Compose(plan, constraints, view.task.opens_midway, view.task.ends_midway)
