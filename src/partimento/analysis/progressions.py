"""Chords bar by bar as text, and the progression that comes most often."""

from __future__ import annotations

from collections import Counter

import numpy as np

from partimento.analysis.chords import chord_path, symbol_of
from partimento.analysis.heard import Beats, Floats, Heard
from partimento.score import Score
from partimento.theory.key import Key

_LENGTHS = (4, 3, 2, 5)
"""Of progressions, in order of preference."""

Bars = list[list[str]]
"""Chord symbols of each measure; a list is empty where none is in force."""


def stated_bars(score: Score, lines: Floats) -> Bars:
    """The chord symbols that a score states: those in force at each barline and those that follow in the bar."""
    bars: Bars = [[] for _ in range(len(lines) - 1)]
    at = np.array([event.onset_tick for event in score.chords]) / score.ticks_per_quarter
    bar = np.clip(np.searchsorted(lines, at + 1e-9, "right") - 1, 0, len(bars) - 1).tolist()
    for index, event, onset in zip(bar, score.chords, at.tolist(), strict=True):
        if not bars[index] and onset > lines[index] + 1e-9:
            bars[index].append("")  # the chord before, to be filled in below
        bars[index].append(str(event.symbol) if event.symbol else "")
    current = ""
    for index, chords in enumerate(bars):
        filled = [chords[0] or current, *chords[1:]] if chords and _is_held(chords, at, lines, index) else chords
        bars[index] = filled or [current]
        current = bars[index][-1]
    return [_without_repetitions(chords) for chords in bars]


def _is_held(chords: list[str], at: Floats, lines: Floats, index: int) -> bool:
    """Whether no chord symbol stands at the barline itself."""
    return not np.any(np.abs(at - lines[index]) <= 1e-9)


def heard_bars(notes: Heard, beats: Beats, key: Key) -> Bars:
    """The chords that are heard, beat by beat, as each measure's."""
    path = chord_path(notes, beats, "beat")
    names = {chord: str(symbol_of(chord, key)) if chord >= 0 else "" for chord in np.unique(path).tolist()}
    bars: Bars = [[] for _ in range(int(beats.bar[-1]) + 1)]
    for bar, chord in zip(beats.bar.tolist(), path.tolist(), strict=True):
        bars[bar].append(names[chord])
    return [_without_repetitions(chords) for chords in bars]


def _without_repetitions(chords: list[str]) -> list[str]:
    return [chord for k, chord in enumerate(chords) if chord and (k == 0 or chord != chords[k - 1])]


def commonest(bars: Bars) -> tuple[tuple[str, ...], int]:
    """The progression of two to five chords that covers most of the piece, and how often it comes.

    A progression that repeats a shorter one is not counted; of equal ones four chords go before three, two and five.
    """
    flat = [chord for bar in bars for chord in bar]
    sequence = tuple(_without_repetitions(flat))
    best: tuple[tuple[str, ...], int] = (sequence[:4], 1) if len(sequence) > 1 else ((), 0)
    covered = 0
    for length in _LENGTHS:
        for loop, _ in Counter(_grams(sequence, length)).most_common(3):
            count = _occurrences(sequence, loop)
            if count > 1 and count * length > covered:
                best, covered = (loop, count), count * length
    return best


def _grams(sequence: tuple[str, ...], length: int) -> list[tuple[str, ...]]:
    found = [sequence[k : k + length] for k in range(len(sequence) - length + 1)]
    return [gram for gram in found if not _is_periodic(gram)]


def _is_periodic(gram: tuple[str, ...]) -> bool:
    return any(gram[period:] == gram[:-period] for period in range(1, len(gram) // 2 + 1))


def _occurrences(sequence: tuple[str, ...], loop: tuple[str, ...]) -> int:
    """How often a progression comes, without overlaps."""
    count = place = 0
    while place <= len(sequence) - len(loop):
        is_here = sequence[place : place + len(loop)] == loop
        count, place = count + is_here, place + (len(loop) if is_here else 1)
    return count
