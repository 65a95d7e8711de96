"""The key of a piece from its notes, how sure that is, and where it changes.

Keys are weighed as by Krumhansl and Schmuckler (Krumhansl 1990, "Cognitive foundations of musical pitch"), but with
profiles that were fitted by multinomial logistic regression (`key_weights`): one each for the whole piece, its opening
and its close, and for the basses it begins and ends with. What comes out is a probability, and it is calibrated: see
docs/analysis.md. Changes are found by Viterbi over the bars (Temperley 2007, "Music and probability", ch. 6).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partimento.analysis.heard import Floats, Heard, Ints, bar_lines, chroma_of, heard
from partimento.analysis.key_weights import WEIGHTS, WHOLE
from partimento.score import Score
from partimento.theory.key import MINOR_MODES, Key

LONGEST_QUARTER, EDGE_QUARTER = 2.0, 24.0
"""Longer notes weigh no more than this; what counts as opening and as close."""
BAR_WEIGHT, HOME_WEIGHT, CHANGE_COST = 0.2, 2.0, 7.0
"""How much a bar and the piece as a whole weigh, and log odds against a change of key."""
RELATIVE_COST = 6.0
"""What a change between a key and its relative costs besides: they share their scale, and are easily mistaken."""
LEAST_HOME = -3.0
"""Log probability below which keys are all as far from home: else a last bar at home would be worth a change."""
_ROTATED = (np.arange(12)[:, None] + np.arange(12)) % 12
"""Pitch class of each degree above each tonic, shape (tonics, 12)."""
_MODES = ("major", "minor")
_RELATIVE = {"major": 0, "minor": 9}
"""Tonic above that of the signature's major key."""


def pitch_class_durations(score: Score) -> NDArray[np.float64]:
    """Sounding duration of each pitch class in quarters, drums excluded, shape (12,)."""
    notes = heard(score).pitched
    return np.bincount(notes.pitch % 12, notes.length, minlength=12).astype(np.float64)


def estimate_key(score: Score, fifths: int | None = None) -> tuple[Key, float]:
    """The likeliest major or minor key.

    Args:
        score: any score; without pitched notes the answer is C major.
        fifths: a signature to choose within, so that only its major and its minor are weighed.

    Returns:
        The key, and how likely it is, 0 to 1: of the keys that are heard so clearly, this share is right.
    """
    notes = heard(score).pitched
    if not len(notes):
        return Key(fifths or 0), 0.0
    odds = key_odds(notes)
    if fifths is None:
        best = int(odds.argmax())
        return key_of(best), float(np.exp(odds[best]))
    own = odds[[key_index(Key(fifths, mode)) for mode in _MODES]]
    best = int(own.argmax())
    return Key(fifths, _MODES[best]), float(1 / (1 + np.exp(own[1 - best] - own[best])))


def estimate_keys(score: Score) -> tuple[tuple[int, Key], ...]:
    """The keys that a piece goes through: measure (from 0) and key, the first at measure 0.

    Only keys in which the music settles count; none where nothing is pitched or there are no measures.
    """
    notes, lines = heard(score).pitched, bar_lines(score)
    if not len(notes) or not len(lines):
        return ()
    path = key_path(notes, lines, key_odds(notes))
    changes = np.flatnonzero(np.diff(path, prepend=-1)).tolist()
    return tuple((bar, key_of(int(path[bar]))) for bar in changes)


def key_odds(notes: Heard) -> Floats:
    """Log probability of the 12 major and the 12 minor keys by tonic, shape (24,); `notes` are pitched, not none."""
    odds = (features(notes) @ WEIGHTS[:, :-1].T + WEIGHTS[:, -1]).T.ravel()
    odds = odds - odds.max()
    return odds - np.log(np.exp(odds).sum())


def features(notes: Heard) -> Floats:
    """What each tonic is judged by, shape (12, 72): degrees in the whole, the opening and the close; edges."""
    weight, tone = np.minimum(notes.length, LONGEST_QUARTER), notes.pitch % 12
    first, last = notes.onset.min(), notes.onset.max()
    spans = (np.ones(len(notes), bool), notes.onset < first + EDGE_QUARTER, notes.onset > last - EDGE_QUARTER)
    columns = [_share(np.bincount(tone[span], weight[span], minlength=12).astype(np.float64)) for span in spans]
    at_end = notes.onset == last
    edges = (_bass(notes, first), _bass(notes, last), int(notes.pitch[at_end].max()) % 12)
    columns += [(np.arange(12) == edge).astype(np.float64) for edge in edges]
    return np.concatenate([column[_ROTATED] for column in columns], axis=1)


def _share(weight: Floats) -> Floats:
    return np.sqrt(weight / np.maximum(weight.sum(axis=-1, keepdims=True), 1e-9))


def _bass(notes: Heard, at: float) -> int:
    """Pitch class of the lowest note that sounds at a time."""
    return int(notes.pitch[(notes.onset <= at) & (notes.end > at)].min()) % 12


def key_path(notes: Heard, lines: Floats, home: Floats) -> Ints:
    """Key of each measure, shape (measures,): mode · 12 + tonic.

    Args:
        notes: the pitched notes.
        lines: barlines in quarters, the last one included.
        home: log probability of each key for the piece as a whole, with which it begins and ends, shape (24,).
    """
    chroma, _ = chroma_of(notes, lines)
    home = HOME_WEIGHT * np.maximum(home, LEAST_HOME)
    odds = BAR_WEIGHT * (_share(chroma)[:, _ROTATED] @ WHOLE.T).transpose(0, 2, 1).reshape(len(chroma), -1)
    total, back = odds[0] + home, np.zeros(odds.shape, np.int8)
    costs = _change_costs()
    for bar in range(1, len(odds)):
        moved = total[:, None] - costs
        back[bar] = moved.argmax(axis=0)
        total = moved.max(axis=0) + odds[bar]
    path = np.zeros(len(odds), np.int64)
    path[-1] = (total + home).argmax()
    for bar in range(len(odds) - 1, 0, -1):
        path[bar - 1] = back[bar, path[bar]]
    return path


def _change_costs() -> Floats:
    """From each key to each, shape (24, 24)."""
    mode, tonic = np.divmod(np.arange(24), 12)
    signature = (tonic + 3 * mode) % 12
    costs = CHANGE_COST + RELATIVE_COST * (signature[:, None] == signature)
    np.fill_diagonal(costs, 0)
    return costs


def key_index(key: Key) -> int:
    """mode · 12 + tonic; a key of another mode is that of its tonic with its third."""
    return 12 * (key.mode in MINOR_MODES) + 7 * key.tonic % 12


def key_of(index: int) -> Key:
    """The key of mode · 12 + tonic, from five flats to six sharps."""
    mode = _MODES[index // 12]
    fifths = 7 * (index - _RELATIVE[mode]) % 12
    return Key(fifths if fifths <= 6 else fifths - 12, mode)
