"""The length of pieces that leave it open."""

import pytest

from partimento.generation.layout import laid_out, with_length
from partimento.plan import Plan, Section
from partimento.theory.chord import ChordSymbol

CHORDS = tuple((ChordSymbol.parse(name),) for name in ("Ab", "Abm", "Eb", "Ebm6", "Fm7"))


@pytest.mark.parametrize(
    ("plan", "bars"),
    [
        (Plan(), None),
        (Plan(instruments=(0, 73)), None),
        (Plan(instruments=(0, 73, 128)), 16),
        (Plan(chords=CHORDS), 20),
        (Plan(chords=CHORDS[:4]), 16),
        (Plan(chords=CHORDS * 4), 20),
        (Plan(chords=CHORDS, bars=5), 5),
        (Plan(chords=CHORDS, form=(Section("A"),)), None),
        (Plan(chords=CHORDS, duration_seconds=60), None),
    ],
)
def test_several_parts_and_chords_get_sixteen_bars_or_as_many_turns(plan: Plan, bars: int | None) -> None:
    assert with_length(plan).bars == bars


def test_it_is_laid_out_like_a_length_that_was_asked_for() -> None:
    assert laid_out(Plan(chords=CHORDS)).bars == 20
    assert laid_out(Plan(instruments=(0,))).bars is None
