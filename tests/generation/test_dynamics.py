"""Tests of `generation.dynamics`."""

import numpy as np

from partimento.generation.dynamics import LEVELS, with_dynamics
from partimento.plan import Control, Plan
from partimento.score import MEASURE, METER, Part, Score, notes_array

SCORE = Score(
    4,
    (Part("Flute", 73), Part("Cello", 42)),
    notes_array([
        {"onset_tick": 4 * beat, "duration_tick": 4, "pitch": 60 - 12 * part, "part": part, "velocity": 64}
        for beat in range(16) for part in range(2)
    ]),
    measures=np.array([(16 * bar, 16) for bar in range(4)], MEASURE),
    meters=np.array([(0, 4, 4)], METER),
)  # fmt: skip


def velocities(score, part, bar):
    notes = score.notes[(score.notes["part"] == part) & (score.measure_at(score.notes["onset_tick"]) == bar)]
    return notes["velocity"].tolist()


def test_without_a_wish_the_score_is_the_same_object():
    assert with_dynamics(SCORE, Plan(controls=(Control(density=(1, 2)),))) is SCORE


def test_bars_are_as_loud_as_the_last_control_says_and_marks_stand_where_that_changes():
    controls = (Control(dynamics="p"), Control(parts=(1,), bars=(2, 3), dynamics="ff"))
    loud = with_dynamics(SCORE, Plan(controls=controls))
    p, ff = LEVELS["p"], LEVELS["ff"]
    assert [velocities(loud, 0, bar)[1:] for bar in range(4)] == [[p] * 3] * 4
    assert [velocities(loud, 1, bar)[1:] for bar in range(4)] == [[level] * 3 for level in (p, p, ff, p)]
    assert all(velocities(loud, 0, bar)[0] > p for bar in range(4))  # the first beat is heard
    assert [(sign.onset_tick, sign.part, sign.text) for sign in loud.directions] == [
        (0, 0, "p"), (0, 1, "p"), (32, 1, "ff"), (48, 1, "p"),
    ]  # fmt: skip


def test_what_is_not_spoken_of_stays_and_louder_notes_stay_louder():
    notes = SCORE.notes.copy()
    notes["velocity"][::4] = 94
    loud = with_dynamics(SCORE.with_notes(notes), Plan(controls=(Control(bars=(0, 1), dynamics="mp"),)))
    assert np.array_equal(loud.notes["velocity"][8:], notes["velocity"][8:])
    first = velocities(loud, 0, 0)
    assert first[0] - first[1] == 30
    assert abs(np.mean(first) - LEVELS["mp"]) <= 1
