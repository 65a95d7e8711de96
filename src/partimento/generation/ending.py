"""How a piece ends: its last sonority is reached by the middle of the last bar, and held."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from partimento.score import Records, Score
from partimento.theory.key import MINOR_MODES
from partimento.theory.pitch import pitch_class


def with_held_end(score: Score) -> Score:
    """The score without an upbeat that nothing follows: what sounds last in each part is held to the last barline.

    A part that strikes its last notes later than in the middle of the last bar strikes them there, in place of what it
    had from there on; drums just stop. Pitches stay as they are. Tones of the last chord symbol, or of the tonic triad
    where there are none, are preferred to others that sound last.
    """
    if not len(score.measures) or not len(score.notes):
        return score
    start, length = score.measures[-1].item()
    beat = round(float(score.meter_at(start).beat_quarter) * score.ticks_per_quarter)
    middle = start + length // 2 // beat * beat
    tones = _home(score, start)
    parts = [_held(score, part, start, middle, tones) for part in range(len(score.parts))]
    return replace(score.with_notes(np.concatenate(parts)), tuplets=())


def _held(score: Score, part: int, start: int, middle: int, tones: frozenset[int]) -> Records:
    """The notes of a part with a held end."""
    notes = score.notes[score.notes["part"] == part].copy()
    end = sum(score.measures[-1].item())
    onsets = notes["onset_tick"]
    if score.parts[part].is_drums:
        return notes[onsets <= max(middle, int(onsets.min(initial=middle)))]
    inside = np.unique(onsets[onsets >= start])
    if not len(inside):
        return notes
    last = _last(notes, inside, tones)
    final = notes[onsets == last].copy()
    final["onset_tick"] = min(last, middle)
    final["duration_tick"] = end - final["onset_tick"]
    before = notes[onsets < final["onset_tick"][0]]
    room = final["onset_tick"][0] - before["onset_tick"]
    before["duration_tick"] = np.minimum(before["duration_tick"], room)
    return np.concatenate([before, final])


def _last(notes: Records, onsets: Records, tones: frozenset[int]) -> int:
    """The latest of some onsets at which all notes are of some tones, else the latest of all."""
    for onset in onsets[::-1].tolist():
        struck = notes["pitch"][notes["onset_tick"] == onset]
        if np.isin(struck % 12, list(tones)).all():
            return int(onset)
    return int(onsets[-1])


def _home(score: Score, tick: int) -> frozenset[int]:
    """Pitch classes in which the piece may end."""
    if score.chords and (symbol := score.chords[-1].symbol) is not None:
        return symbol.pitch_classes
    key = score.key_at(tick)
    if key is None:
        return frozenset(range(12))
    third = 3 if key.mode in MINOR_MODES else 4
    return frozenset((pitch_class(key.tonic) + tone) % 12 for tone in (0, third, 7))
