"""Plans as lines: a closed vocabulary that says every plan, one spelling to a chord."""

import pytest

from partimento.plan import Plan
from partimento.plan.chords import parse_chords
from partimento.representations.conditions import UNKNOWN, line, sentence, vocabulary, word_tokenizer
from partimento.theory.chord import KINDS, ChordSymbol
from partimento.theory.instrument import DRUMS
from partimento.theory.key import Key
from partimento.theory.meter import Meter

PLAN = Plan(Key.parse("Bb minor"), Meter(6, 8), 123.4, (0, DRUMS), 3, parse_chords("| Cmaj7 Am7/E | Gb7 |"), "slip jig")


def test_lines_and_sentences():
    assert line(PLAN, "chords") == "Cmaj7 Am7 /E | F#7 | Cmaj7 Am7 /E"
    assert line(PLAN, "plan").startswith("style_slip-jig key_Bb-minor meter_6/8 tempo_125 bars_3 instrument_Acoustic")
    assert line(PLAN, "plan").endswith(": Cmaj7 Am7 /E | F#7 | Cmaj7 Am7 /E")
    assert sentence(PLAN, "plan").startswith("style slip jig, key Bb minor, meter 6/8, tempo 125, bars 3")
    assert sentence(PLAN, "chords") == "Cmaj7 Am7/E | F#7 | Cmaj7 Am7/E"
    assert line(Plan(), "plan") == line(Plan(), "chords") == sentence(Plan(), "plan") == ""


def test_words_are_told_apart_and_ids_are_places():
    words = vocabulary()
    assert len(set(words)) == len(words) == 960
    assert not any(" " in word for word in words)
    tokenizer = word_tokenizer()
    assert tokenizer.encode(line(PLAN, "plan")).tokens == line(PLAN, "plan").split()
    assert tokenizer.encode("|").ids == [words.index("|")]
    assert tokenizer.encode("nonsense").tokens == [UNKNOWN]


@pytest.mark.parametrize("kind", KINDS)
def test_every_chord_has_a_word(kind):
    for root in range(-9, 10):
        plan = Plan(chords=((ChordSymbol(root, kind, bass=root + 1),),))
        assert set(line(plan, "chords").split()) <= set(vocabulary())
