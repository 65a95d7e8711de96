import pytest
from hypothesis import given
from hypothesis import strategies as st

from partimento.errors import BadPlan
from partimento.theory.chord import KINDS, ChordSymbol
from partimento.theory.interval import Interval

NAMED_TONES = st.integers(-8, 12)
SYMBOLS = st.builds(ChordSymbol, NAMED_TONES, st.sampled_from(sorted(KINDS)), st.none() | NAMED_TONES)


@given(SYMBOLS)
def test_symbols_are_read_back(symbol):
    wanted = ChordSymbol(symbol.root, symbol.kind, None if symbol.bass == symbol.root else symbol.bass)
    assert ChordSymbol.parse(str(symbol)) == wanted


@given(SYMBOLS, st.integers(-11, 11))
def test_transposing_moves_every_tone(symbol, semitones):
    moved = symbol.transposed(Interval.from_semitones(semitones))
    assert moved.pitch_classes == {(tone + semitones) % 12 for tone in symbol.pitch_classes}
    assert moved.kind == symbol.kind


@pytest.mark.parametrize(
    ("text", "kind", "tones"),
    [
        ("C", "major", {0, 4, 7}),
        ("F#m7b5", "half-diminished", {6, 9, 0, 4}),
        ("Bb/D", "major", {10, 2, 5}),
        ("G7/B", "dominant", {7, 11, 2, 5}),
        ("C/Db", "major", {0, 4, 7, 1}),
        ("A-7", "minor-seventh", {9, 0, 4, 7}),
        ("EbΔ", "major-seventh", {3, 7, 10, 2}),
        ("Dsus", "suspended-fourth", {2, 7, 9}),
        ("B°7", "diminished-seventh", {11, 2, 5, 8}),
    ],
)
def test_usual_ways_to_write_chords(text, kind, tones):
    symbol = ChordSymbol.parse(text)
    assert (symbol.kind, symbol.pitch_classes) == (kind, tones)


@pytest.mark.parametrize("text", ["", "H7", "c", "Cwhatever", "C//E", "C/", "/E", "4"])
def test_what_is_no_chord_is_refused(text):
    with pytest.raises(BadPlan, match="no chord symbol"):
        ChordSymbol.parse(text)
