"""Layouts: whole phrases that add up, and what comes back where."""

from __future__ import annotations

import pytest

from partimento.errors import BadPlan
from partimento.generation.form import Passage, passages, theme
from partimento.generation.layout import laid_out
from partimento.plan import Control, Plan, Section
from partimento.plan.parse import parse_chords, parse_prompt
from partimento.plan.plan import TEMPO_RANGE_BPM
from partimento.plan.words import STYLES
from partimento.theory.key import Key
from partimento.theory.meter import Meter


def form(text: str) -> tuple[Section, ...]:
    return tuple(map(Section, text.split()))


def lengths(plan: Plan) -> list[tuple[str, int | None]]:
    return [(section.label, section.bars) for section in laid_out(plan).form or ()]


@pytest.mark.parametrize("style", [None, *STYLES])
@pytest.mark.parametrize("bars", [24, 32, 47, 64, 90, 128, 181, 256])
def test_every_length_in_every_style_is_filled_exactly(style: str | None, bars: int) -> None:
    sections = laid_out(Plan(style=style, bars=bars)).form or ()
    assert sum(section.bars or 0 for section in sections) == bars
    assert all((section.bars or 0) % 4 == 0 for section in sections[:-1])
    assert len({theme(section.label) for section in sections}) < len(sections) or bars < 32


@pytest.mark.parametrize("minutes", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("meter", [Meter(4, 4), Meter(3, 4), Meter(6, 8)])
def test_minutes_become_whole_phrases_at_a_tempo_that_takes_as_long(minutes: int, meter: Meter) -> None:
    plan = laid_out(Plan(duration_seconds=60.0 * minutes, meter=meter, style="waltz"))
    assert plan.bars is not None
    assert plan.tempo_bpm is not None
    assert plan.bars % 4 == 0
    assert plan.bars * float(meter.duration_quarter) * 60 / plan.tempo_bpm == pytest.approx(60 * minutes, abs=0.1)
    assert TEMPO_RANGE_BPM[0] <= plan.tempo_bpm <= TEMPO_RANGE_BPM[1]


def test_a_tempo_that_is_asked_for_stays_and_decides_the_bars() -> None:
    plan = laid_out(Plan(duration_seconds=180, tempo_bpm=120, style="pop"))
    assert (plan.bars, plan.tempo_bpm) == (90, 120)
    assert sum(section.bars or 0 for section in plan.form or ()) == 90


def test_the_form_that_is_asked_for_is_kept_and_goes_round_where_it_is_too_short() -> None:
    assert lengths(Plan(form=form("A A B A"), bars=32)) == [("A", 8), ("A", 8), ("B", 8), ("A", 8)]
    assert "".join(label for label, _ in lengths(Plan(form=form("A A B A"), bars=128))) == "AABA" * 4
    song = [label for label, _ in lengths(Plan(form=form("intro verse chorus outro"), bars=120))]
    assert song == ["intro", *["verse", "chorus"] * ((len(song) - 2) // 2), "outro"]
    assert lengths(Plan(form=form("A A B A"), bars=5)) == [("A", 1), ("A", 1), ("B", 2), ("A", 1)]


def test_bars_of_sections_that_are_asked_for_are_kept() -> None:
    sections = (Section("intro", 6), Section("A"), Section("B", 10), Section("A"))
    assert lengths(Plan(form=sections, bars=32)) == [("intro", 6), ("A", 8), ("B", 10), ("A", 8)]
    with pytest.raises(BadPlan, match="the form A 8 B 8 cannot fill 20 bars"):
        laid_out(Plan(form=(Section("A", 8), Section("B", 8)), bars=20))


@pytest.mark.parametrize(("chords", "period"), [("C F G", 3), ("C Am F G", 4), ("Ab Abm Eb Ebm6 Fm7", 5)])
def test_progressions_are_through_where_sections_end(chords: str, period: int) -> None:
    plan = laid_out(Plan(style="pop", duration_seconds=180, chords=parse_chords(chords)))
    assert plan.form is not None
    assert all((section.bars or 0) % period == 0 for section in plan.form[:-1])


def test_the_blues_has_twelve_bars_and_its_chords_and_comes_home() -> None:
    plan = laid_out(Plan(form=form("blues"), key=Key(-1), bars=48))
    assert [section.bars for section in plan.form or ()] == [12] * 4
    chords = [" ".join(map(str, bar)) for bar in plan.chords or ()]
    assert chords[:12] == ["F7", "Bb7", "F7", "F7", "Bb7", "Bb7", "F7", "F7", "C7", "Bb7", "F7", "C7"]
    assert (len(chords), chords[-1]) == (48, "F7")
    assert laid_out(Plan(form=form("12-bar-blues"))).bars == 12
    said = laid_out(parse_prompt("a 12-bar blues in F, three minutes").plan)
    assert [section.bars for section in said.form or ()] == [12] * 7
    asked = parse_chords("Am Dm Am Am")
    own = laid_out(Plan(form=form("blues"), key=Key(0, "minor"), bars=24, chords=asked))
    assert own.chords == asked * 6


def test_short_pieces_and_open_ones_stay_as_they_are() -> None:
    for plan in (Plan(), Plan(bars=16), Plan(key=Key(2))):
        assert laid_out(plan) == plan
        assert passages(plan) == (Passage("", 0, plan.bars or 0, closes=True),)


def test_labels_with_primes_and_numbers_mean_the_same_theme() -> None:
    assert {theme(label) for label in ("A", "a", "A'", "A2", "A 2", "A″")} == {"a"}
    assert theme("Verse 2") == theme("verse")
    assert theme("episode 1") != theme("episode 2")
    assert theme("1") == "1"


def test_what_comes_back_is_kept_and_the_end_of_the_piece_is_written_for_it() -> None:
    a, again, b, last = passages(laid_out(Plan(form=form("A A B A"), bars=32)))
    assert (a.source, b.source) == (None, None)
    assert (again.source, again.kept, again.closes) == (0, 8, True)
    assert (last.source, last.kept, last.closes) == (0, 6, True)
    assert not b.closes  # it leads back
    longer = passages(laid_out(Plan(form=(Section("A", 8), Section("B", 8), Section("A", 12)))))[-1]
    assert (longer.source, longer.kept) == (0, 8)


def test_what_is_played_twice_ends_alike_and_every_verse_of_a_hymn_closes() -> None:
    dance = passages(laid_out(Plan(form=form("A A B B"), bars=32)))
    assert [(p.source, p.kept) for p in dance] == [(None, 0), (0, 8), (None, 0), (16, 6)]
    assert all(p.closes for p in dance)
    assert all(p.closes for p in passages(laid_out(Plan(form=form("verse verse verse"), bars=48))))


def test_a_chorus_is_the_same_each_time_and_a_second_verse_varied() -> None:
    song = passages(laid_out(Plan(form=form("verse chorus verse chorus bridge chorus outro"), style="pop", bars=76)))
    chorus, verse = [p for p in song if p.label == "chorus"], [p for p in song if p.label == "verse"]
    assert [(p.source, p.kept, p.varied) for p in chorus[1:]] == [(chorus[0].first, chorus[0].bars, None)] * 2
    assert verse[1].varied is not None
    assert 0 < verse[1].varied[0] < verse[1].varied[1] <= verse[1].kept
    assert [p.label for p in song if p.leaves_key] == ["bridge"]


def test_other_chords_or_controls_are_no_return() -> None:
    chords = parse_chords("C F G C | Am Dm E Am | D G A D")
    plan = Plan(
        form=(Section("A", 4), Section("B", 4), Section("A", 4)), bars=12, chords=tuple((c,) for b in chords for c in b)
    )
    assert passages(laid_out(plan))[2].source is None
    loud = Plan(form=form("A B A"), bars=24, controls=(Control(bars=(16, 24), density=(1, 2)),))
    assert passages(laid_out(loud))[2].source is None
    everywhere = Plan(form=form("A B A"), bars=24, controls=(Control(density=(1, 2)),))
    assert passages(laid_out(everywhere))[2].source == 0
