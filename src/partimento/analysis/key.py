"""The key of a piece from its notes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partimento.score import Score
from partimento.theory.key import Key
from partimento.theory.pitch import pitch_class

# Relative weight of each degree, in semitones above the tonic: Temperley's revision of the Krumhansl-Kessler
# profiles (The Cognition of Basic Musical Structures, 2001, p. 180).
_MAJOR_PROFILE = np.array([5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0])
_MINOR_PROFILE = np.array([5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0])
_FINAL_WEIGHT = 0.15


def pitch_class_durations(score: Score) -> NDArray[np.float64]:
    """Sounding duration of each pitch class in quarters, drums excluded, shape (12,)."""
    notes = score.sounding().notes
    pitched = ~np.array([part.is_drums for part in score.parts], bool)[notes["part"]]
    durations = notes["duration_tick"][pitched] / score.ticks_per_quarter
    return np.bincount(notes["pitch"][pitched] % 12, durations, minlength=12).astype(np.float64)


def estimate_key(score: Score, fifths: int | None = None) -> tuple[Key, float]:
    """Major or minor key whose profile correlates best with the notes (Krumhansl and Schmuckler).

    The lowest note at the end counts as a sign of the tonic.

    Args:
        score: any score; without pitched notes the answer is C major.
        fifths: a signature to choose within, so that only its major and its minor are weighed.

    Returns:
        The key, and by how much its correlation exceeds the second best.
    """
    durations = pitch_class_durations(score)
    candidates = [
        Key(f, mode) for f in ([fifths] if fifths is not None else range(-5, 7)) for mode in ("major", "minor")
    ]
    if not durations.any():
        return Key(fifths or 0), 0.0
    final = _final_pitch_class(score)
    scores = [_correlation(durations, key) + _FINAL_WEIGHT * (pitch_class(key.tonic) == final) for key in candidates]
    best, second = np.argsort(scores)[::-1][:2]
    return candidates[best], float(scores[best] - scores[second])


def _correlation(durations: NDArray[np.float64], key: Key) -> float:
    profile = _MINOR_PROFILE if key.mode == "minor" else _MAJOR_PROFILE
    rotated = np.roll(profile, pitch_class(key.tonic))
    if np.ptp(durations) == 0:
        return 0.0
    return float(np.corrcoef(durations, rotated)[0, 1])


def _final_pitch_class(score: Score) -> int:
    notes = score.notes
    pitched = notes[~np.array([part.is_drums for part in score.parts], bool)[notes["part"]]]
    last = pitched[pitched["onset_tick"] == pitched["onset_tick"].max()]
    return int(last["pitch"].min()) % 12
