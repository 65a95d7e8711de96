"""Chords from notes.

Each beat is weighed against every chord by what sounds in it and what lies in the bass, with log-linear weights that
are the same for all roots (`chord_weights`); the likeliest path through the beats is found by Viterbi, a change
costing more within a bar than at the barline. The idea is that of Raphael and Stoddard, "Functional harmonic analysis
using probabilistic models", Computer Music Journal 28:3, 2004; the metrical cost that of Temperley 2001, "The cognition
of basic musical structures", ch. 6.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from partimento.analysis.chord_weights import KINDS, WEIGHTS
from partimento.analysis.heard import Beats, Flags, Floats, Heard, Ints, beats_of, chroma_of, heard
from partimento.analysis.key import estimate_key, key_odds
from partimento.errors import NeedsBeats
from partimento.score import ChordEvent, Score
from partimento.theory import chord as theory
from partimento.theory.chord import ChordSymbol
from partimento.theory.key import Key
from partimento.theory.spelling import spell

BARLINE_COST, HALF_COST, BEAT_COST = 0.7, 1.5, 2.5
"""Log odds against a change of chord at a barline, at every second beat, and elsewhere."""
OUTSIDE_COST = 0.8
"""Log odds against a chord for each of its tones outside the scale of the key."""
_SCALES = np.array([
    np.isin((np.arange(12) - tonic) % 12, scale)
    for scale in ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10, 11)) for tonic in range(12)
], np.float64)  # fmt: skip
"""Scales of the major keys and of the minor ones with both sevenths, shape (24, 12)."""
TONES = np.array([
    np.isin(np.arange(12), [(root + tone) % 12 for tone in theory.KINDS[kind][0]])
    for kind in KINDS for root in range(12)
], np.float64)  # fmt: skip
"""Tones of every chord, shape (12 · kinds, 12)."""
_DEGREES = (np.arange(12)[:, None] + np.arange(12)) % 12
"""Pitch class of each degree above each root, shape (roots, 12)."""


def estimate_chords(score: Score, per: Literal["measure", "beat"] = "measure") -> tuple[ChordEvent, ...]:
    """The chords that sound, without repetitions.

    Args:
        score: any score with beats.
        per: how fast chords may change. One to a measure, or with every felt beat.

    Returns:
        A chord wherever it changes; stretches without pitched notes keep the chord before.

    Raises:
        NeedsBeats: the score has no measures.
    """
    beats = beats_of(score)
    if not len(beats):
        raise NeedsBeats("this music has no meter")
    return chord_events(score, beats, chord_path(heard(score).pitched, beats, per))


def chord_path(notes: Heard, beats: Beats, per: Literal["measure", "beat"]) -> Ints:
    """Chord of each beat as 12 · kind + root, −1 before the first note, shape (beats,)."""
    chroma, bass = chroma_of(notes, beats.edges)
    is_silent = chroma.sum(axis=1) <= 0
    odds = chord_odds(chroma, bass)
    odds += _key_odds(notes)
    odds[is_silent] = 0
    if per == "measure":
        odds, group = _by_bar(odds, beats)
        path = odds.argmax(axis=1)[group]
        is_silent = (np.bincount(group, ~is_silent) == 0)[group]
    else:
        path = _viterbi(odds, _costs(beats))
    return _held(path, is_silent)


def chord_odds(chroma: Floats, bass: Ints) -> Floats:
    """Log probability of every chord in every span, shape (spans, 12 · kinds)."""
    by_kind = features(chroma, bass) @ WEIGHTS[:, :-1].T + WEIGHTS[:, -1]
    odds = by_kind.transpose(0, 2, 1).reshape(len(chroma), -1)
    peak = odds.max(axis=1, keepdims=True)
    return odds - peak - np.log(np.exp(odds - peak).sum(axis=1, keepdims=True))


def features(chroma: Floats, bass: Ints) -> Floats:
    """Roots of the shares of the degrees above each root, and which of them is in the bass, shape (spans, 12, 24)."""
    share = np.sqrt(chroma / np.maximum(chroma.sum(axis=1, keepdims=True), 1e-9))
    in_bass = (bass[:, None] == np.arange(12)).astype(np.float64)
    return np.concatenate([share[:, _DEGREES], in_bass[:, _DEGREES]], axis=2)


def _key_odds(notes: Heard) -> Floats:
    """Log odds of every chord by the key of the piece, shape (12 · kinds,): what a tone outside its scale costs."""
    if not len(notes):
        return np.zeros(len(TONES))
    return -OUTSIDE_COST * (TONES @ (1 - np.exp(key_odds(notes)) @ _SCALES))


def _by_bar(odds: Floats, beats: Beats) -> tuple[Floats, Ints]:
    """Log odds summed over each bar, the first beat counting double, and the row of each beat."""
    starts = np.flatnonzero(np.diff(beats.bar, prepend=-1))
    group = np.cumsum(np.diff(beats.bar, prepend=-1) > 0) - 1
    return np.add.reduceat(odds * (1.0 + (beats.place == 0))[:, None], starts, axis=0), group


def _costs(beats: Beats) -> Floats:
    return np.where(beats.place == 0, BARLINE_COST, np.where(beats.place % 2 == 0, HALF_COST, BEAT_COST))


def _viterbi(odds: Floats, costs: Floats) -> Ints:
    """The likeliest chord of each beat, any change costing the same."""
    total, back = odds[0].copy(), np.zeros(odds.shape, np.int16)
    stay = np.arange(odds.shape[1])
    for beat in range(1, len(odds)):
        best = int(total.argmax())
        changed = total[best] - costs[beat]
        back[beat] = np.where(total >= changed, stay, best)
        total = np.maximum(total, changed) + odds[beat]
    path = np.zeros(len(odds), np.int64)
    path[-1] = total.argmax()
    for beat in range(len(odds) - 1, 0, -1):
        path[beat - 1] = back[beat, path[beat]]
    return path


def _held(path: Ints, is_silent: Flags) -> Ints:
    """The path with the chord before held through silence, −1 before the first note."""
    last = np.maximum.accumulate(np.where(is_silent, -1, np.arange(len(path))))
    return np.where(last >= 0, path[last], -1)


def chord_events(score: Score, beats: Beats, path: Ints) -> tuple[ChordEvent, ...]:
    """Chord symbols where the path changes, roots spelled in the key in force."""
    changes = np.flatnonzero(np.diff(path, prepend=-1))
    ticks = np.rint(beats.edges[changes] * score.ticks_per_quarter).astype(np.int64).tolist()
    key = None if len(score.keys) else estimate_key(score)[0]
    return tuple(
        ChordEvent(tick, symbol_of(chord, key or score.key_at(tick) or Key(0)))
        for tick, chord in zip(ticks, path[changes].tolist(), strict=True)
    )


def symbol_of(chord: int, key: Key) -> ChordSymbol:
    """The symbol of 12 · kind + root."""
    kind, root = divmod(chord, 12)
    return ChordSymbol(int(spell(np.array([root]), key.fifths, key.mode == "minor")[0]), KINDS[kind])
