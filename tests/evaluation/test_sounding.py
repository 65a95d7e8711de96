"""What the measure counts is right on music whose answers are known, and music is nearer to music than noise is."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from partimento.evaluation.sounding import FEATURES, distances, features, sound_of, voices
from partimento.evaluation.sounding_weights import QUANTILES, WEIGHTS
from partimento.io import load_scores
from partimento.score import Score

MakeScore = Callable[..., Score]
UP = [(60, 4), (62, 4), (64, 4), (65, 4), (67, 4), (69, 4), (71, 4), (72, 4)]
FAR = [(60, 4), (72, 4), (50, 4), (70, 4), (48, 4), (66, 4), (55, 4), (73, 4)]


def told(score: Score) -> dict[str, float]:
    return dict(zip(FEATURES, features(score).tolist(), strict=True))


def test_melody(make_score: MakeScore) -> None:
    scale = told(make_score(UP * 2))
    assert (scale["time in scale"], scale["repeated notes"]) == (1.0, 0.0)
    assert (scale["steps"], scale["leaps"]) == (pytest.approx(14 / 15), pytest.approx(1 / 15))
    assert scale["semitones"] == pytest.approx(4 / 15)
    assert scale["turns"] == pytest.approx(2 / 14)
    assert scale["turns after leaps"] == 1.0
    assert told(make_score(FAR))["leaps"] > 0.9


def test_rhythm_and_form(make_score: MakeScore) -> None:
    loop = told(make_score([(60, 4), (64, 4), (67, 4), (64, 4)] * 6))
    assert loop["bars that return"] == loop["same rhythms"] == loop["likeness of bars"] == pytest.approx(1.0)
    assert (loop["change of density"], loop["variety of durations"], loop["on the beat"]) == (0.0, 0.0, 1.0)
    assert (loop["density"], loop["fullness"]) == (0.0, 1.0)
    other = told(make_score([(60, 4), (61, 6), (66, 1), (63, 5), *UP, (70, 8), (65, 2), (63, 6), *FAR]))
    assert other["bars that return"] < 0.6
    assert other["variety of durations"] > 1


def test_harmony(make_score: MakeScore) -> None:
    thirds = told(make_score(UP, [(pitch - 3, length) for pitch, length in UP]))
    seconds = told(make_score(UP, [(pitch - 1, length) for pitch, length in UP]))
    assert (thirds["consonance"], seconds["consonance"]) == (1.0, 0.0)
    assert np.isnan(told(make_score(UP))["consonance"])
    triad = told(make_score([(60, 16)] * 4, [(64, 16)] * 4, [(67, 16)] * 4))
    assert (triad["chord tones"], triad["chord changes"]) == (1.0, 0.0)


def test_voices(make_score: MakeScore) -> None:
    assert [voices(make_score(*[UP] * parts)) for parts in (1, 2, 3, 4)] == [0, 1, 1, 2]
    assert voices(make_score(UP, UP, drums=[1])) == 0


def test_distances_are_nothing_at_the_median() -> None:
    for group, (low, middle, high) in enumerate(QUANTILES):
        assert distances(np.array(middle), group).tolist() == [0.0] * len(FEATURES)
        assert max(distances(np.array(low), group)) <= 1.0 + 1e-9
        assert max(distances(np.array(high), group)) <= 1.0 + 1e-9
    assert distances(np.full(len(FEATURES), np.nan), 0).tolist() == [0.0] * len(FEATURES)
    assert min(WEIGHTS) >= 0
    assert sum(weight > 0 for weight in WEIGHTS) >= 5


@pytest.mark.parametrize("tunes", [[], [[]], [[(60, 4)]]])
def test_what_is_hardly_music_has_a_score_too(make_score: MakeScore, tunes: list[list[tuple[int, int]]]) -> None:
    assert np.isfinite(sound_of(make_score(*tunes)).score)
    assert np.isfinite(sound_of(Score(4, ())).score)


def test_music_is_nearer_to_music_than_noise_is(corpus: Path) -> None:
    files = sorted(corpus.rglob("*.mxl"))[::97] + sorted(corpus.rglob("*.abc"))[::311]
    scores = [load_scores(file)[0].sounding() for file in files]
    windows = [score.slice_bars(0, 8) for score in scores if len(score.measures) >= 8 and len(score.notes) > 30]
    assert len(windows) > 20
    assert np.mean([sound_of(window).score > sound_of(_noise(window)).score for window in windows]) > 0.8


def _noise(score: Score) -> Score:
    """The same number of notes with pitches, places and lengths drawn by lot."""
    rng, notes = np.random.default_rng(0), score.notes.copy()
    unit = max(score.ticks_per_quarter // 4, 1)
    last = max(score.end_tick // unit - 1, 1)
    notes["pitch"] = rng.integers(45, 85, len(notes))
    notes["onset_tick"] = unit * rng.integers(0, last, len(notes))
    notes["duration_tick"] = unit * rng.integers(1, 9, len(notes))
    return replace(score, notes=notes, tuplets=(), spanners=(), marks=(), lyrics=())
