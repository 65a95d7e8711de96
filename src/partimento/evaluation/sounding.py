"""How a piece sounds, as far as counting tells: how near it lies to music by people in what melodies, rhythms,
harmonies and forms are made of.

Nothing here knows what is beautiful. Each of `FEATURES` is something that people's music keeps within limits and that
music by models oversteps one way or the other:

- scale, chromatic steps: tonal music spends most of its time in one scale (Krumhansl, Cognitive Foundations of Musical
  Pitch, 1990; `pitch in scale rate` of MuseGAN and MusPy, Dong et al., ISMIR 2020);
- steps, leaps, repeated notes, turns after leaps: melodies move by step, and mostly turn back after a leap (Huron,
  Sweet Anticipation, 2006, ch. 5; Temperley, Music and Probability, 2007, ch. 4);
- consonance, clear harmony, pace of harmony: what sounds together, and whether it makes chords that last;
- returning bars, returning rhythms, likeness of neighbours: music says things again, and says others between (Foote,
  ACM Multimedia 1999; the structure indicators of Wu and Yang, Jazz Transformer, ISMIR 2020);
- density, its variation, fullness, variety of durations and pitches (pitch-class entropy and groove of the same paper).

A feature is turned into the distance of its value from the median of music by people, in units of half the span between
their 10th and 90th percentile, on either side; music is compared with music of as many voices. The score is minus the
weighted sum of the distances. Reference values and weights come from training pieces of the starter model's corpus and
pieces that the model wrote to the same plans (benchmarks/sounding); no weight is 0 or less, so that nearer to people is
never worse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from partimento.analysis.chords import TONES, chord_path
from partimento.analysis.form import similarity
from partimento.analysis.heard import Floats, Heard, bar_lines, beats_of, chroma_of, heard
from partimento.analysis.key import estimate_key
from partimento.analysis.parts import covered
from partimento.evaluation.sounding_weights import QUANTILES, WEIGHTS
from partimento.score import Score

_CONSONANT = np.isin(np.arange(12), (0, 3, 4, 5, 7, 8, 9))
"""Intervals between two voices, in semitones modulo 12; the fourth counts as one, as it does between upper voices."""
_NARROWEST, _FARTHEST = 0.02, 4.0
"""Limits of half a span, and of a distance."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """What the features look at."""

    score: Score
    notes: Heard
    """Pitched ones."""
    lines: Floats
    """Barlines in quarters."""
    melodies: tuple[Heard, ...]
    """The highest notes of each part, one at a time."""
    steps: Floats
    """Semitones from each melody note to the next."""


def features(score: Score) -> Floats:
    """The values of `FEATURES`, NaN where a piece has nothing to count, shape (features,)."""
    piece = _piece(score)
    with np.errstate(all="ignore"):
        return np.array([feature(piece) for feature in FEATURES.values()], np.float64)


def _piece(score: Score) -> _Piece:
    notes = heard(score).pitched
    melodies = tuple(_top(notes.where(notes.part == part)) for part in np.unique(notes.part).tolist())
    steps = np.concatenate([np.empty(0), *(np.diff(melody.pitch) for melody in melodies)])
    return _Piece(score, notes, bar_lines(score), melodies, steps.astype(np.float64))


def _top(notes: Heard) -> Heard:
    """The highest note of each stroke."""
    order = np.lexsort((-notes.pitch, notes.onset))
    first = np.diff(notes.onset[order], prepend=-1.0) > 1e-6
    return notes.where(order[first])


# Melody


def _share(flags: np.ndarray) -> float:
    return float(flags.mean()) if len(flags) else float("nan")


def _in_scale(piece: _Piece) -> float:
    if not len(piece.notes):
        return float("nan")
    scale = list(estimate_key(piece.score)[0].pitch_classes)
    return float(piece.notes.length[np.isin(piece.notes.pitch % 12, scale)].sum() / piece.notes.length.sum())


def _steps(piece: _Piece) -> float:
    moves = np.abs(piece.steps[piece.steps != 0])
    return _share(moves <= 2)


def _leaps(piece: _Piece) -> float:
    return _share(np.abs(piece.steps) > 7)


def _repeated(piece: _Piece) -> float:
    return _share(piece.steps == 0)


def _chromatic(piece: _Piece) -> float:
    return _share(np.abs(piece.steps[piece.steps != 0]) == 1)


def _turns(piece: _Piece) -> float:
    """How often a melody turns, of all places where it goes on after a move."""
    turned = [np.diff(np.sign(steps[steps != 0])) != 0 for steps in (np.diff(m.pitch) for m in piece.melodies)]
    return _share(np.concatenate([np.empty(0, bool), *turned]))


def _turns_after_leaps(piece: _Piece) -> float:
    pairs = [(s[:-1], s[1:]) for m in piece.melodies if len(s := np.diff(m.pitch)) > 1]
    back = [(after * before < 0)[np.abs(before) >= 5] for before, after in pairs]
    return _share(np.concatenate([np.empty(0, bool), *back]))


def _range(piece: _Piece) -> float:
    """Semitones between the 5th and the 95th percentile of a melody, on average."""
    return float(np.mean([np.ptp(np.quantile(m.pitch, (0.05, 0.95))) for m in piece.melodies] or [np.nan]))


# Harmony


def _consonance(piece: _Piece) -> float:
    """Share of the time of pairs of notes that sound together in which they are consonant."""
    notes = piece.notes
    if len(notes) < 2:
        return float("nan")
    edges = np.unique(np.r_[notes.onset, notes.end])
    chroma, _ = chroma_of(notes, edges)
    sounds = (chroma > 1e-9).astype(np.float64)
    pairs = np.array([(sounds * np.roll(sounds, -k, axis=1)).sum(axis=1) for k in range(1, 12)])
    weight = pairs @ np.diff(edges)
    total = float(weight.sum())
    return float(weight[_CONSONANT[1:]].sum()) / total if total else float("nan")


def _chord_tones(piece: _Piece) -> float:
    """Share of the sounding time on tones of the chords that are heard: how clear the harmony is."""
    beats = beats_of(piece.score)
    if not len(beats) or not len(piece.notes):
        return float("nan")
    path = chord_path(piece.notes, beats, "beat")
    chroma, _ = chroma_of(piece.notes, beats.edges)
    return float((chroma * TONES[path] * (path >= 0)[:, None]).sum() / max(chroma[path >= 0].sum(), 1e-9))


def _chord_changes(piece: _Piece) -> float:
    """Changes of chord per beat."""
    beats = beats_of(piece.score)
    if len(beats) < 2 or not len(piece.notes):
        return float("nan")
    path = chord_path(piece.notes, beats, "beat")
    return _share(np.diff(path) != 0)


def _pitch_entropy(piece: _Piece) -> float:
    """Of pitch classes, in bits."""
    return _entropy(np.bincount(piece.notes.pitch % 12, piece.notes.length, minlength=12).astype(np.float64))


# Rhythm and form


def _duration_entropy(piece: _Piece) -> float:
    twelfths = np.clip(np.rint(12 * piece.notes.length), 1, 60).astype(np.int64)
    return _entropy(np.bincount(twelfths).astype(np.float64))


def _entropy(weights: Floats) -> float:
    share = weights[weights > 0] / max(weights.sum(), 1e-9)
    return float(-(share * np.log2(share)).sum()) if len(share) else float("nan")


def _alike(piece: _Piece) -> Floats:
    """How alike bars are, the diagonal left out, shape (bars, bars − 1)."""
    bars = len(piece.lines) - 1
    if bars < 4:
        return np.empty((0, 0))
    alike = similarity(piece.notes, piece.lines)
    return alike[~np.eye(bars, dtype=bool)].reshape(bars, bars - 1)


def _returns(piece: _Piece) -> float:
    """How alike a bar is to the other bar that is most like it, on average."""
    alike = _alike(piece)
    return float(alike.max(axis=1).mean()) if alike.size else float("nan")


def _likeness(piece: _Piece) -> float:
    alike = _alike(piece)
    return float(alike.mean()) if alike.size else float("nan")


def _same_rhythms(piece: _Piece) -> float:
    """How often two bars of a part have the same rhythm."""
    shares = [_same(_rhythms(melody, piece.lines)) for melody in piece.melodies]
    return float(np.nanmean(shares)) if shares and not np.isnan(shares).all() else float("nan")


def _same(rhythms: list[bytes]) -> float:
    bars = len(rhythms)
    counts = np.unique(np.array(rhythms, object).astype(str), return_counts=True)[1] if bars else np.empty(0)
    return float((counts * (counts - 1)).sum() / (bars * (bars - 1))) if bars > 1 else float("nan")


def _rhythms(notes: Heard, lines: Floats) -> list[bytes]:
    """Where the notes of each bar that has any are struck, in twelfths of quarters."""
    bar = np.searchsorted(lines, notes.onset + 1e-6, "right") - 1
    place = np.rint(12 * (notes.onset - lines[np.clip(bar, 0, len(lines) - 1)])).astype(np.int16)
    return [place[bar == k].tobytes().hex().encode() for k in np.unique(bar).tolist()] if len(lines) else []


def _density(piece: _Piece) -> float:
    """Strokes of a part per quarter, in doublings."""
    length = float(piece.lines[-1]) if len(piece.lines) else 0.0
    strokes = sum(len(melody) for melody in piece.melodies) / max(len(piece.melodies), 1)
    return float(np.log2(strokes / length)) if strokes and length else float("nan")


def _density_spread(piece: _Piece) -> float:
    """Standard deviation of the strokes in a bar of a part, against their mean."""
    if len(piece.lines) < 5:
        return float("nan")
    counts = [np.histogram(melody.onset + 1e-6, piece.lines)[0] for melody in piece.melodies]
    return float(np.mean([c.std() / c.mean() for c in counts if c.mean()] or [np.nan]))


def _on_beats(piece: _Piece) -> float:
    """Share of the strokes that fall on a beat."""
    edges = beats_of(piece.score).edges
    onset = np.concatenate([np.empty(0), *(melody.onset for melody in piece.melodies)])
    near = edges[np.clip(np.searchsorted(edges, onset - 1e-3), 0, len(edges) - 1)]
    return _share(np.abs(near - onset) < 1e-2)


def _fullness(piece: _Piece) -> float:
    """Share of the time for which a part sounds."""
    length = float(piece.lines[-1]) if len(piece.lines) else 0.0
    parts = [piece.notes.where(piece.notes.part == part) for part in np.unique(piece.notes.part).tolist()]
    return (
        float(np.mean([covered(part.onset, part.end) / length for part in parts])) if parts and length else float("nan")
    )


FEATURES: dict[str, Callable[[_Piece], float]] = {
    "time in scale": _in_scale, "steps": _steps, "leaps": _leaps, "repeated notes": _repeated, "semitones": _chromatic,
    "turns": _turns, "turns after leaps": _turns_after_leaps, "range": _range, "consonance": _consonance,
    "chord tones": _chord_tones, "chord changes": _chord_changes, "variety of pitches": _pitch_entropy,
    "variety of durations": _duration_entropy, "bars that return": _returns, "likeness of bars": _likeness,
    "same rhythms": _same_rhythms, "density": _density, "change of density": _density_spread, "on the beat": _on_beats,
    "fullness": _fullness,
}  # fmt: skip
"""What is counted, by name."""


# The score


@dataclass(frozen=True, slots=True)
class Sound:
    """How near a piece lies to music by people."""

    score: float
    """Minus the weighted sum of the distances; people's pieces have −3.9 to −1.6; 0 is the median in all."""
    distances: tuple[float, ...]
    """Weighted distance of each of `FEATURES` from the median of music by people."""

    def oddest(self, most: int = 3) -> list[str]:
        """The features that lie farthest from music by people."""
        order = sorted(range(len(self.distances)), key=lambda k: -self.distances[k])
        return [name for k in order[:most] if self.distances[k] > 0 for name in [list(FEATURES)[k]]]


def sound_of(score: Score) -> Sound:
    """How near a piece lies to music by people with as many voices."""
    weighted = np.array(WEIGHTS) * distances(features(score), voices(score))
    return Sound(-float(weighted.sum()), tuple(weighted.tolist()))


def voices(score: Score) -> int:
    """Which music it is compared with: a line alone (0), one or two or three parts (1), more (2)."""
    notes = heard(score).pitched
    parts = len(np.unique(notes.part))
    return 0 if parts == 1 and len(_top(notes)) == len(notes) else 1 if parts <= 3 else 2


def distances(values: Floats, group: int) -> Floats:
    """From the median of music by people, in halves of the span that eight tenths of it fill; 0 where nothing is.

    Args:
        values: of `FEATURES`, shape (features,).
        group: as `voices` has it.
    """
    low, middle, high = (np.array(row) for row in QUANTILES[group])
    below, above = np.maximum(middle - low, _NARROWEST), np.maximum(high - middle, _NARROWEST)
    away = np.where(values < middle, (middle - values) / below, (values - middle) / above)
    return np.minimum(np.nan_to_num(away), _FARTHEST)
