import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partimento.errors import BadPlan
from partimento.theory import pitch
from partimento.theory.interval import Interval
from partimento.theory.spelling import spell


@pytest.mark.parametrize(
    ("name", "fifths"),
    [("C", 0), ("G", 1), ("B", 5), ("F#", 6), ("F", -1), ("Bb", -2), ("E##", 18), ("Fbb", -15)],
)
def test_names_lie_on_the_line_of_fifths(name, fifths):
    assert pitch.parse_name(name) == fifths
    assert pitch.name(fifths) == name


@pytest.mark.parametrize("text", ["", "H", "C###", "Do", "c 4"])
def test_what_is_no_note_is_refused(text):
    with pytest.raises(BadPlan, match="no note name"):
        pitch.parse_name(text)


@given(st.integers(0, 6), st.integers(-2, 2), st.integers(-1, 9))
def test_step_alteration_and_octave_come_back(step, alter, octave):
    spelling, midi = pitch.spelling(step, alter), pitch.midi_pitch(step, alter, octave)
    assert (pitch.step_of(spelling), pitch.alter_of(spelling)) == (step, alter)
    assert pitch.octave_of(midi, spelling) == octave
    assert pitch.pitch_class(spelling) == midi % 12


def test_b_sharp_lies_in_the_octave_below():
    assert pitch.octave_of(60, pitch.parse_name("B#")) == 3
    assert pitch.octave_of(59, pitch.parse_name("Cb")) == 4


@given(st.integers(-24, 24), st.integers(-15, 15))
def test_transposing_a_spelling_moves_its_pitch_class(semitones, spelling):
    interval = Interval.from_semitones(semitones)
    assert pitch.pitch_class(spelling + interval.fifths) == (pitch.pitch_class(spelling) + semitones) % 12
    assert -interval == Interval(-interval.semitones, -interval.diatonic)


@given(st.integers(0, 127), st.integers(-7, 7), st.booleans())
def test_spelling_keeps_the_pitch_class(midi, fifths, minor):
    spelled = int(spell(np.array([midi]), fifths, minor)[0])
    assert pitch.pitch_class(spelled) == midi % 12


@pytest.mark.parametrize(
    ("fifths", "minor", "names"),
    [
        (0, False, "C C# D Eb E F F# G G# A Bb B"),
        (0, True, "C C# D D# E F F# G G# A Bb B"),
        (-3, True, "C C# D Eb E F F# G Ab A Bb B"),
        (3, False, "B# C# D D# E E# F# G G# A A# B"),
        (-5, False, "C Db D Eb Fb F Gb G Ab A Bb Cb"),
    ],
)
def test_chromatic_notes_are_spelled_as_their_key_uses_them(fifths, minor, names):
    spelled = [pitch.name(s) for s in spell(np.arange(60, 72), fifths, minor).tolist()]
    scale = {pitch.name(fifths + offset) for offset in range(-1, 6)}
    assert scale <= set(spelled)
    assert len(set(spelled)) == 12
    if fifths == 0:
        assert spelled == names.split()
