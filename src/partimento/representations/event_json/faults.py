"""What is wrong with a piece that its syntax could not prevent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from partimento.plan import Plan, Task
from partimento.representations.event_json.text import part_names
from partimento.score import Records, Score
from partimento.theory.instrument import instrument

MAX_TOLD = 20
"""Most faults of one kind that are told one by one."""


def faults(score: Score, task: Task) -> Iterator[str]:
    """Bars that are not full but for the first and the last, notes that are struck while they sound, sound behind the
    last barline or, where all is to be playable, lie outside their instrument's range, and what the plan misses.
    """
    if not len(score.notes):
        yield "there is no note"
    yield from _bars(score)
    yield from _told(score, _struck_again(score.notes), "is struck while it sounds")
    if len(score.measures):
        end = score.measures["onset_tick"][-1] + score.measures["duration_tick"][-1]
        is_late = score.notes["onset_tick"] + score.notes["duration_tick"] > end
        yield from _told(score, score.notes[is_late], "goes on behind the last barline")
    if task.constraints.playable:
        yield from _told(score, _out_of_range(score), "lies outside the range of its instrument")
    yield from _plan(score, task.plan)


def _bars(score: Score) -> Iterator[str]:
    for index, (onset, duration) in enumerate(score.measures.tolist()):
        full = score.meter_at(onset).duration_quarter * score.ticks_per_quarter
        is_part = index in (0, len(score.measures) - 1)
        if duration > full or (duration < full and not is_part):
            yield f"bar {index + 1} has {duration} ticks, and {full} are full"


def _struck_again(notes: Records) -> Records:
    notes = notes[np.lexsort((notes["onset_tick"], notes["pitch"], notes["part"]))]
    end = notes["onset_tick"] + notes["duration_tick"]
    same = (notes["part"][1:] == notes["part"][:-1]) & (notes["pitch"][1:] == notes["pitch"][:-1])
    return notes[1:][same & (notes["onset_tick"][1:] < end[:-1])]


def _out_of_range(score: Score) -> Records:
    reach = [instrument(part.instrument) for part in score.parts]
    low, high = (np.array([getattr(r, name) for r in reach], int) for name in ("lowest_pitch", "highest_pitch"))
    notes = score.notes
    return notes[(notes["pitch"] < low[notes["part"]]) | (notes["pitch"] > high[notes["part"]])]


def _told(score: Score, notes: Records, what: str) -> Iterator[str]:
    names = part_names(score.parts)
    for note in notes[:MAX_TOLD]:
        yield f"{_place(score, int(note['onset_tick']))}, p{names[note['part']]}: pitch {note['pitch']} {what}"
    if len(notes) > MAX_TOLD:
        yield f"and {len(notes) - MAX_TOLD} notes more: {what}"


def _place(score: Score, tick: int) -> str:
    if not len(score.measures):
        return f"{score.seconds_at(tick):.2f} s"
    index = int(score.measure_at(tick))
    return f"bar {index + 1}, tick {tick - int(score.measures['onset_tick'][index])}"


def _plan(score: Score, plan: Plan) -> Iterator[str]:
    if plan.bars is not None and len(score.measures) != plan.bars:
        yield f"{len(score.measures)} bars, and {plan.bars} were asked for"
    played = [score.parts[index] for index in np.unique(score.notes["part"]).tolist()]
    programs = [part.instrument for part in played]
    if plan.instruments is not None and sorted(programs) != sorted(plan.instruments):
        yield f"programs {programs} play, and {list(plan.instruments)} were asked for"
