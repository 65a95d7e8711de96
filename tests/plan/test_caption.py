"""Captions: true, varied, and what they state is read off them again."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partimento.analysis.facts import Facts, PartFacts, PhraseFacts, Role
from partimento.plan import caption_words
from partimento.plan.caption import caption, excerpt_caption, phrase_captions
from partimento.plan.parse import parse_instruments, parse_prompt
from partimento.theory.instrument import PROGRAM_NAMES
from partimento.theory.key import Key
from partimento.theory.meter import Meter


def part(program: int, role: Role) -> PartFacts:
    return PartFacts(0, program, role, 0.9, 50, 80, 65.0, 2.0, 1.0)


PHRASES = (
    PhraseFacts(1, 4, "rising", "flowing", "moderate", "middle", None, None, None),
    PhraseFacts(5, 8, "falling", "fragmented", "dense", "high", "ff", "melody", Key.parse("Bb major")),
)
WALTZ = Facts(
    notes=300, seconds=75.0, bars=32, key=Key.parse("G minor"), key_confidence=0.9, meter=Meter(3, 4), tempo_bpm=96.0,
    tempo_word="Moderato", instruments=(40, 0), roles=(part(40, "melody"), part(0, "bass")), texture="homophonic",
    form="AABA", chord_summary=("Gm", "Cm", "D7"), dynamics="p", mood="sad", style="waltz", phrases=PHRASES,
)  # fmt: skip
PROGRAMS = st.lists(st.sampled_from(sorted(caption_words.INSTRUMENTS)), min_size=1, max_size=5, unique=True)
FACTS = st.builds(
    lambda key, meter, bars, tempo, programs, style, confidence: replace(
        WALTZ, key=key, meter=meter, bars=bars, tempo_bpm=float(tempo), instruments=tuple(programs), style=style,
        key_confidence=confidence, roles=tuple(part(p, "melody" if not k else "bass") for k, p in enumerate(programs)),
    ),
    st.builds(Key, st.integers(-6, 6), st.sampled_from(["major", "minor", "dorian"])),
    st.sampled_from([Meter(4, 4), Meter(3, 4), Meter(6, 8), Meter(5, 4), Meter(12, 8)]),
    st.none() | st.integers(1, 200),
    st.integers(30, 240),
    PROGRAMS,
    st.none() | st.sampled_from(["jig", "hymn", "song", "game", "quartet", "folk", "pop"]),
    st.sampled_from([0.2, 0.9]),
)  # fmt: skip


@given(FACTS, st.integers(0, 2**32))
def test_what_a_caption_states_is_read_off_it_again(facts, seed):
    told = caption(facts, np.random.default_rng(seed))
    plan = parse_prompt(told.text).plan
    if "key" in told.facts:
        assert str(plan.key) == told.facts["key"]
    if "meter" in told.facts:
        assert str(plan.meter) == told.facts["meter"]
    if "bars" in told.facts:
        assert plan.bars == told.facts["bars"]
    if "tempo_bpm" in told.facts:
        assert plan.tempo_bpm == told.facts["tempo_bpm"]
    if "instruments" in told.facts:
        assert sorted(plan.instruments or ()) == sorted(told.facts["instruments"])


@given(FACTS, st.integers(0, 2**32))
def test_captions_are_english_sentences_or_words(facts, seed):
    text = caption(facts, np.random.default_rng(seed)).text
    assert "  " not in text
    assert "None" not in text
    assert ".." not in text
    assert " ," not in text
    assert text.endswith(".") == text[0].isupper()


def test_captions_vary_and_a_seed_gives_the_same():
    texts = {caption(WALTZ, np.random.default_rng(seed)).text for seed in range(100)}
    assert len(texts) > 90
    assert caption(WALTZ, np.random.default_rng(3)) == caption(WALTZ, np.random.default_rng(3))


def test_a_key_that_is_not_sure_is_not_told():
    unsure = replace(WALTZ, key_confidence=0.1, phrases=())
    assert not any("G minor" in caption(unsure, np.random.default_rng(seed)).text for seed in range(60))
    assert any("G minor" in caption(WALTZ, np.random.default_rng(seed)).text for seed in range(60))


def test_phrases_are_told_with_their_bars():
    first, second = phrase_captions(WALTZ, np.random.default_rng(1))
    assert first.text.startswith("bars 1 to 4: ")
    assert (second.first_bar, second.last_bar) == (5, 8)
    assert "in Bb major" in second.text or "in B♭ major" in second.text
    assert "fragmented" in second.text
    assert second.facts["contour"] == "falling"


def test_an_excerpt_is_told_by_what_lies_in_it():
    told = excerpt_caption(WALTZ, 5, 8, np.random.default_rng(1))
    assert "bars 5 to 8" in told.text.lower()
    assert "bars 1 to 4" not in told.text
    assert (told.first_bar, told.last_bar) == (5, 8)


def test_empty_facts_make_a_caption():
    assert caption(Facts(), np.random.default_rng(1)).text


@pytest.mark.parametrize("program", range(129))
def test_every_name_of_an_instrument_means_that_instrument(program):
    default = (PROGRAM_NAMES[program].lower(),) if program < 128 else ()
    for name in caption_words.INSTRUMENTS.get(program, default):
        assert parse_instruments(name) == (program,), name
