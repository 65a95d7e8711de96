"""Distances between sets of pieces."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partimento.evaluation import distances
from partimento.evaluation.distances import METRICS, distance, jensen_shannon, stylistic_similarity
from partimento.score import Score

MakeScore = Callable[..., Score]

WEIGHTS = st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any)


def normalised(weights: list[int]) -> Any:
    return np.array(weights) / sum(weights)


@given(WEIGHTS, WEIGHTS, WEIGHTS)
def test_jensen_shannon_is_a_metric(a: list[int], b: list[int], c: list[int]) -> None:
    p, q, r = map(normalised, (a, b, c))
    assert 0 <= jensen_shannon(p, q) <= 1
    assert jensen_shannon(p, q) == pytest.approx(jensen_shannon(q, p), abs=1e-7)
    assert jensen_shannon(p, r) <= jensen_shannon(p, q) + jensen_shannon(q, r) + 1e-7
    assert jensen_shannon(p, p) == pytest.approx(0, abs=1e-7)


def test_jensen_shannon_of_known_distributions() -> None:
    certain, even = np.array([1.0, 0.0]), np.array([0.5, 0.5])
    # log2 in closed form: (log2(4/3) + (log2(2/3) + 1) / 2) / 2
    assert jensen_shannon(certain, even) ** 2 == pytest.approx(1.5 - 0.75 * np.log2(3))
    assert jensen_shannon(certain, 1 - certain) == 1


def test_pitch_classes_count_from_the_tonic(make_score: MakeScore) -> None:
    tune = [(60, 4), (64, 2), (67, 2), (72, 8)]
    counts = distances.pitch_classes(make_score(tune))
    assert counts[[0, 4, 7]].tolist() == [3, 0.5, 0.5]
    assert counts.sum() == 4
    in_d = make_score([(pitch + 2, duration) for pitch, duration in tune], fifths=2)
    assert distances.pitch_classes(in_d).tolist() == counts.tolist()


def test_pitch_classes_follow_a_change_of_key(make_score: MakeScore) -> None:
    score = make_score([(60, 16), (62, 16)])
    keys = np.array([(0, -1, 0, 0), (16, -1, 2, 0)], score.keys.dtype)
    assert distances.pitch_classes(replace(score, keys=keys))[0] == 8


def test_melodic_intervals_follow_the_highest_notes_of_each_part(make_score: MakeScore) -> None:
    score = make_score([(60, 4), (62, 4), (50, 4)], [(40, 4), (70, 4)])
    counts = distances.melodic_intervals(score)
    assert {step - 13: count for step, count in enumerate(counts) if count} == {2: 1, -12: 1, 13: 1}


def test_durations_and_notes_per_bar(make_score: MakeScore) -> None:
    score = make_score([(60, 4), (62, 4), (64, 8), (65, 16), (67, 20)], [(36, 2)] * 8, drums=[1])
    assert {step: count for step, count in enumerate(distances.durations(score)) if count} == {
        12: 2,
        24: 1,
        48: 1,
        49: 1,
    }
    # bars of the first part: 3, 1, 1 and 0 notes; of the drums 8, 0, 0 and 0
    assert {notes: bars for notes, bars in enumerate(distances.notes_per_bar(score)) if bars} == {
        0: 4,
        1: 2,
        3: 1,
        8: 1,
    }


@pytest.mark.parametrize("metric", METRICS)
def test_unlike_music_lies_further_apart_than_like_music(make_score: MakeScore, metric: str) -> None:
    rng = np.random.default_rng(0)

    def walk(steps: list[int], duration: int) -> Score:
        pitches = 60 + np.cumsum(rng.choice(steps, 32)) % 12
        return make_score([(int(pitch), duration * int(rng.integers(1, 3))) for pitch in pitches])

    calm = [walk([0, 2], 4) for _ in range(24)]
    wild = [walk([-5, 1, 7], 1) for _ in range(24)]
    near, far = distance(metric, calm[::2], calm[1::2]), distance(metric, calm, wild)
    assert near.value < near.high < far.low <= far.value <= far.high
    assert distance(metric, calm, wild) == far
    assert distance(metric, calm, calm).value == 0


def test_a_set_without_notes_is_refused(make_score: MakeScore) -> None:
    with pytest.raises(ValueError, match="no piece"):
        distance("duration", [make_score([(60, 4)])], [make_score([])])


def test_similar_style_is_near_one_and_bars_are_not_needed(make_score: MakeScore) -> None:
    steps = [make_score([(60 + step, 2), (62 + step, 2), (64 + step, 4)]) for step in range(3)]
    leaps = [make_score([(60 + step, 16), (71 + step, 16), (50 + step, 32)]) for step in range(3)]
    assert stylistic_similarity(steps, steps) == pytest.approx(1)
    assert 0 <= stylistic_similarity(steps, leaps) < 0.6
    free = [replace(score, measures=score.measures[:0], meters=score.meters[:0]) for score in steps]
    assert stylistic_similarity(steps, free) == pytest.approx(1)
    with pytest.raises(ValueError, match="no piece"):
        stylistic_similarity([], steps)
