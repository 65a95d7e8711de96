"""remi: ids that shipped models rely on, sequences written out by hand, parts kept apart, infilling, microtiming."""

import hashlib
from itertools import combinations

import numpy as np
import pytest

from partimento.errors import BadInput, BadPlan, InfeasibleTask, NeedsBeats
from partimento.plan import Compose, Constraints, Infill, Plan
from partimento.representations import create
from partimento.representations.infilling import spliced
from partimento.representations.remi import Remi
from partimento.score import MEASURE, METER, ChordEvent, Part, ProgramChange, Score, notes_array
from partimento.theory.chord import ChordSymbol
from partimento.theory.key import Key

REMI, FILLING = create("remi"), create("remi", infill=True)
VIOLIN, VIOLA, DRUMS = Part("Violin", 40), Part("Viola", 41), Part("Drums", 0, True)


def piece(notes, parts=(VIOLIN,), bars=4, resolution=12, **more) -> Score:
    """Bars of 4/4; notes are (onset, duration, pitch, part) in quarters."""
    rows = [
        {"onset_tick": int(o * resolution), "duration_tick": int(d * resolution), "pitch": p, "part": k}
        for o, d, p, k in notes
    ]
    measures = [(4 * resolution * bar, 4 * resolution) for bar in range(bars)]
    return Score(
        resolution, tuple(parts), notes=notes_array(rows), measures=np.array(measures, MEASURE),
        meters=np.array([(0, 4, 4)], METER), **more,
    )  # fmt: skip


def trio() -> Score:
    """A whole note a bar in two violins and a viola."""
    pitches = ((0, 72), (1, 67), (2, 60))
    return piece([(4 * bar, 4, p + bar, k) for bar in range(4) for k, p in pitches], (VIOLIN, VIOLIN, VIOLA))


def words(rep, ids) -> str:
    return " ".join(rep.tokens[token] for token in ids)


@pytest.mark.parametrize(
    ("config", "size", "digest"),
    [
        ({}, 2065, "fe70a535f7e5160e3e5c8bd27890c4053831f17c0c608a539341f5d1144349ae"),
        ({"velocities": True}, 2097, "f6fc099817df127997056bdba0202b113a3e0e12bed8a14d88ad520d5cb149d0"),
    ],
)
def test_models_that_are_out_keep_their_ids(config, size, digest):
    rep = create("remi", **config)
    assert len(rep.tokens) == size
    assert hashlib.sha256("\n".join(rep.tokens).encode()).hexdigest() == digest
    assert rep.config == {"velocities": bool(config)}


# Parts that play one instrument


@pytest.mark.parametrize("part", [Part("Piano"), DRUMS])
def test_parts_of_one_instrument_are_kept_apart_whichever_of_them_play(part):
    sets = [players for size in range(4) for players in combinations(range(3), size)]
    for first in sets:
        for second in sets:
            notes = [(4 * bar + 1, 1, 60, k) for bar, players in enumerate((first, second)) for k in players]
            score = piece(notes, (part, VIOLIN, part, part), bars=2)
            score = piece([(o, d, p, (0, 2, 3)[k]) for o, d, p, k in notes], score.parts, bars=2)
            decoded = REMI.decode(REMI.encode(score, Compose()).ids, Compose())
            assert decoded.notes[["onset_tick", "part"]].tolist() == score.notes[["onset_tick", "part"]].tolist()
            assert len(decoded.parts) == 4


def test_an_instrument_is_named_again_for_parts_that_rest():
    score = piece([(0, 4, 60, 1)], (VIOLIN, VIOLIN), bars=1)
    assert words(REMI, REMI.encode(score, Compose()).target) == (
        "Bar_0 Instrument_40 Instrument_40 Release_48 Pitch_60 EOS"
    )


# Infilling


def test_what_is_to_be_filled_in_comes_behind_all_that_is_given():
    chords = (ChordEvent(48, ChordSymbol(0, "major")),)
    encoded = FILLING.encode(piece([(4 * b, 4, 60 + b, 0) for b in range(4)], chords=chords), Infill(1, 3))
    assert words(FILLING, encoded.prompt) == (
        "BOS Style_none Meter_4/4 Key_None Tempo_None Bars_4 Instrument_40 Mask WithChords "
        "Bar_3 Instrument_40 Release_48 Pitch_60 Bar_2 Chord_0_major Mask Bar_1 Mask "
        "Bar_0 Instrument_40 Release_48 Pitch_63 Fill"
    )
    assert words(FILLING, encoded.target) == (
        "Bar_2 Instrument_40 Release_48 Pitch_61 Bar_1 Instrument_40 Release_48 Pitch_62 EOS"
    )


def test_some_parts_are_filled_in_beside_the_others():
    encoded = FILLING.encode(trio(), Infill(2, 3, parts=(1,)))
    prompt = words(FILLING, encoded.prompt)
    assert "Instrument_40 Instrument_40 Mask Instrument_41 Bar_3" in prompt
    assert "Bar_1 Mask Instrument_40 Release_48 Pitch_74 Instrument_41 Release_48 Pitch_62 Bar_0" in prompt
    assert words(FILLING, encoded.target) == "Bar_1 Instrument_40 Release_48 Pitch_69 EOS"


def test_a_prompt_decodes_to_the_piece_without_the_bars():
    task = Infill(2, 3, parts=(0, 1))
    score = FILLING.decode(FILLING.encode(trio(), task).prompt, task)
    assert len(score.measures) == 4
    assert len(score.notes) == len(trio().notes) - 2
    assert score.notes["part"][score.notes["onset_tick"] == 96].tolist() == [2]


def test_plans_and_constraints_meet_the_bars_around():
    held = [(0, 6, 60, 0), (0, 1, 67, 1), (8, 4, 62, 0), (8, 4, 67, 1)]
    score = piece(held, (VIOLIN, VIOLIN), bars=3)
    task = Infill(1, 2, score=score, constraints=Constraints(playable=True, max_rest_bars=1))
    state = FILLING.start(task)
    for token in FILLING.forced(state):
        state = FILLING.step(state, token)
    # the first violin holds its note up to the middle of the bar; the second may rest
    instrument, barline = (FILLING.tokens.index(name) for name in ("Instrument_40", "EOS"))
    assert FILLING.allowed(state) == ((barline, barline + 1), (instrument, instrument + 1))
    state = FILLING.step(state, instrument)
    position, pitches = FILLING.tokens.index("Position_24"), FILLING.tokens.index("Pitch_0")
    assert (position, position + 24) in FILLING.allowed(state)
    assert not any(low <= position - 1 < high or high > pitches for low, high in FILLING.allowed(state))
    silent = Infill(1, 2, score=score, constraints=Constraints(max_rest_bars=0))
    assert FILLING.tokens[FILLING.forced(FILLING.start(silent))[-1]] == "Instrument_40"


def test_infilling_that_makes_no_sense_is_refused():
    score = trio()
    with pytest.raises(InfeasibleTask, match="name it"):
        FILLING.start(Infill(0, 1))
    with pytest.raises(InfeasibleTask, match="infill=True"):
        REMI.start(Infill(0, 1, score=score))
    with pytest.raises(BadPlan, match="has 4"):
        FILLING.encode(score, Infill(3, 5))
    with pytest.raises(BadPlan, match="parts 0 to 2"):
        FILLING.encode(score, Infill(0, 1, (3,)))
    with pytest.raises(InfeasibleTask, match="Bars_4"):
        FILLING.start(Infill(0, 1, score=score, plan=Plan(bars=8)))
    with pytest.raises(InfeasibleTask, match="Key_None"):
        FILLING.start(Infill(0, 1, score=score, plan=Plan(key=Key(0, "major"))))
    with pytest.raises(InfeasibleTask, match="write the plan's chords"):
        FILLING.start(Infill(0, 1, score=score, plan=Plan(chords=((ChordSymbol(0, "major"),),))))
    with pytest.raises(InfeasibleTask, match="need"):
        FILLING.start(Infill(0, 1, score=score, constraints=Constraints(budget=20)))
    with pytest.raises(NeedsBeats):
        FILLING.encode(Score(12, (VIOLIN,)), Infill(0, 1))
    assert FILLING.start(Infill(0, 1, score=score, plan=Plan(bars=4, instruments=(40, 40, 41))))


def test_windows_show_as_many_bars_around_as_fit():
    score = piece([(n, 1, 60, 0) for n in range(400)], bars=100)
    ((shown, task),) = FILLING.windows(score, Infill(50, 52), 200)
    assert isinstance(task, Infill)
    assert (task.last - task.first, task.opens_midway, task.ends_midway) == (2, True, True)
    assert 180 < len(FILLING.encode(shown, task).ids) <= 200
    start = 50 - task.first
    assert shown == FILLING.quantise(score.slice_bars(start, start + len(shown.measures)))[0]
    halves = list(FILLING.windows(score, Infill(20, 80), 300))
    assert sum(part.last - part.first for _, part in halves if isinstance(part, Infill)) == 60


# What was written comes into the piece


def test_splicing_leaves_ties_and_everything_outside_alone():
    rows = [
        {"onset_tick": 36, "duration_tick": 12, "pitch": 60, "tied": True},  # rings into the bars
        {"onset_tick": 48, "duration_tick": 12, "pitch": 60},
        {"onset_tick": 72, "duration_tick": 24, "pitch": 64, "tied": True},  # rings out of them
        {"onset_tick": 96, "duration_tick": 12, "pitch": 64},
        {"onset_tick": 60, "duration_tick": 12, "pitch": 62},
    ]
    score = piece([], bars=3)
    score = Score(12, score.parts, notes=notes_array(rows), measures=score.measures, meters=score.meters)
    new = piece([(5, 1, 71, 0), (9, 1, 72, 0)], bars=3)
    result = spliced(score, new, Infill(1, 2))
    assert result.notes[["onset_tick", "pitch", "note_id"]].tolist() == [
        (36, 60, 0), (48, 60, 1), (60, 71, 5), (96, 64, 3),
    ]  # fmt: skip


def test_splicing_at_a_coarser_resolution_keeps_both_exact():
    score = piece([(0, 1, 60, 0), (4, 1, 62, 0)], resolution=5, bars=2)
    new = piece([(4 + 1 / 3, 1, 70, 0)], bars=2)
    result = spliced(score, new, Infill(1, 2))
    assert [result.quarters(t) for t in result.notes["onset_tick"]] == [0, pytest.approx(13 / 3)]


def test_a_part_that_changes_instruments_is_filled_in_as_one():
    changes = (ProgramChange(96, 0, 41),)
    score = piece([(4 * bar, 4, 60 + bar, 0) for bar in range(4)], programs=changes)
    task = Infill(1, 3, score=score)
    encoded = FILLING.encode(score, task)
    result = spliced(score, FILLING.decode(encoded.ids, task), task)
    assert (
        result.notes[["onset_tick", "pitch", "part"]].tolist() == score.notes[["onset_tick", "pitch", "part"]].tolist()
    )


def test_splicing_music_of_other_parts_is_refused():
    with pytest.raises(BadInput, match="1 parts, and the piece 3"):
        spliced(trio(), piece([]), Infill(0, 1))


# Microtiming


def test_deviations_from_the_grid_are_said_where_there_are_any():
    rep = Remi(microtiming=True)
    assert rep.grid.steps == 96
    late = piece([(0, 1, 60, 0), (1 + 2 / 96, 1 - 3 / 96, 62, 0), (2, 1, 64, 0), (3 + 95 / 96, 1 / 96, 65, 0)],
                 resolution=96, bars=1)  # fmt: skip
    assert words(rep, rep.encode(late, Compose()).target) == (
        "Bar_0 Instrument_40 Release_12 Pitch_60 Shift_2 Release_24 Shift_-1 Pitch_62 Release_36 Pitch_64 "
        "Position_47 Shift_7 Release_48 Pitch_65 EOS"
    )
    assert rep.decode(rep.encode(late, Compose()).ids, Compose()) == rep.quantise(late)[0]
    assert rep.quantise(late)[0].notes["onset_tick"].tolist() == late.notes["onset_tick"].tolist()


def test_music_on_the_grid_costs_nothing_more():
    plain, fine = (rep.encode(trio(), Compose()) for rep in (REMI, Remi(microtiming=True)))
    assert len(plain.ids) == len(fine.ids)


def test_a_played_chord_is_as_many_groups_as_onsets():
    rep = Remi(microtiming=True)
    rolled = piece([(k / 96, 1, 60 + 4 * k, 0) for k in range(3)], resolution=96, bars=1)
    assert words(rep, rep.encode(rolled, Compose()).target) == (
        "Bar_0 Instrument_40 Release_12 Pitch_60 Position_0 Shift_1 Release_12 Shift_1 Pitch_64 "
        "Position_0 Shift_2 Release_12 Shift_2 Pitch_68 EOS"
    )
