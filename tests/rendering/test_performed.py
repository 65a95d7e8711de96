"""Notation as it is heard: each sign changes what a player changes, and performances stay as they are."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partimento.rendering.performance import performed
from partimento.score import (
    CONTROL,
    KEY,
    METER,
    TEMPO,
    Direction,
    Mark,
    Part,
    ProgramChange,
    Repeat,
    Score,
    Spanner,
    measures_from_meters,
    notes_array,
)
from partimento.theory.pitch import parse_name

Q = 480
PIANO = (Part("", 0),)


def note(onset_tick=0, duration_tick=Q, pitch=60, **more):
    return {"onset_tick": onset_tick, "duration_tick": duration_tick, "pitch": pitch, "voice": 1, **more}


def score(*rows, beats=4, beat_type=4, bars=4, fifths=0, parts=PIANO, **fields: Any):
    """Some bars at 120 bpm: a quarter, 480 ticks, lasts half a second."""
    meters = np.array([(0, beats, beat_type)], METER)
    measures = measures_from_meters(meters, Q, bars * beats * 4 * Q // beat_type)
    keys = np.array([(0, -1, fifths, 0)], KEY)
    stated: dict[str, Any] = {"tempos": np.array([(0, 120)], TEMPO), **fields}
    return Score(Q, parts, notes_array(list(rows)), measures, meters, keys, **stated)


def heard(piece, **options):
    """(onset, duration, pitch) of each note in quarters."""
    played = performed(piece, **options)
    unit = played.ticks_per_quarter
    rows = played.notes[["onset_tick", "duration_tick", "pitch"]].tolist()
    return sorted((round(a / unit, 3), round(b / unit, 3), c) for a, b, c in rows)


def pitches(piece, **options):
    return [pitch for *_, pitch in heard(piece, **options)]


def velocities(piece):
    return performed(piece).notes["velocity"].tolist()


def marked(kind, *rows, **fields):
    return score(*rows, marks=(Mark(0, kind),), **fields)


def seconds(piece):
    played = performed(piece)
    return float(played.seconds_at(played.end_tick))


# What stays


def test_a_performance_comes_back_as_it_is():
    piece = score(note(velocity=64), note(Q, velocity=1), controls=np.array([(0, 0, 64, 127)], CONTROL))
    assert performed(piece) is piece


def test_plain_notes_keep_their_times_and_pitches():
    assert heard(score(note(0), note(Q, 2 * Q, 64))) == [(0, 1, 60), (1, 2, 64)]


def test_repeats_are_played_and_ids_lead_back_to_the_written_notes():
    piece = score(note(0, pitch=60), note(1920, pitch=62), bars=2, repeats=(Repeat(3840, "backward"),))
    played = performed(piece)
    assert played.notes["pitch"].tolist() == [60, 62, 60, 62]
    assert (played.notes["note_id"] % 2).tolist() == [0, 1, 0, 1]
    assert len(set(played.notes["note_id"].tolist())) == 4
    assert pitches(piece, as_written=True) == [60, 62]


def test_ties_are_one_note_and_cues_are_silent():
    assert heard(score(note(0, tied=True), note(Q), note(0, pitch=72, cue=True))) == [(0, 2, 60)]


# Loudness


@pytest.mark.parametrize(("text", "velocity"), [("ppp", 16), ("p", 49), ("mf", 80), ("ff", 112)])
def test_dynamics_are_velocities(text, velocity):
    loud, after = velocities(score(note(Q), note(5 * Q), directions=(Direction(0, "dynamics", text),)))
    assert loud == after == velocity + 3


def test_a_crescendo_rises_evenly_to_the_dynamic_behind_it():
    signs = (Direction(0, "dynamics", "p"), Direction(0, "crescendo"), Direction(1920, "wedge-stop"),
             Direction(1920, "dynamics", "f"))  # fmt: skip
    rising = velocities(score(*(note(Q * i) for i in range(5)), directions=signs))
    steps = np.diff(rising)
    assert rising[0] == pytest.approx(49, abs=9)
    assert rising[-1] == pytest.approx(96, abs=9)
    assert (steps > 3).all()


def test_a_hairpin_without_a_goal_is_one_step_and_words_work_too():
    hairpin = (Direction(0, "diminuendo"), Direction(1920, "wedge-stop"))
    assert velocities(score(note(0), note(2 * 1920), directions=hairpin)) == [88, 72]
    words = (Direction(0, "words", "cresc."), Direction(2 * 1920, "dynamics", "ff"))
    assert velocities(score(note(0), note(1920), note(2 * 1920), directions=words)) == [88, 104, 120]


def test_sforzato_is_for_its_note_and_fp_for_what_follows():
    sf = velocities(score(note(Q), note(2 * Q), note(3 * Q), directions=(Direction(2 * Q, "dynamics", "sfz"),)))
    assert sf[1] == sf[0] + 32
    assert sf[2] == sf[0]
    assert velocities(score(note(Q), note(2 * Q), directions=(Direction(Q, "dynamics", "fp"),))) == [99, 52]


def test_each_staff_heeds_its_own_dynamic():
    signs = (Direction(0, "dynamics", "p", staff=1), Direction(0, "dynamics", "f", staff=2))
    piece = score(note(Q, staff=1), note(Q, pitch=40, staff=2), parts=(Part("", 0, staves=2),), directions=signs)
    assert dict(zip(performed(piece).notes["pitch"].tolist(), velocities(piece), strict=True)) == {60: 52, 40: 99}


def test_an_accent_on_one_note_of_a_chord_is_for_the_chord():
    plain, chord = velocities(score(note(Q), note(2 * Q))), velocities(marked("accent", note(Q), note(Q, pitch=64)))
    assert chord[0] == chord[1] == round(plain[0] * 1.2)


# Length


@pytest.mark.parametrize(
    ("kinds", "length"),
    [(("staccato",), 0.5), (("staccatissimo",), 0.33), (("tenuto",), 1), (("staccato", "tenuto"), 0.67),
     (("strong-accent",), 0.67)],
)  # fmt: skip
def test_articulations_change_the_length(kinds, length):
    piece = score(note(0), note(0, pitch=64), marks=tuple(Mark(0, kind) for kind in kinds))
    assert [d for _, d, _ in heard(piece)] == pytest.approx([length, length], abs=0.01)


def test_a_slashed_grace_note_is_short_and_before_the_beat():
    (_, before, _), (onset, length, pitch), main = heard(marked("slash", note(Q, 0, 62, grace=1), note(Q), note(0)))
    assert main == (1, 1, 60)
    assert pitch == 62
    assert onset + length == 1
    assert length == pytest.approx(0.18, abs=0.01)
    assert before == pytest.approx(1 - length, abs=0.01)


def test_an_appoggiatura_takes_half_of_its_note_but_not_more_than_it_is_written_for():
    assert heard(score(note(Q, 0, 62, grace=1), note(Q))) == [(1, 0.5, 62), (1.5, 0.5, 60)]
    assert heard(score(note(Q, 0, 62, grace=1), note(Q, Q // 2))) == [(1, 0.25, 62), (1.25, 0.25, 60)]
    assert heard(score(note(Q, 0, 62, grace=1), note(Q, 4 * Q))) == [(1, 0.5, 62), (1.5, 3.5, 60)]
    long = marked("grace:half", note(Q, 0, 62, grace=1), note(Q, 3 * Q))
    assert heard(long) == [(1, 2, 62), (3, 1, 60)]
    assert heard(score(note(Q, 0, 62, grace=1), note(Q), tags=("reel",)))[0][0] < 1


def test_grace_notes_at_the_very_beginning_delay_the_first_note():
    first, second, main = heard(score(note(0, 0, 62, grace=1), note(0, 0, 64, grace=2), note(0)))
    assert first[0] == 0
    assert first[0] + first[1] == second[0]
    assert second[0] + second[1] == main[0]
    assert main[0] + main[1] == 1


def test_an_arpeggio_begins_on_the_beat_from_below():
    rows = [note(0, Q, p) for p in (67, 60, 64)]
    marks = tuple(Mark(i, "arpeggiate") for i in range(3))
    up = heard(score(*rows, marks=marks))
    assert [pitch for *_, pitch in up] == [60, 64, 67]
    assert up[0][0] == 0 < up[1][0] < up[2][0] < 0.5
    assert all(onset + length == pytest.approx(1, abs=0.002) for onset, length, _ in up)
    down = heard(score(*rows, marks=tuple(Mark(i, "arpeggiate:down") for i in range(3))))
    assert [pitch for *_, pitch in down] == [67, 64, 60]


def test_swing_moves_the_second_eighth_and_leaves_triplets_and_sixteenths():
    eighths = [note(0, 240), note(240, 240), note(480, 160), note(640, 160), note(800, 160),
               note(960, 120), note(1080, 120), note(1200, 240)]  # fmt: skip
    words = (Direction(0, "words", "Medium swing"),)
    swung = heard(score(*eighths, directions=words))
    assert [onset for onset, *_ in swung] == [0, 0.667, 1, 1.333, 1.667, 2, 2.25, 2.5]
    assert swung[0][1] == 0.667
    assert swung[1][1] == 0.333
    for straight in (heard(score(*eighths)), heard(score(*eighths, directions=words), swing=False)):
        assert straight[1] == (0.5, 0.5, 60)
    assert heard(score(*eighths), swing=True) == swung == heard(score(*eighths, tags=("swing",)))


# Ornaments


def test_a_trill_alternates_with_the_upper_note_of_the_key_and_ends_on_the_main_note():
    played = heard(marked("trill-mark", note(0, 2 * Q, 64), fifths=-4))
    assert [pitch for *_, pitch in played][:4] == [64, 65, 64, 65]
    assert played[-1][2] == 64
    assert 9 <= len(played) <= 14
    assert sum(length for _, length, _ in played) == pytest.approx(2, abs=0.01)
    (sharp,) = {pitch for *_, pitch in heard(marked("trill-mark", note(0, Q, 64, spelling=4), fifths=2))} - {64}
    assert sharp == 66


def test_baroque_trills_begin_above():
    assert pitches(marked("trill-mark", note(0, Q, 67), composer="Johann Sebastian Bach"))[:2] == [69, 67]


def test_auxiliary_notes_heed_accidental_marks_and_the_bar():
    f, f_sharp = parse_name("F"), parse_name("F#")
    trill = score(note(0, Q, 64), marks=(Mark(0, "trill-mark"), Mark(0, "accidental-mark:sharp")))
    assert set(pitches(trill)) == {64, 66}
    in_bar = [note(0, Q, 66, spelling=f_sharp), note(Q, Q, 64, spelling=4), note(1920, Q, 64, spelling=4)]
    marks = (Mark(1, "inverted-mordent"), Mark(2, "inverted-mordent"))
    assert pitches(score(*in_bar, marks=marks)) == [66, 64, 66, 64, 64, 65, 64]
    assert pitches(marked("mordent", note(0, Q, 65, spelling=f)))[1] == 64


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("mordent", [67, 65, 67]), ("inverted-mordent", [67, 69, 67]), ("turn", [69, 67, 65, 67]),
     ("inverted-turn", [65, 67, 69, 67]), ("delayed-turn", [67, 69, 67, 65, 67]), ("schleifer", [64, 65, 67])],
)  # fmt: skip
def test_figures(kind, expected):
    played = heard(marked(kind, note(0, 2 * Q, 67)))
    assert [pitch for *_, pitch in played] == expected
    assert played[0][0] == 0
    assert played[-1][0] + played[-1][1] == pytest.approx(2, abs=0.01)


def test_the_ornament_is_for_the_highest_note_of_a_chord():
    played = heard(marked("mordent", note(0, Q, 60), note(0, Q, 67)))
    assert [pitch for *_, pitch in played].count(60) == 1
    assert 65 in [pitch for *_, pitch in played]


def test_tremolos():
    assert heard(marked("tremolo:2", note(0, Q))) == [(i / 4, 0.25, 60) for i in range(4)]
    assert len(heard(marked("tremolo:1", note(0, Q // 2)))) == 2
    marks = (Mark(0, "tremolo:3:start"), Mark(1, "tremolo:3:stop"))
    both = heard(score(note(0, Q, 60), note(Q, Q, 67), marks=marks))
    assert [pitch for *_, pitch in both] == [60, 67] * 8
    assert both[-1][0] + both[-1][1] == 2


def test_glissando_runs_over_white_keys_and_a_string_over_semitones():
    line = (Spanner("glissando", 0, 1),)
    rows = [note(0, 4 * Q, 60), note(4 * Q, Q, 72)]
    assert pitches(score(*rows, spanners=line)) == [60, 62, 64, 65, 67, 69, 71, 72]
    assert len(pitches(score(*rows, spanners=line, parts=(Part("", 40),)))) == 13


# Time


def test_a_fermata_doubles_its_note_and_what_others_play_meanwhile_before_it_stays():
    long, moving = note(0, 2 * Q, 72), [note(0, Q, 48, voice=2), note(Q, Q, 50, voice=2)]
    piece = score(long, *moving, marks=(Mark(0, "fermata"), Mark(2, "fermata")))
    played = performed(piece)
    assert played.seconds_at(played.ticks_per_quarter) == pytest.approx(0.5)
    assert played.seconds_at(2 * played.ticks_per_quarter) == pytest.approx(1.5)
    assert seconds(piece) == pytest.approx(seconds(score(long, *moving)) + 0.5)
    short = performed(marked("fermata:angled", note(0)))
    assert short.seconds_at(short.ticks_per_quarter) == pytest.approx(0.75)


def test_fermatas_on_rests_and_barlines_and_caesuras_take_time():
    plain = score(note(0, 3 * Q), note(1920))
    on_rest = score(note(0, 3 * Q), note(1920), directions=(Direction(3 * Q, "fermata"),))
    assert seconds(on_rest) == pytest.approx(seconds(plain) + 0.5)
    full = score(note(0, 4 * Q), note(1920), directions=(Direction(1920, "barline-fermata"),))
    assert seconds(full) == pytest.approx(seconds(plain) + 0.5)
    played = performed(full)
    first, second = played.notes
    silence = played.seconds_at(second["onset_tick"]) - played.seconds_at(first["onset_tick"] + first["duration_tick"])
    assert silence == pytest.approx(0.5, abs=0.02)
    assert seconds(marked("caesura", note(0, 4 * Q), note(1920))) == pytest.approx(seconds(plain) + 0.5)


def test_ritardando_slows_down_until_a_tempo():
    words = (Direction(1920, "words", "poco rit."), Direction(3840, "words", "a tempo"))
    played = performed(score(*(note(Q * i) for i in range(16)), directions=words))
    beats = np.diff(played.seconds_at(np.arange(16) * played.ticks_per_quarter))
    assert beats[:4].tolist() == pytest.approx([0.5] * 4)
    assert (np.diff(beats[3:8]) > 0).all()
    assert beats[8:].tolist() == pytest.approx([0.5] * 7)
    quick = performed(score(note(0), directions=(Direction(0, "words", "accel."),)))
    assert quick.seconds_at(2 * 1920 * quick.ticks_per_quarter // Q) < 3.9


def test_tempo_words_count_only_where_nothing_is_stated():
    allegro = (Direction(0, "words", "Allegro"),)
    assert performed(score(note(0), directions=allegro)).tempos["tempo_bpm"].tolist() == [120]
    unsaid = performed(score(note(0), directions=allegro, tempos=np.empty(0, TEMPO)))
    assert unsaid.tempos["tempo_bpm"].tolist() == [132]


def test_slower_tempos_by_words_are_not_slower_each_time_and_end_with_a_tempo():
    said = [(0, "Allegro"), (1920, "più lento"), (3840, "più lento"), (5760, "a tempo")]
    words = tuple(Direction(tick, "words", text) for tick, text in said)
    played = performed(score(note(0), directions=words, tempos=np.empty(0, TEMPO)))
    assert played.tempos["tempo_bpm"].tolist() == pytest.approx([132, 132 * 0.87, 132])


# Pedal and sounds


def test_pedal_signs_are_sustain_unless_controllers_are_there():
    signs = (Direction(0, "pedal", "start"), Direction(1920, "pedal", "change"), Direction(3840, "pedal", "stop"))
    played = performed(score(note(0), directions=signs)).controls[["onset_tick", "number", "value"]].tolist()
    assert played == [(0, 64, 127), (3840, 64, 0), (3960, 64, 127), (7680, 64, 0)]
    stated = np.array([(0, 0, 64, 1)], CONTROL)
    assert len(performed(score(note(0), directions=signs, controls=stated)).controls) == 1


def test_pizzicato_holds_until_arco():
    words = (Direction(0, "words", "pizz."), Direction(1920, "words", "arco"), Direction(3840, "words", "pizz."))
    violin = performed(score(note(0), parts=(Part("", 40),), directions=words))
    assert [change.program for change in violin.programs] == [45, 40, 45]
    stated = (ProgramChange(0, 0, 44),)
    assert performed(score(note(0), parts=(Part("", 40),), directions=words, programs=stated)).programs[0].program == 44
    assert not performed(score(note(0), directions=words)).programs


# Laws

KINDS = ("trill-mark", "mordent", "turn", "delayed-turn", "tremolo:3", "staccato", "fermata", "arpeggiate", "accent",
         "slash", "caesura", "schleifer", "breath-mark", "accidental-mark:flat", "tremolo:2:start",
         "tremolo:2:stop")  # fmt: skip
SIGNS = (("dynamics", "p"), ("dynamics", "sfz"), ("crescendo", ""), ("wedge-stop", ""), ("words", "rit."),
         ("words", "a tempo"), ("words", "swing"), ("words", "pizz."), ("pedal", "start"), ("pedal", "stop"),
         ("fermata", ""), ("barline-fermata", ""))  # fmt: skip


@given(
    st.lists(
        st.builds(
            note,
            st.integers(0, 40).map(lambda i: 120 * i),
            st.integers(1, 8).map(lambda i: 120 * i),
            st.integers(0, 127),
            grace=st.integers(0, 2),
            voice=st.integers(0, 2),
            tied=st.booleans(),
            cue=st.booleans(),
        ),
        max_size=12,
    ),
    st.lists(st.tuples(st.integers(0, 11), st.sampled_from(KINDS)), max_size=8),
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from(SIGNS)), max_size=6),
    st.sampled_from([None, True]),
)
def test_whatever_is_written_can_be_played_and_played_again(rows, marks, signs, swing):
    piece = score(
        *rows,
        marks=tuple(Mark(i, kind) for i, kind in marks if i < len(rows)),
        directions=tuple(Direction(120 * at, kind, text) for at, (kind, text) in signs),
        repeats=(Repeat(1920, "backward"),),
    )
    played = performed(piece, swing=swing)
    notes = played.notes
    assert (notes["onset_tick"] >= 0).all()
    assert (notes["duration_tick"] > 0).all()
    assert ((notes["velocity"] > 0) & (notes["velocity"] < 128)).all()
    assert ((notes["pitch"] >= 0) & (notes["pitch"] < 128)).all()
    assert not (notes["tied"] | notes["cue"] | (notes["grace"] > 0)).any()
    assert len(set(notes["note_id"].tolist())) == len(notes)
    assert set((notes["note_id"] % max(len(rows), 1)).tolist()) <= set(range(len(rows)))
    assert performed(played) is played
