"""Infilling, whatever the tokens: which bars and parts are meant, how much of a piece to show around them, and how what
was written comes into the piece.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadInput, BadPlan
from partimento.plan import Infill
from partimento.representations.cutting import midway
from partimento.score import Records, Score
from partimento.score.excerpts import played_programs, program_of_notes
from partimento.score.score import tie_heads
from partimento.theory.instrument import DRUMS


def span(score: Score, task: Infill) -> tuple[int, int]:
    """First tick of the bars to write, and the one behind their last.

    Raises:
        NeedsBeats: the piece has no bars.
        BadPlan: it has not these.
    """
    score.measure_at(0)  # says what is missing where there are no bars
    if task.last > len(score.measures):
        raise BadPlan(f"bars {task.first + 1} to {task.last}: the piece has {len(score.measures)}")
    last = score.measures[task.last - 1]
    return int(score.measures["onset_tick"][task.first]), int(last["onset_tick"] + last["duration_tick"])


def chosen_parts(score: Score, task: Infill) -> tuple[int, ...]:
    """Indices of the parts to write.

    Raises:
        BadPlan: the piece has not these parts.
    """
    parts = tuple(range(len(score.parts))) if task.parts is None else tuple(sorted(set(task.parts)))
    if not parts or not all(0 <= part < len(score.parts) for part in parts):
        raise BadPlan(f"parts {', '.join(map(str, parts)) or 'none'}: the piece has parts 0 to {len(score.parts) - 1}")
    return parts


def excerpts(score: Score, task: Infill, fits: Callable[[Score, Infill], bool]) -> Iterator[tuple[Score, Infill]]:
    """The bars to fill with as many bars around them as fit; halves of them where even they do not.

    A single bar that does not fit is left out.
    """
    span(score, task)
    bars = len(score.measures)
    most = bisect_left(range(bars), True, key=lambda width: not fits(*excerpt(score, task, width)))
    if most:
        yield excerpt(score, task, most - 1)
    elif task.last - task.first > 1:
        middle = (task.first + task.last) // 2
        for first, last in ((task.first, middle), (middle, task.last)):
            yield from excerpts(score, replace(task, first=first, last=last), fits)


def excerpt(score: Score, task: Infill, width: int) -> tuple[Score, Infill]:
    """The bars with `width` more on both sides, and the task in terms of these."""
    first, last = max(task.first - width, 0), min(task.last + width, len(score.measures))
    part = score.slice_bars(first, last)
    its_task = replace(task, first=task.first - first, last=task.last - first, score=part)
    return part, midway(its_task, first > 0, last < len(score.measures))


def spliced(original: Score, new: Score, task: Infill) -> Score:
    """The piece with the bars of the task as they stand in `new`; all other notes stay, with their ids.

    What rings into the bars stays as well, and where a note of theirs was tied to one behind them, that one stays.

    Args:
        original: the piece.
        new: what a representation decoded for the task: either with the bars and parts of the piece (a part whose
            program changes has become several), or a performance without bars, whose parts go by their programs.
        task: which bars and parts are taken from it.
    """
    resolution = math.lcm(original.ticks_per_quarter, new.ticks_per_quarter if len(new.measures) else 1)
    whole = original.with_resolution(resolution) if resolution != original.ticks_per_quarter else original
    begin, end = span(whole, task)
    written = _by_part(whole, new, task) if len(new.measures) else _by_program(whole, new, task)
    # barlines that are off the grid of the tokens have moved by less than half a step of it
    written["onset_tick"] = np.clip(written["onset_tick"], begin, end - 1)
    onset, parts = whole.notes["onset_tick"], chosen_parts(whole, task)
    heads = onset[tie_heads(whole.notes)]
    is_old = np.isin(whole.notes["part"], parts) & (onset < end) & (heads >= begin)
    tuplets = tuple(t for t in whole.tuplets if t.part not in parts or not begin <= t.onset_tick < end)
    first_id = int(whole.notes["note_id"].max(initial=-1)) + 1
    written["note_id"] = first_id + np.arange(len(written))
    return replace(whole.with_notes(np.concatenate([whole.notes[~is_old], written])), tuplets=tuplets)


def _by_part(whole: Score, new: Score, task: Infill) -> Records:
    """Notes of the bars, from a score with the same bars and parts."""
    origins = np.array([part for part, _ in played_programs(whole.sounding())])
    if len(origins) != len(new.parts):
        raise BadInput(f"what was written has {len(new.parts)} parts, and the piece {len(origins)}")
    scale = whole.ticks_per_quarter // new.ticks_per_quarter
    end = new.measures[-1]["onset_tick"] + new.measures[-1]["duration_tick"]
    barlines = scale * np.append(new.measures["onset_tick"], end)
    first, last = (barlines[np.abs(barlines - tick).argmin()] for tick in span(whole, task))
    onset, part = scale * new.notes["onset_tick"], origins[new.notes["part"]]
    inside = (onset >= first) & (onset < last) & np.isin(part, chosen_parts(whole, task))
    notes = new.notes[inside].copy()
    notes["part"], notes["onset_tick"] = part[inside], onset[inside]
    notes["duration_tick"] *= scale
    return notes


def _by_program(whole: Score, new: Score, task: Infill) -> Records:
    """Notes of the bars, from a performance, without those of other parts that play the same instrument."""
    parts, programs = chosen_parts(whole, task), _programs(new)
    players = {
        DRUMS if whole.parts[part].is_drums else program: part
        for part, program in reversed(played_programs(whole))
        if part in parts
    }
    first, last = new.tick_at(whole.seconds_at(np.array(span(whole, task)))).tolist()
    onset = new.notes["onset_tick"]
    inside = (onset >= first) & (onset < last) & np.isin(programs, list(players))
    others = whole.with_notes(whole.notes[~np.isin(whole.notes["part"], parts)])
    given = Counter(_sounds(new.tick_at(others.seconds_at(others.notes["onset_tick"])), others))
    kept = list[int]()
    for index, sound in enumerate(_sounds(onset, new)):
        given[sound] -= 1
        if inside[index] and given[sound] < 0:
            kept.append(index)
    notes = new.notes[kept]
    release = new.seconds_at(notes["onset_tick"] + notes["duration_tick"])
    notes["part"] = [players[program] for program in programs[kept].tolist()]
    notes["onset_tick"] = whole.tick_at(new.seconds_at(notes["onset_tick"]))
    notes["duration_tick"] = np.maximum(whole.tick_at(release) - notes["onset_tick"], 1)
    return notes


def _programs(score: Score) -> NDArray[np.int64]:
    """What each note is played on (128: drums), shape (n,)."""
    is_drums = np.array([part.is_drums for part in score.parts], bool)
    return np.where(is_drums[score.notes["part"]], DRUMS, program_of_notes(score))


def _sounds(onset: NDArray[np.int64], score: Score) -> Iterator[tuple[int, int, int]]:
    """Onset, pitch and program of each note."""
    return zip(onset.tolist(), score.notes["pitch"].tolist(), _programs(score).tolist(), strict=True)
