"""Composing: what is asked for is what comes out, even of a model that knows nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from partimento.errors import BadPlan, BadRecipe
from partimento.generation import Composer, Sampling
from partimento.generation.compose import key_of_chords
from partimento.io import FORMATS
from partimento.plan import Plan
from partimento.plan.check import check
from partimento.plan.parse import parse_chords, parse_prompt
from partimento.score import Score
from partimento.theory.instrument import DRUMS, instrument
from partimento.theory.key import Key
from partimento.theory.meter import Meter

WISHES = [
    Plan(key=Key(2), meter=Meter(6, 8), tempo_bpm=123.0, instruments=(73, 24), bars=16),
    Plan(key=Key(-3, "minor"), meter=Meter(3, 4), instruments=(40, 40, 41, 42), bars=9),
    Plan(key=Key(0, "dorian"), meter=Meter(5, 4), tempo_bpm=61.5, instruments=(0,), bars=5),
    Plan(key=Key(1), meter=Meter(4, 4), instruments=(29, 33, DRUMS), bars=12),
    Plan(key=Key(0), meter=Meter(2, 2), instruments=(53,), bars=1),
]


@pytest.fixture(scope="module")
def composer(random_model: Path) -> Composer:
    return Composer(random_model)


def content(score: Score) -> list[bytes]:
    return [form.write(score) for suffix, form in FORMATS.items() if suffix in (".mid", ".musicxml", ".abc")]


@pytest.mark.parametrize("plan", WISHES)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_wish_holds(composer: Composer, plan: Plan, seed: int) -> None:
    score = composer.compose(plan, seed=seed)
    assert {v.wish: v.followed for v in check(plan, score) if not v.followed} == {}


def test_instruments_stay_in_their_range_and_winds_play_one_note_at_a_time(composer: Composer) -> None:
    score = composer.compose(replace(WISHES[0], bars=30), seed=5).sounding()
    for index, part in enumerate(score.parts):
        notes, spec = score.notes[score.notes["part"] == index], instrument(part.program)
        assert spec.lowest_pitch <= notes["pitch"].min() <= notes["pitch"].max() <= spec.highest_pitch
    flute = score.notes[score.notes["part"] == 0]
    assert (np.diff(flute["onset_tick"]) >= flute["duration_tick"][:-1]).all()


def test_chords_stand_where_they_were_asked_for_and_their_tones_on_the_beats(composer: Composer) -> None:
    plan = Plan(meter=Meter(3, 4), instruments=(0,), bars=6, chords=parse_chords("D | G A7"))
    score = composer.compose(plan, seed=2)
    written = [(score.measure_at(c.onset_tick).item(), str(c.symbol)) for c in score.chords]
    assert written == [(b, s) for b in range(0, 6, 2) for b, s in ((b, "D"), (b + 1, "G"), (b + 1, "A7"))]
    assert score.key_at(0) == Key(2)
    on_beat = score.sounding().notes
    on_beat = on_beat[on_beat["onset_tick"] % score.ticks_per_quarter == 0]
    for note in on_beat:
        chord = [c.symbol for c in score.chords if c.onset_tick <= note["onset_tick"]][-1]
        assert chord is not None
        assert int(note["pitch"]) % 12 in chord.pitch_classes


def test_the_same_seed_gives_the_same_piece_and_another_seed_another(composer: Composer) -> None:
    plan = parse_prompt("a waltz in G minor for violin and piano, 8 bars").plan
    assert content(composer.compose(plan, seed=4)) == content(composer.compose(plan, seed=4))
    assert composer.compose(plan, seed=4) != composer.compose(plan, seed=5)


def test_a_piece_longer_than_the_context_is_whole(composer: Composer) -> None:
    plan = Plan(key=Key(0), meter=Meter(4, 4), instruments=(40, 41, 42, 0), bars=90, chords=parse_chords("C F G"))
    score = composer.compose(plan, seed=1)
    assert {v.wish: v.followed for v in check(replace(plan, chords=None), score) if not v.followed} == {}
    asked = [str(symbol) for bar in parse_chords("C F G") for symbol in bar]
    assert [str(c.symbol) for c in score.chords] == asked * 30


def test_nothing_asked_gives_some_piece(composer: Composer) -> None:
    score = composer.compose(Plan(), seed=3)
    assert len(score.measures)
    assert len(score.notes)
    assert score.tempos["tempo_bpm"][0] > 0


def test_sampling_settings_out_of_range_are_refused() -> None:
    wrong: dict[str, Any] = {"temperature": -1, "top_p": 0, "top_k": -3, "min_p": 1, "repetition": -0.1}
    for name, value in wrong.items():
        with pytest.raises(BadPlan, match=name.replace("_", "-")):
            Sampling(**{name: value})


def test_a_model_of_another_vocabulary_is_refused(random_model: Path, tmp_path: Path) -> None:
    for file in random_model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    text = (tmp_path / "representation.json").read_text().replace('"velocities": false', '"velocities": true')
    (tmp_path / "representation.json").write_text(text)
    with pytest.raises(BadRecipe, match="from another model"):
        Composer(tmp_path)


@pytest.mark.parametrize(
    ("chords", "key"),
    [("D G A7 D", Key(2)), ("Am Dm E7 Am", Key(0, "minor")), ("Bb Eb F Bb", Key(-2)), ("C F G", Key(0))],
)
def test_chords_alone_tell_the_key(chords: str, key: Key) -> None:
    assert key_of_chords(parse_chords(chords)) == key
