"""Form, feel and moods are judged by ear, as far as notes tell."""

import numpy as np
import pytest

from partimento.plan import Plan
from partimento.plan.check import check
from partimento.plan.check_sound import swing_ratio
from partimento.plan.wishes import Section, Tag
from partimento.score import METER, TEMPO, Direction, Part, Score, measures_from_meters, notes_array

Q = 12


def piece(pitches: list[int], places: list[int], bars: int, *, bpm: float = 100, beats: int = 4, **changes) -> Score:
    """One flute; notes in turn at places (in twelfths) that repeat every quarter."""
    onsets = [Q * quarter + place for quarter in range(beats * bars) for place in places]
    rows = [{"onset_tick": on, "duration_tick": 4, "pitch": pitches[k % len(pitches)]} for k, on in enumerate(onsets)]
    meters = np.array([(0, beats, 4)], METER)
    measures = measures_from_meters(meters, Q, Q * beats * bars)
    return Score(
        Q, (Part("Flute", 73),), notes_array(rows), measures, meters, tempos=np.array([(0, bpm)], TEMPO), **changes
    )


def tune(seed: int, notes: int = 32) -> list[int]:
    return np.random.default_rng(seed).integers(60, 80, notes).tolist()


def of(plan: Plan, score: Score, field: str):
    [found] = [verdict for verdict in check(plan, score) if verdict.field == field]
    return found


A, B = tune(1), tune(2)
"""Eight bars each of quarters."""


def form(*labels: str) -> Plan:
    return Plan(form=tuple(Section(label, 8) for label in labels))


def test_form_is_found_where_it_is_to_be() -> None:
    song = piece([*A, *A, *B, *A], [0], 32)
    assert of(form("A", "A", "B", "A"), song, "form").followed is True
    assert of(form("verse", "verse", "bridge", "verse"), song, "form").followed is True
    wrong = of(form("A", "B", "A", "B"), song, "form")
    assert (wrong.followed, wrong.measured) == (False, "AABA where it is to be cut; AABA by the notes alone")
    assert of(form("A"), song, "form").followed is None
    assert of(form("A", "B"), piece(A, [0], 1), "form").followed is None


@pytest.mark.parametrize(
    ("feel", "places", "followed"),
    [
        ("swing", [0, 8], True), ("shuffle", [0, 8], True), ("straight", [0, 8], False), ("swing", [0, 6], False),
        ("straight", [0, 6], True), ("swing", [0], None), ("waltz", [0], False), ("march", [0], True),
        ("rubato", [0, 6], None),
    ],
)  # fmt: skip
def test_feel(feel, places, followed) -> None:
    assert of(Plan(feel=feel), piece(A, places, 8), "feel").followed is followed


def test_swing_may_be_a_word_above_the_score() -> None:
    marked = piece(A, [0, 6], 8, directions=(Direction(0, "words", "Swing"),))
    assert of(Plan(feel="swing"), marked, "feel").followed is True
    assert of(Plan(feel="straight"), marked, "feel").followed is False
    assert swing_ratio(piece(A, [0, 8], 8))[0] == pytest.approx(2.0)
    assert of(Plan(feel="waltz"), piece(A, [0], 8, beats=3), "feel").followed is True


def test_moods_are_measured_and_genres_are_not() -> None:
    happy = piece([72, 76, 79, 84, 83, 79, 77, 74, 72], [0, 6], 8, bpm=160)
    tags = (
        Tag("mood", "happy", 0.9),
        Tag("mood", "sad", 0.4),
        Tag("energy", "energetic", 0.5),
        Tag("genre", "jazz", 0.9),
    )
    verdicts = [verdict for verdict in check(Plan(tags=tags), happy) if verdict.field == "tags"]
    assert [(v.item, v.followed) for v in verdicts] == [(0, True), (1, False), (2, True), (3, None)]
    assert [v.confidence is None for v in verdicts] == [False, False, False, True]
