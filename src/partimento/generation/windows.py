"""Pieces longer than a model's context: written in windows of bars that overlap, so that each hears the one before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from partimento.plan import Plan
from partimento.score import Score
from partimento.score.joining import join

TOKENS_PER_BAR_AND_PART = 10
"""What a well-filled bar of one part costs; a window is planned so that it need not be thinned out."""
OVERLAP_BARS = 4


@dataclass(frozen=True, slots=True)
class Window:
    """A run of bars that is written in one go."""

    first: int
    """Bar of the piece, from 0, with which the window begins."""
    heard: int
    """How many of its bars stand already."""
    bars: int
    """How many it has in all."""
    is_last: bool


def windows(bars: int, parts: int, context: int) -> Iterator[Window]:
    """The windows of a piece, of equal length as nearly as can be."""
    room = max(context // (1 + parts * TOKENS_PER_BAR_AND_PART), 2 * OVERLAP_BARS)
    if bars <= room:
        yield Window(0, 0, bars, True)
        return
    count = -(-(bars - OVERLAP_BARS) // (room - OVERLAP_BARS))
    edges = [round(bars * index / count) for index in range(count + 1)]
    for start, stop in pairwise(edges):
        first = max(start - OVERLAP_BARS, 0)
        yield Window(first, start - first, stop - first, stop == bars)


def plan_of(window: Window, plan: Plan, so_far: Score | None) -> Plan:
    """The plan of a window: what was left open is as in the bars that stand, chords go on where they were."""
    settled = plan if so_far is None else plan.merged(plan_so_far(so_far))
    if plan.chords:
        turn = window.first % len(plan.chords)
        settled = replace(settled, chords=plan.chords[turn:] + plan.chords[:turn])
    return replace(settled, bars=window.bars)


def plan_so_far(score: Score) -> Plan:
    """Key, meter, tempo, instruments and style of a decoded piece."""
    return Plan(
        key=score.key_at(0),
        meter=score.meter_at(0),
        tempo_bpm=float(score.tempos["tempo_bpm"][0]) if len(score.tempos) else None,
        instruments=tuple(part.instrument for part in score.parts),
        style=score.tags[0] if score.tags else None,
    )


def joined(score: Score, window: Score, heard: int) -> Score:
    """A score with the bars of a window, behind its first `heard`, added at its end."""
    if heard:
        window = window.slice_bars(heard, len(window.measures))
    return join([(0, score), (sum(score.measures[-1].item()), window)])
