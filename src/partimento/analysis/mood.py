"""The mood of a piece on two axes: how happy (valence), how excited (arousal).

The plane is Russell's circumplex ("A circumplex model of affect", Journal of Personality and Social Psychology 39,
1980). Which way each feature pulls is what Gabrielsson and Lindström ("The role of structure in the musical expression
of emotions", in Juslin and Sloboda, Handbook of Music and Emotion, 2010) and Livingstone et al. ("Changing musical
emotion", Computer Music Journal 34:1, 2010) find in agreement: major, fast, high and staccato music is heard as
happier; fast, loud, dense, staccato and high music as more excited. How strongly is set by hand, mode first for
valence and tempo with loudness first for arousal (as in Eerola, Friberg and Bresin, "Emotional expression in music",
Frontiers in Psychology 4, 2013); no listeners were asked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_MIDDLE_BPM, _MIDDLE_STROKES, _MIDDLE_PITCH, _MIDDLE_VELOCITY = 110.0, 3.5, 62.0, 76.0
"""Medians of nine kinds of music: what lies there is neither happy nor sad, calm nor excited by it."""
_VALENCE = {"mode": 0.55, "tempo": 0.25, "register": 0.12, "short": 0.12}
_AROUSAL = {"tempo": 0.4, "strokes": 0.4, "loudness": 0.35, "register": 0.08, "short": 0.15, "mode": -0.05}
_SECTORS = ("happy", "excited", "energetic", "tense", "sad", "melancholic", "calm", "serene")
"""Moods around the circle, each an eighth of it, against the clock from pure valence."""
_CALM_RADIUS = 0.12
"""Nearer to the middle than this, the mood is neutral."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What mood is judged by; None where it is not known."""

    majorness: float
    """From surely minor (−1) to surely major (1)."""
    tempo_bpm: float | None
    strokes: float
    """Places where anything is struck, per second."""
    mean_pitch: float | None
    velocity: float | None
    shortness: float
    """Share of notes that are cut short, 0 to 1."""


def mood_of(signs: Signs) -> tuple[float, float, str]:
    """Valence and arousal, each −1 to 1, and a word."""
    features = {
        "mode": signs.majorness,
        "tempo": _octaves(signs.tempo_bpm, _MIDDLE_BPM),
        "strokes": _octaves(signs.strokes, _MIDDLE_STROKES),
        "loudness": 0.0 if signs.velocity is None else (signs.velocity - _MIDDLE_VELOCITY) / 30,
        "register": 0.0 if signs.mean_pitch is None else (signs.mean_pitch - _MIDDLE_PITCH) / 12,
        "short": signs.shortness,
    }
    valence, arousal = (
        math.tanh(sum(weight * features[name] for name, weight in weights.items())) for weights in (_VALENCE, _AROUSAL)
    )
    return round(valence, 3), round(arousal, 3), mood_word(valence, arousal)


def _octaves(value: float | None, middle: float) -> float:
    """How many doublings a value lies above the middle, at most two."""
    return 0.0 if not value else max(-2.0, min(2.0, math.log2(value / middle)))


def mood_word(valence: float, arousal: float) -> str:
    """The word of a place on the plane."""
    if math.hypot(valence, arousal) < _CALM_RADIUS:
        return "neutral"
    sector = round(math.atan2(arousal, valence) / (math.pi / 4)) % 8
    return _SECTORS[sector]
