"""The central type: equality, time, ties, slices, transposition."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partimento.errors import NeedsBeats
from partimento.score import (
    CLEF,
    CONTROL,
    KEY,
    METER,
    TEMPO,
    ChordEvent,
    Direction,
    Lyric,
    Part,
    PartGroup,
    ProgramChange,
    Score,
    Spanner,
    measures_from_meters,
    notes_array,
)
from partimento.theory import pitch
from partimento.theory.chord import ChordSymbol
from partimento.theory.interval import Interval
from partimento.theory.key import Key
from partimento.theory.spelling import spell

QUARTER = 12


def bars(*meters: tuple[int, int, int], end: int, pickup: int = 0, resolution: int = QUARTER) -> dict[str, Any]:
    rows = np.array([*meters], METER)
    return {"meters": rows, "measures": measures_from_meters(rows, resolution, end, pickup)}


def small_score(**changes) -> Score:
    """Four bars of 2/4 with a tune, a drum, a change of key and tempo, and what hangs on notes."""
    tune = [
        {"onset_tick": 12 * k, "duration_tick": 12, "pitch": p, "spelling": s, "voice": 1, "staff": 1}
        for k, (p, s) in enumerate([(60, 0), (64, 4), (67, 1), (66, 6), (67, 1), (70, -2), (69, 3), (62, 2)])
    ]
    drum = {"onset_tick": 24, "duration_tick": 6, "pitch": 38, "part": 1, "note_id": 99}
    fields: dict[str, Any] = {
        "notes": notes_array([*tune, drum]),
        "keys": np.array([(0, -1, 0, 0), (48, -1, -1, 0)], KEY),
        "tempos": np.array([(0, 100.0), (36, 50.0)], TEMPO),
        "clefs": np.array([(0, 0, 1, "G", 2, 0), (48, 0, 1, "F", 4, 0)], CLEF),
        "controls": np.array([(12, 0, 64, 127), (60, 0, 64, 0)], CONTROL),
        "chords": (ChordEvent(0, ChordSymbol.parse("C")), ChordEvent(36, ChordSymbol.parse("D7/F#"))),
        "lyrics": (Lyric(0, "la"), Lyric(5, "lu")),
        "spanners": (Spanner("slur", 0, 1), Spanner("slur", 3, 5)),
        "directions": (Direction(24, "words", "dolce"),),
    }
    return Score(QUARTER, (Part("tune"), Part("kit", is_drums=True)), **(bars((0, 2, 4), end=96) | fields | changes))


# Equality


@given(st.integers(1, 40))
def test_scores_are_equal_whatever_their_resolution(factor):
    score = small_score()
    finer = score.with_resolution(QUARTER * factor)
    assert finer.ticks_per_quarter == QUARTER * factor
    assert finer == score
    assert finer.with_resolution(QUARTER) == score


def test_a_resolution_that_cannot_hold_the_music_is_refused():
    with pytest.raises(ValueError, match="exactly"):
        small_score().with_resolution(5)


def test_note_ids_and_the_order_of_rows_do_not_matter():
    score = small_score()
    notes = score.notes.copy()[::-1]
    notes["note_id"] += 1000
    other = small_score(
        notes=notes,
        lyrics=(Lyric(1005, "lu"), Lyric(1000, "la")),
        spanners=(Spanner("slur", 1003, 1005), Spanner("slur", 1000, 1001)),
    )
    assert other == score
    assert other != small_score(notes=notes, lyrics=(Lyric(1004, "lu"), Lyric(1000, "la")))


@pytest.mark.parametrize("field", ["pitch", "spelling", "velocity", "voice", "staff", "tied", "duration_tick"])
def test_every_property_of_a_note_counts(field):
    score = small_score()
    notes = score.notes.copy()
    notes[field][3] += 1
    assert score.with_notes(notes) != score


def test_arrays_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        small_score().notes["pitch"][0] = 1


def test_notes_belong_to_parts_and_meters_to_measures():
    with pytest.raises(ValueError, match="no part"):
        Score(12, (), notes=notes_array([{}]))
    with pytest.raises(ValueError, match="meters"):
        Score(12, (), meters=np.array([(0, 4, 4)], METER))


# Bars


def test_measures_follow_from_pickup_and_changes_of_meter():
    measures = bars((0, 3, 4), (84, 6, 8), end=130, pickup=12)["measures"]
    assert measures.tolist() == [(0, 12), (12, 36), (48, 36), (84, 36), (120, 36)]


def test_a_change_inside_a_bar_cuts_it_short():
    assert bars((0, 4, 4), (60, 2, 4), end=80)["measures"].tolist() == [(0, 48), (48, 12), (60, 24)]


@given(st.integers(1, 5), st.integers(0, 400), st.integers(0, 30))
def test_measures_are_contiguous_and_cover_the_piece(beats, end, pickup):
    measures = bars((0, beats, 4), end=end, pickup=pickup)["measures"]
    ends = measures["onset_tick"] + measures["duration_tick"]
    assert measures["onset_tick"][0] == 0
    assert (ends[:-1] == measures["onset_tick"][1:]).all()
    assert ends[-1] >= end
    assert len(measures) >= 1


def test_what_is_in_force_where():
    score = small_score(**bars((0, 3, 4), (48, 2, 4), end=96, pickup=12))
    assert score.has_pickup
    assert score.measure_at([0, 11, 12, 47, 48, 95, 9999]).tolist() == [0, 0, 1, 1, 2, 3, 3]
    assert [str(score.meter_at(tick)) for tick in (0, 47, 48)] == ["3/4", "3/4", "2/4"]
    assert [str(score.key_at(tick)) for tick in (0, 47, 48)] == ["C major", "C major", "F major"]


def test_music_without_a_beat_says_so():
    free = Score(12, (Part(),), notes=notes_array([{"duration_tick": 5}]))
    assert free.end_tick == 5
    for ask in (lambda: free.measure_at(0), lambda: free.meter_at(0), lambda: free.slice_bars(0, 1)):
        with pytest.raises(NeedsBeats):
            ask()


# Time


@given(
    st.lists(st.tuples(st.integers(0, 500), st.floats(10, 400)), max_size=5, unique_by=lambda row: row[0]),
    st.lists(st.integers(0, 2000), min_size=1),
)
def test_ticks_and_seconds_are_inverse_and_rise(tempos, ticks):
    score = Score(24, (), tempos=np.array(tempos, TEMPO))
    seconds = score.seconds_at(sorted(ticks))
    assert score.tick_at(seconds).tolist() == sorted(ticks)
    assert (np.diff(seconds) >= 0).all()


def test_seconds_by_hand():
    score = small_score()
    # three quarters at 100, then 50 to the minute; 120 where nothing is said
    assert score.seconds_at([0, 36, 48]).tolist() == pytest.approx([0, 1.8, 3.0])
    assert Score(480, ()).seconds_at(960).item() == pytest.approx(1.0)
    late = Score(480, (), tempos=np.array([(480, 60.0)], TEMPO))
    assert late.seconds_at(960).item() == pytest.approx(1.5)


# Ties


def test_chains_of_ties_sound_as_one_note_across_bars_and_voices():
    rows = [
        {"onset_tick": 0, "duration_tick": 24, "pitch": 60, "voice": 1, "tied": True},
        {"onset_tick": 24, "duration_tick": 24, "pitch": 60, "voice": 2, "tied": True},
        {"onset_tick": 48, "duration_tick": 6, "pitch": 60, "voice": 1},
        {"onset_tick": 54, "duration_tick": 6, "pitch": 60, "voice": 1},
        {"onset_tick": 0, "duration_tick": 24, "pitch": 64, "voice": 1, "tied": True},  # to nothing
        {"onset_tick": 24, "duration_tick": 0, "pitch": 60, "grace": 1},
    ]
    score = small_score(notes=notes_array(rows), lyrics=(Lyric(0, "a"), Lyric(2, "b")), spanners=())
    sounding = score.sounding()
    heard = [(n["note_id"], n["onset_tick"], n["duration_tick"]) for n in sounding.notes]
    assert sorted(heard) == [(0, 0, 54), (3, 54, 6), (4, 0, 24), (5, 24, 0)]
    assert not sounding.notes["tied"].any()
    assert sounding.lyrics == (Lyric(0, "a"),)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.randoms())
def test_cutting_a_note_anywhere_changes_nothing_that_sounds(lengths, random):
    onsets = np.cumsum([0, *lengths])
    rows = [
        {
            "onset_tick": int(a),
            "duration_tick": int(b - a),
            "pitch": 70,
            "voice": random.randint(1, 4),
            "tied": k < len(lengths) - 1,
        }
        for k, (a, b) in enumerate(pairwise(onsets))
    ]
    heard = Score(12, (Part(),), notes=notes_array(rows)).sounding().notes
    assert heard[["onset_tick", "duration_tick", "note_id"]].tolist() == [(0, sum(lengths), 0)]


# Slices


def test_a_slice_restates_what_was_in_force():
    piece = small_score().slice_bars(2, 4)
    assert piece.measures.tolist() == [(0, 24), (24, 24)]
    assert piece.meters.tolist() == [(0, 2, 4)]
    assert piece.keys.tolist() == [(0, -1, -1, 0)]
    assert piece.tempos.tolist() == [(0, 50.0)]
    assert piece.clefs["sign"].tolist() == ["F"]
    assert piece.controls.tolist() == [(0, 0, 64, 127), (12, 0, 64, 0)]
    assert [(c.onset_tick, str(c.symbol)) for c in piece.chords] == [(0, "D7/F#")]
    assert piece.notes["pitch"].tolist() == [67, 70, 69, 62]
    assert [x.text for x in piece.lyrics] == ["lu"]
    assert piece.spanners == ()


def test_notes_that_ring_on_are_cut_at_the_end_of_a_slice():
    long = notes_array([{"onset_tick": 12, "duration_tick": 60, "pitch": 60, "tied": True}])
    piece = small_score(notes=long, lyrics=(), spanners=()).slice_bars(0, 1)
    assert piece.notes[["onset_tick", "duration_tick", "tied"]].tolist() == [(12, 12, False)]


@given(st.integers(1, 3))
def test_slices_hold_all_notes_between_them(cut):
    score = small_score()
    first, second = score.slice_bars(0, cut), score.slice_bars(cut, 4)
    assert len(first.notes) + len(second.notes) == len(score.notes)
    assert first.end_tick + second.end_tick == score.end_tick
    assert score.slice_bars(0, 4) == score


@pytest.mark.parametrize(("first", "last"), [(0, 0), (2, 1), (-1, 2), (0, 5)])
def test_slices_outside_the_piece_are_refused(first, last):
    with pytest.raises(ValueError, match="bars"):
        small_score().slice_bars(first, last)


# Transposition


@given(st.integers(-7, 7), st.integers(0, 4), st.lists(st.integers(40, 90), max_size=12), st.integers(-24, 24))
def test_transposing_there_and_back_changes_nothing(fifths, mode, pitches, semitones):
    key = Key.from_ids(fifths, mode)
    spelled = spell(np.array(pitches, np.int64), fifths, key.mode == "minor")
    rows = [
        {"onset_tick": 6 * k, "duration_tick": 6, "pitch": p, "spelling": s}
        for k, (p, s) in enumerate(zip(pitches, spelled, strict=True))
    ]
    score = Score(12, (Part(),), notes=notes_array(rows), keys=np.array([(0, -1, fifths, mode)], KEY))
    moved = score.transpose(semitones)
    assert (moved.notes["pitch"] == score.notes["pitch"] + semitones).all()
    assert [pitch.pitch_class(int(s)) for s in moved.notes["spelling"]] == [
        p % 12 for p in moved.notes["pitch"].tolist()
    ]
    # degrees of the scale stay: the spelling moves with the key
    assert (moved.notes["spelling"] - moved.keys["fifths"][0] == score.notes["spelling"] - fifths).all()
    back = moved.transpose(-semitones)
    difference = int(back.keys["fifths"][0]) - fifths
    assert difference in (-12, 0, 12)
    assert (back.notes["pitch"] == score.notes["pitch"]).all()
    assert difference or back == score


@given(st.integers(-9, 9), st.integers(-5, 5))
def test_a_spelled_interval_is_undone_by_its_opposite(semitones, diatonic):
    interval = Interval(semitones, diatonic)
    score = small_score(keys=np.empty(0, KEY), tempos=np.empty(0, TEMPO))
    moved = score.transpose(interval)
    assert moved.transpose(-interval) == score
    assert moved.notes["pitch"][moved.notes["part"] == 1].tolist() == [38]


def test_chords_are_spelled_with_the_key():
    moved = small_score().transpose(1)  # C major to D flat
    assert moved.keys["fifths"].tolist() == [-5, -6]
    assert [str(c.symbol) for c in moved.chords] == ["Db", "Eb7/G"]
    assert [pitch.name(int(s)) for s in moved.notes["spelling"][:3]] == ["Db", "F", "Ab"]


def test_pitches_do_not_leave_the_range_of_midi():
    with pytest.raises(ValueError, match="0-127"):
        small_score().transpose(60)


def test_quarters_are_exact():
    assert small_score().quarters(16) == Fraction(4, 3)


# Cue notes, programs


def test_cue_notes_do_not_sound():
    rows = [{"duration_tick": 12, "pitch": 60}, {"duration_tick": 12, "pitch": 64, "cue": True}]
    score = small_score(notes=notes_array(rows), lyrics=(Lyric(1, "cue"),), spanners=())
    assert score.sounding().notes["pitch"].tolist() == [60]
    assert score.sounding().lyrics == ()


def test_a_tie_prefers_its_own_voice():
    rows = [
        {"onset_tick": 0, "duration_tick": 12, "pitch": 60, "voice": 2, "tied": True},
        {"onset_tick": 12, "duration_tick": 6, "pitch": 60, "voice": 1},
        {"onset_tick": 12, "duration_tick": 12, "pitch": 60, "voice": 2},
    ]
    heard = small_score(notes=notes_array(rows), lyrics=(), spanners=()).sounding().notes
    assert heard[["onset_tick", "duration_tick", "voice"]].tolist() == [(0, 24, 2), (12, 6, 1)]


def test_programs_split_into_parts_of_their_own():
    rows = [{"onset_tick": 12 * k, "duration_tick": 12, "pitch": 60 + k, "part": k % 2} for k in range(8)]
    score = small_score(
        notes=notes_array(rows), lyrics=(), spanners=(),
        programs=(ProgramChange(24, 0, 45), ProgramChange(72, 0, 0)),
        groups=(PartGroup(0, 0, "strings"), PartGroup(0, 1)),
    )  # fmt: skip
    split = score.split_programs()
    assert [(p.name, p.program) for p in split.parts] == [("tune", 0), ("tune", 45), ("kit", 0)]
    assert split.notes[["pitch", "part"]].tolist() == [
        (60, 0), (61, 2), (62, 1), (63, 2), (64, 1), (65, 2), (66, 0), (67, 2),
    ]  # fmt: skip
    assert [(g.first, g.last) for g in split.groups] == [(0, 1), (0, 2)]
    assert split.programs == ()
    assert small_score().split_programs() == small_score()


def test_a_score_with_other_tags_is_the_same_but_for_them() -> None:
    score = small_score()
    tagged = score.with_tags(("jig",))
    assert (tagged.tags, score.tags) == (("jig",), small_score().tags)
    assert tagged == replace(score, tags=("jig",))
    assert tagged.notes is score.notes
