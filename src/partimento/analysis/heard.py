"""Notes and beats in quarters, as all of the analysis looks at them: the same at every resolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partimento.score import Score
from partimento.theory.meter import Meter

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_MOST_BEATS = 100_000
"""Music with more has whole bars for beats, so that time and memory stay bounded."""
_BLOCK = 4096
"""Spans are worked on so many at a time."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The notes that sound, one column each, sorted by onset; ties are merged, grace and cue notes left out."""

    onset: Floats
    """Quarters."""
    end: Floats
    """Quarters."""
    pitch: Ints
    part: Ints
    velocity: Ints
    """0 where the score does not say."""
    is_drum: Flags

    def __len__(self) -> int:
        return len(self.onset)

    def where(self, rows: Flags | NDArray[np.intp] | slice) -> Heard:
        """Some of the notes."""
        times = self.onset[rows], self.end[rows]
        return Heard(*times, self.pitch[rows], self.part[rows], self.velocity[rows], self.is_drum[rows])

    @property
    def pitched(self) -> Heard:
        """All but the drums."""
        return self.where(~self.is_drum) if self.is_drum.any() else self

    @property
    def length(self) -> Floats:
        """Quarters."""
        return self.end - self.onset


def heard(score: Score) -> Heard:
    """What sounds in a score."""
    notes = score.sounding().notes
    notes = notes[notes["duration_tick"] > 0]
    onset, duration = notes["onset_tick"], notes["duration_tick"]
    tpq = score.ticks_per_quarter
    drums = np.array([part.is_drums for part in score.parts], bool)
    pitch, part, velocity = (notes[name].astype(np.int64) for name in ("pitch", "part", "velocity"))
    return Heard(onset / tpq, (onset + duration) / tpq, pitch, part, velocity, drums[part])


@dataclass(frozen=True, slots=True)
class Beats:
    """The felt beats of a score, up to the last note."""

    edges: Floats
    """Quarters, shape (beats + 1,): beat i lasts from edge i to edge i + 1."""
    bar: Ints
    """Measure of each beat, from 0, shape (beats,)."""
    place: Ints
    """How many beats after the barline, shape (beats,)."""

    def __len__(self) -> int:
        return len(self.bar)


def bar_lines(score: Score) -> Floats:
    """Barlines in quarters, the last one included, shape (measures + 1,); empty without measures."""
    if not len(score.measures):
        return np.empty(0)
    onset, duration = score.measures["onset_tick"], score.measures["duration_tick"]
    return np.r_[onset, onset[-1] + duration[-1]] / score.ticks_per_quarter


def beats_of(score: Score) -> Beats:
    """Felt beats (dotted quarters in 6/8), a pickup's counted from its end; none without measures."""
    lines = bar_lines(score)
    if not len(lines):
        return Beats(np.zeros(1), np.empty(0, np.int64), np.empty(0, np.int64))
    beat = _beat_lengths(score)
    length = np.diff(lines)
    counts = np.maximum(np.ceil(length / beat - 1e-9), 1).astype(np.int64)
    if counts.sum() > _MOST_BEATS:
        beat, counts = length, np.ones(len(length), np.int64)
    bar = np.repeat(np.arange(len(length)), counts)
    place = np.arange(len(bar)) - np.repeat(np.cumsum(counts) - counts, counts)
    lead = np.zeros(len(length))
    if score.has_pickup:
        lead[0] = counts[0] * beat[0] - length[0]
    starts = np.maximum(lines[bar] + place * beat[bar] - lead[bar], lines[bar])
    return Beats(np.r_[starts, lines[-1]], bar, place)


def _beat_lengths(score: Score) -> Floats:
    """Quarters to a felt beat in each measure."""
    rows = score.meters
    beats = np.array([float(Meter(*row).beat_quarter) for row in rows[["beats", "beat_type"]].tolist()])
    index = np.searchsorted(rows["onset_tick"], score.measures["onset_tick"], "right") - 1
    return beats[np.maximum(index, 0)]


def chroma_of(notes: Heard, edges: Floats) -> tuple[Floats, Ints]:
    """What sounds between neighbouring edges.

    Returns:
        Sounding time of each pitch class in quarters, shape (spans, 12), and the pitch class of the lowest note that
        sounds for an eighth of the span or more, −1 for none, shape (spans,).
    """
    spans = len(edges) - 1
    chroma, bass = np.zeros((spans, 12)), np.full(spans, -1, np.int64)
    for first in range(0, spans, _BLOCK):
        block = edges[first : first + _BLOCK + 1]
        sounding = sounding_time(notes, block)
        rows = slice(first, first + len(sounding))
        padded = np.pad(sounding, ((0, 0), (0, 4)))
        chroma[rows] = padded.reshape(len(sounding), 11, 12).sum(axis=1)
        is_long = sounding >= np.maximum(np.diff(block), 1e-9)[:, None] / 8
        bass[rows] = np.where(is_long.any(axis=1), is_long.argmax(axis=1) % 12, -1)
    return chroma, bass


def sounding_time(notes: Heard, edges: Floats) -> Floats:
    """How long each MIDI pitch sounds between neighbouring edges, in quarters, shape (spans, 128)."""
    spans = len(edges) - 1
    near = notes.where((notes.end > edges[0]) & (notes.onset < edges[-1]))
    onset, end = np.maximum(near.onset, edges[0]), np.minimum(near.end, edges[-1])
    first = np.clip(np.searchsorted(edges, onset, "right") - 1, 0, spans - 1)
    last = np.clip(np.searchsorted(edges, end, "left") - 1, 0, spans - 1)
    size = 128 * (spans + 1)
    opened = np.bincount(128 * first + near.pitch, minlength=size) - np.bincount(
        128 * last + near.pitch, minlength=size
    )
    whole = np.cumsum(opened.reshape(-1, 128), axis=0)[:spans] * np.diff(edges)[:, None]
    # The note sounds through [first, last) as if whole; take off what lies before it, add what it has of the last.
    parts = np.bincount(128 * last + near.pitch, end - edges[last], minlength=size)
    parts -= np.bincount(128 * first + near.pitch, onset - edges[first], minlength=size)
    return np.maximum(whole + parts.reshape(-1, 128)[:spans], 0.0)
