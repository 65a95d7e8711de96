"""Laws of the analysis, for any music."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from partimento.analysis import Facts, facts_of
from partimento.score import Part, Score
from partimento.theory.interval import Interval

_MOVES = {
    "key", "key_changes", "chords", "chord_summary", "chord_summary_count", "register", "roles", "texture", "phrases",
    "valence", "arousal", "mood", "key_confidence",
}  # fmt: skip
"""What may move with the music when it is transposed."""


def numbers(value: object) -> list[float]:
    """Every number within plain values."""
    if isinstance(value, dict):
        return numbers(list(value.values()))
    if isinstance(value, list):
        return [number for item in value for number in numbers(item)]
    return [float(value)] if isinstance(value, int | float) else []


def without_beats(score: Score) -> Score:
    return replace(score, meters=score.meters[:0], measures=score.measures[:0], tempos=score.tempos[:0])


@given(st.from_type(Score), st.booleans())
def test_any_music_has_facts_that_are_plain_and_finite(score: Score, has_beats: bool) -> None:
    score = score if has_beats else without_beats(score)
    facts = facts_of(score)
    plain = json.loads(json.dumps(facts.to_dict()))
    assert Facts.from_dict(plain) == facts
    assert all(map(math.isfinite, numbers(plain)))
    assert -1 <= facts.valence <= 1
    assert -1 <= facts.arousal <= 1
    assert 0 <= facts.key_confidence <= 1
    assert {part.program for part in facts.roles} == set(facts.instruments)
    if not has_beats:
        assert (facts.bars, facts.chords, facts.sections, facts.phrases) == (None, (), (), ())


@given(st.from_type(Score))
def test_bars_are_told_once_and_in_order(score: Score) -> None:
    facts = facts_of(score)
    assert facts.bars is not None
    assert facts.bars == len(score.measures) - score.has_pickup
    assert len(facts.chords) in (0, facts.bars)
    first = 0 if score.has_pickup else 1
    told = [bar for section in facts.sections for bar in range(section.first_bar, section.last_bar + 1)]
    assert told in ([], list(range(first, facts.bars + 1)))
    bars = [bar for phrase in facts.phrases for bar in range(phrase.first_bar, phrase.last_bar + 1)]
    assert bars == sorted(set(bars))
    assert set(bars) <= set(range(first, facts.bars + 1))
    assert [bar for bar, _ in facts.key_changes] == sorted({bar for bar, _ in facts.key_changes})


@given(st.from_type(Score), st.sampled_from([2, 3, 7]))
def test_facts_do_not_depend_on_the_resolution(score: Score, factor: int) -> None:
    assert facts_of(score.with_resolution(factor * score.ticks_per_quarter)) == facts_of(score)


@given(st.from_type(Score), st.integers(-11, 11))
def test_what_is_not_about_pitch_stays_when_music_is_transposed(score: Score, semitones: int) -> None:
    pitched = score.notes["pitch"][~np.array([part.is_drums for part in score.parts])[score.notes["part"]]]
    assume(not len(pitched) or (pitched.min() + semitones >= 0 and pitched.max() + semitones <= 127))
    moved = facts_of(score.transpose(Interval.from_semitones(semitones)))
    still = facts_of(score)
    for f in fields(Facts):
        if f.name not in _MOVES:
            assert getattr(moved, f.name) == getattr(still, f.name), f.name
    assert abs(moved.key_confidence - still.key_confidence) < 0.002


@given(st.from_type(Score))
def test_drums_alone_have_rhythm_but_no_harmony(score: Score) -> None:
    drums = replace(score, parts=tuple(Part(is_drums=True) for _ in score.parts), chords=())
    facts = facts_of(drums)
    assert (facts.key, facts.chords, facts.texture, facts.register) == (None, (), None, None)
    assert {part.role for part in facts.roles} <= {"drums"}
    assert facts.notes == facts_of(score).notes
