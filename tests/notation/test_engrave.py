"""Engraving: nothing is lost, what sounds stays, and the page follows the rules of notation."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partimento.errors import BadInput, NeedsBeats
from partimento.io import musicxml
from partimento.notation import engrave
from partimento.score import KEY, METER, Part, Score, measures_from_meters, notes_array
from partimento.theory import pitch


def score_of(rows, program=0, meter=(4, 4), is_drums=False, resolution=24, **fields) -> Score:
    """One part of bare notes: (onset, duration, pitch), as MIDI gives them."""
    notes = notes_array({"onset_tick": a, "duration_tick": d, "pitch": p} for a, d, p in rows)
    meters = np.array([(0, *meter)], METER)
    end = max((a + d for a, d, _ in rows), default=1)
    measures = measures_from_meters(meters, resolution, end)
    return Score(resolution, (Part("x", program, is_drums),), notes=notes, meters=meters, measures=measures, **fields)


def sound(score: Score) -> list[tuple[float, float, int, int]]:
    notes, per_quarter = score.sounding().notes, score.ticks_per_quarter
    return sorted(
        (n["onset_tick"] / per_quarter, n["duration_tick"] / per_quarter, int(n["pitch"]), int(n["part"]))
        for n in notes
    )


def spans(score: Score, voice: int) -> list[tuple[float, float]]:
    """Onset and release in quarters of the chords of a voice."""
    notes = score.notes[score.notes["voice"] == voice]
    ends = notes["onset_tick"] + notes["duration_tick"]
    return sorted(set(zip(notes["onset_tick"] / score.ticks_per_quarter, ends / score.ticks_per_quarter, strict=True)))


@st.composite
def pieces(draw):
    """Polyphony on sixteenths or triplets, beat by beat, without a pitch struck while it sounds."""
    rows, until = [], {}
    for _ in range(draw(st.integers(1, 30))):
        unit = draw(st.sampled_from([6, 8]))
        onset = 24 * draw(st.integers(0, 11)) + unit * draw(st.integers(0, 1))
        rows.append((onset, unit * draw(st.integers(1, 9)), draw(st.integers(36, 84))))
    rows.sort()
    rows = [row for row in rows if until.get(row[2], 0) <= row[0] and not until.update({row[2]: row[0] + row[1]})]
    return score_of(rows, draw(st.sampled_from([0, 40, 48, 73])), draw(st.sampled_from([(4, 4), (3, 4), (6, 8)])))


@given(pieces())
@settings(max_examples=30)
def test_no_two_chords_of_a_voice_overlap_and_ids_stay(score):
    engraved = engrave(score)
    assert set(score.notes["note_id"].tolist()) <= set(engraved.notes["note_id"].tolist())
    assert len(set(engraved.notes["note_id"].tolist())) == len(engraved.notes)
    assert engraved.notes["voice"].min() >= 1
    assert set(engraved.notes["staff"].tolist()) <= set(range(1, engraved.parts[0].staves + 1))
    assert (engraved.notes["voice"] <= 4 * engraved.notes["staff"]).all()
    for voice in set(engraved.notes["voice"].tolist()):
        assert all(a[1] <= b[0] for a, b in pairwise(spans(engraved, voice)))
    assert engrave(engraved) == engraved


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), min_size=1, max_size=20))
@settings(max_examples=20)
def test_on_the_grid_everything_sounds_as_before_also_with_more_than_four_voices(rows):
    rows = [(0, 20), *rows]  # silence before the first note is left out
    score = score_of([(6 * onset, 6 * duration, 40 + 2 * k) for k, (onset, duration) in enumerate(rows)])
    assert sound(engrave(score)) == sound(score)
    assert sound(musicxml.read(musicxml.write(engrave(score)), "x")[0]) == sound(score)


def test_notation_that_is_there_stays():
    score = engrave(score_of([(0, 24, 60), (24, 48, 64)]))
    assert engrave(score) == score


def test_music_without_bars_cannot_be_engraved():
    with pytest.raises(NeedsBeats, match="beat"):
        engrave(Score(24, (Part(),), notes=notes_array([{"duration_tick": 5, "pitch": 60}])))


def test_spelling_follows_the_key_in_force():
    keys = np.array([(0, -1, 2, 0), (96, -1, -4, 1)], KEY)
    engraved = engrave(score_of([(0, 24, 61), (24, 24, 66), (96, 24, 61), (120, 24, 68)], keys=keys))
    assert [pitch.name(int(s)) for s in engraved.notes["spelling"]] == ["C#", "F#", "Db", "Ab"]


def test_a_melody_over_held_notes_is_the_upper_voice():
    engraved = engrave(score_of([(0, 96, 60), (12, 24, 72), (36, 60, 74)], program=40))
    assert spans(engraved, 1) == [(0.5, 1.5), (1.5, 4)]
    assert spans(engraved, 2) == [(0, 4)]


def test_chords_stay_together():
    engraved = engrave(score_of([(0, 24, p) for p in (60, 64, 67)] + [(24, 24, p) for p in (59, 62, 67)], 24))
    assert set(engraved.notes["voice"].tolist()) == {1}


def test_hands_keep_their_lines():
    scale = [(12 * k, 12, 72 - 2 * k) for k in range(10)]  # the right hand runs below middle C
    bass = [(24 * k, 24, 40 + (k % 2) * 3) for k in range(5)]
    engraved = engrave(score_of(scale + bass))
    assert engraved.parts[0].staves == 2
    staff = {(n["onset_tick"] * 24 // engraved.ticks_per_quarter, n["pitch"]): n["staff"] for n in engraved.notes}
    assert {staff[onset, p] for onset, _, p in scale} == {1}
    assert {staff[onset, p] for onset, _, p in bass} == {2}
    assert engraved.clefs[["sign", "line"]].tolist() == [("G", 2), ("F", 4)]


@pytest.mark.parametrize(
    ("program", "is_drums", "clef"),
    [
        (73, False, ("G", 2, 0)),
        (41, False, ("C", 3, 0)),
        (42, False, ("F", 4, 0)),
        (24, False, ("G", 2, -1)),
        (0, True, ("percussion", 3, 0)),
    ],
)
def test_instruments_have_their_clefs(program, is_drums, clef):
    engraved = engrave(score_of([(0, 24, 60), (24, 24, 62)], program, is_drums=is_drums))
    assert engraved.clefs[["sign", "line", "octave_change"]].tolist() == [clef]
    assert engraved.parts[0].staves == 1


def test_triplets_become_tuplets_and_notes_are_tied_at_their_edges():
    engraved = engrave(score_of([(0, 8, 60), (8, 8, 62), (16, 32, 64), (48, 16, 65), (64, 16, 67), (80, 16, 69)], 40))
    quarter = engraved.ticks_per_quarter
    assert [(t.onset_tick, t.duration_tick, t.actual, t.normal) for t in engraved.tuplets] == [
        (0, quarter, 3, 2),
        (2 * quarter, 2 * quarter, 3, 2),
    ]
    assert spans(engraved, 1)[2:4] == [pytest.approx((2 / 3, 1)), (1, 2)]
    assert engraved.notes["tied"].sum() == 1


def test_played_rhythm_goes_to_sixteenths_or_triplets_beat_by_beat():
    played = [(5, 100, 60), (235, 110, 62), (490, 150, 64), (635, 170, 65), (812, 140, 67), (955, 460, 69)]
    engraved = engrave(score_of(played, 40, resolution=480))
    onsets = engraved.notes["onset_tick"] / engraved.ticks_per_quarter
    assert sorted(set(onsets.tolist())) == pytest.approx([0, 0.5, 1, 4 / 3, 5 / 3, 2])


def test_drums_last_to_the_next_stroke_and_feet_have_a_voice():
    engraved = engrave(score_of([(0, 1, 36), (0, 1, 42), (12, 1, 42), (24, 1, 38), (24, 1, 42)], is_drums=True))
    assert spans(engraved, 1) == [(0, 0.5), (0.5, 1), (1, 2)]
    assert spans(engraved, 2) == [(0, 1)]
    assert (engraved.notes["spelling"] == pitch.UNSPELLED).all()


def test_absurdly_many_bars_are_refused_at_once():
    meters = np.array([(0, 4, 4)], METER)
    notes = notes_array([{"onset_tick": 48 * 30_000, "duration_tick": 12, "pitch": 60}])
    measures = measures_from_meters(meters, 12, 48 * 30_001)
    with pytest.raises(BadInput, match="30001 bars"):
        engrave(Score(12, (Part(),), notes=notes, meters=meters, measures=measures))
