"""What would repeat a bar, or a run of notes, becomes less likely, and nothing else does."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from partimento.generation import Job, Sampling, Writer
from partimento.generation.repetition import Repetition, Units, units
from partimento.plan import Compose, Constraints, Plan
from partimento.representations import create
from partimento.score import Score
from partimento.theory.meter import Meter

BAR, OTHER_BAR = 100, 101
IN_BARS = Units(frozenset({BAR, OTHER_BAR}), frozenset(range(50)))
NO_BARS = Units(frozenset(), frozenset(range(50)))


def after(vocabulary: Units, tokens: Sequence[int], strength: float = 2.0) -> dict[int, float]:
    heard = Repetition(vocabulary, strength)
    for token in tokens:
        heard.hear(token)
    return heard.losses()


def test_a_bar_that_goes_on_as_the_one_before_is_held_back_more_and_more() -> None:
    bar = [1, 60, 2, 61]
    assert after(IN_BARS, [BAR, *bar]) == {}
    assert after(IN_BARS, [BAR, *bar, OTHER_BAR]) == {1: 0.5}
    assert after(IN_BARS, [BAR, *bar, OTHER_BAR, 1, 60]) == {2: 1.5}
    assert after(IN_BARS, [BAR, *bar, OTHER_BAR, *bar]) == {BAR: 2.0, OTHER_BAR: 2.0}
    assert after(IN_BARS, [BAR, *bar, OTHER_BAR, 1, 62]) == {}
    assert after(IN_BARS, [BAR, *bar, OTHER_BAR, *bar, 3]) == {}
    assert after(IN_BARS, [BAR, *bar, OTHER_BAR, 9, BAR]) == {9: 2.0}


def test_without_barlines_runs_of_notes_are_held_back() -> None:
    run = [1, 2, 3, 4, 5]
    assert after(NO_BARS, [*run, 7, 1, 2, 3]) == {}
    assert after(NO_BARS, [*run, 7, 1, 2, 3, 4]) == {5: 2.0 * 4 / 16}
    assert after(NO_BARS, [*run, 7, 1, 80, 2, 90, 3, 4, 5]) == {7: 2.0 * 5 / 16}
    assert after(NO_BARS, [1] * 40) == {1: 2.0}


def test_strength_is_what_a_logit_loses() -> None:
    heard = Repetition(IN_BARS, 3.0)
    for token in (BAR, 4, OTHER_BAR):
        heard.hear(token)
    logits = np.zeros(110, np.float32)
    lowered = heard.lowered(logits)
    assert lowered[4] == -3
    assert not np.delete(lowered, 4).any()
    assert not logits.any()
    assert Repetition(IN_BARS, 0).lowered(logits) is logits


@pytest.mark.parametrize(
    ("name", "barlines", "notes"), [("remi", 64, 256), ("abc", 64, 0), ("amt", 0, 16_512), ("performance", 0, 256)]
)
def test_units_are_found_in_every_vocabulary(name: str, barlines: int, notes: int) -> None:
    found = units(create(name).tokens)
    assert len(found.barlines) == barlines
    assert len(found.notes) == notes or barlines


def repeated(score: Score) -> int:
    """Bars that are exactly as the one before."""
    bars = [
        score.notes[(score.notes["onset_tick"] >= start) & (score.notes["onset_tick"] < start + length)]
        for start, length in score.measures.tolist()
    ]
    said = [
        [(n["onset_tick"] - m, n["duration_tick"], n["pitch"]) for n in bar]
        for bar, m in zip(bars, score.measures["onset_tick"], strict=True)
    ]
    return sum(first == second for first, second in pairwise(said))


def test_pieces_have_fewer_bars_twice_in_a_row() -> None:
    """The model that comes with the package, taken at its likeliest, circles."""
    plan = Plan(meter=Meter(2, 4), instruments=(128,), bars=16)
    jobs = [Job(Compose(plan, Constraints(steady=True, playable=True, budget=1024)), seed) for seed in range(4)]
    writer = Writer()
    counts = [
        sum(map(repeated, writer.write(jobs, Sampling(temperature=0.3, repetition=strength)))) for strength in (0, 3)
    ]
    assert counts[1] < counts[0] / 2
