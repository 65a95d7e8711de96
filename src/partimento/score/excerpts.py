"""Some of a score: a span of time with what holds in it, bars, one program of a part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from partimento.errors import NeedsBeats
from partimento.score.events import Part
from partimento.score.records import Records, restated

if TYPE_CHECKING:
    from partimento.score.score import Score

STATES = ("meters", "keys", "tempos", "clefs", "controls", "bends")
"""Records that stay in force."""
EVENTS = ("programs", "transpositions", "chords", "tuplets", "directions", "repeats", "barlines", "messages")
"""Tuples of events that have a time of their own."""

Event = TypeVar("Event")
Programs = NDArray[np.int64]
_PROGRAMS = 128


def slice_bars(score: Score, first: int, last: int) -> Score:
    """`Score.slice_bars`."""
    if not len(score.measures):
        raise NeedsBeats("this music has no meter")
    if not 0 <= first < last <= len(score.measures):
        raise ValueError(f"bars {first}-{last} of a piece with {len(score.measures)}")
    start = int(score.measures["onset_tick"][first])
    return cut(score, start, int(score.measures["onset_tick"][last - 1] + score.measures["duration_tick"][last - 1]))


def cut(score: Score, start: int, end: int) -> Score:
    """The span [start, end) moved to tick 0, with what is in force at its start; notes end with it at the latest."""
    changes: dict[str, Any] = {name: restated(getattr(score, name), start, end) for name in STATES}
    if not len(changes["meters"]):  # the first meter counts from tick 0, wherever it stands
        changes["meters"] = score.meters[:1].copy()
        changes["meters"]["onset_tick"] = start
    for name in EVENTS:
        changes[name] = tuple(x for x in getattr(score, name) if start <= x.onset_tick < end)
    running = [c for c in score.chords if c.onset_tick < start]
    if running and not any(c.onset_tick == start for c in changes["chords"]):
        changes["chords"] = (replace(running[-1], onset_tick=start), *changes["chords"])
    notes = score.notes[(score.notes["onset_tick"] >= start) & (score.notes["onset_tick"] < end)].copy()
    notes["tied"] &= notes["onset_tick"] + notes["duration_tick"] < end
    notes["duration_tick"] = np.minimum(notes["duration_tick"], end - notes["onset_tick"])
    changes |= {"measures": _measures(score, start, end), "parts": parts_at(score, start)}
    excerpt = replace(score, **changes).with_notes(notes)
    return excerpt.map_ticks(lambda tick: tick - start, lambda tick: tick)


def _measures(score: Score, start: int, end: int) -> Records:
    """The measures of a span; those that it cuts are as long as what is inside, and the last has all behind it."""
    first = score.measures["onset_tick"]
    last = first + score.measures["duration_tick"]
    last[-1:] = np.maximum(last[-1:], end)
    is_inside = (first < end) & (last > start)
    measures = score.measures[is_inside].copy()
    measures["onset_tick"] = np.maximum(first, start)[is_inside]
    measures["duration_tick"] = np.minimum(last, end)[is_inside] - measures["onset_tick"]
    return measures


def parts_at(score: Score, tick: int) -> tuple[Part, ...]:
    """The parts with the program and transposition that they have reached."""
    parts = list(score.parts)
    for change in score.programs:
        if change.onset_tick < tick:
            parts[change.part] = replace(parts[change.part], program=change.program)
    for change in score.transpositions:
        if change.onset_tick < tick:
            parts[change.part] = replace(parts[change.part], transpose=change.interval)
    return tuple(parts)


def with_leading_rest(score: Score, ticks: int) -> Score:
    """`Score.with_leading_rest`."""
    moved = score.map_ticks(lambda tick: tick + ticks, lambda tick: tick)
    changes: dict[str, Any] = {}
    for name in ("meters", "keys", "tempos", "clefs", "controls", "measures"):
        array = getattr(moved, name).copy()
        array["onset_tick"][array["onset_tick"] == ticks] = 0
        changes[name] = array
    changes["measures"]["duration_tick"][:1] += ticks
    return replace(moved, **changes)


def split_programs(score: Score) -> Score:
    """`Score.split_programs`."""
    if not score.programs:
        return score
    programs = program_of_notes(score)
    played = _played(score, programs)
    first = {part: at for at, (part, _) in reversed(list(enumerate(played)))}
    place = np.zeros(_PROGRAMS * len(score.parts), np.int64)
    place[[_PROGRAMS * part + program for part, program in played]] = np.arange(len(played))
    changes: dict[str, Any] = {"notes": score.notes.copy()}
    changes["notes"]["part"] = place[_codes(score, programs)]
    lookup = np.array([*(first[part] for part in range(len(score.parts))), -1])  # part −1 means all and stays
    for name in ("keys", "clefs", "controls", "bends"):
        changes[name] = getattr(score, name).copy()
        changes[name]["part"] = lookup[changes[name]["part"]]
    for name in ("transpositions", "chords", "tuplets", "directions", "messages"):
        changes[name] = _moved(getattr(score, name), first)
    groups = tuple(replace(g, first=first[g.first], last=first.get(g.last + 1, len(played)) - 1) for g in score.groups)
    parts = tuple(replace(score.parts[index], program=program) for index, program in played)
    return replace(score, parts=parts, programs=(), groups=groups, **changes)


def played_programs(score: Score) -> list[tuple[int, int]]:
    """(part, program) of each part that `split_programs` makes."""
    return _played(score, program_of_notes(score))


def _played(score: Score, programs: Programs) -> list[tuple[int, int]]:
    count = len(score.notes)
    first = np.full(_PROGRAMS * len(score.parts), count)
    np.minimum.at(first, _codes(score, programs), np.arange(count))
    entries = first.reshape(-1, _PROGRAMS)
    return [
        (index, program)
        for index, part in enumerate(score.parts)
        for program in entries[index].argsort()[: np.count_nonzero(entries[index] < count)].tolist() or [part.program]
    ]


def _codes(score: Score, programs: Programs) -> Programs:
    """Part and program of each note as one number, shape (n,)."""
    return _PROGRAMS * score.notes["part"].astype(np.int64) + programs


def program_of_notes(score: Score) -> Programs:
    """The program in force at each note, shape (n,); drums are not told apart."""
    notes = score.notes
    programs = np.array([part.program for part in score.parts], np.int64)[notes["part"]]
    for index in {change.part for change in score.programs}:
        changes = [change for change in score.programs if change.part == index]
        held = np.array([score.parts[index].program, *(change.program for change in changes)])
        its = np.flatnonzero(notes["part"] == index)
        programs[its] = held[np.searchsorted([c.onset_tick for c in changes], notes["onset_tick"][its], "right")]
    return programs


def _moved(events: Iterable[Event], places: dict[int, int]) -> Sequence[Event]:
    return tuple(replace(e, part=places.get(e.part, e.part)) for e in events)  # type: ignore[attr-defined, type-var]
