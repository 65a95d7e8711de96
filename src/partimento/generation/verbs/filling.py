"""Bars of some parts written anew: in steps that fit the model, each of which sees the ones before.

The model sees an excerpt with as many bars around the gap as it can read. Where even one bar of a large score is too
much, it sees the parts that are written and as many of the others as it can, the busiest first. What it writes is
collected in a copy (`hints.hinted`), and only the new notes come back from there into the piece (`notated`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from partimento.analysis import estimate_key
from partimento.errors import BadPlan
from partimento.generation.verbs.hints import hinted
from partimento.generation.verbs.likeness import controls_like
from partimento.generation.verbs.notated import with_written
from partimento.generation.verbs.pen import Pen
from partimento.generation.verbs.seams import AROUND, scale_of, seam
from partimento.generation.windows import TOKENS_PER_BAR_AND_PART
from partimento.plan import Constraints, Infill, Plan
from partimento.plan.plan import MAX_BARS
from partimento.representations.infilling import chosen_parts, excerpt, excerpts, spliced
from partimento.score import NOTE, Records, Score
from partimento.score.score import tie_heads

MAX_CHROMATIC_SHARE = 0.05
"""Share of the sounding time that may lie outside the key, unless the music around it is more chromatic."""
LEAST_CHORD_SHARE = 0.6
"""Share of each new bar's sounding time on the tones of its chords, where these are known."""
SPARE = 1.3
"""How much longer than what stood there the new bars may become."""


@dataclass(frozen=True)
class View:
    """What the model sees for one step."""

    piece: Score
    """An excerpt, perhaps of fewer parts."""
    task: Infill
    """In its bars and parts."""
    first: int
    """Measure of the whole with which it begins."""
    parts: tuple[int, ...]
    """Part of the whole for each of its parts."""


def filled(score: Score, task: Infill, pen: Pen) -> Score:
    """The piece with bars of some parts written anew.

    Args:
        score: a piece with bars.
        task: which bars and parts; its constraints are completed here.
        pen: what writes.

    Raises:
        BadRecipe: the model does not fill in bars.
        BadPlan: the piece has not these bars or parts, or one bar of the parts is more than the model reads.
        InfeasibleTask: they cannot be said in its tokens.
    """
    parts = chosen_parts(score, task)
    return all_filled(score, [task], pen, chords=len(parts) < len(score.parts))


def all_filled(score: Score, tasks: Sequence[Infill], pen: Pen, *, chords: bool) -> Score:
    """The piece with the bars of several tasks written anew, one after the other.

    Args:
        score: a piece with bars.
        tasks: which bars and parts.
        pen: what writes.
        chords: whether the chords that are heard in the piece hold in the new bars, too.

    Raises:
        BadRecipe, BadPlan, InfeasibleTask: as `filled` does.
    """
    pen.must_fill()
    draft = told = hinted(score, chords=chords)
    step = 0
    for task in tasks:
        first = task.first
        while first < task.last:
            view = _view(draft, replace(task, first=first), pen)
            drafts = [_spliced(view, piece) for piece in pen.write(_asked(view, pen), step)]
            draft = put(draft, view, fittest(drafts, view))
            first, step = first + view.task.last - view.task.first, step + 1
    return brought_home(score, told, draft)


def brought_home(score: Score, told: Score, draft: Score) -> Score:
    """The piece with what is new in a draft, which began as `told`: the same bars, parts and notes."""
    resolution = math.lcm(score.ticks_per_quarter, draft.ticks_per_quarter)
    whole, done = score.with_resolution(resolution), draft.with_resolution(resolution)
    is_gone = ~np.isin(told.notes["note_id"], done.notes["note_id"])
    removed = whole.notes[np.isin(whole.notes["note_id"], told.notes["note_id"][is_gone])]
    new = done.notes[~np.isin(done.notes["note_id"], told.notes["note_id"])]
    return with_written(whole, removed, new)


def _view(score: Score, task: Infill, pen: Pen) -> View:
    """As many of the bars as can be written with some around them, and as many around them as fit."""
    budget = pen.writer.context

    def fits(piece: Score, part: Infill) -> bool:
        return len(piece.measures) <= MAX_BARS and _cost(piece, part, pen) <= budget

    count = task.last - task.first
    while count > 1 and not fits(*excerpt(score, replace(task, last=task.first + count), AROUND)):
        count = -(-count // 2)
    some = replace(task, last=task.first + count)
    parts, part = tuple(range(len(score.parts))), some
    if not fits(*excerpt(score, some, 1)):
        parts, part = _lighter(score, some, fits)
    piece, its_task = next(excerpts(of_parts(score, parts), part, fits))
    return View(piece, its_task, task.first - its_task.first, parts)


def _lighter(score: Score, task: Infill, fits: Callable[[Score, Infill], bool]) -> tuple[tuple[int, ...], Infill]:
    """The parts that are written with as many others as fit, the busiest first; and the task in terms of these."""
    own = chosen_parts(score, task)
    near, _ = excerpt(score, task, 1)
    count = np.bincount(near.notes["part"], minlength=len(score.parts))
    others = [part for part in np.argsort(-count, kind="stable").tolist() if part not in own and count[part]]
    for number in range(len(others), -1, -1):
        parts = tuple(sorted((*own, *others[:number])))
        part = replace(task, parts=tuple(parts.index(p) for p in own))
        if fits(*excerpt(of_parts(score, parts), part, 1)) or (
            not number and fits(*excerpt(of_parts(score, parts), part, 0))
        ):
            return parts, part
    bar = task.first + 1
    raise BadPlan(f"bar {bar} of {len(own)} parts is more than this model can read at once; choose fewer with --parts")


def of_parts(score: Score, parts: tuple[int, ...]) -> Score:
    """A score of some parts; only what tokens say of it is kept right."""
    if len(parts) == len(score.parts):
        return score
    place = np.full(len(score.parts), -1)
    place[list(parts)] = np.arange(len(parts))
    notes = score.notes[np.isin(score.notes["part"], parts)].copy()
    notes["part"] = place[notes["part"]]
    programs = tuple(replace(c, part=int(place[c.part])) for c in score.programs if c.part in parts)
    return Score(
        score.ticks_per_quarter, tuple(score.parts[part] for part in parts), notes=notes, measures=score.measures,
        meters=score.meters, keys=score.keys, tempos=score.tempos, programs=programs,
        chords=tuple(replace(chord, part=0) for chord in score.chords), tags=score.tags,
    )  # fmt: skip


def _cost(piece: Score, task: Infill, pen: Pen) -> int:
    """Tokens of what is given, and room for what is to be written."""
    encoded = pen.representation.encode(piece, replace(task, score=piece))
    bars, parts = task.last - task.first, len(chosen_parts(piece, task))
    usual = bars * (1 + parts * TOKENS_PER_BAR_AND_PART)
    there = SPARE * len(encoded.target) + 24
    return len(encoded.prompt) + int(max(there, usual if len(encoded.target) < bars + parts + 2 else 0))


def _asked(view: View, pen: Pen) -> Infill:
    """The task with what makes music playable and like its surroundings."""
    piece, task = view.piece, view.task
    constraints = Constraints(
        steady=True,
        playable=True,
        max_rest_bars=longest_rest(view),
        max_chromatic_share=max(chromatic_share(piece), MAX_CHROMATIC_SHARE),
        harmony="beats" if piece.chords else "hint",
        min_chord_share=LEAST_CHORD_SHARE if piece.chords else None,
        ends_on_tonic=not task.ends_midway,
        budget=pen.writer.context,
    )
    bars, parts = (task.first, task.last), chosen_parts(piece, task)
    plan = Plan(controls=controls_like(piece, bars, parts) if "controls" in pen.representation.enforces else ())
    return replace(task, score=piece, constraints=constraints, plan=plan)


def longest_rest(view: View) -> int | None:
    """No rest for parts that play in every bar around, or nowhere, being new; else any."""
    piece, task = view.piece, view.task
    measure = piece.measure_at(piece.notes["onset_tick"])
    around = (measure < task.first) | (measure >= task.last)
    bars = len(piece.measures) - (task.last - task.first)
    played = [len(np.unique(measure[around & (piece.notes["part"] == p)])) for p in chosen_parts(piece, task)]
    return 0 if all(number in (0, bars) for number in played) else 1 if min(played) > bars / 2 else None


def chromatic_share(score: Score) -> float:
    """Share of the sounding time outside the key that is stated, or heard."""
    pitched = score.notes[~np.array([part.is_drums for part in score.parts], bool)[score.notes["part"]]]
    scale = scale_of(score.key_at(0) or estimate_key(score)[0])
    outside = pitched["duration_tick"][~np.isin(pitched["pitch"] % 12, scale)]
    return float(outside.sum() / max(int(pitched["duration_tick"].sum()), 1))


def _spliced(view: View, written: Score) -> Score:
    return spliced(view.piece, written, view.task)


def fittest(drafts: list[Score], view: View) -> Score:
    """The draft whose bars agree best with their surroundings."""
    bars, parts = (view.task.first, view.task.last), chosen_parts(view.piece, view.task)
    return min(drafts, key=lambda draft: seam(draft, bars, parts).distance)


def put(score: Score, view: View, written: Score) -> Score:
    """The whole with the new notes of a view, and without those that they replace."""
    resolution = math.lcm(score.ticks_per_quarter, written.ticks_per_quarter)
    whole, piece = score.with_resolution(resolution), written.with_resolution(resolution)
    start = int(whole.measures["onset_tick"][view.first])
    stands = view.piece.notes["note_id"]
    gone = stands[~np.isin(stands, piece.notes["note_id"])]
    new = piece.notes[~np.isin(piece.notes["note_id"], stands)].copy()
    new["onset_tick"] += start
    new["part"] = np.array(view.parts)[new["part"]]
    new["note_id"] = int(whole.notes["note_id"].max(initial=-1)) + 1 + np.arange(len(new))
    kept = whole.notes[~np.isin(whole.notes["note_id"], gone)]
    return whole.with_notes(np.concatenate([kept, new]))


def in_gap(score: Score, task: Infill) -> Records:
    """The notes that are written anew: those that begin in the bars, and are not tied to one before them."""
    begin = int(score.measures["onset_tick"][task.first])
    last = score.measures[task.last - 1]
    onset = score.notes["onset_tick"]
    heads = onset[tie_heads(score.notes)] if len(score.notes) else onset
    is_own = np.isin(score.notes["part"], chosen_parts(score, task))
    return score.notes[is_own & (onset < last["onset_tick"] + last["duration_tick"]) & (heads >= begin)].astype(NOTE)
