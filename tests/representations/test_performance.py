"""Performance events: what exactly is written, and what the grammar takes and refuses."""

from dataclasses import replace

import numpy as np
import pytest

from partimento.errors import InfeasibleTask
from partimento.plan import Compose, Constraints, Infill, Plan
from partimento.representations.performance import Performance
from partimento.representations.performance.chords import bars_of
from partimento.representations.performance.quantise import MAX_SOUNDING
from partimento.score import CONTROL, METER, TEMPO, ChordEvent, Part, Score, measures_from_meters, notes_array
from partimento.theory.chord import ChordSymbol

PIANO, VIOLIN, DRUM_KIT = Part("piano", 0), Part("violin", 40), Part("drums", 0, True)
REP = Performance()


def music(*rows, parts=(PIANO, VIOLIN, DRUM_KIT)):
    """A score in which a tick is 10 ms, of rows (onset, duration, pitch, part, velocity)."""
    names = ("onset_tick", "duration_tick", "pitch", "part", "velocity")
    return Score(50, parts, notes=notes_array(dict(zip(names, row, strict=True)) for row in rows))


def words(score, rep=REP, task=None):
    return " ".join(rep.tokens[token] for token in rep.encode(score, task or Compose()).ids)


def accepts(text, rep=REP, task=None):
    """Whether the grammar takes a sequence to its last token."""
    state = rep.start(task or Compose())
    ids = {name: token for token, name in enumerate(rep.tokens)}
    for word in text.split():
        if not any(low <= ids[word] < high for low, high in rep.allowed(state)):
            return False
        state = rep.step(state, ids[word])
    return True


def test_program_velocity_and_time_are_stated_where_they_change():
    score = music(
        (0, 250, 60, 1, 80), (0, 30, 48, 0, 80), (0, 250, 64, 1, 90), (250, 1, 62, 1, 90), (250, 1, 38, 2, 90)
    )
    assert words(score) == (
        "BOS Program_0 Velocity_82 NoteOn_48 Program_40 NoteOn_60 Velocity_90 NoteOn_64 "
        "TimeShift_30 Program_0 NoteOff_48 TimeShift_100 TimeShift_100 TimeShift_20 "
        "Program_40 NoteOff_60 NoteOff_64 NoteOn_62 Program_128 DrumOn_38 "
        "TimeShift_1 Program_40 NoteOff_62 Program_128 DrumOff_38 EOS"
    )


def test_programs_come_in_the_order_of_the_score():
    rows = ((0, 9, 60, 0, 64), (0, 9, 72, 1, 64), (9, 9, 60, 0, 64), (9, 9, 72, 1, 64))
    assert "BOS Program_40 Velocity_66 NoteOn_60 Program_0 NoteOn_72 " in words(music(*rows, parts=(VIOLIN, PIANO)))


def test_time_is_what_the_tempo_makes_of_beats():
    notes = notes_array([{"onset_tick": 480 * beat, "duration_tick": 240, "pitch": 60} for beat in range(3)])
    score = Score(480, (PIANO,), notes, tempos=np.array([(0, 120), (480, 60)], TEMPO))
    assert REP.quantise(score)[0].notes[["onset_tick", "duration_tick"]].tolist() == [(0, 25), (50, 50), (150, 50)]


def test_one_pitch_of_a_program_sounds_once_at_a_time_and_what_goes_is_said():
    score = music((0, 20, 60, 0, 64), (5, 5, 60, 0, 64), (5, 9, 60, 0, 64), (5, 9, 60, 1, 64))
    quantised, losses = REP.quantise(score)
    assert quantised.notes[["onset_tick", "duration_tick", "part"]].tolist() == [(0, 5, 0), (5, 9, 0), (5, 9, 1)]
    assert [(loss.what, loss.note_id) for loss in losses] == [
        ("note that another doubles", 1), ("end of a note that is struck again", -1)
    ]  # fmt: skip


def test_what_a_pedal_holds_sounds_until_it_is_lifted_or_the_pitch_is_struck_again():
    controls = np.array([(5, 0, 64, 127), (50, 0, 64, 0), (80, 0, 64, 100)], CONTROL)
    score = music((0, 9, 60, 0, 64), (20, 9, 60, 0, 64), (0, 60, 64, 0, 64), (0, 9, 60, 1, 64), (90, 5, 65, 0, 64))
    quantised, losses = REP.quantise(replace(score, controls=controls))
    lengths = quantised.notes[["onset_tick", "pitch", "part", "duration_tick"]].tolist()
    assert lengths == [(0, 60, 0, 20), (0, 64, 0, 60), (0, 60, 1, 9), (20, 60, 0, 30), (90, 65, 0, 5)]
    assert [loss.what for loss in losses] == ["pedal, but for the length of 2 notes"]


def test_parts_that_play_one_program_become_one():
    quantised, losses = REP.quantise(music((0, 9, 60, 0, 64), (0, 9, 64, 1, 64), parts=(VIOLIN, VIOLIN)))
    assert [part.program for part in quantised.parts] == [40]
    assert len(quantised.notes) == 2
    assert not losses


def test_no_more_than_64_notes_sound_at_once():
    rows = [(0, 100, pitch, pitch % 2, 64) for pitch in range(70)] + [(100, 9, 100, 0, 64)]
    quantised, losses = REP.quantise(music(*rows))
    assert len(quantised.notes) == MAX_SOUNDING + 1
    assert [loss.what for loss in losses] == [f"note beyond {MAX_SOUNDING} at once"] * 6
    assert accepts(words(quantised))


def test_absurd_times_do_no_harm():
    quantised, losses = REP.quantise(music((0, 1 << 60, 60, 0, 64), (1 << 60, 9, 60, 1, 64)))
    assert quantised.notes["duration_tick"].tolist() == [24 * 60 * 60 * 100]
    assert [(loss.what, loss.note_id) for loss in losses] == [("note behind 24 hours", 1)]


@pytest.mark.parametrize(
    ("why", "text"),
    [
        ("", "BOS Program_0 Velocity_66 NoteOn_60 TimeShift_9 NoteOff_60 EOS"),
        ("", "BOS EOS"),
        ("nothing plays yet", "BOS NoteOn_60"),
        ("no velocity yet", "BOS Program_0 NoteOn_60"),
        ("drums have notes of their own", "BOS Program_128 Velocity_66 NoteOn_60"),
        ("it does not sound", "BOS Program_0 Velocity_66 NoteOn_60 TimeShift_9 NoteOff_61"),
        ("another program's note sounds", "BOS Program_0 Velocity_66 NoteOn_60 TimeShift_9 Program_1 NoteOff_60"),
        ("it sounds already", "BOS Program_0 Velocity_66 NoteOn_60 TimeShift_9 NoteOn_60"),
        ("a note lasts", "BOS Program_0 Velocity_66 NoteOn_60 NoteOff_60"),
        ("a note ends", "BOS Program_0 Velocity_66 NoteOn_60 TimeShift_9 EOS"),
        ("a longer wait begins with seconds", "BOS TimeShift_9 TimeShift_9"),
        ("", "BOS TimeShift_100 TimeShift_9 Program_0"),
        ("time goes on to something", "BOS TimeShift_9 EOS"),
        ("velocity is stated where it changes", "BOS Program_0 Velocity_66 NoteOn_60 TimeShift_9 Velocity_66"),
        ("so is the program", "BOS Program_0 Velocity_66 NoteOn_60 TimeShift_9 Program_0"),
        ("a program is for a note", "BOS Program_0 Program_1"),
        ("a velocity is for a note", "BOS Program_0 Velocity_66 TimeShift_9"),
        ("what ends comes first", "BOS Program_0 Velocity_66 NoteOn_60 TimeShift_9 NoteOn_61 NoteOff_60"),
        ("pitches go upwards", "BOS Program_0 Velocity_66 NoteOn_60 NoteOn_59"),
        ("the softer come first", "BOS Program_0 Velocity_66 NoteOn_60 Velocity_62"),
        ("", "BOS Program_0 Velocity_66 NoteOn_60 Velocity_70 NoteOn_59"),
        ("a program has its turn", "BOS Program_0 Velocity_66 NoteOn_60 Program_1 NoteOn_60 Program_0"),
    ],
)
def test_the_grammar_takes_what_is_written_and_nothing_else(why, text):
    assert accepts(text) is not bool(why)


def test_every_instrument_of_a_plan_enters():
    task = Compose(Plan(instruments=(0, 40)))
    alone = "BOS Program_0 Velocity_66 NoteOn_60 TimeShift_9 NoteOff_60"
    assert accepts(f"{alone} Program_40 NoteOn_60 TimeShift_9 NoteOff_60 EOS", task=task)
    assert not accepts(f"{alone} EOS", task=task)
    assert not accepts("BOS Program_7", task=task)


def test_tasks_that_cannot_be_done_are_refused():
    with pytest.raises(InfeasibleTask, match="2 instruments need 12 tokens"):
        REP.start(Compose(Plan(instruments=(0, 40)), Constraints(budget=11)))
    with pytest.raises(InfeasibleTask, match="no bars"):
        REP.start(Infill(0, 1))


def test_chords_of_the_plan_are_the_prompt():
    rep = Performance(chords=True)
    chords = tuple(tuple(map(ChordSymbol.parse, bar.split())) for bar in ("Dm7 G7/F", "Cmaj7", ""))
    task = Compose(Plan(chords=chords))
    encoded = rep.encode(music((0, 9, 60, 0, 64)), task)
    header = [rep.tokens[token] for token in encoded.prompt]
    assert header == [
        "BOS", "ChordBar", "Chord_2_minor-seventh", "Chord_7_dominant", "Bass_5", "ChordBar", "Chord_0_major-seventh",
        "ChordBar",
    ]  # fmt: skip
    assert rep.forced(rep.start(task)) == tuple(encoded.prompt.tolist())
    higher = [rep.tokens[token] for token in rep.transposition(2)[encoded.prompt]]
    assert higher[2:5] == ["Chord_4_minor-seventh", "Chord_9_dominant", "Bass_7"]


def test_windows_state_the_chords_of_their_bars():
    rep = Performance(chords=True)
    rows = [(50 * k, 50, 60 + pitch, 0, 64) for k in range(24) for pitch in ((0, 4, 7), (2, 5, 9, 0))[k // 4 % 2]]
    meters = np.array([(0, 4, 4)], METER)
    score = replace(music(*rows), meters=meters, measures=measures_from_meters(meters, 50, 1200))
    estimated = [" ".join(map(str, bar.chords)) for bar in bars_of(score)]
    assert len(set(estimated)) > 1
    named = replace(score, chords=(ChordEvent(0, ChordSymbol.parse("Am")), ChordEvent(500, ChordSymbol.parse("F/C"))))
    for piece, expected in ((score, estimated), (named, ["Am", "Am", "Am F/C", "F/C", "F/C", "F/C"])):
        windows = list(rep.windows(piece, Compose(), 200))
        assert len(windows) > 1
        heard = [" ".join(map(str, bar)) for _, task in windows for bar in task.plan.chords or ()]
        assert all(bar in expected for bar in heard)
        assert heard[:2] == expected[:2]
        assert heard[-1] == expected[-1]
        assert all(len(rep.encode(part, task).ids) <= 200 for part, task in windows)
    assert all(task.plan.chords is None for _, task in REP.windows(score, Compose(), 200))


def test_tables_leave_drums_alone():
    table = REP.transposition(2)
    ids = {name: token for token, name in enumerate(REP.tokens)}
    assert table[ids["NoteOn_60"]] == ids["NoteOn_62"]
    assert table[ids["DrumOn_38"]] == ids["DrumOn_38"]
    swapped = REP.exchange({0: 24, 24: 0})
    assert swapped is not None
    assert swapped[ids["Program_0"]] == ids["Program_24"]
    assert REP.exchange({0: 128, 128: 0}) is None


def test_a_long_piece_is_cut_where_notes_begin():
    rows = [(7 * k, 30 + k % 50, 40 + k % 41, k % 2, 40 + k % 9) for k in range(2000)]
    score, _ = REP.quantise(music(*rows))
    pieces = list(REP.windows(score, Compose(), 500))
    assert sum(len(piece.notes) for piece, _ in pieces) == len(score.notes)
    assert all(piece.notes["onset_tick"][0] == 0 for piece, _ in pieces[1:])
    lengths = [len(REP.encode(piece, task).ids) for piece, task in pieces]
    assert max(lengths) <= 500
    assert np.mean(lengths[:-1]) > 450
    assert words(pieces[1][0], task=pieces[1][1]).startswith("BOS OpensMidway EndsMidway Program_")


def test_notes_too_long_for_a_window_end_earlier():
    pieces = list(REP.windows(music((0, 100_000, 60, 0, 64), (300_000, 9, 60, 0, 64)), Compose(), 100))
    assert [len(piece.notes) for piece, _ in pieces] == [1, 1]
    assert [len(REP.encode(piece, task).ids) <= 100 for piece, task in pieces] == [True, True]
    assert 8000 < pieces[0][0].end_tick <= 10_000
