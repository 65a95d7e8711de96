"""How many tokens the chords of a plan take."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate

from partimento.plan import Plan
from partimento.theory.chord import ChordSymbol


def planned_chords(plan: Plan, first: int, last: int, has_bass: Callable[[ChordSymbol], bool]) -> int:
    """Most tokens of a plan's chords in measures `first` up to but not including `last`.

    Each chord is a token, with another one for its bass, and one for its place unless it opens its measure.

    Args:
        plan: its progression repeats.
        first: a measure, from 0.
        last: another one, not before it.
        has_bass: whether a chord may need a token for its bass.
    """
    if not plan.chords:
        return 0
    before, bars = _tokens_before(plan.chords, has_bass), len(plan.chords)
    until_last, until_first = (bar // bars * before[-1] + before[bar % bars] for bar in (last, first))
    return until_last - until_first


@lru_cache(maxsize=64)
def _tokens_before(
    chords: tuple[tuple[ChordSymbol, ...], ...], has_bass: Callable[[ChordSymbol], bool]
) -> tuple[int, ...]:
    """Tokens before each bar of a progression, and of all its bars."""
    tokens = [max(2 * len(bar) - 1, 0) + sum(map(has_bass, bar)) for bar in chords]
    return tuple(accumulate(tokens, initial=0))
