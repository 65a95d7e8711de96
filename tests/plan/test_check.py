"""Verdicts on small scores whose answers are known."""

from typing import Any

import numpy as np
import pytest

from partimento.plan import Plan
from partimento.plan.check import bars_played, check, chord_shares, scale_share
from partimento.plan.parse import parse_chords
from partimento.score import KEY, MEASURE, METER, TEMPO, Part, Score, notes_array
from partimento.theory.key import Key
from partimento.theory.meter import Meter

Q = 12
FLUTE = (Part("Flute", 73),)


def score(pitches_by_bar, parts=FLUTE, **changes):
    """One part, quarters in 4/4 from the first beat of each bar; None rests."""
    rows = [
        {"onset_tick": (4 * bar + beat) * Q, "duration_tick": Q, "pitch": pitch, "part": 0}
        for bar, pitches in enumerate(pitches_by_bar)
        for beat, pitch in enumerate(pitches)
        if pitch is not None
    ]
    bars = len(pitches_by_bar)
    fields: dict[str, Any] = {
        "notes": notes_array(rows),
        "measures": np.array([(4 * Q * bar, 4 * Q) for bar in range(bars)], MEASURE),
        "meters": np.array([(0, 4, 4)], METER),
        "tempos": np.array([(0, 96.0)], TEMPO),
    }
    return Score(Q, parts, **(fields | changes))


C_MAJOR_BARS = [[60, 62, 64, 65], [67, 69, 71, 72]]


def followed(plan, piece):
    return {verdict.wish: verdict.followed for verdict in check(plan, piece)}


def test_every_stated_wish_is_judged():
    plan = Plan(Key.parse("C major"), Meter(4, 4), 96, (73,), 2, parse_chords("C G"), style="air", title="Two bars")
    verdicts = followed(plan, score(C_MAJOR_BARS, title="Two bars"))
    assert verdicts == {
        "title": True, "style": None, "key": True, "meter": True, "tempo": True, "instruments": True,
        "bars": True, "chords": False, "full bars": True, "every part plays": True, "longest rest": True,
    }  # fmt: skip
    other = Plan(Key.parse("E major"), Meter(3, 4), 97, (0,), 3, title="Another")
    assert not any(followed(other, score(C_MAJOR_BARS))[name] for name in
                   ("title", "key", "meter", "tempo", "instruments", "bars"))  # fmt: skip


def test_a_key_signature_proves_nothing():
    signed = score([[60, 61, 63, 66]] * 2, keys=np.array([(0, -1, 0, 0)], KEY))
    assert followed(Plan(Key.parse("C major")), signed)["key"] is False


def test_share_in_scale_counts_durations_once_and_no_drums():
    notes = notes_array([
        {"onset_tick": 0, "duration_tick": 3 * Q, "pitch": 60, "tied": True},
        {"onset_tick": 3 * Q, "duration_tick": 3 * Q, "pitch": 60},
        {"onset_tick": 6 * Q, "duration_tick": 2 * Q, "pitch": 61},
        {"onset_tick": 0, "duration_tick": 8 * Q, "pitch": 37, "part": 1},
    ])  # fmt: skip
    piece = score([[None]] * 2, (Part("Flute", 73), Part("Kit", is_drums=True)), notes=notes)
    assert scale_share(piece, Key.parse("C major").pitch_classes) == pytest.approx(0.75)
    assert scale_share(score([[None]]), Key.parse("C major").pitch_classes) == 0


def test_chords_are_spread_over_their_bars_and_repeat():
    plan = Plan(chords=parse_chords("| C G | F |"))
    piece = score([[60, 64, 67, 71], [65, 69, 72, 60], [60, 62, 67, 61], [None] * 4])
    shares = chord_shares(plan, piece)
    assert shares[:3].tolist() == [1.0, 1.0, 0.5]
    assert np.isnan(shares[3])
    assert followed(plan, piece)["chords"] is True
    assert followed(Plan(chords=parse_chords("C#")), piece)["chords"] is False


def test_long_rests_and_silent_parts_show():
    piece = score([[60, None, None, None], *[[None] * 4] * 3, [60, 62, 64, 65]])
    verdicts = {v.wish: v for v in check(Plan(), piece)}
    assert (verdicts["longest rest"].followed, verdicts["longest rest"].measured) == (False, "3 (Flute)")
    assert verdicts["every part plays"].followed is True
    silent = score(C_MAJOR_BARS, (Part("Flute", 73), Part("Harp", 46)))
    verdicts = {v.wish: v for v in check(Plan(), silent)}
    assert verdicts["every part plays"].measured == "0% (Harp)"
    assert "every part plays: in ≥ 25% of bars; 0% (Harp) (no)" in map(str, verdicts.values())


def test_a_note_held_over_a_barline_plays_in_both_bars():
    held = notes_array([{"onset_tick": 3 * Q, "duration_tick": 2 * Q, "pitch": 60}])
    assert bars_played(score([[None]] * 3, notes=held)).tolist() == [[True, True, False]]


def test_bars_that_are_not_full():
    short = np.array([(0, 4 * Q), (4 * Q, 3 * Q), (7 * Q, 4 * Q)], MEASURE)
    verdicts = {v.wish: v for v in check(Plan(bars=3), score([[60]] * 3, measures=short))}
    assert (verdicts["full bars"].measured, verdicts["bars"].followed) == ("bar 2 is not", True)
    pickup = np.array([(0, Q), (Q, 4 * Q), (5 * Q, 3 * Q)], MEASURE)
    assert followed(Plan(bars=2), score([[60]] * 2, measures=pickup)) == {
        "bars": True, "full bars": True, "every part plays": True, "longest rest": True,
    }  # fmt: skip
    spilled = notes_array([{"onset_tick": 0, "duration_tick": 9 * Q, "pitch": 60}])
    assert followed(Plan(), score([[None]] * 2, notes=spilled))["full bars"] is False


def test_scores_without_bars_parts_or_notes_are_judged_too():
    no_beat = Score(Q, (Part("Piano"),))
    assert followed(Plan(meter=Meter(4, 4), tempo_bpm=120, chords=parse_chords("C")), no_beat) == {
        "meter": False, "tempo": True, "chords": False, "full bars": False,
    }  # fmt: skip
    assert followed(Plan(), score([[None]], ()))["every part plays"] is False


def test_a_key_that_is_clearly_another_is_not_followed():
    bars = [[69, 71, 72, 74], [76, 74, 72, 71], [69, 68, 69, 76], [72, 71, 69, None]] * 4
    minor = score(bars)
    [own] = [v for v in check(Plan(Key.parse("A minor")), minor) if v.wish == "key"]
    assert (own.followed, own.measured.startswith("A minor, 9")) == (True, True)
    assert (own.confidence or 0) > 0.8
    assert followed(Plan(Key.parse("C major")), minor)["key"] is False
    assert followed(Plan(Key.parse("B phrygian")), minor)["key"] is True
    assert followed(Plan(Key.parse("C major")), score([[None] * 4]))["key"] is False


def test_instruments_are_those_that_play():
    parts = (Part("Flute", 73), Part("Harp", 46))
    [verdict] = [v for v in check(Plan(instruments=(73, 46)), score(C_MAJOR_BARS, parts)) if v.field == "instruments"]
    assert (verdict.followed, verdict.measured) == (False, "missing: Orchestral Harp")
    assert followed(Plan(instruments=(0,)), score(C_MAJOR_BARS))["instruments"] is False
    assert followed(Plan(without=(46,)), score(C_MAJOR_BARS, parts))["without"] is True
    assert followed(Plan(without=(73,)), score(C_MAJOR_BARS, parts))["without"] is False


def test_duration_is_as_near_as_a_bar_or_a_tenth():
    piece = score(C_MAJOR_BARS)  # 8 quarters at 96 bpm: 5 s
    for seconds, is_followed in ((5, True), (7, True), (8, False), (2, False)):
        assert followed(Plan(duration_seconds=seconds), piece)["duration"] is is_followed
