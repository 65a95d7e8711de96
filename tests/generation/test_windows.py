"""Windows cover a piece, and hear what came before: the bars just before, and the theme."""

from __future__ import annotations

import numpy as np
import pytest

from partimento.generation.windows import OVERLAP_BARS, Window, heard, heard_tokens, joined, memory, plan_of, spans
from partimento.plan import Compose, Constraints, Control, Plan
from partimento.plan.parse import parse_chords
from partimento.representations import create
from partimento.score import KEY, MEASURE, METER, TEMPO, Part, Score, notes_array
from partimento.theory.key import Key
from partimento.theory.meter import Meter


def scale(bars: int) -> Score:
    """A flute and a cello in D major; in bar k both strike the k-th semitone above their lowest notes on each beat."""
    notes = [
        {"onset_tick": 4 * bar + beat, "duration_tick": 1, "pitch": low + bar, "part": part, "note_id": 0}
        for part, low in enumerate((72, 40)) for bar in range(bars) for beat in range(4)
    ]  # fmt: skip
    array = notes_array(notes)
    array["note_id"] = np.arange(len(array))
    return Score(
        1, (Part.playing(73), Part.playing(42)), array, np.array([(4 * k, 4) for k in range(bars)], MEASURE),
        np.array([(0, 4, 4)], METER), np.array([(0, -1, 2, 0)], KEY), np.array([(0, 96)], TEMPO),
    )  # fmt: skip


@pytest.mark.parametrize(("first", "last"), [(0, 1), (0, 7), (3, 27), (16, 77), (0, 256), (5, 5)])
@pytest.mark.parametrize("bar_tokens", [11, 41, 161])
def test_spans_cover_every_bar_once_and_leave_room_for_what_is_heard(first: int, last: int, bar_tokens: float) -> None:
    runs = list(spans(first, last, bar_tokens, 1024))
    assert [bar for run in runs for bar in range(*run)] == list(range(first, last))
    for start, stop in runs:
        heard_bars = OVERLAP_BARS if start else 0
        assert (stop - start + heard_bars) * bar_tokens <= 1024 or stop - start <= OVERLAP_BARS


def test_a_theme_is_remembered_however_far_back_and_heard_once_where_it_is_near() -> None:
    assert memory((4, 20), 60, 8) == ((4, 12), (52, 60))
    assert memory((4, 8), 60, 8) == ((4, 8), (52, 60))
    assert memory((0, 8), 10, 8) == ((0, 10),)
    assert memory((8, 16), 12, 8) == ((4, 12),)
    assert memory(None, 12, 8) == ((4, 12),)
    assert memory(None, 0, 8) == ()


def test_what_is_heard_stands_side_by_side() -> None:
    score = scale(30)
    lead = heard(score, Window(30, 32, ((2, 4), (27, 30))))
    assert lead.slice_bars(0, 2) == score.slice_bars(2, 4)
    assert lead.slice_bars(2, 5) == score.slice_bars(27, 30)


def test_a_window_has_the_chords_and_controls_of_its_bars() -> None:
    plan = Plan(
        bars=40, chords=parse_chords("C F G"), controls=(Control(bars=(12, 21)), Control(bars=(0, 4)), Control())
    )
    window = plan_of(Window(20, 24, ((0, 2), (19, 20))), plan, scale(20))
    assert [str(bar[0]) for bar in window.chords or ()] == ["C", "F", "F", "G", "C", "F", "G"]
    assert window.controls == (Control(bars=(3, 4)), Control())
    assert (window.bars, window.key, window.meter) == (7, Key(2), Meter(4, 4))


@pytest.mark.parametrize("name", ["remi", "abc"])
@pytest.mark.parametrize("key", [None, Key(2, "minor")])
def test_tokens_that_stand_are_accepted_and_say_all_that_is_heard(name: str, key: Key | None) -> None:
    representation, lead = create(name), scale(6)
    task = Compose(Plan(bars=10), Constraints(), opens_midway=True)
    ids = heard_tokens(representation, lead, 4, task, key)
    state = representation.start(task)
    for token in ids:
        assert any(low <= token < high for low, high in representation.allowed(state))
        state = representation.step(state, token)
    said = representation.decode(np.array(ids, np.int32), task)
    assert said.slice_bars(0, 6) == representation.quantise(lead)[0].slice_bars(0, 6)
    if name == "remi" and key is not None:
        assert said.key_at(said.end_tick) == key


def test_scores_are_joined_at_the_barline() -> None:
    score = scale(9)
    assert joined(score.slice_bars(0, 5), score.slice_bars(5, 9)) == score
    assert joined(None, score) is score
