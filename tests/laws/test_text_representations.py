"""Laws that hold for every text representation in the registry, in every configuration."""

import os
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from llguidance import LLMatcher, LLTokenizer

from partimento.errors import BadInput, BadRecipe
from partimento.plan import Compose, Constraints
from partimento.representations import TEXT_REPRESENTATIONS, create_text
from partimento.score import Score

CONFIGS: dict[str, list[dict[str, Any]]] = {
    "abc": [{}, {"interleaved": False}, {"words": False}, {"interleaved": False, "words": False}, {"counted": True}],
}
"""Configurations to try; a member without an entry is tried as it comes."""
EXAMPLES = int(os.environ.get("PARTIMENTO_EXAMPLES", "15"))
MEMBERS = [create_text(name, **config) for name in TEXT_REPRESENTATIONS for config in CONFIGS.get(name, [{}])]
BYTES = LLTokenizer("byte")
SCORES, TASKS = st.from_type(Score), st.from_type(Compose)


def each(law):
    """The law for every member; PARTIMENTO_EXAMPLES says how often."""
    if hasattr(law, "hypothesis"):
        law = settings(max_examples=EXAMPLES)(law)
    return pytest.mark.parametrize("rep", MEMBERS, ids=lambda rep: f"{rep.name}-{rep.config}")(law)


def grammar(syntax: str) -> str:
    """A syntax that llguidance takes."""
    checked = LLMatcher.grammar_from_lark(syntax)
    is_error, messages = LLMatcher.validate_grammar_with_warnings(checked, BYTES)
    assert not is_error, messages
    return checked


def accepted(syntax: str, text: str) -> int:
    """How many bytes of a text the syntax accepts; one more where it may end there."""
    matcher = LLMatcher(BYTES, grammar(syntax), log_level=0)
    count = matcher.try_consume_tokens(list(text.encode()))
    return count + matcher.is_accepting()


@each
def test_a_config_builds_an_equal_one(rep):
    again = create_text(rep.name, **rep.config)
    assert (again.name, again.config, again.suffix) == (rep.name, rep.config, rep.suffix)
    assert rep.suffix.startswith(".")


def test_unknown_names_and_options_are_refused():
    with pytest.raises(BadRecipe, match="choose from"):
        create_text("interpretive dance")
    with pytest.raises(BadRecipe):
        create_text("abc", colour="blue")


@each
@given(SCORES)
def test_reading_what_was_written_gives_the_quantised_score(rep, score):
    assume(len(score.sounding().notes))
    quantised, _ = rep.quantise(score)
    assume(len(quantised.notes))
    assert rep.read(rep.write(score, Compose()), Compose()) == quantised


@each
@given(SCORES)
def test_quantising_twice_is_quantising_once(rep, score):
    once, _ = rep.quantise(score)
    twice, losses = rep.quantise(once)
    assert twice == once
    assert not losses


@each
@given(SCORES)
def test_the_syntax_accepts_what_is_written(rep, score):
    assume(len(rep.quantise(score)[0].notes))
    text = rep.write(score, Compose())
    count = accepted(rep.syntax(Compose()), text)
    assert count == len(text.encode()) + 1, text.encode()[:count][-60:].decode(errors="replace")


@each
@given(TASKS)
def test_every_plan_has_a_syntax(rep, task):
    assert grammar(rep.syntax(task))


@each
@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")), st.booleans())
@example("X:1\nK:C\n", False)
def test_any_text_is_read_or_refused_and_checked(rep, text, steady):
    task = Compose(constraints=Constraints(steady=steady))
    assert all(fault == " ".join(fault.splitlines()) for fault in rep.faults(text, task))
    try:
        found: Score | str = rep.read(text, task)
    except BadInput as error:
        found = str(error)
    assert isinstance(found, Score) or (len(found.splitlines()) == 1 and rep.faults(text, task))
