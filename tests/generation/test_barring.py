"""Tests of `generation.barring`."""

import numpy as np

from partimento.generation.barring import barred
from partimento.plan import Plan
from partimento.representations import create
from partimento.score import Part, Score, notes_array
from partimento.theory.key import Key
from partimento.theory.meter import Meter

BEATLESS, _ = create("amt").quantise(Score(
    50, (Part("Flute", 73),),
    notes_array([{"onset_tick": onset, "duration_tick": 25, "pitch": 60} for onset in (0, 50, 130)]),
))  # fmt: skip


def test_bars_come_from_the_plan_and_notes_sound_when_they_did():
    score = barred(BEATLESS, Plan(Key(2), Meter(3, 4), tempo_bpm=90, bars=4))
    assert (len(score.measures), score.meter_at(0), score.key_at(0)) == (4, Meter(3, 4), Key(2))
    assert score.tempos["tempo_bpm"].tolist() == [90]
    before, after = (s.seconds_at(s.notes["onset_tick"]) for s in (BEATLESS, score))
    np.testing.assert_allclose(after, before, atol=60 / 90 / 480)


def test_there_are_as_many_bars_as_the_music_needs():
    assert len(barred(BEATLESS, Plan(tempo_bpm=240, bars=1)).measures) == -(-BEATLESS.seconds_at(155) // 1)


def test_music_with_bars_or_without_a_tempo_stays():
    assert barred(BEATLESS, Plan()) is BEATLESS
    score = barred(BEATLESS, Plan(tempo_bpm=60))
    assert barred(score, Plan(tempo_bpm=90)) is score
