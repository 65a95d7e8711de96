"""Beats of a performance: a hidden Markov model of places within the beat and of tempo, solved by Viterbi.

A stroke stands on one of twelve places of a beat; how likely each place is to be struck makes the metre, and the
tempo wanders. The model is the metrical hidden Markov model of Raphael (2002), "Automated rhythm transcription",
and of Shibata, Nakamura and Yoshii (2021), "Non-local musical statistics as guides for audio-to-score piano
transcription", reduced to one beat; tempo as a state beside the place is the bar pointer of Whiteley, Cemgil and
Godsill (2006) and Krebs, Böck and Widmer (2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from partimento.notation.beats.events import Floats, Ints, Strokes

STEPS = 12
"""Places in a beat; sixteenths and triplets both lie on them."""


PLACES = (0, 2, 3, 4, 6, 8, 9, 10)
"""Those that strokes may have."""


@dataclass(frozen=True, slots=True)
class Division:
    """How a beat divides."""

    name: str
    follows: tuple[tuple[float, ...], ...]
    """Probability that a stroke in one of `PLACES` (row) is followed by one in another (column), in per mille."""


SIMPLE = Division("simple", (
    (251, 17, 131, 86, 474, 5, 35, 2),
    (5, 5, 141, 828, 5, 5, 5, 5),
    (10, 2, 2, 30, 931, 2, 20, 2),
    (12, 2, 2, 2, 359, 614, 2, 5),
    (673, 2, 3, 3, 17, 61, 239, 2),
    (768, 2, 3, 12, 2, 3, 104, 106),
    (959, 2, 5, 2, 3, 2, 2, 24),
    (962, 7, 5, 5, 6, 5, 5, 5),
))  # fmt: skip
COMPOUND = Division("compound", (
    (90, 243, 8, 410, 66, 176, 2, 5),
    (3, 3, 40, 931, 11, 6, 3, 4),
    (15, 15, 15, 873, 35, 15, 15, 15),
    (11, 2, 2, 3, 420, 553, 2, 6),
    (27, 3, 3, 3, 3, 955, 4, 4),
    (705, 2, 2, 5, 2, 2, 17, 265),
    (270, 17, 17, 17, 17, 17, 17, 628),
    (979, 3, 3, 3, 3, 3, 3, 3),
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Model:
    """The few numbers of the model."""

    slowest_s: float = 1.8
    """Longest beat in seconds."""
    fastest_s: float = 0.27
    """Shortest beat in seconds."""
    usual_s: float = 0.55
    """The beat that is preferred where nothing else decides: 109 a minute."""
    tempo_pull: float = 1.36
    """Cost in nats, per beat, of a tempo e times as fast or slow as the usual one."""
    tempo_step: float = 0.025
    """Ratio between neighbouring tempi, less 1."""
    tempo_drift: float = 0.046
    """Deviation of log tempo after a second."""
    onset_noise_s: float = 0.046
    """Deviation of an interval between strokes for motor reasons."""
    interval_noise: float = 0.067
    """Deviation of an interval between strokes as a share of it."""
    outlier_cost: float = 12.0
    """Most that one interval may cost in nats, beyond its own density."""
    empty_cost: float = 2.4
    """Cost in nats of each beat that passes without a stroke."""
    repeat_cost: float = 0.6
    """Cost in nats of a stroke that stays in its place: a grace note, a broken chord."""
    salience_weight: float = 1.2
    """Nats per deviation of salience by which a stroke is drawn to the beat, and away from its fringes."""


@dataclass(frozen=True, slots=True)
class Track:
    """Strokes in their places."""

    places: Ints
    """Twelfths of a beat since some beat, never falling, shape (S,)."""
    score: float
    """Log probability of the best path."""
    division: Division


def track(strokes: Strokes, model: Model | None = None) -> Track:
    """The more likely reading of simple and compound beats."""
    found = [Viterbi(strokes, division, model or Model()).track() for division in (SIMPLE, COMPOUND)]
    return max(found, key=lambda track: track.score)


_Back = tuple[NDArray[np.int16], NDArray[np.int8], NDArray[np.int32]]
"""Which tempo, which place and how many steps led to each state, each of shape (V, T)."""


class Viterbi:
    """The most likely places and tempi of strokes; V places in use, T tempi."""

    def __init__(self, strokes: Strokes, division: Division, model: Model) -> None:
        self.strokes, self.division, self.model = strokes, division, model
        self.place_V = np.array(PLACES)
        count = int(np.log(model.slowest_s / model.fastest_s) / np.log1p(model.tempo_step)) + 1
        self.beat_T = model.fastest_s * (1 + model.tempo_step) ** np.arange(count)
        self.pull_T = model.tempo_pull * np.log(self.beat_T / model.usual_s) ** 2 / 2
        self._prepare_transitions()

    def _prepare_transitions(self) -> None:
        """Costs of going from one place to another, and what salience adds."""
        self.step_VV = self.place_V[None, :] - self.place_V[:, None]
        self.cost_VV = -np.log(np.array(self.division.follows) / 1000)
        pull_V = np.where(self.place_V == 0, 1.0, np.where(np.isin(self.place_V, (4, 6, 8)), -0.1, -0.6))
        self.draw_V = self.model.salience_weight * pull_V

    def track(self) -> Track:
        """Run forwards, then follow the best path back."""
        seconds, salience = self.strokes.seconds, self.strokes.salience
        value_VT = np.broadcast_to(-self.pull_T, (len(self.place_V), len(self.beat_T))).copy()
        value_VT -= self.cost_VV[-1][:, None]  # the first stroke is likely to be on the beat, as after the last place
        value_VT += (self.draw_V * salience[0])[:, None]
        back: list[_Back] = []
        for index in range(1, len(seconds)):
            interval = float(seconds[index] - seconds[index - 1])
            value_VT, tempo_VT = self._wandered(value_VT, interval)
            value_VT, from_VT, step_VT = self._moved(value_VT, interval)
            value_VT = value_VT + (self.draw_V * salience[index])[:, None]
            # narrow types: there are hundreds of states for each stroke
            back.append((tempo_VT.astype(np.int16), from_VT.astype(np.int8), step_VT.astype(np.int32)))
        return self._followed(value_VT, back)

    def _wandered(self, value_VT: Floats, interval: float) -> tuple[Floats, Ints]:
        """Best value for each new tempo, and from which tempo."""
        reach = 8
        drift = self.model.tempo_drift * np.sqrt(max(interval, 0.05)) / np.log1p(self.model.tempo_step)
        cost = np.arange(-reach, reach + 1) ** 2 / (2 * drift**2)
        padded = np.pad(value_VT, ((0, 0), (reach, reach)), constant_values=-np.inf)
        windows = sliding_window_view(padded, 2 * reach + 1, axis=1) - cost
        best_VT = windows.argmax(axis=2)
        value = np.take_along_axis(windows, best_VT[:, :, None], 2)[:, :, 0]
        return value, best_VT - reach + np.arange(value_VT.shape[1])

    def _moved(self, value_VT: Floats, interval: float) -> tuple[Floats, Ints, Ints]:
        """Best value for each new place, from which place, and by how many steps."""
        beats_VVT = interval / self.beat_T - self.step_VV[:, :, None] / STEPS
        wraps_VVT = np.maximum(np.rint(beats_VVT), (self.step_VV < 0)[:, :, None])
        is_repeat_VVT = (wraps_VVT == 0) & (self.step_VV == 0)[:, :, None]
        expected_VVT = (wraps_VVT + self.step_VV[:, :, None] / STEPS) * self.beat_T
        cost_VVT = self._timing_cost(interval, expected_VVT)
        cost_VVT += np.where(is_repeat_VVT, self.model.repeat_cost, self.cost_VV[:, :, None])
        empty_VVT = np.maximum(wraps_VVT - (self.step_VV <= 0)[:, :, None], 0)
        cost_VVT += empty_VVT * self.model.empty_cost + expected_VVT / self.beat_T * self.pull_T
        total_VVT = value_VT[:, None, :] - cost_VVT
        from_VT = total_VVT.argmax(axis=0)
        value = np.take_along_axis(total_VVT, from_VT[None], 0)[0]
        wraps = np.take_along_axis(wraps_VVT, from_VT[None], 0)[0].astype(np.int64)
        return value, from_VT, wraps * STEPS + self.place_V[:, None] - self.place_V[from_VT]

    def _timing_cost(self, interval: float, expected_VVT: Floats) -> Floats:
        variance = self.model.onset_noise_s**2 + (self.model.interval_noise * expected_VVT) ** 2
        cost = (interval - expected_VVT) ** 2 / (2 * variance)
        return np.minimum(cost, self.model.outlier_cost) + 0.5 * np.log(variance)

    def _followed(self, value_VT: Floats, back: list[_Back]) -> Track:
        place, tempo = np.unravel_index(int(value_VT.argmax()), value_VT.shape)
        steps = [0] * len(back)
        for index in range(len(back) - 1, -1, -1):
            tempo_VT, from_VT, step_VT = back[index]
            steps[index] = int(step_VT[place, tempo])
            place = from_VT[place, tempo]
            tempo = tempo_VT[place, tempo]
        places = int(self.place_V[place]) + np.r_[0, np.cumsum(np.array(steps, np.int64))]
        return Track(places.astype(np.int64), float(value_VT.max()), self.division)
