"""The chords of a score, bar by bar, as the plan of a window states them."""

from __future__ import annotations

from typing import NamedTuple

from partimento.analysis import estimate_chords
from partimento.representations.blocks import bass_of
from partimento.representations.timed import RESOLUTION
from partimento.score import Score
from partimento.theory.chord import ChordSymbol

Progression = tuple[tuple[ChordSymbol, ...], ...]


class Bar(NamedTuple):
    """A bar in time, and what is heard in it."""

    start: float
    """In steps."""
    end: float
    chords: tuple[ChordSymbol, ...]


def bars_of(score: Score) -> list[Bar]:
    """The bars of a score with its chord symbols, or those that can be heard where it has none; empty without bars."""
    if not len(score.measures):
        return []
    events = score.chords or estimate_chords(score)
    first = score.measures["onset_tick"]
    last = first + score.measures["duration_tick"]
    times = [(score.seconds_at(ticks) * RESOLUTION).tolist() for ticks in (first, last)]
    chords: list[list[ChordSymbol]] = [[] for _ in range(len(first))]
    sounding, upcoming = None, list(events)[::-1]
    for index, (onset, end) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        while upcoming and upcoming[-1].onset_tick <= onset:
            sounding = upcoming.pop().symbol
        chords[index] += [sounding] if sounding else []
        while upcoming and upcoming[-1].onset_tick < end:
            sounding = upcoming.pop().symbol
            chords[index] += [sounding] if sounding else []
    return [Bar(start, end, tuple(c)) for start, end, c in zip(*times, chords, strict=True)]


def tokens_of(bar: tuple[ChordSymbol, ...]) -> int:
    """How many tokens state the chords of a bar."""
    return 1 + sum(1 + (bass_of(chord) is not None) for chord in bar)


def between(bars: list[Bar], start: int, end: int, room: int) -> Progression | None:
    """The chords of the bars that sound in a span, as far as they fit in some tokens; None where there are none."""
    progression: list[tuple[ChordSymbol, ...]] = []
    for bar in bars:
        if bar.end > start and bar.start < end:
            room -= tokens_of(bar.chords)
            if room < 0:
                break
            progression.append(bar.chords)
    return tuple(progression) if any(progression) else None
