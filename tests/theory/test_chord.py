from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partimento.errors import BadPlan
from partimento.theory.chord import KINDS, RARE_KINDS, ChordSymbol, Degree
from partimento.theory.interval import Interval
from partimento.theory.pitch import pitch_class

NAMED_TONES = st.integers(-8, 12)
DEGREES = st.sampled_from([Degree("add", 9), Degree("add", 11, 1), Degree("subtract", 5), Degree("add", 13, -1)])
SYMBOLS = st.builds(
    ChordSymbol,
    NAMED_TONES,
    st.sampled_from(sorted(KINDS)),
    st.none() | NAMED_TONES,
    st.lists(DEGREES, max_size=2, unique=True).map(tuple),
)


@given(SYMBOLS)
def test_symbols_are_read_back(symbol):
    read = ChordSymbol.parse(str(symbol))
    assert str(read) == str(replace(symbol, bass=None if symbol.bass == symbol.root else symbol.bass))
    assert read.pitch_classes | {pitch_class(symbol.root)} == symbol.pitch_classes | {pitch_class(symbol.root)}


@pytest.mark.parametrize("kind", RARE_KINDS)
def test_rare_kinds_have_a_plain_one(kind):
    symbol = ChordSymbol(0, kind)
    assert ChordSymbol.parse(str(symbol)) == symbol
    assert symbol.plain.kind in KINDS


@pytest.mark.parametrize(("text", "plain"), [("Cm7(b5)", "Cm7b5"), ("C(add7)", "C7"), ("C7b9/G", "C7/G"), ("C", "C")])
def test_degrees_fold_into_plain_kinds(text, plain):
    assert str(ChordSymbol.parse(text).plain) == plain


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
        ("C7b9", "dominant", {0, 4, 7, 10, 1}),
        ("C9#11", "dominant-ninth", {0, 4, 7, 10, 2, 6}),
        ("Dm(add9,no5)", "minor", {2, 5, 4}),
        ("C6/9", "major-sixth", {0, 4, 7, 9, 2}),
        ("C6/9/E", "major-sixth", {0, 4, 7, 9, 2}),
        ("G7#9#5", "dominant", {7, 11, 3, 5, 10}),
        ("CGer6", "German", {0, 4, 7, 10}),
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
