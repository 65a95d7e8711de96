"""How much of each bar sounds on the tones of its chords, in the grammar of `remi`.

What is outside never exceeds its share, neither in the measure that is written nor, through notes that are held over,
in the next: so every measure has room for chord tones at any time, and ends with the share that is asked for.
"""

from __future__ import annotations

from functools import lru_cache

from partimento.plan import Plan
from partimento.representations.grammar import ALL_PITCHES
from partimento.representations.gridded.vocabulary import LENGTHS
from partimento.representations.remi.pitches import CLASSES, chord_mask, folded
from partimento.representations.remi.rules import UNLIMITED
from partimento.representations.remi.state import Span, State, Sums
from partimento.representations.remi.vocabulary import chord_index

Chords = tuple[tuple[int, int], ...]
"""(position, mask of tones) of the chords of a measure; one that goes on stands first, at −1."""
Touched = tuple[tuple[int, int, int], ...]
"""Ticks of a note, mask of the chord's tones, and measure (0 this one, 1 the next)."""
_ROUNDING = 1e-9


def spans_of(state: State) -> tuple[Span, ...]:
    """Which chord is in force when, for a measure whose chords are known."""
    if state.task.constraints.chord_share is None:
        return ()
    following, length = _next_measure(state)
    return (*_spans(state.bar_chords, state.length, state.unit, 0, 0),
            *_spans(following, length, state.unit, state.length, 1))  # fmt: skip


def _next_measure(state: State) -> tuple[Chords, int]:
    """Chords and length of the next measure, as far as they are known."""
    if state.gap is not None:
        return (state.gap[0].chords, state.gap[0].length) if state.gap else ((), 0)
    if not state.bars_left or not state.task.plan.chords:
        return (), 0
    running = tuple((-1, mask) for _, mask in state.bar_chords[-1:])
    length = LENGTHS[state.meter]
    return (*running, *_planned(state.task.plan, state.bars - state.bars_left, length)), length


def _planned(plan: Plan, bar: int, length: int) -> Chords:
    chords = (plan.chords or ())[bar % len(plan.chords or (0,))]
    return tuple((index * length // len(chords), chord_mask(chord_index(c))) for index, c in enumerate(chords))


def _spans(chords: Chords, length: int, unit: int, start: int, later: int) -> list[Span]:
    edges = [max(position, 0) for position, _ in chords[1:]] + [length]
    spans = (Span(unit * (start + max(position, 0)), unit * (start + edge), tones, later)
             for (position, tones), edge in zip(chords, edges, strict=False))  # fmt: skip
    return [span for span in spans if span.start < span.end]


def _touched(spans: tuple[Span, ...], onset: int, end: int) -> Touched:
    return tuple(
        (min(span.end, end) - max(span.start, onset), span.tones, span.later)
        for span in spans
        if span.start < end and span.end > onset
    )


def chordal_mask(state: State) -> int:
    """Pitches that keep the share, once the length of the group is known."""
    if not state.spans:
        return ALL_PITCHES
    share = state.task.constraints.chord_share
    return _fitting(_touched(state.spans, state.onset, state.end), state.chordal, share or 0.0)


@lru_cache(maxsize=16384)
def _fitting(touched: Touched, sums: Sums, share: float) -> int:
    fits = (_fits(_added(sums, touched, pitch_class), sums, share) for pitch_class in range(12))
    return sum(mask for mask, fit in zip(CLASSES, fits, strict=True) if fit)


def _fits(after: Sums, before: Sums, share: float) -> bool:
    """Whether no more is outside than may be, or at least nothing new."""
    return all(after[k + 1] <= (1 - share) * after[k] + _ROUNDING or after[k + 1] == before[k + 1] for k in (0, 2))


def added(state: State, pitch: int) -> Sums:
    """The sums with a note of the group."""
    if not state.spans:
        return state.chordal
    return _added(state.chordal, _touched(state.spans, state.onset, state.end), pitch)


def _added(sums: Sums, touched: Touched, pitch: int) -> Sums:
    new = list(sums)
    for ticks, tones, later in touched:
        new[2 * later] += ticks
        new[2 * later + 1] += 0 if tones >> pitch % 12 + 60 & 1 else ticks
    return new[0], new[1], new[2], new[3]


def longest_chordal(state: State, pitches: int) -> int:
    """For how many ticks a group may last so that one of some pitches keeps the share; unlimited where none does."""
    if not state.spans:
        return UNLIMITED
    share = state.task.constraints.chord_share or 0.0
    return _longest(state.spans, state.onset, state.chordal, share, folded(pitches))


@lru_cache(maxsize=16384)
def _longest(spans: tuple[Span, ...], onset: int, sums: Sums, share: float, classes: int) -> int:
    ends = (_end(spans, onset, sums, share, pitch_class) for pitch_class in range(12) if classes >> pitch_class & 1)
    end = max(ends, default=onset)
    return end - onset if end > onset else UNLIMITED


def _end(spans: tuple[Span, ...], onset: int, sums: Sums, share: float, pitch_class: int) -> int:
    """Last tick up to which a pitch class keeps the share."""
    total, outside = [sums[0], sums[2]], [sums[1], sums[3]]
    for span in spans:
        start = max(span.start, onset)
        if span.end <= onset:
            continue
        ticks = span.end - start
        if not span.tones >> pitch_class + 60 & 1:
            room = (1 - share) * total[span.later] - outside[span.later]
            if share and room < share * ticks:
                return start + max(int(room / share + _ROUNDING), 0)
            outside[span.later] += ticks
        total[span.later] += ticks
    return UNLIMITED
