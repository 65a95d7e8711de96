"""Repeats, endings and jumps played out: each case is a row of bars, its signs, and the order a player reads."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partimento.score import (
    KEY,
    METER,
    Direction,
    Lyric,
    Part,
    ProgramChange,
    Repeat,
    Score,
    Spanner,
    measures_from_meters,
    notes_array,
)
from partimento.score.unfolding import MAX_TIMES, playing_order

BAR = 48


def score_of(bars: int, *signs: tuple[float, str] | tuple[float, str, str], **fields) -> Score:
    """Bars of 4/4, one whole note each (its pitch tells the bar); signs at barlines, counted from 0."""
    meters = np.array([(0, 4, 4)], METER)
    notes = notes_array([{"onset_tick": BAR * k, "duration_tick": BAR, "pitch": 60 + k} for k in range(bars)])
    repeats = tuple(Repeat(int(BAR * at), *rest) for at, *rest in signs)
    measures = measures_from_meters(meters, 12, BAR * bars)
    made: dict[str, Any] = {"notes": notes, "measures": measures, "meters": meters, "repeats": repeats}
    return Score(12, (Part(),), **made | fields)


def order(score: Score) -> str:
    return "".join(chr(ord("a") + int(pitch) - 60) for pitch in score.unfolded().notes["pitch"])


@pytest.mark.parametrize(
    ("bars", "signs", "played"),
    [
        (3, [], "abc"),
        (2, [(2, "backward")], "abab"),
        (2, [(0, "ending-start", "2"), (2, "ending-stop", "2")], "ab"),
        (3, [(1, "forward"), (3, "backward")], "abcbc"),
        (4, [(2, "backward"), (4, "backward")], "ababcdcd"),
        (2, [(2, "backward", "3")], "ababab"),
        (3, [(1, "ending-start", "1"), (2, "backward"), (2, "ending-stop", "1"), (2, "ending-start", "2"),
             (3, "ending-discontinue", "2")], "abac"),
        (4, [(0, "forward"), (1, "ending-start", "1"), (2, "ending-stop", "1"), (2, "backward"),
             (2, "ending-start", "2"), (3, "ending-stop", "2"), (3, "backward")], "abacd"),
        (4, [(1, "ending-start", "1, 2"), (2, "ending-stop", "1, 2"), (2, "backward"),
             (2, "ending-start", "3"), (3, "ending-stop", "3")], "ababacd"),
        (3, [(1, "ending-start", "1"), (2, "ending-stop", "1"), (2, "backward")], "abac"),
        (6, [(1, "ending-start", "1"), (2, "ending-stop", "1"), (2, "backward"), (2, "ending-start", "2"),
             (3, "ending-discontinue", "2"), (5, "backward")], "abacdedef"),
        (4, [(2, "fine"), (4, "dacapo")], "abcdab"),
        (4, [(1, "segno"), (3, "fine"), (4, "dalsegno")], "abcdbc"),
        (5, [(2, "to-coda"), (4, "dacapo"), (4, "coda")], "abcdabe"),
        (6, [(1, "segno"), (2, "to-coda"), (4, "dalsegno"), (4, "coda")], "abcdbef"),
        (4, [(2, "backward"), (2, "fine"), (4, "backward"), (4, "dacapo")], "ababcdcdab"),
        (4, [(1, "ending-start", "1"), (2, "ending-stop", "1"), (2, "backward"), (2, "ending-start", "2"),
             (3, "ending-stop", "2"), (3, "fine"), (4, "dacapo")], "abacdac"),
        (3, [(1.5, "fine"), (3, "dacapo")], "abcab"),
        (3, [(0, "order", "A B A"), (0, "section", "A"), (1, "section", "B"), (3, "backward")], "abcbca"),
    ],
)  # fmt: skip
def test_signs_are_played_as_written(bars, signs, played):
    score = score_of(bars, *signs)
    assert order(score) == played
    unfolded = score.unfolded()
    assert unfolded.repeats == ()
    assert unfolded.measures["onset_tick"].tolist() == [BAR * k for k in range(len(played))]


def test_every_time_a_note_is_played_it_has_an_id_that_leads_back():
    score = score_of(3, (1, "forward"), (3, "backward"))
    ids = score.unfolded().notes["note_id"]
    assert len(set(ids.tolist())) == len(ids) == 5
    stride = score.notes["note_id"].max() + 1
    assert (ids % stride).tolist() == [0, 1, 2, 1, 2]
    assert (ids // stride).tolist() == [0, 0, 0, 1, 1]


def test_what_hangs_on_notes_and_what_is_in_force_comes_along():
    score = score_of(
        3,
        (3, "backward"),
        keys=np.array([(0, -1, 0, 0), (BAR, -1, 2, 0)], KEY),
        lyrics=(Lyric(0, "la"),),
        spanners=(Spanner("slur", 0, 1), Spanner("slur", 2, 0)),
        directions=(Direction(BAR, "dynamics", "p"),),
        programs=(ProgramChange(2 * BAR, 0, 45),),
    )
    played = score.unfolded()
    assert played.keys[["onset_tick", "fifths"]].tolist() == [(0, 0), (BAR, 2), (3 * BAR, 0), (4 * BAR, 2)]
    assert [(x.note_id, x.text) for x in played.lyrics] == [(0, "la"), (3, "la")]
    assert [(x.start_id, x.end_id) for x in played.spanners] == [(0, 1), (2, 0), (3, 4), (5, 3)]
    assert [d.onset_tick for d in played.directions] == [BAR, 4 * BAR]
    assert [(p.onset_tick, p.program) for p in played.programs] == [(2 * BAR, 45), (3 * BAR, 0), (5 * BAR, 45)]


def test_a_tie_holds_into_the_next_bar_but_not_over_a_jump():
    rows = [{"onset_tick": BAR * k, "duration_tick": BAR, "pitch": 60, "tied": True} for k in range(2)]
    played = score_of(2, (2, "backward"), notes=notes_array(rows)).unfolded()
    assert played.notes["tied"].tolist() == [True, False, True, False]
    assert played.sounding().notes[["onset_tick", "duration_tick"]].tolist() == [(0, 2 * BAR), (2 * BAR, 2 * BAR)]


KINDS = ["forward", "backward", "ending-start", "ending-stop", "ending-discontinue", "segno", "coda", "to-coda",
         "fine", "dacapo", "dalsegno"]  # fmt: skip


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from(KINDS), st.sampled_from(["", "1", "2", "1, 2", "99999999"])),
        max_size=12,
    )
)
def test_any_signs_come_to_an_end(signs):
    spans = playing_order(score_of(6, *signs))
    assert all(0 <= start < end <= 6 * BAR for start, end in spans)
    assert sum(end - start for start, end in spans) <= 6 * BAR * MAX_TIMES**2


def test_repeats_in_the_middle_of_measures_cut_them():
    played = score_of(2, (0.75, "backward"), (1.75, "backward"), (1.75, "forward")).unfolded()
    lengths = played.measures["duration_tick"].tolist()
    assert lengths == [36, 48, 36, 12, 48]
    ends = played.measures["onset_tick"] + played.measures["duration_tick"]
    assert played.measures["onset_tick"].tolist() == [0, *ends[:-1].tolist()]
    assert score_of(1, (0.25, "forward"), (0.5, "backward")).unfolded().measures["duration_tick"].tolist() == [24, 36]


def test_notes_beyond_the_last_barline_lengthen_the_last_measure():
    notes = notes_array([{"onset_tick": 0, "duration_tick": BAR + 6, "pitch": 60}])
    played = score_of(1, (1, "backward"), notes=notes).unfolded()
    assert played.measures["duration_tick"].sum() == played.end_tick


def test_the_first_meter_counts_from_the_beginning():
    meters = np.array([(2 * BAR, 4, 4)], METER)
    assert order(score_of(3, (1, "backward"), meters=meters)) == "aabc"
