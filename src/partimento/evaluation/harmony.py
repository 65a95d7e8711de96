"""Whether notes and chords agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from partimento.analysis.chords import estimate_chords
from partimento.analysis.heard import chroma_of, heard
from partimento.plan import Plan
from partimento.score import ChordEvent, Score


def harmonic_consistency(score: Score, chords: Sequence[ChordEvent] = ()) -> float:
    """Share of the sounding duration of pitched notes that lies on tones of the chord of the moment.

    Durations are in quarters and those of notes that sound together add up; ties are merged, drums, grace and cue notes
    left out. What sounds before the first chord or where the symbol says no chord does not count.

    Args:
        score: with bars, unless chords are given.
        chords: those that were asked for. By default those that the score states, and where it states none, those
            recognised in its notes beat by beat (`analysis.chords`), which measures how clear its harmony is.

    Returns:
        From 0 to 1; NaN where nothing counts.

    Raises:
        NeedsBeats: neither chords nor bars are there.
    """
    notes = heard(score).pitched
    if not len(notes):
        return float("nan")
    events = chords or score.chords or estimate_chords(score, per="beat")
    by_onset = {event.onset_tick / score.ticks_per_quarter: event.symbol for event in events}
    edges = np.array([*sorted(by_onset), np.inf])
    edges[-1] = max(float(notes.end.max()), float(edges[-2]) + 1)
    chroma, _ = chroma_of(notes, edges)
    inside = total = 0.0
    for onset, sounding in zip(edges[:-1].tolist(), chroma, strict=True):
        if symbol := by_onset[onset]:
            total += float(sounding.sum())
            inside += float(sounding[list(symbol.pitch_classes)].sum())
    return inside / total if total else float("nan")


def given_chords(plan: Plan, score: Score) -> tuple[ChordEvent, ...]:
    """Where the chords that a plan asks for stand in a piece: evenly over each bar, from the first full one on."""
    if not plan.chords:
        return ()
    events = list[ChordEvent]()
    for index, measure in enumerate(score.measures[1:] if score.has_pickup else score.measures):
        bar = plan.chords[index % len(plan.chords)]
        starts = measure["onset_tick"] + np.arange(len(bar)) * measure["duration_tick"] // len(bar)
        events += [ChordEvent(int(start), chord) for start, chord in zip(starts, bar, strict=True)]
    return tuple(events)
