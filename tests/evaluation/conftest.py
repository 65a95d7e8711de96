"""Small pieces made by hand."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from partimento.score import KEY, METER, Part, Score, measures_from_meters, notes_array

Tune = Sequence[tuple[int, int]]


def make_score(*tunes: Tune, fifths: int = 0, drums: Sequence[int] = (), tied: Sequence[int] = ()) -> Score:
    """A piece in 4/4 with one part per tune: MIDI pitch and duration (four to a quarter) of successive notes.

    `drums` are indices of parts, `tied` indices of notes of the first part.
    """
    rows, end = list[dict[str, int]](), 1
    for part, tune in enumerate(tunes):
        onset = 0
        for index, (pitch, duration) in enumerate(tune):
            is_tied = part == 0 and index in tied
            rows.append(
                {
                    "onset_tick": onset,
                    "duration_tick": duration,
                    "pitch": pitch,
                    "part": part,
                    "tied": is_tied,
                }
            )
            onset += duration
        end = max(end, onset)
    meters = np.array([(0, 4, 4)], METER)
    parts = tuple(Part(f"part {index}", is_drums=index in drums) for index in range(len(tunes)))
    return Score(
        4,
        parts,
        notes_array(rows),
        measures=measures_from_meters(meters, 4, end),
        meters=meters,
        keys=np.array([(0, -1, fifths, 0)], KEY),
    )


@pytest.fixture(name="make_score", scope="session")
def fixture_make_score() -> Callable[..., Score]:
    return make_score
