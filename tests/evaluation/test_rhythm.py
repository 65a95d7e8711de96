"""Rhythmic coherence: a pulse, no pulse, and how much of either is played."""

import math

import numpy as np
import pytest

from partimento.evaluation.rhythm import rhythmic_coherence
from partimento.score import TEMPO, Part, Score, notes_array


def played(seconds, pitches=(60,)):
    """Notes that begin at these seconds, without bars; 1,000 ticks to a second."""
    rows = [{"onset_tick": round(1000 * at), "duration_tick": 50, "pitch": pitch, "part": 0}
            for at in seconds for pitch in pitches]  # fmt: skip
    return Score(500, (Part("piano"),), notes_array(rows), tempos=np.array([(0, 120.0)], TEMPO))


@pytest.mark.parametrize("pulse", [0.25, 0.4, 0.73, 1.5])
def test_a_steady_pulse_is_coherent_at_any_tempo(pulse):
    assert rhythmic_coherence(played(np.arange(40) * pulse)) > 0.95


def test_onsets_at_random_are_not_and_jitter_lies_between():
    rng = np.random.default_rng(1)
    random = [rhythmic_coherence(played(np.sort(rng.uniform(0, 60, 200)))) for _ in range(5)]
    shaky = [rhythmic_coherence(played(np.arange(120) * 0.5 + rng.normal(0, 0.03, 120).clip(-0.1, 0.1) + 1))
             for _ in range(5)]  # fmt: skip
    assert max(random) < 0.25
    assert max(random) < min(shaky) <= max(shaky) < 0.8


def test_a_pattern_counts_by_the_time_after_which_it_returns():
    pattern = np.concatenate([bar * 1.6 + np.array([0, 0.3, 0.4, 0.9, 1.3]) for bar in range(20)])
    assert rhythmic_coherence(played(pattern)) > 0.95


def test_chords_are_one_stroke_and_what_comes_before_does_not_matter():
    rhythm = np.random.default_rng(2).uniform(0, 30, 60)
    alone = rhythmic_coherence(played(np.sort(rhythm)))
    assert rhythmic_coherence(played(np.sort(rhythm), (60, 64, 67))) == pytest.approx(alone)
    assert rhythmic_coherence(played(np.sort(rhythm) + 8)) == pytest.approx(alone, abs=0.02)


def test_too_little_to_tell():
    assert math.isnan(rhythmic_coherence(played([0, 5, 9])))
    assert math.isnan(rhythmic_coherence(played(np.arange(8) * 0.4)))
    assert math.isnan(rhythmic_coherence(played([])))
