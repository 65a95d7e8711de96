from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partimento.errors import BadPlan
from partimento.theory.interval import Interval
from partimento.theory.key import MODES, Key
from partimento.theory.meter import BEAT_TYPES, Meter

KEYS = {
    "D major": Key(2),
    "d": Key(2),
    "F#m": Key(3, "minor"),
    "B flat dorian": Key(-4, "dorian"),
    "C-sharp minor": Key(4, "minor"),
    "Bb": Key(-2),
    "bb minor": Key(-5, "minor"),
    "Dmix": Key(1, "mixolydian"),
    "A♭ major": Key(-4),
    "e phrygian": Key(0, "phrygian"),
    "H dur": Key(5),
    "h-Moll": Key(2, "minor"),
    "B dur": Key(-2),
    "fis-moll": Key(3, "minor"),
    "Es-Dur": Key(-3),
    "as moll": Key(-7, "minor"),
}


@pytest.mark.parametrize(("text", "key"), KEYS.items())
def test_keys_are_read_in_english_and_german(text, key):
    assert Key.parse(text) == key


@pytest.mark.parametrize("text", ["", "J major", "C very major", "major", "D# major", "Fes-Dur", "1"])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(BadPlan):
        Key.parse(text)


@given(st.integers(-7, 7), st.sampled_from(MODES))
def test_keys_are_read_back_from_their_names(fifths, mode):
    key = Key(fifths, mode)
    assert Key.parse(str(key)) == key
    assert Key.from_ids(key.fifths, key.mode_id) == key


@given(st.integers(-7, 7), st.integers(-11, 11))
def test_transposed_signatures_stay_within_seven_accidentals(fifths, semitones):
    key = Key(fifths)
    moved = key.transposed(Interval.from_semitones(semitones))
    assert -7 <= moved.fifths <= 7
    assert moved.pitch_classes == {(pc + semitones) % 12 for pc in key.pitch_classes}


@pytest.mark.parametrize(("fifths", "text"), [(0, "no sharps"), (1, "1 sharp"), (-1, "1 flat"), (-3, "3 flats")])
def test_a_signature_without_a_mode_counts_its_accidentals(fifths, text):
    assert str(Key(fifths, None)) == text


def test_a_scale_holds_its_tonic():
    for mode in MODES:
        key = Key(-2, mode)
        assert 7 * key.tonic % 12 in key.pitch_classes
    assert Key(0).pitch_classes == {0, 2, 4, 5, 7, 9, 11}


@given(st.integers(1, 99), st.sampled_from(BEAT_TYPES))
def test_meters_are_read_back(beats, beat_type):
    assert Meter.parse(str(Meter(beats, beat_type))) == Meter(beats, beat_type)


@pytest.mark.parametrize("text", ["0/4", "4/0", "4/3", "4", "-3/4", "", "123/4"])
def test_what_is_no_meter_is_refused(text):
    with pytest.raises(BadPlan, match="no meter"):
        Meter.parse(text)


def test_compound_meters_beat_in_dotted_notes():
    assert Meter(6, 8).beat_quarter == Fraction(3, 2)
    assert Meter(3, 8).beat_quarter == Fraction(1, 2)
    assert Meter(6, 4).beat_quarter == 1
    assert Meter(7, 8).duration_quarter == Fraction(7, 2)
    assert Meter.parse("C|") == Meter(2, 2)
