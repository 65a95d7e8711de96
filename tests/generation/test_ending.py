"""Ends: reached by the middle of the last bar, on the root, and held."""

from __future__ import annotations

import numpy as np
import pytest

from partimento.generation.ending import with_held_end
from partimento.score import KEY, MEASURE, METER, ChordEvent, Part, Score, notes_array
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import DRUMS
from partimento.theory.meter import Meter

Note = tuple[int, int, int, int]
"""Part, onset and duration in eighths, pitch."""
PARTS = (Part.playing(73), Part.playing(42), Part.playing(DRUMS))


def piece(*notes: Note, meter: str = "4/4", chords: tuple[ChordEvent, ...] = ()) -> Score:
    """Two bars in C major."""
    bar = int(2 * Meter.parse(meter).duration_quarter)
    rows = [{"part": p, "onset_tick": o, "duration_tick": d, "pitch": n} for p, o, d, n in notes]
    signature = Meter.parse(meter)
    return Score(
        2, PARTS, notes_array(rows), np.array([(0, bar), (bar, bar)], MEASURE),
        np.array([(0, signature.beats, signature.beat_type)], METER), np.array([(0, -1, 0, 0)], KEY), chords=chords,
    )  # fmt: skip


def last_bar(score: Score) -> list[Note]:
    start = score.measures["onset_tick"][-1]
    notes = score.notes[score.notes["onset_tick"] >= start]
    return [tuple(n) for n in notes[["part", "onset_tick", "duration_tick", "pitch"]].tolist()]


def test_an_upbeat_that_nothing_follows_becomes_the_end() -> None:
    score = with_held_end(piece((0, 0, 8, 67), (0, 8, 4, 65), (0, 12, 2, 62), (0, 15, 1, 60), (1, 8, 8, 48)))
    assert last_bar(score) == [(0, 8, 4, 65), (1, 8, 8, 48), (0, 12, 4, 60)]


def test_a_short_last_note_is_held_and_a_long_one_stays() -> None:
    assert last_bar(with_held_end(piece((0, 8, 1, 60)))) == [(0, 8, 8, 60)]
    whole = piece((0, 0, 8, 67), (0, 8, 8, 60))
    assert with_held_end(whole) == whole


def test_tones_of_the_tonic_are_preferred_and_the_bass_goes_to_the_root() -> None:
    assert last_bar(with_held_end(piece((0, 8, 4, 64), (0, 12, 4, 62)))) == [(0, 8, 8, 60)]
    ended = last_bar(with_held_end(piece((0, 8, 8, 76), (1, 8, 4, 50), (1, 12, 4, 52))))
    assert ended == [(0, 8, 8, 76), (1, 8, 4, 50), (1, 12, 4, 48)]


def test_the_bass_has_the_root_even_where_another_part_goes_below_it() -> None:
    ended = last_bar(with_held_end(piece((0, 0, 4, 72), (1, 0, 4, 48), (0, 8, 8, 60), (1, 8, 8, 64))))
    assert ended == [(0, 8, 8, 60), (1, 8, 8, 60)]


def test_what_belongs_to_the_end_and_rings_into_it_rings_on() -> None:
    ended = last_bar(with_held_end(piece((1, 8, 8, 48), (1, 8, 8, 50), (1, 10, 6, 55), (1, 12, 4, 64))))
    assert ended == [(1, 8, 8, 48), (1, 8, 4, 50), (1, 10, 6, 55), (1, 12, 4, 64)]


def test_a_tune_ends_on_the_root_or_the_third() -> None:
    assert last_bar(with_held_end(piece((0, 8, 8, 79), (1, 8, 8, 48)))) == [(0, 8, 8, 84), (1, 8, 8, 48)]
    assert last_bar(with_held_end(piece((0, 8, 8, 76), (1, 8, 8, 48)))) == [(0, 8, 8, 76), (1, 8, 8, 48)]


def test_tones_that_do_not_belong_there_move_to_the_nearest_that_does() -> None:
    assert last_bar(with_held_end(piece((0, 9, 1, 65), (0, 9, 1, 64), (1, 8, 8, 48)))) == [(1, 8, 8, 48), (0, 9, 7, 64)]


def test_the_last_chord_that_was_asked_for_is_where_it_ends() -> None:
    chord = ChordEvent(0, ChordSymbol.parse("Am"))
    assert last_bar(with_held_end(piece((0, 8, 8, 72), (1, 8, 8, 48), chords=(chord,)))) == [
        (0, 8, 8, 72),
        (1, 8, 8, 45),
    ]


def test_what_rings_over_the_last_barline_is_struck_again_to_end_in_tune() -> None:
    score = with_held_end(piece((1, 0, 16, 50), (0, 8, 8, 72)))
    assert last_bar(score) == [(0, 8, 8, 72), (1, 8, 8, 48)]
    assert score.notes["duration_tick"].tolist() == [8, 8, 8]
    assert len(set(score.notes["note_id"].tolist())) == 3


def test_a_chord_that_begins_in_the_last_bar_is_waited_for() -> None:
    chords = (ChordEvent(8, ChordSymbol.parse("G")), ChordEvent(14, ChordSymbol.parse("C")))
    ended = last_bar(with_held_end(piece((0, 8, 4, 71), (0, 15, 1, 74), (1, 8, 8, 43), chords=chords)))
    assert ended == [(0, 8, 4, 71), (1, 8, 8, 43), (0, 14, 2, 72)]


def test_what_sounds_into_the_end_is_cut_there_and_drums_stop() -> None:
    score = with_held_end(piece((0, 6, 8, 64), (0, 13, 3, 67), (2, 8, 1, 36), (2, 12, 1, 38), (2, 14, 1, 38)))
    held = [tuple(n) for n in score.notes[["part", "onset_tick", "duration_tick", "pitch"]].tolist()]
    assert held == [(0, 6, 6, 64), (2, 8, 1, 36), (0, 12, 4, 72), (2, 12, 1, 38)]


@pytest.mark.parametrize(("meter", "middle"), [("3/4", 2), ("6/8", 3), ("2/4", 2), ("1/4", 0), ("5/4", 4)])
def test_the_end_is_on_a_beat(meter: str, middle: int) -> None:
    bar = int(2 * Meter.parse(meter).duration_quarter)
    assert last_bar(with_held_end(piece((0, 2 * bar - 1, 1, 60), meter=meter))) == [(0, bar + middle, bar - middle, 60)]


def test_silence_and_music_without_bars_stay_as_they_are() -> None:
    empty = piece()
    assert with_held_end(empty) is empty
    free = Score(2, PARTS, piece((0, 3, 1, 60)).notes)
    assert with_held_end(free) is free
