"""Bars for music that has none, which are there to write in and are gone when the music is given back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from partimento.errors import BadPlan
from partimento.notation import estimate_beats, estimate_meter
from partimento.notation.grid import is_free, is_on_beat
from partimento.score import Records, Score


@dataclass(frozen=True, slots=True)
class Barred:
    """A piece with bars, and the one that it was made of."""

    score: Score
    """The notes with their ids; in bars."""
    original: Score
    found: bool
    """Whether its bars had to be found."""

    def restored(self, changed: Score) -> Score:
        """The original with what is new in a changed copy of `score`, at the times of the original.

        What was left alone is as it was, to the tick; where bars were found, new notes go by the second.
        """
        if not self.found:
            return changed
        first_s = float(self.original.seconds_at(self.original.notes["onset_tick"].min()))
        delay_s = first_s - float(self.score.seconds_at(self.score.notes["onset_tick"].min()))
        is_old = np.isin(changed.notes["note_id"], self.score.notes["note_id"])
        kept = self.original.notes[np.isin(self.original.notes["note_id"], changed.notes["note_id"][is_old])]
        new = changed.notes[~is_old].copy()
        onset_s = changed.seconds_at(new["onset_tick"]) + delay_s
        release_s = changed.seconds_at(new["onset_tick"] + new["duration_tick"]) + delay_s
        new["onset_tick"] = self.original.tick_at(onset_s)
        new["duration_tick"] = np.maximum(self.original.tick_at(release_s) - new["onset_tick"], 1)
        notes = np.concatenate([kept, new])
        parts = (*self.original.parts, *changed.parts[len(self.original.parts) :])
        measures = _covering(self.original.measures, int((notes["onset_tick"] + notes["duration_tick"]).max(initial=0)))
        return replace(self.original, parts=parts, measures=measures).with_notes(notes)


def in_bars(score: Score) -> Barred:
    """A piece in bars: its own, or, where it states none or none that its notes keep to, bars that are found.

    Raises:
        NeedsBeats: it has too few notes to hear a beat in.
        BadPlan: it has no notes.
    """
    if not len(score.notes):
        raise BadPlan("there are no notes in this piece; compose writes one from nothing")
    is_played = not score.notes["voice"].any()
    if len(score.measures) and not (is_played and is_free(score)):
        return Barred(score, score, found=False)
    return Barred(estimate_meter(score) if is_on_beat(score) else estimate_beats(score), score, found=True)


def bar_range(score: Score, first: int, last: int) -> tuple[int, int]:
    """Measures [first, last) of bars as musicians number them: from 1, both included; a pickup is bar 0.

    Raises:
        BadPlan: the piece has not these bars.
    """
    start = 0 if score.has_pickup else 1
    final = start + len(score.measures) - 1
    if not start <= first <= last <= final:
        raise BadPlan(f"bars {first}-{last}: the piece has bars {start} to {final}")
    return first - start, last - start + 1


def _covering(measures: Records, end: int) -> Records:
    """Measures, as many more like the last one as it takes to reach a tick."""
    if not len(measures):
        return measures
    missing = end - int(measures["onset_tick"][-1] + measures["duration_tick"][-1])
    return with_bars(measures, max(-(-missing // int(measures["duration_tick"][-1])), 0))


def with_bars(measures: Records, more: int, duration_tick: int | None = None) -> Records:
    """Measures and so many more behind them, as long as the last one unless it is said how long."""
    length = int(measures["duration_tick"][-1]) if duration_tick is None else duration_tick
    end = int(measures["onset_tick"][-1] + measures["duration_tick"][-1])
    added = np.repeat(measures[-1:], more)
    added["onset_tick"], added["duration_tick"] = end + length * np.arange(more), length
    return np.concatenate([measures, added])
