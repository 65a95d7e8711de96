"""What the parts do: which sing, which carry, which accompany."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from partimento.analysis.facts import PartFacts, Role
from partimento.analysis.heard import Beats, Floats, Heard, Ints
from partimento.score import Score
from partimento.theory.instrument import DRUMS

_BASS_PROGRAMS = (*range(32, 40), 43, 58)
_BASS_TOP = 55.0
"""Parts that lie higher on average are no bass, however low the others leave them."""
MELODIC = np.array([3.2, 2.5, 1.2, 0.8, -3.0, 0.7])
"""How much each of `melody_features` speaks for a melody (benchmarks/analysis/fit.py roles)."""
_SINGLE = 1.25
"""A part of this polyphony or less is one voice."""
_MOST_TOGETHER = 0.7
"""A part that strikes together with the melody more often only accompanies it."""
_CLAIM = 32
"""How many strokes a held note is followed through."""


@dataclass(frozen=True, slots=True)
class PartStates:
    """Measures of the parts that play, a row each, in score order."""

    part: Ints
    program: Ints
    is_drum: np.ndarray
    played: Floats
    """Quarters in which it sounds."""
    polyphony: Floats
    mean_pitch: Floats
    lowest: Ints
    highest: Ints
    onsets: Ints
    """Strokes: notes that begin together count once."""
    on_top: Floats
    """Share of its strokes above which nothing else is struck or held, 0 to 1."""
    strokes: tuple[Floats, ...]
    """Where each part strikes, in quarters."""


def covered(onset: Floats, end: Floats) -> float:
    """Quarters in which anything sounds; notes sorted by onset."""
    if not len(onset):
        return 0.0
    before = np.r_[onset[0], np.maximum.accumulate(end)[:-1]]
    return float(np.maximum(end - np.maximum(onset, before), 0).sum())


def measured(score: Score, notes: Heard) -> PartStates:
    """The measures of the parts."""
    part = np.unique(notes.part)
    top = _on_top(notes)
    rows = [(own := notes.part == k, notes.where(own), top[own]) for k in part.tolist()]
    played = np.array([covered(own.onset, own.end) for _, own, _ in rows])
    strokes = [np.unique(own.onset, return_index=True)[1] for _, own, _ in rows]
    return PartStates(
        part=part,
        program=np.array([_program(score, k) for k in part.tolist()], np.int64),
        is_drum=np.array([score.parts[k].is_drums for k in part.tolist()], bool),
        played=played,
        polyphony=np.array([own.length.sum() for _, own, _ in rows]) / np.maximum(played, 1e-9),
        mean_pitch=np.array([np.average(own.pitch, weights=own.length) for _, own, _ in rows]),
        lowest=np.array([own.pitch.min() for _, own, _ in rows], np.int64),
        highest=np.array([own.pitch.max() for _, own, _ in rows], np.int64),
        onsets=np.array([len(first) for first in strokes], np.int64),
        on_top=np.array([t.sum() / len(first) for (_, _, t), first in zip(rows, strokes, strict=True)]),
        strokes=tuple(own.onset[first] for (_, own, _), first in zip(rows, strokes, strict=True)),
    )


def _program(score: Score, part: int) -> int:
    return DRUMS if score.parts[part].is_drums else score.parts[part].program


def _on_top(notes: Heard) -> np.ndarray:
    """Whether nothing pitched that sounds at a note's onset lies above it; drums never do."""
    order = np.flatnonzero(~notes.is_drum)
    result = np.zeros(len(notes), bool)
    if not len(order):
        return result
    own = notes.where(~notes.is_drum)
    times, at = np.unique(own.onset, return_inverse=True)
    highest = np.zeros(len(times), np.int64)
    until = np.clip(np.searchsorted(times, own.end, "left"), at + 1, None)
    span = np.minimum(until - at, _CLAIM)
    rows = np.repeat(np.arange(len(own)), span)
    place = np.repeat(at, span) + np.arange(len(rows)) - np.repeat(np.cumsum(span) - span, span)
    np.maximum.at(highest, place, own.pitch[rows])
    result[order] = own.pitch >= highest[at]
    return result


def part_facts(states: PartStates, beats: Beats, total: float) -> tuple[PartFacts, ...]:
    """Facts of the parts; `total` is the time in which anything sounds, in quarters."""
    names = roles(states)
    beat = float(np.median(np.diff(beats.edges))) if len(beats) else None
    rows = zip(
        states.part.tolist(), states.program.tolist(), names, states.played.tolist(), states.lowest.tolist(),
        states.highest.tolist(), states.mean_pitch.tolist(), states.onsets.tolist(), states.polyphony.tolist(),
        strict=True,
    )  # fmt: skip
    return tuple(
        PartFacts(
            part, program, role, _rounded(played / total), low, high, _rounded(mean, 1),
            beat and _rounded(onsets * beat / played, 2), _rounded(polyphony, 2),
        )
        for part, program, role, played, low, high, mean, onsets, polyphony in rows
    )  # fmt: skip


def _rounded(value: float, digits: int = 3) -> float:
    return round(min(value, 1.0) if digits == 3 else value, digits)


def roles(states: PartStates) -> list[Role]:
    """What each part does.

    The bass is the lowest part of one voice, the melody the one that `melody_features` speak for most;
    of the others, those in one voice that move as much as the melody, and not with it, are countermelodies.
    """
    found: list[Role] = ["drums" if drum else "accompaniment" for drum in states.is_drum.tolist()]
    pitched = np.flatnonzero(~states.is_drum)
    if not len(pitched):
        return found
    bass = _bass(states, pitched)
    rest = [k for k in pitched.tolist() if k != bass]
    melodic = melody_features(states) @ MELODIC
    melody = max(rest, key=lambda k: (melodic[k], -k)) if rest else int(pitched[0])
    for k in rest:
        if _sings(states, k, melody):
            found[k] = "countermelody"
    if bass is not None:
        found[bass] = "bass"
    found[melody] = "melody"
    return found


def _bass(states: PartStates, pitched: Ints) -> int | None:
    """The part that is the bass, None if there is none or it is alone."""
    if len(pitched) < 2:
        return None
    by_program = [k for k in pitched.tolist() if states.program[k] in _BASS_PROGRAMS]
    lowest = min(by_program or pitched.tolist(), key=lambda k: states.mean_pitch[k])
    is_single = states.polyphony[lowest] <= _SINGLE
    return int(lowest) if by_program or (is_single and states.mean_pitch[lowest] < _BASS_TOP) else None


def melody_features(states: PartStates) -> Floats:
    """What tells a melody, shape (parts, 6): how much it is on top, is one voice, plays, moves, keeps to its range."""
    pace = states.onsets / np.maximum(states.played, 1e-9)
    return np.stack([
        states.on_top,
        np.maximum(0, 1 - (states.polyphony - 1) / 1.5),
        np.minimum(states.played / max(states.played.max(), 1e-9), 0.8),
        np.log2(pace + 0.05),
        np.minimum((states.highest - states.lowest) / 24, 2),
        np.sqrt(states.onsets / states.onsets.sum()),
    ], axis=1)  # fmt: skip


def _sings(states: PartStates, k: int, melody: int) -> bool:
    if k == melody or states.polyphony[k] > _SINGLE:
        return False
    pace, model = (states.onsets[x] / max(states.played[x], 1e-9) for x in (k, melody))
    moves_alike = states.played[k] >= 0.25 * states.played[melody] and 0.6 * model <= pace <= 1.7 * model
    together = float(np.isin(states.strokes[k], states.strokes[melody]).mean())
    return bool(moves_alike and together <= _MOST_TOGETHER)
