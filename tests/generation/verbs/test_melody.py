"""A given melody with the rest of a plan around it."""

from __future__ import annotations

import changeable
import numpy as np
import pytest

from partimento.errors import BadPlan
from partimento.generation.verbs import with_melody
from partimento.generation.writer import Writer
from partimento.plan import Plan
from partimento.plan.check import check
from partimento.plan.parse import parse_chords
from partimento.theory.key import Key
from partimento.theory.meter import Meter


def test_the_melody_is_the_top_part_in_the_key_of_the_plan(writer: Writer) -> None:
    song = changeable.song()
    plan = Plan(key=Key.parse("D minor"), tempo_bpm=66.0, instruments=(73, 0), bars=10, chords=parse_chords("Dm | A7"))
    after = with_melody(song, plan, writer=writer, seed=1)
    followed = {v.wish: v.followed for v in check(plan, after)}
    assert [followed[wish] for wish in ("tempo", "instruments", "bars")] == [True] * 3
    assert after.key_at(0) == plan.key
    own, moved = (s.sounding().notes[s.sounding().notes["part"] == 0] for s in (song, after))
    before = own[own["grace"] == 0]
    moved = moved[
        (moved["grace"] == 0) & (moved["onset_tick"] < 9 * 3 * after.ticks_per_quarter - 2 * after.ticks_per_quarter)
    ]
    assert (moved["pitch"] - before["pitch"] == 3).all()
    assert (moved["onset_tick"] / after.ticks_per_quarter == before["onset_tick"] / song.ticks_per_quarter).all()
    assert [str(event.symbol) for event in after.chords[:2]] == ["Dm", "A7"]
    assert [part.program for part in after.parts] == [73, 0]


def test_its_own_instrument_plays_it_where_the_plan_names_that(writer: Writer) -> None:
    song = changeable.changes()
    after = with_melody(song, Plan(instruments=(42, 0)), writer=writer)
    assert [part.program for part in after.parts] == [song.parts[0].program, 42]
    alone = with_melody(song, Plan(), writer=writer)
    assert len(alone.parts) == 2
    assert np.isin(song.notes["note_id"], alone.notes["note_id"]).all()


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (Plan(meter=Meter(4, 4)), "the melody is in 3/4"),
        (Plan(bars=4), "has 8 bars, and the plan 4"),
        (Plan(key=Key.parse("D major")), "the melody is in B minor"),
    ],
)
def test_contradictions_are_said(writer: Writer, plan: Plan, message: str) -> None:
    with pytest.raises(BadPlan, match=message):
        with_melody(changeable.song(), plan, writer=writer)
