"""Answers to Chord Llama's rows: their grammar, their faults, and the piece that they make with what they follow."""

from __future__ import annotations

from pathlib import Path

import music21
import pytest
from llguidance import LLMatcher, LLTokenizer

from partimento.errors import BadInput
from partimento.io import load_score
from partimento.io.yaml import chord_llama_rows
from partimento.plan import Compose, Plan
from partimento.representations.chord_llama.answer import ChordLlamaAnswer

CHORALE = Path(music21.__file__).parent / "corpus/bach/bwv66.6.mxl"
TASK = Compose()
ROW = {
    "instruction": "divisions: '1'\ntime:\n  beats: '2'\n  beat-type: '4'\n",
    "input": "- a00_note:\n    pitch:\n      step: C\n      octave: '4'\n    duration: '2'\n    type: half\n",
}
BAR = "- a00_note:\n    pitch:\n      step: D\n      octave: '4'\n    duration: '{}'\n    type: half\n"


def accepts(answer: ChordLlamaAnswer, text: str, task: Compose = TASK) -> bool:
    matcher = LLMatcher(LLTokenizer("byte"), LLMatcher.grammar_from_lark(answer.syntax(task)))
    return matcher.try_consume_tokens(list(text.encode())) == len(text.encode()) and matcher.is_accepting()


def test_real_answers_of_one_part_and_of_many_pass_and_have_no_faults():
    rows = list(chord_llama_rows(CHORALE, budget=1500))
    assert len(rows) > 3
    for row in rows:
        answer = ChordLlamaAnswer(row)
        assert accepts(answer, row["output"])
        assert not accepts(answer, row["instruction"])
        assert answer.faults(row["output"], TASK) == ()
        assert len(answer.read(row["output"], TASK).parts) == 4


def test_a_plan_says_how_many_bars_are_answered():
    answer, two = ChordLlamaAnswer(ROW), Compose(Plan(bars=2))
    assert accepts(answer, BAR.format(2) * 2, two)
    assert not accepts(answer, BAR.format(2), two)
    assert not accepts(answer, BAR.format(2) * 3, two)


def test_bars_that_are_not_full_are_found_and_counted_from_the_first_that_stood():
    answer = ChordLlamaAnswer(ROW)
    text = BAR.format(2) + BAR.format(1) + BAR.format(2)
    assert answer.faults(text, TASK) == ("measure 3: lasts 1 quarters, and its meter 2",)
    assert answer.finished(text) == len(BAR.format(2) + BAR.format(1))
    assert answer.faults_so_far(text, TASK) == ("measure 3: lasts 1 quarters, and its meter 2",)
    assert answer.has_bars


def test_what_was_wrong_before_is_no_fault_of_the_answer():
    odd = {**ROW, "input": ROW["input"] + BAR.format(5) + ROW["input"]}
    assert ChordLlamaAnswer(odd).faults(BAR.format(2), TASK) == ()


def test_both_halves_make_one_piece():
    score = ChordLlamaAnswer(ROW).read(BAR.format(2), TASK)
    assert score.notes["pitch"].tolist() == [60, 62]
    assert len(score.measures) == 2


def test_the_measures_of_a_score_are_written_without_its_attributes():
    score = load_score(CHORALE)
    answer = ChordLlamaAnswer(next(iter(chord_llama_rows(score))))
    assert answer.write(score, TASK).startswith("- P1:")


@pytest.mark.parametrize("row", [{}, {"instruction": "- a", "input": ""}, {"instruction": "a: [", "input": ""}])
def test_rows_that_are_none_are_refused(row):
    with pytest.raises(BadInput, match="the row"):
        ChordLlamaAnswer(row)
