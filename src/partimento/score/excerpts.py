"""Some of a score: a span of time with what holds in it, bars, one program of a part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

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
    played = played_programs(score)
    first = {part: at for at, (part, _) in reversed(list(enumerate(played)))}
    place = {pair: at for at, pair in enumerate(played)}
    notes = score.notes.copy()
    pairs = zip(notes["part"].tolist(), programs.tolist(), strict=True)
    notes["part"] = [place[pair] for pair in pairs]
    changes: dict[str, Any] = {}
    for name in ("keys", "clefs", "controls", "bends"):
        changes[name] = getattr(score, name).copy()
        parts = changes[name]["part"]
        changes[name]["part"] = [first.get(part, part) for part in parts.tolist()]
    for name in ("transpositions", "chords", "tuplets", "directions", "messages"):
        changes[name] = _moved(getattr(score, name), first)
    groups = tuple(replace(g, first=first[g.first], last=first.get(g.last + 1, len(played)) - 1) for g in score.groups)
    parts = tuple(replace(score.parts[index], program=program) for index, program in played)
    return replace(score, parts=parts, notes=notes, programs=(), groups=groups, **changes)


def played_programs(score: Score) -> list[tuple[int, int]]:
    """(part, program) of each part that `split_programs` makes."""
    programs = program_of_notes(score)
    return [
        (index, program)
        for index, part in enumerate(score.parts)
        for program in dict.fromkeys(programs[score.notes["part"] == index].tolist()) or [part.program]
    ]


def program_of_notes(score: Score) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The program in force at each note, shape (n,); drums are not told apart."""
    programs = np.array([part.program for part in score.parts], np.int64)[score.notes["part"]]
    for change in score.programs:
        is_later = (score.notes["part"] == change.part) & (score.notes["onset_tick"] >= change.onset_tick)
        programs[is_later] = change.program
    return programs


def _moved(events: Iterable[Event], places: dict[int, int]) -> Sequence[Event]:
    return tuple(replace(e, part=places.get(e.part, e.part)) for e in events)  # type: ignore[attr-defined, type-var]
