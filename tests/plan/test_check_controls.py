"""Controls are measured part by part and bar by bar."""

import numpy as np
import pytest

from partimento.plan import Plan
from partimento.plan.check_controls import check_controls
from partimento.plan.wishes import Control
from partimento.score import METER, Direction, Part, Score, measures_from_meters, notes_array

PARTS = (Part("Flute", 73), Part("Piano", 0))


def piece(velocities: tuple[int, int] = (0, 0), **changes: object) -> Score:
    """Four bars of 4/4: a flute in quarters from C5 up, and under it a piano with two notes that last a bar."""
    flute = [{"onset_tick": k, "duration_tick": 1, "pitch": 72 + k % 8, "part": 0, "velocity": velocities[0]}
             for k in range(16)]  # fmt: skip
    piano = [{"onset_tick": 4 * k, "duration_tick": 4, "pitch": pitch, "part": 1, "velocity": velocities[1]}
             for k in range(4) for pitch in (48, 52)]  # fmt: skip
    meters = np.array([(0, 4, 4)], METER)
    return Score(1, PARTS, notes_array([*flute, *piano]), measures_from_meters(meters, 1, 16), meters, **changes)  # type: ignore[arg-type]


def verdict(control: Control, score: Score | None = None):
    [found] = check_controls(Plan(instruments=(73, 0), controls=(control,)), score or piece())
    assert (found.field, found.item) == ("controls", 0)
    return found.wish, found.measured, found.followed


@pytest.mark.parametrize(
    ("control", "followed"),
    [
        (Control(parts=(0,), density=(4, 4)), True),
        (Control(parts=(1,), density=(3, 9)), False),
        (Control(density=(2, 4)), True),
        (Control(density=(3, 4)), False),
        (Control(parts=(1,), polyphony=(2, 2)), True),
        (Control(polyphony=(1, 1)), False),
        (Control(parts=(0,), register=(72, 79)), True),
        (Control(parts=(0,), register=(72, 77)), False),
        (Control(parts=(0,), bars=(0, 1), register=(72, 75)), True),
        (Control(parts=(0,), bars=(1, 2), register=(72, 75)), False),
        (Control(parts=(1,), note_length=(4, 8)), True),
        (Control(note_length=(2, 8)), False),
        (Control(parts=(4,), density=(1, 9)), False),
        (Control(bars=(9, 12), density=(1, 9)), None),
        (Control(dynamics="f"), None),
        (Control(complexity=0.5), None),
    ],
)
def test_verdicts(control: Control, followed: bool | None) -> None:
    assert verdict(control)[2] is followed


def test_what_is_said() -> None:
    assert verdict(Control(parts=(1,), bars=(1, 3), register=(40, 50))) == (
        "register of Piano, bars 2–3", "C3–E3, 50% of the notes inside", False,
    )  # fmt: skip


def test_dynamics_are_velocities_or_signs() -> None:
    played = piece((96, 60))
    assert verdict(Control(parts=(0, 1), dynamics="mf"), played)[2] is True
    assert verdict(Control(dynamics="pp"), played)[2] is False
    signed = piece(directions=(Direction(0, "dynamics", "f"),))
    assert verdict(Control(dynamics="f"), signed)[1:] == ("f", True)
