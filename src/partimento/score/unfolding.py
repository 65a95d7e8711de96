"""The order in which a score is played, and the score written out in that order."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from partimento.score.events import ProgramChange, Repeat, Transposition
from partimento.score.excerpts import EVENTS, STATES, cut, parts_at
from partimento.score.records import without_repetitions

if TYPE_CHECKING:
    from partimento.score.score import Score

MAX_SPANS = 10_000
MAX_TIMES = 32
_HUNG = ("lyrics", "marks", "spanners")
_JUMPS = ("dacapo", "dalsegno")
_AT_BARLINES = (*_JUMPS, "fine", "to-coda")
"""Signs that hold at the end of the measure in which they stand."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Ending:
    """A numbered ending, played the times it says."""

    start: int
    stop: int
    times: frozenset[int]
    last: int
    """Greatest number among the endings that follow one another here."""


def playing_order(score: Score) -> list[Span]:
    """Spans of ticks [start, end) in the order in which they are played.

    Repeats are taken once or as often as they say. After D.C. and D.S. they are not taken again, last endings
    are played, Fine ends the piece and `to-coda` leads to the coda, as is customary (Gould, Behind Bars, 2011).
    Where the score states an order of its sections (ABC's `P:AABA`), each of them is played so by itself. If all that
    leaves nothing (a second ending without a first), the music is played as it stands.
    """
    if not score.repeats:
        return [(0, score.end_tick)]
    signs = _signs(score)
    stretches = _sections_in_order(signs, score.end_tick) or [(0, score.end_tick)]
    played = _joined(span for start, end in stretches for span in _Player(signs, start, end).play())
    return played or [(0, score.end_tick)]


def unfolded(score: Score) -> Score:
    """`Score.unfolded`."""
    spans = playing_order(score)
    plain = replace(score, repeats=())
    if spans == [(0, score.end_tick)]:
        return plain
    stride = int(score.notes["note_id"].max(initial=-1)) + 1
    times: defaultdict[int, int] = defaultdict(int)
    starts = [0, *accumulate(end - start for start, end in spans)][:-1]
    pieces: list[Score] = []
    for (start, end), place in zip(spans, starts, strict=True):
        piece = _renumbered(cut(plain, start, end), times, stride)
        pieces.append(piece.map_ticks(lambda tick, by=place: tick + by, lambda tick: tick))
    return _chained(score, pieces, starts)


def _renumbered(piece: Score, times: defaultdict[int, int], stride: int) -> Score:
    """A piece whose note ids say how often each note has been played before."""
    written = piece.notes["note_id"].tolist()
    ids = {note_id: note_id + stride * times[note_id] for note_id in written}
    for note_id in written:
        times[note_id] += 1
    notes = piece.notes.copy()
    notes["note_id"] = [ids[note_id] for note_id in written]
    return replace(
        piece,
        notes=notes,
        lyrics=tuple(replace(x, note_id=ids[x.note_id]) for x in piece.lyrics),
        marks=tuple(replace(x, note_id=ids[x.note_id]) for x in piece.marks),
        spanners=tuple(
            replace(x, start_id=ids.get(x.start_id, x.start_id), end_id=ids.get(x.end_id, x.end_id))
            for x in piece.spanners
        ),
    )


def _chained(score: Score, pieces: list[Score], starts: list[int]) -> Score:
    """Pieces one behind the other; what a piece states again is left out."""
    changes: dict[str, Any] = {}
    for f in fields(score):
        values = [getattr(piece, f.name) for piece in pieces]
        if "dtype" in f.metadata:
            joined = np.concatenate(values)
            changes[f.name] = without_repetitions(joined) if f.name in STATES else joined
        elif f.name in (*EVENTS, *_HUNG):
            changes[f.name] = tuple(event for value in values for event in value)
    for (before, piece), start in zip(pairwise(pieces), starts[1:], strict=True):
        reached = parts_at(before, start)
        for index, (old, new) in enumerate(zip(reached, piece.parts, strict=True)):
            if old.program != new.program:
                changes["programs"] += (ProgramChange(start, index, new.program),)
            if old.transpose != new.transpose:
                changes["transpositions"] += (Transposition(start, index, new.transpose),)
    return replace(score, **changes)


class _Player:
    """Walks through a score from sign to sign."""

    def __init__(self, signs: dict[int, list[Repeat]], start: int, end: int) -> None:
        self.signs = {tick: at for tick, at in signs.items() if start <= tick <= end}
        self.ticks = sorted({start, end, *self.signs})
        self.endings = _endings(self.signs, end)
        self.order: list[Span] = []
        self.repeat_start = start
        self.times = 1
        self.jumped: set[Repeat] = set()

    def play(self) -> list[Span]:
        """The spans between signs in playing order."""
        at = self.ticks[0]
        while at < self.ticks[-1] and len(self.order) < MAX_SPANS:
            at = self._play_from(at)
        return self.order

    def _play_from(self, at: int) -> int:
        """Play the span that starts at a tick, or leave it out; returns the tick at which to go on."""
        if self._sign(at, "forward") and self.repeat_start != at:
            self.repeat_start, self.times = at, 1
        ending = next((e for e in self.endings if e.start == at), None)
        if ending is not None and not self._takes(ending):
            return ending.stop
        end = self.ticks[bisect_right(self.ticks, at)]
        self.order.append((at, end))
        return self._after(end)

    def _after(self, end: int) -> int:
        """Where to go on behind a span that ends at a tick."""
        backward, ending = self._sign(end, "backward"), next((e for e in self.endings if e.stop == end), None)
        if backward and not self.jumped and self.times < _wanted_times(backward, ending):
            self.times += 1
            return self.repeat_start
        if backward or ending:
            self.repeat_start, self.times = end, 1
        if self.jumped and self._sign(end, "fine"):
            return self.ticks[-1]
        if self.jumped and self._sign(end, "to-coda"):
            return next((tick for tick in self.ticks if tick >= end and self._sign(tick, "coda")), end)
        for kind in _JUMPS:
            sign = self._sign(end, kind)
            if sign and sign not in self.jumped:
                self.jumped.add(sign)
                place = next((tick for tick in self.ticks if self._sign(tick, "segno")), self.ticks[0])
                return self.ticks[0] if kind == "dacapo" else place
        return end

    def _sign(self, tick: int, kind: str) -> Repeat | None:
        return next((sign for sign in self.signs.get(tick, ()) if sign.kind == kind), None)

    def _takes(self, ending: _Ending) -> bool:
        return not ending.times or (ending.last if self.jumped else self.times) in ending.times


def _sections_in_order(signs: dict[int, list[Repeat]], end: int) -> list[Span]:
    """The sections as an `order` sign names them, empty if there is none."""
    every = [sign for _, at in sorted(signs.items()) for sign in at]
    order = next((sign.text for sign in every if sign.kind == "order"), "")
    starts = {sign.onset_tick: sign.text for sign in every if sign.kind == "section"}
    sections = {starts[start]: (start, stop) for start, stop in pairwise([*starts, end]) if start < stop}
    return [sections[name] for name in order.split()[:MAX_SPANS] if name in sections]


def _wanted_times(backward: Repeat, ending: _Ending | None) -> int:
    stated = int(backward.text) if backward.text.isdecimal() else 2
    return min(max(stated, ending.last if ending else 0), MAX_TIMES)


def _signs(score: Score) -> dict[int, list[Repeat]]:
    """Tick ▶ the signs that hold there."""
    signs: defaultdict[int, list[Repeat]] = defaultdict(list)
    barlines = [*score.measures["onset_tick"].tolist(), score.end_tick]
    for sign in score.repeats:
        tick = sign.onset_tick
        if sign.kind in _AT_BARLINES:
            tick = next((barline for barline in barlines if barline >= tick), tick)
        signs[min(tick, score.end_tick)].append(sign)
    return dict(signs)


def _endings(signs: dict[int, list[Repeat]], end: int) -> list[_Ending]:
    starts = sorted((tick, sign.text) for tick, at in signs.items() for sign in at if sign.kind == "ending-start")
    found: list[_Ending] = []
    for tick, text in starts:
        times = frozenset(int(number) for number in re.findall(r"\d{1,4}", text))
        found.append(_Ending(tick, _ending_stop(tick, signs, end), times, max(times, default=0)))
    for index in range(len(found) - 1, -1, -1):  # backwards, for the greatest number to reach the first
        after = [e for e in found[index + 1 :] if e.start == found[index].stop]
        found[index] = replace(found[index], last=max([found[index].last, *(e.last for e in after)]))
    for index, ending in enumerate(found):
        before = [e.last for e in found[:index] if e.stop == ending.start]
        found[index] = replace(ending, last=max([ending.last, *before]))
    return found


def _ending_stop(start: int, signs: dict[int, list[Repeat]], end: int) -> int:
    """Where an ending that starts at a tick stops: at its own sign, else where the next one can only begin."""
    later = sorted(tick for tick in signs if tick > start)
    for kinds in (("ending-stop", "ending-discontinue", "ending-start"), ("backward",), ("forward",)):
        stop = next((tick for tick in later if any(sign.kind in kinds for sign in signs[tick])), None)
        if stop is not None:
            return stop
    return end


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Spans, those that follow on one another as one."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
