"""What happens in each stretch of about four bars."""

from __future__ import annotations

import numpy as np

from partimento.analysis.facts import Contour, Density, PartFacts, PhraseFacts, Register, Rhythm, Role
from partimento.analysis.heard import Beats, Floats, Heard
from partimento.analysis.texture import dynamic_levels, dynamic_word, loudness, register_of, written_loudness
from partimento.score import Score
from partimento.theory.key import Key

BARS = 4
_LEVEL_SEMITONES, _BEND_SEMITONES = 1.5, 1.5
"""Melodies that spread less are level; thirds of a phrase that lie nearer together make no slope."""
_SUSTAINED, _FLOWING = 0.6, 1.8
"""Strokes to a beat."""
_RESTS, _OFFBEATS = 0.35, 0.3
"""Shares of silence and of long notes off the beat from which on a rhythm is fragmented or syncopated."""
_SPARSE, _DENSE = 3.5, 6.0
"""Notes to a beat, all parts together. Nine kinds of music have medians from 0.9 (melodies alone) over 4.8
(pop songs at the piano) to 13 (multi-track MIDI)."""
_LOUDER = 4.0
"""Velocities by which a part stands out."""


def phrases_of(
    score: Score, notes: Heard, parts: tuple[PartFacts, ...], beats: Beats, lines: Floats,
    first_bar: int, keys: list[Key | None],
) -> tuple[PhraseFacts, ...]:  # fmt: skip
    """Facts of every four bars; what is left over at the end belongs to the last phrase, or is one of two bars or more.

    Args:
        score: the piece.
        notes: what sounds.
        parts: facts of the parts.
        beats: its beats.
        lines: barlines in quarters, the last one included.
        first_bar: number of the first measure, 0 for a pickup.
        keys: of each measure the key, None where it is that of the piece.
    """
    lead = 1 - first_bar
    starts = list(range(lead, len(lines) - 1, BARS)) or [0]
    if len(starts) > 1 and len(lines) - 1 - starts[-1] < BARS // 2:
        starts.pop()
    starts[0] = 0
    ends = [*starts[1:], len(lines) - 1]
    melody, levels = _melody(notes, parts), dynamic_levels(score)
    found: list[PhraseFacts] = []
    for start, end in zip(starts, ends, strict=True):
        span = float(lines[start]), float(lines[end])
        inside = _between(notes, *span)
        if len(inside):
            own_beats = beats.edges[(beats.edges >= span[0] - 1e-9) & (beats.edges <= span[1] + 1e-9)]
            facts = _phrase(inside, _between(melody, *span), parts, own_beats, levels)
            found.append(PhraseFacts(start + first_bar, end - 1 + first_bar, *facts, _common(keys[start:end])))
    return tuple(found)


def _between(notes: Heard, start: float, end: float) -> Heard:
    first, last = np.searchsorted(notes.onset, [start - 1e-9, end - 1e-9]).tolist()
    return notes.where(slice(first, last))


def _melody(notes: Heard, parts: tuple[PartFacts, ...]) -> Heard:
    """The highest notes of the melody's part, of all parts where there is none."""
    part = next((part.part for part in parts if part.role == "melody"), None)
    own = notes if part is None else notes.where(notes.part == part)
    order = np.lexsort((-own.pitch, own.onset))
    own = own.where(order)
    return own.where(np.diff(own.onset, prepend=-1) > 0)


def _phrase(
    notes: Heard, melody: Heard, parts: tuple[PartFacts, ...], edges: Floats, levels: tuple[Floats, Floats]
) -> tuple[Contour, Rhythm, Density, Register, str | None, Role | None]:
    velocity = loudness(notes)
    if velocity is None:
        velocity = written_loudness(levels, float(edges[0]), float(edges[-1]))
    tune = melody if len(melody) else notes
    pitched = tune.pitched
    mean = float(np.average(pitched.pitch, weights=pitched.length)) if len(pitched) else 60.0
    pace = len(notes) / max(len(edges) - 1, 1)
    density = "sparse" if pace < _SPARSE else "dense" if pace >= _DENSE else "moderate"
    return (
        contour(pitched), rhythm(tune, edges), density, register_of(mean), dynamic_word(velocity),
        _loudest(notes, parts),
    )  # fmt: skip


def contour(melody: Heard) -> Contour:
    """The shape of a melody, by the means of its thirds."""
    if len(melody) < 2:
        return "level"
    first, last = melody.onset[0], melody.onset[-1]
    third = np.minimum((3 * (melody.onset - first) / max(last - first, 1e-9)).astype(np.int64), 2)
    weight = np.bincount(third, melody.length, minlength=3)
    mean = float(np.average(melody.pitch, weights=melody.length))
    start, middle, end = np.where(
        weight > 0, np.bincount(third, melody.length * melody.pitch, minlength=3) / np.maximum(weight, 1e-9), mean
    )
    if np.sqrt(np.average((melody.pitch - mean) ** 2, weights=melody.length)) < _LEVEL_SEMITONES:
        return "level"
    if middle > max(start, end) + _BEND_SEMITONES:
        return "arch"
    if middle < min(start, end) - _BEND_SEMITONES:
        return "valley"
    slope = end - start
    return "rising" if slope >= 2 * _BEND_SEMITONES else "falling" if slope <= -2 * _BEND_SEMITONES else "wave"


def rhythm(melody: Heard, edges: Floats) -> Rhythm:
    """A word for how a melody moves."""
    beat = float(np.mean(np.diff(edges))) if len(edges) > 1 else 1.0
    span = max(float(edges[-1] - edges[0]), 1e-9)
    until = np.append(melody.onset[1:], edges[-1])
    sounding = float(np.minimum(melody.end, until).sum() - melody.onset.sum()) / span
    pace = len(melody) * beat / span
    step = (until - melody.onset) / beat
    index = np.clip(np.searchsorted(edges, melody.onset + 1e-9, "right") - 1, 0, max(len(edges) - 2, 0))
    place = (melody.onset - edges[index]) / beat
    is_off = (place > 0.1) & (place < 0.9) & (step > 1 - place + 0.1)
    if float(is_off.mean()) >= _OFFBEATS:
        return "syncopated"
    if 1 - sounding >= _RESTS:
        return "fragmented"
    return "sustained" if pace <= _SUSTAINED else "flowing" if pace >= _FLOWING else "even"


def _loudest(notes: Heard, parts: tuple[PartFacts, ...]) -> Role | None:
    means: list[tuple[float, Role]] = []
    for part in parts:
        own = (notes.part == part.part) & (notes.velocity > 0)
        if own.any():
            means.append((float(notes.velocity[own].mean()), part.role))
    means.sort(key=lambda pair: -pair[0])
    return means[0][1] if len(means) > 1 and means[0][0] - means[1][0] >= _LOUDER else None


def _common(keys: list[Key | None]) -> Key | None:
    """The key of most measures."""
    return max(dict.fromkeys(keys), key=keys.count) if keys else None
