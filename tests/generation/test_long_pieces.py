"""Long pieces, of a model that knows nothing: they have their length, their form and their end."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_models import saved_model

from partimento.errors import Cancelled
from partimento.generation import Composer, Sampling
from partimento.generation.composition import Composition, cadence, relative
from partimento.generation.form import passages
from partimento.generation.layout import laid_out
from partimento.io import FORMATS
from partimento.plan import Plan, Section
from partimento.plan.check import check
from partimento.plan.parse import parse_chords
from partimento.score import Score
from partimento.theory.instrument import DRUMS
from partimento.theory.key import Key
from partimento.theory.meter import Meter

SONG = Plan(
    key=Key(1), meter=Meter(4, 4), tempo_bpm=120, instruments=(73, 33),
    form=tuple(map(Section, ["intro", "verse", "chorus", "verse", "chorus", "bridge", "chorus"])), bars=44,
)  # fmt: skip


@pytest.fixture(scope="module")
def composer(random_model: Path) -> Composer:
    return Composer(random_model)


@pytest.fixture(scope="module")
def filling_composer(filling_model: Path) -> Composer:
    return Composer(filling_model)


@pytest.fixture(scope="module")
def song(composer: Composer) -> Score:
    return composer.compose(SONG, seed=3, drafts=1)


def sound(score: Score, first: int, last: int) -> list[tuple[int, ...]]:
    """Onset, length, pitch and part of what some bars sound."""
    notes = score.sounding().slice_bars(first, last).notes
    return sorted(tuple(n) for n in notes[["onset_tick", "duration_tick", "pitch", "part"]].tolist())


def test_a_song_has_its_bars_and_its_wishes_hold(song: Score) -> None:
    assert {v.wish: v.followed for v in check(replace(SONG, form=None), song) if not v.followed} == {}


def test_a_chorus_comes_back_and_the_last_one_ends_the_piece(song: Score) -> None:
    first, second, last = [p for p in passages(laid_out(SONG)) if p.label == "chorus"]
    assert sound(song, second.first, second.last) == sound(song, first.first, first.last)
    assert sound(song, last.first, last.first + last.kept) == sound(song, first.first, first.first + last.kept)
    assert sound(song, last.last - 1, last.last) != sound(song, first.last - 1, first.last)


def test_the_bridge_is_in_the_relative_key_for_which_no_signature_is_written(composer: Composer, song: Score) -> None:
    composition = Composition(composer.writer, laid_out(SONG), composer.task, 3, Sampling(), 1)
    for _ in composition.grow():
        pass
    score, bridge = composition.score, next(p for p in passages(laid_out(SONG)) if p.label == "bridge")
    assert score is not None
    onsets = score.measures["onset_tick"]
    keys = [score.key_at(int(onsets[bar])) for bar in (bridge.first - 1, bridge.first, bridge.last - 1, bridge.last)]
    assert keys == [Key(1), Key(1, "minor"), Key(1, "minor"), Key(1)]
    assert len(song.keys) == 1


def test_the_end_is_held_on_the_tonic(song: Score) -> None:
    notes, end = song.sounding().notes, song.end_tick
    final = notes[notes["onset_tick"] + notes["duration_tick"] == end]
    assert set(final["part"].tolist()) == {0, 1}
    assert final["onset_tick"].max() <= song.measures["onset_tick"][-1] + 2 * song.ticks_per_quarter
    assert final["pitch"][final["pitch"].argmin()] % 12 == 7
    assert set((final["pitch"] % 12).tolist()) <= {7, 11, 2}


def test_sections_are_marked_where_they_begin_and_in_the_files(song: Score) -> None:
    plan = laid_out(SONG)
    starts = song.measures["onset_tick"][[p.first for p in passages(plan)]].tolist()
    marks = [(d.onset_tick, d.text) for d in song.directions if d.kind == "rehearsal"]
    assert marks == list(zip(starts, [s.label.capitalize() for s in plan.form or ()], strict=True))
    assert [(b.onset_tick, b.style) for b in song.barlines] == [(start, "light-light") for start in starts[1:]]
    page = FORMATS[".musicxml"].write(song)
    assert (page.count(b"<rehearsal"), page.count(b"light-light")) == (7, 6 * 2)


def test_a_stream_grows_bar_by_bar_to_the_same_piece_each_time(composer: Composer) -> None:
    plan = replace(SONG, form=(Section("A", 4), Section("B", 4), Section("A", 4)), bars=12)
    grown = list(composer.stream(plan, seed=5))
    lengths = [len(score.measures) for score in grown]
    assert lengths[-1] == 12
    assert lengths == sorted(lengths)
    assert grown[-1] == list(composer.stream(plan, seed=5))[-1]
    assert grown[-1] == composer.compose(plan, seed=5, drafts=1)
    assert grown[0].title == grown[-1].title


def test_the_same_seed_gives_the_same_long_piece(composer: Composer, song: Score) -> None:
    assert composer.compose(SONG, seed=3, drafts=1) == song
    assert composer.compose(SONG, seed=4, drafts=1) != song


def test_chords_go_on_over_all_sections(composer: Composer) -> None:
    plan = replace(SONG, chords=parse_chords("G Em C D7"), form=tuple(map(Section, "ABA")), bars=24)
    score = composer.compose(plan, seed=2, drafts=1)
    assert [str(c.symbol) for c in score.chords] == ["G", "Em", "C", "D7"] * 6
    assert {v.wish: v.followed for v in check(replace(plan, chords=None, form=None), score) if not v.followed} == {}


@pytest.mark.parametrize("name", ["abc", "bpe"])
def test_other_tokens_that_know_bars_give_a_form_too(name: str, tmp_path: Path) -> None:
    plan = replace(SONG, form=tuple(map(Section, "ABA")), bars=24)
    score = Composer(saved_model(tmp_path / "model", name)).compose(plan, seed=2, drafts=1)
    assert len(score.measures) == 24
    again = passages(laid_out(plan))[2]
    assert sound(score, again.first, again.first + again.kept) == sound(score, 0, again.kept)


def test_writing_can_be_stopped(composer: Composer) -> None:
    with pytest.raises(Cancelled):
        composer.compose(SONG, stop=lambda: True)
    stream = composer.stream(SONG)
    assert isinstance(stream, Generator)
    assert len(next(stream).measures) < 44
    stream.close()


def test_a_piece_with_drums_alone_has_a_form_too(composer: Composer) -> None:
    score = composer.compose(Plan(instruments=(DRUMS,), bars=24, meter=Meter(2, 4)), drafts=1)
    assert len(score.measures) == 24
    assert np.isin(np.arange(24), score.measure_at(score.notes["onset_tick"])).all()


def test_a_plan_that_is_not_enforced_is_written_in_one_go(composer: Composer) -> None:
    free = composer.compose(replace(SONG, bars=16, form=None), drafts=1, enforce=False)
    assert len(free.notes)
    assert not free.directions


def test_the_tune_of_a_contrasting_section_lies_elsewhere(song: Score) -> None:
    _, verse, chorus, *_, bridge, _ = passages(laid_out(SONG))
    heights = [np.median([n[2] for n in sound(song, p.first, p.last) if n[3] == 0]) for p in (verse, chorus, bridge)]
    assert heights[1] > heights[0] > heights[2]


def test_a_second_verse_is_varied_in_the_tune_alone(filling_composer: Composer) -> None:
    plan = replace(SONG, form=tuple(map(Section, ("verse", "chorus", "verse", "chorus"))), bars=32)
    score = filling_composer.compose(plan, seed=1, drafts=1)
    _, _, verse, _ = passages(laid_out(plan))
    assert verse.varied is not None
    assert verse.source is not None
    first, last = verse.varied
    for bar in range(verse.kept):
        before, now = (sound(score, start + bar, start + bar + 1) for start in (verse.source, verse.first))
        tune, bass = ([n for n in now if n[3] == part] for part in (0, 1))
        assert bass == [n for n in before if n[3] == 1]
        assert (tune != [n for n in before if n[3] == 0]) == (first <= bar < last)


def test_cadences_and_related_keys() -> None:
    assert [str(chord) for (chord,) in cadence(Key(-3, "minor"))] == ["G7", "Cm"]
    assert (relative(Key(2)), relative(Key(2, "minor")), relative(None)) == (Key(2, "minor"), Key(2), None)
