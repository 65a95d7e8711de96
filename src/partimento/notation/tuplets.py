"""Tuplets of a part: beats of a voice that halving does not reach."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from partimento.notation.grid import beat_lengths
from partimento.notation.ties import cut
from partimento.score import Records, Score, Tuplet

_DYADIC = 16
"""Steps per quarter that need no tuplet: sixty-fourth notes."""
_NORMAL = {3: 2, 5: 4, 7: 4, 9: 8}
"""Notes of a tuplet ▶ notes in whose time they stand."""

_Beat = tuple[int, int]
"""Measure, and span within it: a quarter, or in compound time a third of the beat."""


def find_tuplets(notes: Records, score: Score) -> list[Tuplet]:
    """Tuplets over a quarter each (in compound time over a third of the beat), or over two where a note crosses."""
    plain = notes[notes["grace"] == 0]
    first = _odd_places(plain["onset_tick"], score)
    last = _odd_places(plain["onset_tick"] + plain["duration_tick"], score)
    odd: defaultdict[int, dict[_Beat, int]] = defaultdict(dict)
    crossed: set[tuple[int, _Beat]] = set()
    for index in sorted(first.keys() | last.keys()):
        voice = int(plain["voice"][index])
        for beat, actual in (places[index] for places in (first, last) if index in places):
            odd[voice][beat] = actual
        if index in first and index in last and _follows(first[index], last[index]):
            crossed.add((voice, first[index][0]))
    part = int(notes["part"][0])
    return [
        Tuplet(*_span(beat, spans, score), part, voice, actual, _NORMAL[actual])
        for voice, places in odd.items()
        for beat, spans, actual in _merged(places, {beat for v, beat in crossed if v == voice})
    ]


def _odd_places(ticks: NDArray[np.int64], score: Score) -> dict[int, tuple[_Beat, int]]:
    """Index of each tick that halving does not reach ▶ its beat and the notes of the tuplet it needs."""
    measure = score.measure_at(ticks)
    spans = _span_ticks(score)[measure]
    beat, offset = np.divmod(ticks - score.measures["onset_tick"][measure], spans)
    places: dict[int, tuple[_Beat, int]] = {}
    for index in np.flatnonzero(_DYADIC * offset % spans).tolist():
        fitting = (n for n in _NORMAL if not _DYADIC * n * int(offset[index]) % int(spans[index]))
        if (actual := next(fitting, None)) is not None:
            places[index] = ((int(measure[index]), int(beat[index])), actual)
    return places


def _span_ticks(score: Score) -> NDArray[np.int64]:
    """Length of the spans that tuplets fill in each measure."""
    beats = [beat_lengths(score.meter_at(int(tick))) for tick in score.measures["onset_tick"].tolist()]
    return np.array([int(length * score.ticks_per_quarter) // (3 if triple else 1) for length, triple in beats])


def _follows(first: tuple[_Beat, int], last: tuple[_Beat, int]) -> bool:
    return last == ((first[0][0], first[0][1] + 1), first[1])


def _merged(places: dict[_Beat, int], crossed: set[_Beat]) -> list[tuple[_Beat, int, int]]:
    """(beat, length in spans, notes) of each tuplet."""
    merged: list[tuple[_Beat, int, int]] = []
    taken: set[_Beat] = set()
    for beat, actual in sorted(places.items()):
        if beat in taken:
            continue
        following = (beat[0], beat[1] + 1)
        is_double = beat in crossed and places.get(following) == actual
        taken |= {following} if is_double else set()
        merged.append((beat, 1 + is_double, actual))
    return merged


def _span(beat: _Beat, spans: int, score: Score) -> tuple[int, int]:
    """Onset and duration in ticks; no tuplet crosses a barline."""
    measure = score.measures[beat[0]]
    unit = int(_span_ticks(score)[beat[0]])
    start = int(measure["onset_tick"]) + beat[1] * unit
    barline = int(measure["onset_tick"] + measure["duration_tick"])
    length = spans * unit
    return start, min(length, barline - start) if start < barline else length


def tied_at_edges(notes: Records, tuplets: list[Tuplet]) -> Records:
    """The notes, cut and tied wherever a tuplet of their voice begins or ends within them."""
    edges: defaultdict[int, set[int]] = defaultdict(set)
    for tuplet in tuplets:
        edges[tuplet.voice] |= {tuplet.onset_tick, tuplet.onset_tick + tuplet.duration_tick}
    cuts: dict[int, list[int]] = {}
    for voice, places in edges.items():
        ticks = np.array(sorted(places))
        at = np.flatnonzero(notes["voice"] == voice)
        low = np.searchsorted(ticks, notes["onset_tick"][at], "right")
        high = np.searchsorted(ticks, (notes["onset_tick"] + notes["duration_tick"])[at])
        cuts |= {index: ticks[a:b].tolist() for index, a, b in zip(at.tolist(), low, high, strict=True) if a < b}
    return cut(notes, cuts)
