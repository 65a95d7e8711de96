"""`abc` tokens and text: what they look like, what they keep, what is refused."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import numpy as np
import pytest

from partimento.errors import BadInput, InfeasibleTask
from partimento.io import abc
from partimento.plan import Compose, Constraints, Infill, Plan
from partimento.plan.chords import parse_chords
from partimento.representations import create, create_text
from partimento.score import Score
from partimento.theory.instrument import DRUMS
from partimento.theory.key import Key
from partimento.theory.meter import Meter

TOKENS, TEXT = create("abc"), create_text("abc")
TUNE = b"""X:1
R:waltz
M:3/4
L:1/4
Q:1/4=120
V:1 name="Violin"
V:2 name="Cello"
K:D
V:1
%%MIDI program 40
V:2
%%MIDI program 42
[V:1] "D"f3/2 e/ d | (3f/g/a/ [^e2a2]- | [^e3a3] |]
[V:2] D,3 | z3 | "A7"A,,3 |]
"""


def tune(text: bytes = TUNE) -> Score:
    return abc.read(text, "tune")[0]


def names(score: Score, task: Compose | None = None) -> list[str]:
    return [str(TOKENS.tokens[token]) for token in TOKENS.encode(score, task or Compose()).ids]


def decoded(words: str) -> Score:
    ids = {name: token for token, name in enumerate(TOKENS.tokens)}
    return TOKENS.decode(np.array([ids[word] for word in words.split()], np.int32), Compose())


# Tokens


def test_a_tune_reads_like_abc():
    assert " ".join(names(tune())) == (
        "<START> R:waltz M:3/4 Q:120 %bars:3 V:program-40 V:program-42 %chords K:D-major "
        '"D" [V:1] f DUR:18 e DUR:6 d DUR:12 [V:2] D, DUR:36 |[r:2] '
        "[V:1] f DUR:4 g DUR:4 a DUR:4 [ ^ e a ] DUR:24 - |[r:1] "
        '"A7" [V:1] [ ^ e a ] DUR:36 [V:2] A,, DUR:36 |[r:0] <END>'
    )


def test_a_tied_note_is_one_note_spelled_as_it_was_written():
    notes = TOKENS.decode(TOKENS.encode(tune(), Compose()).ids, Compose()).notes
    long = notes[notes["duration_tick"] == 60]
    assert long[["onset_tick", "pitch", "spelling"]].tolist() == [(48, 77, 11), (48, 81, 3)]
    assert not notes["tied"].any()


def test_what_overlaps_lies_on_overlays_the_longest_first():
    score = decoded(
        "<START> R:none M:4/4 Q:none %bars:1 V:program-0 K:none "
        "[V:1] C DUR:48 & [ e g ] DUR:24 z DUR:12 g DUR:12 & z DUR:12 c DUR:24 z DUR:12 |[r:0] <END>"
    )
    rows = score.notes[["onset_tick", "duration_tick", "pitch"]].tolist()
    assert rows == [(0, 48, 60), (0, 24, 76), (0, 24, 79), (12, 24, 72), (36, 12, 79)]
    assert names(score)[7:].count("&") == 2


@pytest.mark.parametrize("cut", range(1, 30))
def test_every_prefix_of_a_tune_decodes(cut):
    ids = TOKENS.encode(tune(), Compose()).ids
    part = TOKENS.decode(ids[:cut], Compose())
    assert len(part.notes) <= len(TOKENS.decode(ids, Compose()).notes)


def test_chords_and_notes_keep_spellings_that_a_key_would_not_give():
    text = b'X:1\nM:4/4\nL:1/4\nK:C\n"Dbm/Fb"_d ^c __B ^^A |]\n'
    quantised, losses = TOKENS.quantise(tune(text))
    assert not losses
    assert str(quantised.chords[0].symbol) == "Dbm/Fb"
    assert quantised.notes["spelling"].tolist() == [-5, 7, -9, 17]


def test_a_pitch_struck_again_ends_the_note_that_holds_it_and_what_is_lost_is_told():
    text = b"X:1\nM:4/4\nL:1/4\nK:C\nc4 & z c2 e |]\n"
    quantised, losses = TOKENS.quantise(tune(text))
    assert quantised.notes[["onset_tick", "duration_tick", "pitch"]].tolist() == [
        (0, 12, 72), (12, 24, 72), (36, 12, 76),
    ]  # fmt: skip
    assert [loss.what for loss in losses] == ["the rest of notes that are struck again, or ring past the last barline"]


def test_drums_have_tokens_of_their_own_and_no_spelling():
    score = decoded("<START> R:none M:2/4 Q:none %bars:1 V:drums K:none [V:1] drum:36 DUR:12 drum:38 DUR:12 |[r:0]")
    assert score.parts[0].is_drums
    assert score.notes["pitch"].tolist() == [36, 38]
    assert TOKENS.encode(score, Compose()).ids[-2:].tolist()[1] == TOKENS.special.eos


def walk(task: Compose, seed: int) -> list[int]:
    rng, state, ids = random.Random(seed), TOKENS.start(task), list[int]()
    while TOKENS.shortest_end(state):
        ids.append(rng.randrange(*rng.choice(TOKENS.allowed(state))))
        state = TOKENS.step(state, ids[-1])
    return ids


@pytest.mark.parametrize("seed", range(20))
def test_overlays_fill_their_measures_and_ties_go_on(seed):
    """Counted on the tokens themselves, without the decoder."""
    task = Compose(Plan(meter=Meter(3, 4), bars=6), Constraints(steady=True, budget=500))
    words = [TOKENS.tokens[token] for token in walk(task, seed)]
    body = words[words.index(next(word for word in words if word.startswith("K:"))) + 1 : -1]
    filled: int | None = None
    for word in body:
        if word.startswith(("[V:", "|", "&")):
            assert filled in (None, 36)
            filled = None if word.startswith("|") else 0
        elif word.startswith("DUR:") and filled is not None:
            filled += int(word[4:])
    assert sum(word.startswith("|") for word in body) == 6


def test_the_plan_goes_into_header_chords_and_bars():
    plan = Plan(
        key=Key(-3, "minor"), meter=Meter(6, 8), tempo_bpm=91, instruments=(73, DRUMS), bars=3, style="jig",
        chords=parse_chords("Cm | Ab Fm/Eb"),
    )  # fmt: skip
    task = Compose(plan, Constraints(budget=200))
    words = " ".join(TOKENS.tokens[token] for token in walk(task, 1))
    assert words.startswith('<START> R:jig M:6/8 Q:92 %bars:3 V:program-73 V:drums %chords K:C-minor "Cm" ')
    assert '|[r:2] "Ab" DUR:18 "Fm" "/Eb" ' in words
    assert TOKENS.decode(np.array(walk(task, 1), np.int32), task).key_at(0) == plan.key


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (Compose(Plan(meter=Meter(3, 64))), "meter 3/64"),
        (Compose(Plan(bars=200), Constraints(budget=100)), "need"),
        (Compose(Plan(chords=((),))), "at least one chord"),
        (Compose(Plan(meter=Meter(1, 16), chords=(parse_chords("C G Am F E")[0] * 5,))), "do not fit"),
        (Infill(0, 1), "whole pieces"),
    ],
)
def test_what_cannot_be_is_refused_before_sampling(task, reason):
    with pytest.raises(InfeasibleTask, match=reason):
        TOKENS.start(task)


def test_infilling_is_refused_and_so_are_pieces_too_long_for_one_header():
    with pytest.raises(BadInput, match="infill"):
        TOKENS.encode(tune(), Infill(0, 1))
    long = b"X:1\nM:1/4\nL:1/4\nK:C\n" + b"c | " * 300 + b"\n"
    with pytest.raises(BadInput, match="300 measures"):
        TOKENS.encode(tune(long), Compose())
    assert [len(piece.measures) for piece, _ in TOKENS.windows(tune(long), Compose(), 4096)] == [256, 44]


def test_programs_are_exchanged_in_the_header_and_drums_are_not():
    ids = TOKENS.encode(tune(), Compose()).ids
    table = TOKENS.exchange({40: 73})
    assert table is not None
    assert [part.program for part in TOKENS.decode(table[ids], Compose()).parts] == [73, 42]
    assert TOKENS.exchange({40: DRUMS}) is None
    assert TOKENS.transposition(2) is None


def test_ten_thousand_notes_are_encoded_well_under_a_second():
    rng = np.random.default_rng(0)
    rows = [(onset // 3 * 3, 3 + onset % 7, int(rng.integers(40, 80))) for onset in range(10_000)]
    base = tune(b"X:1\nM:4/4\nL:1/4\nK:C\n" + b"c4 | " * 220 + b"\n")
    notes = np.zeros(len(rows), base.notes.dtype)
    for index, name in enumerate(("onset_tick", "duration_tick", "pitch")):
        notes[name] = [row[index] for row in rows]
    notes["note_id"], notes["spelling"] = np.arange(len(rows)), -128
    score = replace(base.with_resolution(12), notes=notes)
    start = time.process_time()
    encoded = TOKENS.encode(score, Compose())
    assert time.process_time() - start < 0.5
    assert TOKENS.decode(encoded.ids, Compose()) == TOKENS.quantise(score)[0]


# Text


def test_bars_of_all_voices_stand_together_behind_their_number():
    lines = TEXT.write(tune(), Compose()).split("\n")
    assert lines[-10:-1] == [
        "% 1/3", '[V:1] "D"f3 e d2 |', "[V:2] D,6 |",
        "% 2/3", "[V:1] (3fga [^ea]4- |", "[V:2] z6 |",
        "% 3/3", "[V:1] [^ea]6 |]", '[V:2] "A7"A,,6 |]',
    ]  # fmt: skip


FULL = "X:1\nT:\nM:2/4\nL:1/4\nK:C\n% 1/3\nc c |\n% 2/3\nd d |\n% 3/3\ne2 |]\n"
STEADY = Compose(Plan(key=Key(0), meter=Meter(2, 4), bars=3), Constraints(steady=True))


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("d d", "d", "bar 2 lasts 1/4 of a whole note, and its meter 1/2"),
        ("d d", "d d d", "bar 2 lasts 3/4"),
        ("% 2/3\nd d |\n", "", "bar 2 is marked 3/3, not 2/3"),
        ("% 3/3\ne2 |]", "% 3/3\n|]", "3 bars are marked, and 2 have something in them"),
        ("d d", "d $k d", "the sign k cannot be read"),
        ("K:C", "Y:what\nK:C", "line 5: Y: is no field of ABC"),
        ("K:C", "K:G", "key G major, and C major was asked for"),
        ("M:2/4", "M:4/8", "meter 4/8, and 2/4 was asked for"),
    ],
)
def test_the_checker_finds_what_is_wrong(before, after, fault):
    assert TEXT.faults(FULL, STEADY) == ()
    assert any(found.startswith(fault) for found in TEXT.faults(FULL.replace(before, after), STEADY))


def test_voices_that_part_and_instruments_tempo_style_and_chords_not_kept_are_faults():
    text = TEXT.write(tune(), Compose())
    assert TEXT.faults(text, Compose()) == ()
    short = text.replace("[V:2] z6 |", "[V:2] z4 |")
    assert TEXT.faults(short, Compose())[0].startswith("bar 2: voice 2 lasts 1/2")
    plan = Plan(tempo_bpm=90, instruments=(40,), style="reel", title="Air", chords=parse_chords("D A7"))
    found = TEXT.faults(text, Compose(plan))
    for start in ("tempo 120 bpm", "Violin, Cello play, and Violin", "style waltz", "title ''", "bar 2: its chords"):
        assert any(fault.startswith(start) for fault in found), (start, found)


def test_a_pickup_and_a_bar_in_two_halves_are_full_enough_unless_the_piece_is_to_be_steady():
    text = "X:1\nM:2/4\nL:1/4\nK:C\nc | d e | f :| g | a b | c' |]\n"
    assert TEXT.faults(text, Compose()) == ()
    assert len(TEXT.faults(text, Compose(constraints=Constraints(steady=True)))) == 4


@pytest.mark.parametrize("seed", range(8))
def test_steady_walks_of_tokens_are_texts_without_faults(seed):
    plan = Plan(key=Key(1), meter=Meter(4, 4), tempo_bpm=100, instruments=(73, 0), bars=4, style="reel")
    task = Compose(plan, Constraints(steady=True, budget=400))
    score = TOKENS.decode(np.array(walk(task, seed), np.int32), task)
    assert TEXT.faults(TEXT.write(score, task), replace(task, plan=replace(plan, title=""))) == () or not len(
        score.notes
    )


def test_absurdly_long_texts_are_refused_at_once():
    assert TEXT.faults("X:1\nK:C\n" + "c" * 5_000_000, Compose())[0].startswith("5,000,008 characters")
