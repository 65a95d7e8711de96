"""Excerpts put together again."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from partimento.score import METER, NOTE, ChordEvent, Part, Score, measures_from_meters, notes_array
from partimento.score.joining import join
from partimento.theory.chord import ChordSymbol


def piece(bars: int) -> Score:
    """Two violins and a cello, a note a bar and part, a change of meter in bar 3, a chord in bars 1 and 2."""
    meters = np.array([(0, 4, 4), (96, 3, 4)], METER)
    measures = measures_from_meters(meters, 12, 96 + 36 * (bars - 2))[:bars]
    rows = [
        {"onset_tick": onset, "duration_tick": 12, "pitch": 60 + 5 * part + index, "part": part, "velocity": 70}
        for index, onset in enumerate(measures["onset_tick"].tolist())
        for part in range(3)
    ]
    chords = (ChordEvent(0, ChordSymbol.parse("C")), ChordEvent(48, ChordSymbol.parse("G7")))
    parts = (Part("Violin", 40), Part("Violin", 40), Part("Cello", 42))
    return Score(12, parts, notes_array(rows), measures=measures, meters=meters, chords=chords, title="A")


@given(st.sets(st.integers(1, 5)))
def test_a_piece_that_is_cut_at_any_barlines_and_joined_is_the_piece(cuts):
    whole = piece(6)
    edges = [0, *sorted(cuts), 6]
    excerpts = [(int(whole.measures["onset_tick"][a]), whole.slice_bars(a, b)) for a, b in itertools.pairwise(edges)]
    assert join(excerpts) == whole


def test_the_same_instrument_is_the_same_part_wherever_it_stands():
    flute, drums, piano = Part("Flute", 73), Part("Drums", 0, True), Part("Piano", 0)

    def one_note(part: int) -> np.ndarray:
        return np.array([(0, 12, 60, 127, 80, part, 0, 0, 0, False, 0, False)], NOTE)

    first = Score(12, (piano, flute), one_note(1))
    second = Score(12, (drums, flute, piano), one_note(0))
    whole = join([(0, first), (24, second)])
    assert [part.name for part in whole.parts] == ["Piano", "Flute", "Drums"]
    assert [(n["onset_tick"], whole.parts[n["part"]].name) for n in whole.notes] == [(0, "Flute"), (24, "Drums")]


def test_ids_are_distinct():
    whole = piece(3)
    twice = join([(0, whole), (whole.end_tick, whole)])
    assert len(set(twice.notes["note_id"].tolist())) == 2 * len(whole.notes)


def test_an_empty_score_adds_nothing():
    whole = piece(4)
    assert len(join([(0, whole), (whole.end_tick, Score(12, ()))]).notes) == len(whole.notes)
