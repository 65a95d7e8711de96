"""How the voices go together, and how the sound is spread: texture, register, dynamics, articulation, swing."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from partimento.analysis.facts import PartFacts, Register, Texture
from partimento.analysis.heard import Beats, Floats, Heard
from partimento.analysis.parts import covered
from partimento.score import Score

_ALONE = 1.08
"""Notes at once up to which music is monophonic."""
_TOGETHER, _TOGETHER_IN_LINES, _TOGETHER_THOUGH_ACCOMPANIED = 0.62, 0.45, 0.8
"""Share of what sounds together that also begins together, from which on music is homophonic: as a rule, where every
part is of one voice, and where one of them sings to chords in another."""
_LOW, _HIGH = 55.0, 72.0
"""Mean MIDI numbers below and from which music lies low and high."""
LEVELS = {"ppp": 16, "pp": 33, "p": 49, "mp": 64, "mf": 80, "f": 96, "ff": 112, "fff": 126}
"""Dynamic ▶ MIDI velocity, as MuseScore plays it."""
_SAME_VELOCITY = 2
"""Velocities that spread less say nothing: a sequencer's default."""
_MARKS = {
    "staccato": ("staccato", "staccatissimo", "spiccato"), "accented": ("accent", "strong-accent"),
    "tenuto": ("tenuto",),
    "ornamented": ("trill-mark", "turn", "inverted-turn", "mordent", "inverted-mordent", "shake"),
}  # fmt: skip
_FREQUENT = {"staccato": 0.12, "accented": 0.08, "tenuto": 0.1, "ornamented": 0.03}
"""Share of notes from which on a mark is worth a word."""
_SLURRED, _CUT_SHORT, _PIZZICATO = 0.25, 0.6, 45
_SWING = re.compile(r"\b(swing|shuffle|swung)\b", re.IGNORECASE)
_LONG, _NEAR, _FEWEST, _MOST_OTHERS = 2 / 3, 0.06, 16, 0.15


def texture_of(notes: Heard, parts: tuple[PartFacts, ...]) -> Texture | None:
    """How the pitched notes go together; None if there are none.

    One note at a time is monophonic; where most of what sounds together also begins together, the music is homophonic;
    where all parts are of one voice and move on their own it is polyphonic; else a melody is accompanied.
    """
    if not len(notes):
        return None
    polyphony = float(notes.length.sum()) / max(covered(notes.onset, notes.end), 1e-9)
    if polyphony < _ALONE:
        return "monophonic"
    together = (len(notes) / len(np.unique(notes.onset)) - 1) / (polyphony - 1)
    lines = [part for part in parts if part.role != "drums" and part.share >= 0.2]
    has_singer = any(part.role == "melody" and part.polyphony <= 1.3 for part in lines)
    is_accompanied = has_singer and any(part.role == "accompaniment" and part.polyphony > 1.3 for part in lines)
    if together >= (_TOGETHER_THOUGH_ACCOMPANIED if is_accompanied else _TOGETHER):
        return "homophonic"
    if len(lines) > 1 and all(part.polyphony <= 1.3 for part in lines):
        return "homophonic" if together >= _TOGETHER_IN_LINES else "polyphonic"
    return "melody with accompaniment"


def register_of(mean_pitch: float) -> Register:
    """Where music lies."""
    return "low" if mean_pitch < _LOW else "high" if mean_pitch >= _HIGH else "middle"


def loudness(notes: Heard) -> float | None:
    """Mean velocity, weighed by duration; None where the score does not say or all is alike."""
    known = notes.velocity > 0
    if not known.any() or np.ptp(notes.velocity[known]) < _SAME_VELOCITY:
        return None
    return float(np.average(notes.velocity[known], weights=notes.length[known]))


def dynamic_levels(score: Score) -> tuple[Floats, Floats]:
    """Where dynamics stand, in quarters, and the velocity that each asks for."""
    signs = [(d.onset_tick, LEVELS[d.text]) for d in score.directions if d.kind == "dynamics" and d.text in LEVELS]
    columns = np.array(signs, np.float64).reshape(-1, 2).T
    return columns[0] / score.ticks_per_quarter, columns[1]


def written_loudness(levels: tuple[Floats, Floats], first: float, last: float) -> float | None:
    """Mean level of the dynamics in force between two places in quarters, None without any."""
    at, level = levels
    start, stop = int(np.searchsorted(at, first, "right")), int(np.searchsorted(at, last, "left"))
    found = level[max(start - 1, 0) : max(stop, start)]
    return float(found.mean()) if len(found) else None


def dynamic_word(velocity: float | None) -> str | None:
    """The dynamic nearest to a velocity."""
    return None if velocity is None else min(LEVELS, key=lambda word: abs(LEVELS[word] - velocity))


def shortness(notes: Heard) -> float:
    """Share of the time from stroke to stroke in a part in which nothing sounds, over its strokes, 0 to 1."""
    gaps: list[np.ndarray] = []
    for part in np.unique(notes.part).tolist():
        own = notes.where(notes.part == part)
        starts, first = np.unique(own.onset, return_index=True)
        longest = np.maximum.reduceat(own.end, first) if len(first) else own.end
        step = np.diff(starts)
        near = step <= 1.0
        gaps.append(np.clip(1 - (longest[:-1] - starts[:-1])[near] / step[near], 0, 1))
    found = np.concatenate(gaps) if gaps else np.empty(0)
    return float(found.mean()) if len(found) else 0.0


def articulations_of(score: Score, notes: Heard, short: float) -> tuple[str, ...]:
    """Words for what is frequent among the marks, slurs and gaps."""
    total = max(len(notes), 1)
    counts = Counter(mark.kind.partition(":")[0] for mark in score.marks)
    found = [word for word, kinds in _MARKS.items() if sum(counts[k] for k in kinds) / total >= _FREQUENT[word]]
    slurs = sum(spanner.kind == "slur" for spanner in score.spanners)
    if 3 * slurs / total >= _SLURRED:
        found.append("legato")
    elif short >= 1 - _CUT_SHORT and "staccato" not in found:
        found.append("staccato")
    if any(part.program == _PIZZICATO for part in score.parts) or any(
        "pizz" in d.text.lower() for d in score.directions
    ):
        found.append("pizzicato")
    return tuple(sorted(found))


def swings(score: Score, notes: Heard, beats: Beats) -> bool:
    """Whether eighths are marked to be swung, or played long and short."""
    if any(_SWING.search(d.text) for d in score.directions if d.kind in ("words", "tempo", "metronome")):
        return True
    if not len(beats) or set(score.meters["beat_type"].tolist()) != {4}:
        return False
    beat = np.clip(np.searchsorted(beats.edges, notes.onset + 1e-9, "right") - 1, 0, len(beats) - 1)
    place = (notes.onset - beats.edges[beat]) / np.maximum(np.diff(beats.edges)[beat], 1e-9)
    long, even, third = (np.unique(beat[np.abs(place - at) < _NEAR]) for at in (_LONG, 1 / 2, 1 / 3))
    return len(long) >= _FEWEST and len(np.union1d(even, third)) <= _MOST_OTHERS * len(long)
