"""Which beats begin a bar: meter and downbeats from harmony, bass, long notes and accents.

Each beat is heard as a downbeat, as the middle of a bar of four or as a weak beat, by multinomial logistic
regression on a few features; the bars that explain the beats best are found by Viterbi, for every meter in turn
(the accents that Temperley, "The cognition of basic musical structures", 2001, lists as preference rules; the search
as in Böck, Krebs and Widmer, 2016, "Joint beat and downbeat tracking with recurrent neural networks").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from partimento.notation.beats.events import Floats, Ints

DOWN, MIDDLE, WEAK = range(3)
_CONTEXT_BEATS = 8
_NO_NOTE = 1e9
WEIGHTS = np.array(
    [
        [0.21, -0.34, 0.39, 0.91, 0.35, 0.05, 1.06],
        [-0.12, -0.10, 0.13, -0.30, -0.16, 0.00, 0.05],
        [-0.09, 0.44, -0.52, -0.61, -0.19, -0.05, -1.11],
    ]
)
"""Evidence in nats for each class (row) by feature (column); see `benchmarks/beats/fit.py`."""
SLIP_COST = 8.0
"""Cost in nats of a bar that is cut short or has a beat too many."""


@dataclass(frozen=True, slots=True)
class BarForm:
    """A meter and how its beats are heard."""

    beats: int
    beat_type: int
    heard: tuple[int, ...]
    """Class of each felt beat."""
    cost: float = 0.0
    """In nats, for the whole piece."""


SIMPLE_FORMS = (
    BarForm(4, 4, (DOWN, WEAK, MIDDLE, WEAK)),
    BarForm(3, 4, (DOWN, WEAK, WEAK)),
    BarForm(2, 4, (DOWN, WEAK), 3.0),
)
COMPOUND_FORMS = (BarForm(6, 8, (DOWN, WEAK)), BarForm(9, 8, (DOWN, WEAK, WEAK), 4.0))


@dataclass(frozen=True, slots=True)
class BeatNotes:
    """Notes by the beat in which they begin; N notes, in no order."""

    beat: Ints
    """Beat from 0, shape (N,)."""
    is_on_beat: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    """Whether it begins with the beat, shape (N,)."""
    length: Floats
    """In beats, shape (N,)."""
    pitch: Ints
    velocity: Floats


def downbeats(notes: BeatNotes, forms: tuple[BarForm, ...]) -> tuple[BarForm, Ints]:
    """The likeliest meter, and the place of each beat in its bar from 0, shape (beats,)."""
    found = [(_viterbi(class_costs(features(notes)), form), form) for form in forms]
    (_, places), form = min(found, key=lambda item: item[0][0])
    return form, places


def features(notes: BeatNotes) -> Floats:
    """What is heard at each beat, relative to the beats around it, shape (beats, 7)."""
    count = int(notes.beat.max()) + 1
    on = notes.is_on_beat
    struck = np.bincount(notes.beat[on], minlength=count).astype(np.float64)
    lowest = _extreme(notes.beat[on], -notes.pitch[on].astype(np.float64), count, -84.0)
    longest = _extreme(notes.beat[on], np.log2(notes.length[on] + 0.1), count, -3.0)
    loudest = _extreme(notes.beat[on], notes.velocity[on] / 16, count, 0.0)
    bass = -_extreme(notes.beat, -notes.pitch.astype(np.float64), count, -127.0)
    bass_moves = np.r_[1.0, np.diff(bass) != 0]
    columns = (np.log1p(struck), -lowest / 12, longest, _novelty(notes, count), bass_moves, loudest, struck == 0)
    return np.stack([_relative(np.asarray(column, np.float64)) for column in columns], axis=1)


def class_costs(x_BF: Floats) -> Floats:
    """What each class costs at each beat, in nats up to a number that is the same for all, shape (beats, 3)."""
    return -x_BF @ WEIGHTS.T


def _extreme(beat: Ints, values: Floats, count: int, nothing: float) -> Floats:
    """Greatest value in each beat."""
    greatest = np.full(count, -_NO_NOTE)
    np.maximum.at(greatest, beat, values)
    return np.where(greatest == -_NO_NOTE, nothing, greatest)


def _novelty(notes: BeatNotes, count: int) -> Floats:
    """How different the pitch classes of two beats are from those of the two before: 1 less their cosine."""
    chroma = np.zeros((count + 4, 12))
    np.add.at(chroma, (notes.beat + 2, notes.pitch % 12), np.clip(notes.length, 0.1, 2.0))
    pairs = chroma[:-1] + chroma[1:]
    before, after = pairs[:count], pairs[2 : count + 2]
    norms = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    return 1 - np.sum(before * after, axis=1) / np.maximum(norms, 1e-9)


def _relative(values: Floats) -> Floats:
    sums = np.r_[0.0, np.cumsum(values)]
    index = np.arange(len(values))
    low, high = np.maximum(index - _CONTEXT_BEATS, 0), np.minimum(index + _CONTEXT_BEATS + 1, len(values))
    return values - (sums[high] - sums[low]) / (high - low)


def _viterbi(cost_BC: Floats, form: BarForm) -> tuple[float, Ints]:
    """Cost and places of the best bars; place `len(heard)` is a beat too many."""
    size = len(form.heard)
    cost_BP = cost_BC[:, [*form.heard, WEAK]]
    step_PP = np.full((size + 1, size + 1), np.inf)
    step_PP[:, 0] = SLIP_COST
    step_PP[[size - 1, size], 0] = 0.0
    step_PP[np.arange(size - 1), np.arange(1, size)] = 0.0
    step_PP[size - 1, size] = SLIP_COST
    total_P = cost_BP[0] + np.r_[0.0, np.full(size, 1.0)]
    total_P[size] = np.inf
    back = np.zeros(cost_BP.shape, np.int64)
    for beat in range(1, len(cost_BP)):
        through_PP = total_P[:, None] + step_PP
        back[beat] = through_PP.argmin(axis=0)
        total_P = through_PP.min(axis=0) + cost_BP[beat]
    places = np.zeros(len(cost_BP), np.int64)
    places[-1] = total_P.argmin()
    for beat in range(len(cost_BP) - 1, 0, -1):
        places[beat - 1] = back[beat, places[beat]]
    return float(total_P.min()) + form.cost, places
