"""From notation to events: what the source says is kept, and a player adds what it leaves open."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from partimento.rendering.performance import perform
from partimento.score import (
    BEND,
    CONTROL,
    METER,
    Direction,
    Mark,
    Part,
    ProgramChange,
    Score,
    measures_from_meters,
    notes_array,
)


def note(onset_tick=0, duration_tick=480, pitch=60, **more):
    return {"onset_tick": onset_tick, "duration_tick": duration_tick, "pitch": pitch, **more}


def score(*rows, beats=4, pickup_tick=0, **fields):
    """One part at 120 bpm: a quarter, 480 ticks, lasts half a second."""
    meters = np.array([(0, beats, 4)], METER)
    measures = measures_from_meters(meters, 480, 7680, pickup_tick)
    return Score(480, (Part(), Part()), notes_array(list(rows)), measures, meters, **fields)


def sounds(piece):
    """(onset, release, pitch, velocity) of each note; no key is struck while it is down or left down."""
    held, found = {}, []
    for event in perform(piece):
        key = event.channel, event.number
        if event.kind == "on":
            assert key not in held
            held[key] = event.second, event.value
        elif event.kind == "off":
            second, velocity = held.pop(key)
            found.append((round(second, 6), round(event.second, 6), event.number, velocity))
    assert not held
    return sorted(found)


def velocities(piece):
    return [velocity for *_, velocity in sounds(piece)]


def test_velocities_of_the_source_are_kept():
    assert velocities(score(note(0, velocity=1), note(480, velocity=33), note(960, velocity=127))) == [
        1,
        33,
        127,
    ]


def test_beats_have_weight_where_the_source_has_no_velocities():
    down, off, beat = velocities(score(note(0, 240), note(240, 240), note(480)))
    assert down > beat > off
    upbeat, down = velocities(score(note(0), note(480), pickup_tick=480))
    assert down > upbeat


def test_dynamics_hold_until_the_next_and_accents_stand_out():
    marks = (Direction(0, "dynamics", "p"), Direction(1920, "dynamics", "ff"))
    bars = [note(tick) for tick in (0, 1920, 3840)]
    soft, loud, still_loud = velocities(score(*bars, directions=marks))
    assert soft < 65
    assert loud == still_loud > 105
    plain, accented = velocities(score(note(480), note(960), marks=(Mark(1, "accent"),)))
    assert accented > plain + 10


def test_staccato_is_short_and_ties_are_one_note():
    assert sounds(score(note(0), marks=(Mark(0, "staccato"),)))[0][:2] == (0, 0.25)
    assert [s[:2] for s in sounds(score(note(0, tied=True), note(480)))] == [(0, 1)]


def test_grace_notes_come_before_the_beat_and_the_piece_waits_for_them():
    graces = [note(480, 0, 62, grace=1), note(480, 0, 64, grace=2)]
    played = sounds(score(*graces, note(480)))
    assert [s[2] for s in played] == [62, 64, 60]
    assert played[0][0] < played[1][0] < played[2][0] == 0.5
    first, main = sounds(score(note(0, 0, 62, grace=1), note(0)))
    assert first[0] == 0 < main[0]


def test_a_key_struck_again_is_released_first():
    assert [s[:2] for s in sounds(score(note(0, 1920), note(480, 480)))] == [(0, 0.5), (0.5, 2)]
    assert [s[:2] for s in sounds(score(note(0, 480, voice=1), note(0, 960, voice=2)))] == [(0, 1)]


def test_pedal_holds_only_its_own_part():
    pedal = np.array([(0, 0, 64, 100), (1920, 0, 64, 0)], CONTROL)
    played = sounds(score(note(0, pitch=50), note(0, pitch=70, part=1), controls=pedal))
    assert {pitch: release for _, release, pitch, _ in played} == {50: 2, 70: 0.5}
    never_lifted = np.array([(0, 0, 64, 127)], CONTROL)
    assert sounds(score(note(0), note(1920, pitch=70), controls=never_lifted))[0][1] == 2.5


def test_sostenuto_holds_what_sounds_when_it_goes_down():
    pedal = np.array([(240, 0, 66, 127), (1920, 0, 66, 0)], CONTROL)
    played = sounds(score(note(0, pitch=50), note(480, pitch=70), controls=pedal))
    assert {pitch: release for _, release, pitch, _ in played} == {50: 2, 70: 1}


def test_what_one_part_is_sent_all_on_its_channel_are():
    pedal = np.array([(0, 0, 64, 127), (960, 0, 11, 20), (1920, 0, 64, 0)], CONTROL)
    rows = (note(0, velocity=80), note(0, pitch=70, part=1, velocity=80))
    shared = replace(score(*rows, controls=pedal), parts=(Part(channel=3), Part(channel=3)))
    assert [release for _, release, *_ in sounds(shared)] == [2, 2]
    assert {e.channel for e in perform(shared) if e.number == 11 and e.kind == "control"} == {0, 1}
    apart = replace(shared, parts=(Part(channel=3), Part(channel=4)))
    assert sorted(release for _, release, *_ in sounds(apart)) == [0.5, 2]


def test_programs_are_sent_before_the_notes_at_their_place():
    piece = score(note(0, velocity=80), note(480, velocity=80), programs=(ProgramChange(480, 0, 45),))
    later = [(e.kind, e.number) for e in perform(piece) if e.second == 0.5]
    assert later == [("program", 45), ("off", 60), ("on", 60)]


def test_notes_without_a_length_are_strokes():
    assert sounds(score(note(0, 0, velocity=80)))[0][:2] == (0, 0.02)


def test_controllers_are_sent_but_pedal_and_modes_are_not_and_parameters_come_before_values():
    sent = np.array([(0, 0, n, 1) for n in (6, 11, 64, 100, 101, 121)], CONTROL)
    piece = score(note(0), controls=sent, bends=np.array([(480, 0, -100)], BEND))
    controls = [e.number for e in perform(piece) if e.kind == "control" and e.channel == 0]
    assert {6, 11, 100, 101} <= set(controls)
    assert not {64, 121} & set(controls)
    assert controls.index(101) < controls.index(100) < controls.index(6)
    assert [(e.second, e.value) for e in perform(piece) if e.kind == "bend"] == [(0.5, -100)]


@given(
    st.lists(
        st.builds(
            note,
            st.integers(0, 3000),
            st.integers(0, 2000),
            st.integers(58, 61),
            grace=st.integers(0, 2),
            part=st.integers(0, 1),
            velocity=st.integers(0, 127),
        ),
        max_size=30,
    ),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 1), st.just(64), st.sampled_from([0, 127])), max_size=8),
)
def test_whatever_is_played_every_key_goes_down_and_up_in_turn(rows, pedal):
    played = sounds(score(*rows, controls=np.array(pedal, CONTROL)))
    assert all(0 <= onset < release and 1 <= velocity <= 127 for onset, release, _, velocity in played)
