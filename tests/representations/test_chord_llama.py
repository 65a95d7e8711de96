"""Chord Llama's YAML of scores: what survives, the grammar, and the checker."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from partimento.errors import BadInput, BadRecipe
from partimento.io import load_score, musicxml
from partimento.plan import Compose, Constraints, Plan
from partimento.representations import create_text
from partimento.representations.chord_llama import ChordLlama
from partimento.representations.chord_llama.quantise import bare
from partimento.score import CLEF, MEASURE, METER, TEMPO, Part, Score, Tuplet, notes_array
from partimento.theory.key import Key
from partimento.theory.meter import Meter

llguidance = pytest.importorskip("llguidance")

TASK = Compose()
SCORES = runpy.run_path(str(Path(__file__).parents[1] / "laws" / "conftest.py"))["scores"]()
"""The strategy of the laws."""
PARTS = (Part(),)
MOST_NOTES = 1500
STYLES = ("block", "flow")
PIECES = ("bach/bwv66.6.mxl", "schoenberg/opus19/movement2.mxl")
TEXT = """divisions: '2'
time:
  beats: '3'
  beat-type: '4'
clef:
  sign: G
  line: '2'
---
- a00_note:
    pitch:
      step: C
      octave: '5'
    duration: '2'
    type: quarter
  a01_note:
    chord: null
    pitch:
      step: E
      octave: '5'
    duration: '2'
    type: quarter
  a02_note:
    rest: null
    duration: '4'
    type: half
"""


def score(notes, meter=(3, 4), bars=2, ticks=12, parts=PARTS, **others):
    """Notes in full bars."""
    length = ticks * 4 * meter[0] // meter[1]
    measures = np.array([(bar * length, length) for bar in range(bars)], MEASURE)
    return Score(ticks, parts, notes_array(notes), measures, np.array([(0, *meter)], METER), **others)


def pieces():
    """Scores in music21's wheel."""
    music21 = pytest.importorskip("music21")
    return [load_score(Path(music21.__file__).parent / "corpus" / name) for name in PIECES]


def accepts(grammar, text):
    """Whether a grammar admits a whole text."""
    matcher = llguidance.LLMatcher(TOKENS, llguidance.LLMatcher.grammar_from_lark(grammar))
    tokens = TOKENS.tokenize_bytes(text.encode())
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


TOKENS = llguidance.LLTokenizer("byte")


# What survives


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(SCORES, st.sampled_from(STYLES))
def test_reading_gives_the_quantised_score(score, style):
    """Wherever MusicXML itself gives back what it can say, which it fails to do in bars of less than a note value."""
    on_paper = bare(score)
    assume(musicxml.read(musicxml.write(on_paper), "test")[0] == musicxml.sayable(on_paper))
    rep = create_text("chord_llama", style=style)
    quantised, losses = rep.quantise(score)
    text = rep.write(score, TASK)
    assert rep.read(text, TASK) == quantised
    assert rep.quantise(quantised) == (quantised, ())
    assert rep.write(quantised, TASK) == text
    assert accepts(rep.syntax(TASK), text)
    assert all(loss.what for loss in losses)


@pytest.mark.parametrize("style", STYLES)
def test_real_music_survives_and_keeps_the_syntax(style):
    rep = create_text("chord_llama", style=style)
    for piece in pieces():
        text = rep.write(piece, TASK)
        assert rep.read(text, TASK) == rep.quantise(piece)[0]
        assert accepts(rep.syntax(TASK), text)


def test_the_corpus_survives(corpus):
    """Some short files of every format."""
    rep = create_text("chord_llama")
    for path in sorted(path for path in corpus.rglob("*") if path.suffix in (".mxl", ".abc", ".mid"))[17::600]:
        piece = load_score(path)
        if len(piece.notes) > MOST_NOTES:
            continue
        quantised, _ = rep.quantise(piece)
        assert rep.read(rep.write(piece, TASK), TASK) == quantised, path.name
        assert rep.quantise(quantised) == (quantised, ()), path.name


def test_notes_and_tempo_survive_words_and_velocities_do_not():
    piece = score(
        [{"onset_tick": 0, "duration_tick": 12, "pitch": 60, "velocity": 90}],
        tempos=np.array([(0, 97.123), (36, 60)], TEMPO), title="Song", tags=("jig",),
    )  # fmt: skip
    rep = create_text("chord_llama")
    again = rep.read(rep.write(piece, TASK), TASK)
    assert again.notes[["onset_tick", "pitch", "velocity"]].tolist() == [(0, 60, 0)]
    assert again.tempos["tempo_bpm"].tolist() == [97.12, 60]
    assert (again.title, again.tags) == ("", ())
    assert {loss.what for loss in rep.quantise(piece)[1]} >= {"velocities of notes", "title"}


def test_tuplets_of_several_beats_come_back_as_they_were():
    notes = [{"onset_tick": 4 * k, "duration_tick": 4, "pitch": 60 + k, "voice": 1} for k in range(6)]
    tuplets = (Tuplet(0, 12, 0, 1, 3, 2), Tuplet(12, 12, 0, 1, 3, 2))
    rep = create_text("chord_llama")
    assert rep.quantise(score(notes, tuplets=tuplets))[0].with_resolution(12).tuplets == tuplets
    half = [{"onset_tick": 8 * k, "duration_tick": 8, "pitch": 60 + k, "voice": 1} for k in range(3)]
    (long,) = (
        rep.quantise(score(half, meter=(4, 4), tuplets=(Tuplet(0, 24, 0, 1, 3, 2),)))[0].with_resolution(12).tuplets
    )
    assert (long.onset_tick, long.duration_tick) == (0, 24)


def test_drums_keep_what_their_place_on_the_staff_tells():
    notes = [{"onset_tick": 0, "duration_tick": 12, "pitch": key} for key in (36, 38, 49)]
    drums = score(notes, parts=(Part("Kit", is_drums=True),), clefs=np.array([(0, 0, 1, "percussion", 0, 0)], CLEF))
    rep = create_text("chord_llama")
    again = rep.read(rep.write(drums, TASK), TASK)
    assert again.parts[0].is_drums
    assert again.notes["pitch"].tolist() == [36, 38, 49]
    assert again == rep.quantise(drums)[0]


def test_styles_are_two():
    assert create_text("chord_llama").config == {"style": "block"}
    with pytest.raises(BadRecipe, match="choose from block, flow"):
        create_text("chord_llama", style="rococo")


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "line"), ("", "0 YAML documents"), (TEXT.replace("octave: '5'", "octave: high"), "measure 1: octave")],
)
def test_what_is_no_such_text_is_refused(text, message):
    with pytest.raises(BadInput, match=message):
        create_text("chord_llama").read(text, TASK)


# The grammar


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a01", "a02"), ("step: C", "step: H"), ("'2'\n    type", "2\n    type"), ("rest: null", "rest: 'null'"),
        ("---\n", ""), ("type: half", "type: bright"), ("    chord: null\n", "    chord: null\n    chord: null\n"),
    ],
)  # fmt: skip
def test_the_grammar_admits_the_form_and_no_other(old, new):
    grammar = create_text("chord_llama").syntax(TASK)
    assert accepts(grammar, TEXT)
    assert old in TEXT
    assert not accepts(grammar, TEXT.replace(old, new))


def test_a_plan_enters_the_grammar():
    rep = create_text("chord_llama")
    assert accepts(rep.syntax(Compose(Plan(meter=Meter(3, 4), bars=1))), TEXT)
    for plan in (Plan(meter=Meter(4, 4)), Plan(bars=2), Plan(key=Key(0)), Plan(instruments=(0, 40))):
        assert not accepts(rep.syntax(Compose(plan)), TEXT)
    duo = rep.write(score([], parts=(Part("A", 40), Part("Kit", 0, is_drums=True))), TASK)
    assert accepts(rep.syntax(Compose(Plan(instruments=(40, 128)))), duo)
    assert not accepts(rep.syntax(Compose(Plan(instruments=(41, 128)))), duo)


@pytest.mark.parametrize("style", STYLES)
def test_what_the_grammar_lets_through_can_be_read(style):
    """Random walks, token by token."""
    rep, rng = create_text("chord_llama", style=style), np.random.default_rng(7)
    plan = Plan(key=Key(0, "major"), meter=Meter(4, 4), bars=2, instruments=(40,))
    grammar = llguidance.LLMatcher.grammar_from_lark(rep.syntax(Compose(plan, Constraints(steady=True))))
    ended = 0
    for _ in range(6):
        matcher, said = llguidance.LLMatcher(TOKENS, grammar), bytearray()
        while not matcher.is_stopped() and len(said) < 4000:
            bits = np.unpackbits(np.frombuffer(matcher.compute_bitmask(), np.uint8), bitorder="little")
            allowed = np.flatnonzero(bits[:256])
            token = int(rng.choice(allowed)) if len(allowed) else TOKENS.eos_token
            assert matcher.consume_token(token)
            said += bytes([token]) if len(allowed) else b""
        if matcher.is_stopped():
            ended += 1
            assert len(rep.read(said.decode(), TASK).measures) == 2
    assert ended > 0


# The checker


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("'4'\n    type: half", "'2'\n    type: quarter", "measure 1: lasts 2 quarters, and its meter 3"),
        ("'4'\n    type: half", "'6'\n    type: half", "measure 1: lasts 4 quarters, and its meter 3"),
        ("'2'\n    type: quarter\n  a02", "'4'\n    type: quarter\n  a02", "lasts 4, the one before 2"),
        ("divisions: '2'\n", "", "no divisions"),
        ("a01_note", "a03_note", "a03_note is child number 1, a01_"),
        ("octave: '5'", "octave: x", "measure 1: octave says 'x'"),
        ("divisions", "[", "line 1"),
    ],
)  # fmt: skip
def test_faults_are_found(old, new, fault):
    rep = create_text("chord_llama")
    task = Compose(constraints=Constraints(steady=True))
    assert rep.faults(TEXT, task) == ()
    found = rep.faults(TEXT.replace(old, new, 1), task)
    assert any(fault in line for line in found)


def test_chords_need_a_note_and_backups_a_place():
    rep = create_text("chord_llama")
    head = TEXT.partition("---\n")[0] + "---\n"
    note = "{pitch: {step: C, octave: '5'}, duration: '2', type: quarter}"
    lone = f"{head}- a00_note: {note.replace('{pitch', '{chord: null, pitch', 1)}\n"
    early = f"{head}- a00_note: {note}\n  a01_backup: {{duration: '4'}}\n"
    assert "measure 1: a note of a chord follows no note" in rep.faults(lone, TASK)
    assert "measure 1: a backup goes beyond the start" in rep.faults(early, TASK)


def test_short_bars_are_right_at_the_ends_and_in_pairs():
    """A pickup and its complement, and a bar cut in two by a repeat."""
    rep = create_text("chord_llama")
    lengths = [12, 36, 12, 24, 36, 24]
    onsets = np.cumsum([0, *lengths[:-1]])
    notes = [{"onset_tick": int(o), "duration_tick": n, "pitch": 60} for o, n in zip(onsets, lengths, strict=True)]
    whole = score(notes)
    measures = np.array(list(zip(onsets.tolist(), lengths, strict=True)), MEASURE)
    piece = Score(12, whole.parts, whole.notes, measures, whole.meters)
    text = rep.write(piece, TASK)
    assert rep.faults(text, TASK) == ()
    assert len(rep.faults(text, Compose(constraints=Constraints(steady=True)))) == 4


def test_a_plan_is_checked():
    rep = create_text("chord_llama")
    plan = Plan(key=Key(2, "major"), meter=Meter(4, 4), bars=2, instruments=(0, 40))
    found = rep.faults(TEXT, Compose(plan))
    assert [line.partition(",")[0] for line in found] == [
        "key none", "meter 3/4", "1 bars", "for Acoustic Grand Piano",
    ]  # fmt: skip


def test_a_text_is_checked_while_it_is_written():
    rep = ChordLlama()
    two = TEXT + TEXT.partition("---\n")[2]
    done = rep.finished(two + "- a00_no")
    assert two[:done] == two
    assert rep.finished(TEXT) == 0
    assert rep.faults_so_far(two[:done], TASK) == ()
    short = two.replace("'4'\n    type: half", "'2'\n    type: quarter", 1) + TEXT.partition("---\n")[2]
    assert rep.faults_so_far(short, Compose(constraints=Constraints(steady=True)))


def test_brackets_that_go_round_in_a_circle_come_to_rest():
    """A short note in a bar of 4/16: its rests are written under brackets that a reader finds elsewhere."""
    score = Score(
        96, (Part(),), notes_array([{"onset_tick": 24, "duration_tick": 1, "pitch": 58}]),
        measures=np.array([(0, 96)], MEASURE), meters=np.array([(0, 4, 16)], METER),
    )  # fmt: skip
    rep = create_text("chord_llama")
    quantised, _ = rep.quantise(score)
    assert rep.read(rep.write(score, Compose()), Compose()) == quantised
    assert rep.quantise(quantised)[0] == quantised
