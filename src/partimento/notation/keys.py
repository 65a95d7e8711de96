"""Key signatures from the notes, with changes where the music settles in another key.

Pitch classes are weighed by a profile as in Krumhansl and Schmuckler (Krumhansl 1990, "Cognitive foundations of
musical pitch"), the whole piece, its opening and its end by one each; changes are found by Viterbi over the bars
(Temperley 2007, "Music and probability", ch. 6). The profiles are fitted to the signatures that 1,530 scores
(OpenScore Lieder and string quartets, Bach chorales) have in print, by multinomial logistic regression.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from partimento.score import KEY, Records, Score
from partimento.theory.key import Key

Floats = NDArray[np.float64]

# Rows are semitones above the tonic of the signature's major key.
_WHOLE = np.array([2.4, -3.8, 2.1, -4.1, 5.3, 2.2, -5.7, 5.4, -2.6, 3.6, -6.7, 1.7])
_OPENING = np.array([4.9, -5.2, 2.2, -3.9, 6.4, 2.1, -5.7, 4.3, -1.1, 3.7, -7.9, 0.3])
_CLOSE = np.array([4.0, -2.2, -0.2, -2.9, 4.1, 1.3, -5.3, 2.3, 0.3, 4.6, -4.6, -1.4])
_LAST_BASS = np.array([1.0, 0.0, -0.2, -0.24, -0.15, -1.08, -0.4, 0.51, 0.32, 0.33, 0.42, -0.47])
_FIRST_BASS = np.array([0.52, 0.13, 0.24, -0.25, 0.15, -0.64, 0.27, 0.11, 0.32, 0.29, -0.71, -0.45])
_EDGE_BARS = 8
"""What counts as opening and end."""
_BAR_WEIGHT, _HOME_WEIGHT, _CHANGE_COST = 0.3, 3.0, 10.0
_FAR_FIFTHS = 2
_LONGEST_QUARTER = 2.0
"""Longer notes weigh no more than this."""

_SIGNATURES = np.arange(-6, 6)
_TONICS = 7 * _SIGNATURES % 12
_DEGREES = (_TONICS[:, None] + np.arange(12)) % 12
"""Pitch class of each degree in each signature, shape (12, 12)."""
# Temperley's revision of the Krumhansl-Kessler profiles (The Cognition of Basic Musical Structures, 2001, p. 180).
_MAJOR = np.array([5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0])
_MINOR = np.array([5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0])
_FINAL_WEIGHT = 2.0
_RELATIVE_MINOR = 9


def estimate_keys(score: Score) -> Records:
    """KEY records for the whole score (part -1), the first at tick 0; empty if nothing is pitched.

    Raises:
        NeedsBeats: the score has no measures.
    """
    notes = _pitched(score)
    if not len(notes):
        return np.empty(0, KEY)
    weights = np.minimum(notes["duration_tick"] / score.ticks_per_quarter, _LONGEST_QUARTER)
    bars = np.zeros((len(score.measures), 12))
    np.add.at(bars, (score.measure_at(notes["onset_tick"]), notes["pitch"] % 12), weights)
    home = _home(bars, _bass(notes, notes["onset_tick"].min()), _bass(notes, notes["onset_tick"].max()))
    path = _path(_BAR_WEIGHT * _share(bars)[:, _DEGREES] @ _WHOLE, _HOME_WEIGHT * home)
    starts = np.flatnonzero(np.diff(path, prepend=-1))
    rows: list[tuple[int, int, int, int]] = []
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(bars)], strict=True):
        fifths = _nearest(int(_SIGNATURES[path[start]]), rows[-1][2] if rows else None)
        tick = int(score.measures["onset_tick"][start])
        rows.append((tick if rows else 0, -1, fifths, _mode(score, notes, bars, start, stop, fifths)))
    return np.array(rows, KEY)


def with_keys(score: Score) -> Score:
    """The score with estimated keys if it states none.

    C major for a whole piece is what sequencers state when nobody said anything: where the notes are two signatures
    away or farther, it counts for nothing.
    """
    is_default = len(score.keys) == 1 and score.keys[["onset_tick", "fifths"]][0].item() == (0, 0)
    if len(score.keys) and not is_default:
        return score
    keys = estimate_keys(score)
    is_far = len(keys) > 0 and abs(int(keys["fifths"][0])) >= _FAR_FIFTHS
    return replace(score, keys=keys) if is_far or not is_default else score


def _pitched(score: Score) -> Records:
    notes = score.sounding().notes
    is_drum = np.array([part.is_drums for part in score.parts], bool)[notes["part"]]
    return notes[~is_drum & (notes["grace"] == 0)]


def _bass(notes: Records, tick: int) -> int:
    """Pitch class of the lowest note that sounds at a tick, or ends there."""
    sounding = (notes["onset_tick"] <= tick) & (notes["onset_tick"] + notes["duration_tick"] >= tick)
    return int(notes["pitch"][sounding].min()) % 12


def _share(weights: Floats) -> Floats:
    return weights / np.maximum(weights.sum(axis=-1, keepdims=True), 1e-9)


def _home(bars: Floats, first_bass: int, last_bass: int) -> Floats:
    """Log odds of each signature for the piece as a whole, shape (12,)."""
    spans = ((bars, _WHOLE), (bars[:_EDGE_BARS], _OPENING), (bars[-_EDGE_BARS:], _CLOSE))
    odds = sum((_share(span.sum(axis=0))[_DEGREES] @ profile for span, profile in spans), np.zeros(12))
    return odds + _LAST_BASS[(last_bass - _TONICS) % 12] + _FIRST_BASS[(first_bass - _TONICS) % 12]


def _path(odds: Floats, home: Floats) -> NDArray[np.int64]:
    """The likeliest signature of each bar; pieces begin and end at home."""
    total, back = odds[0] + home, np.zeros(odds.shape, np.int64)
    for bar in range(1, len(odds)):
        changed = total.max() - _CHANGE_COST
        back[bar] = np.where(total >= changed, np.arange(12), total.argmax())
        total = np.maximum(total, changed) + odds[bar]
    path = np.zeros(len(odds), np.int64)
    path[-1] = (total + home).argmax()
    for bar in range(len(odds) - 1, 0, -1):
        path[bar - 1] = back[bar, path[bar]]
    return path


def _nearest(fifths: int, before: int | None) -> int:
    """Of G flat and F sharp major and their like the one nearer to the key before."""
    if before is None:
        return fifths
    usable = [f for f in (fifths - 12, fifths, fifths + 12) if -7 <= f <= 7]
    return min(usable, key=lambda f: abs(f - before))


def _mode(score: Score, notes: Records, bars: Floats, start: int, stop: int, fifths: int) -> int:
    """Id of major or minor: profile of the bars, and the bass with which they end."""
    tonic = 7 * fifths % 12
    share = _share(bars[start:stop].sum(axis=0))
    end = score.measures["onset_tick"][stop - 1] + score.measures["duration_tick"][stop - 1]
    inside = notes["onset_tick"][notes["onset_tick"] < end]
    bass = (_bass(notes, inside.max() if len(inside) else 0) - tonic) % 12
    rolled = np.roll(share, -tonic)
    major = rolled @ _MAJOR + _FINAL_WEIGHT * (bass == 0)
    minor = np.roll(rolled, -_RELATIVE_MINOR) @ _MINOR + _FINAL_WEIGHT * (bass == _RELATIVE_MINOR)
    return Key(fifths, "minor" if minor > major else "major").mode_id
