"""Music in which a model has lost the thread: nothing sounds, time stands still, notes pile up, one figure goes round.

The limits lie where music by people does not: docs/checking.md says how much of it is called degenerate by mistake.
"""

from __future__ import annotations

import numpy as np

from partimento.analysis.heard import Heard, Ints, heard
from partimento.score import Score

MOST_AT_ONCE = 16
"""Notes that one part strikes together; people write 13 at most."""
MOST_DOUBLED = 0.25
"""Share of the notes that a part strikes while it strikes the same pitch already."""
MOST_STANDING = 0.5
"""Share of the notes that begin at one moment; of few notes that is a chord."""
FEWEST_STANDING = 12
LONGEST_SILENCE_QUARTER, MOST_SILENT = 32.0, 0.4
"""A silence is a fault if it is so long, or takes such a share of the piece and two bars or more."""
MOST_ROUNDS, LONGEST_FIGURE = 8, 32
"""Times that a figure of up to so many strokes may come in a row, if that fills more than half of the piece."""
FEWEST_LOOPED = 24


def faults(score: Score) -> tuple[str, ...]:
    """What is degenerate in a piece, in words; nothing for music."""
    notes = heard(score)
    if not len(notes):
        return ("silence: no note sounds",)
    found = (_idle_parts(score, notes), _pile(score, notes), _standstill(notes), _gap(score, notes), _loop(notes))
    return tuple(fault for fault in found if fault)


def _idle_parts(score: Score, notes: Heard) -> str:
    idle = np.setdiff1d(np.arange(len(score.parts)), notes.part).tolist()
    names = [score.parts[part].name or f"part {part + 1}" for part in idle]
    return f"never plays: {', '.join(names)}" if names else ""


def _pile(score: Score, notes: Heard) -> str:
    """Too many notes struck together in one part, or the same ones twice."""
    strokes, counts = np.unique(np.stack([notes.part, _place(notes)]), axis=1, return_counts=True)
    worst = int(counts.argmax())
    if counts[worst] > MOST_AT_ONCE:
        name = score.parts[strokes[0, worst]].name or f"part {strokes[0, worst] + 1}"
        return f"a pile of notes: {name} strikes {counts[worst]} at once"
    different = len(np.unique(np.stack([notes.part, _place(notes), notes.pitch]), axis=1).T)
    doubled = 1 - different / len(notes)
    return f"a pile of notes: {doubled:.0%} are struck twice" if doubled > MOST_DOUBLED else ""


def _standstill(notes: Heard) -> str:
    _, counts = np.unique(_place(notes), return_counts=True)
    most = int(counts.max())
    if most < FEWEST_STANDING or most <= MOST_STANDING * len(notes):
        return ""
    return f"time stands still: {most} of {len(notes)} notes begin at one moment"


def _gap(score: Score, notes: Heard) -> str:
    """A silence that no music has, at the ends of the bars too."""
    order = np.argsort(notes.onset, kind="stable")
    onset, end = notes.onset[order], np.maximum.accumulate(notes.end[order])
    last = max(score.end_tick / score.ticks_per_quarter, float(end[-1]))
    silences = np.r_[onset, last] - np.r_[0.0, end]
    longest, total = float(silences.max()), float(np.maximum(silences, 0).sum())
    two_bars = 2 * _bar_quarter(score)
    if longest < LONGEST_SILENCE_QUARTER and not (total > MOST_SILENT * last and longest >= two_bars):
        return ""
    return f"silence: nothing sounds for {longest:.4g} quarters, {total / last:.0%} of the piece is empty"


def _bar_quarter(score: Score) -> float:
    return float(np.median(score.measures["duration_tick"])) / score.ticks_per_quarter if len(score.measures) else 4.0


def _loop(notes: Heard) -> str:
    """One figure of all parts that goes round through most of the piece."""
    strokes = _strokes(notes)
    for period in range(1, LONGEST_FIGURE + 1):
        same = np.r_[False, strokes[period:] == strokes[:-period], False] if period < len(strokes) else np.zeros(2)
        edges = np.flatnonzero(np.diff(same.astype(np.int8)))
        longest = int((edges[1::2] - edges[::2]).max(initial=0))
        rounds = 1 + longest / period
        if rounds >= MOST_ROUNDS and longest + period > max(len(strokes) / 2, FEWEST_LOOPED):
            return (
                f"endless repetition: a figure of {period} stroke{'s' * (period > 1)} comes {rounds:.0f} times in a row"
            )
    return ""


def _strokes(notes: Heard) -> Ints:
    """A number for each moment at which notes begin, the same for the same notes at the same distance from the last."""
    place = _place(notes)
    moments, which = np.unique(place, return_inverse=True)
    symbols = (np.random.Philox(0).random_raw(2 * 128 * 256)).astype(np.int64)
    content = np.zeros(len(moments), np.int64)
    cell = np.where(notes.is_drum, 128 * 255, 128 * np.minimum(notes.part, 254)) + notes.pitch
    np.add.at(content, which, symbols[cell] >> 8)
    step = np.minimum(np.diff(moments, prepend=moments[0]), 1 << 12)
    step[0] = step[-1]  # the first follows nothing
    return content * 5_003 + step


def _place(notes: Heard) -> Ints:
    """Onsets in 1/48 quarters, so that a performance's spread chord is none, and a chord of one grid is one."""
    return np.rint(48 * notes.onset).astype(np.int64)
