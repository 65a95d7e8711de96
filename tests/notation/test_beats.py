"""Beats and bars of music that was played without a metronome."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partimento.errors import NeedsBeats
from partimento.io import load_score
from partimento.notation.beats import estimate_beats
from partimento.score import BEND, CONTROL, KEY, TEMPO, Direction, Part, Score, notes_array

MILLISECOND = 500
"""Ticks per quarter at which a tick lasts a millisecond, at 120 bpm."""


def performed(rows: list[tuple[float, float, int, int]], lead_s: float = 0.0) -> Score:
    """(second, length in seconds, pitch, velocity) as a performance without meter."""
    return Score(
        MILLISECOND,
        (Part("Piano"),),
        notes_array(
            {
                "onset_tick": round((second + lead_s) * 1000),
                "duration_tick": max(round(length * 1000), 1),
                "pitch": pitch,
                "velocity": velocity,
            }
            for second, length, pitch, velocity in rows
        ),
    )


def waltz(
    beat_s: float = 0.5, bars: int = 16, rubato: float = 0.0, noise_s: float = 0.0, pickup: bool = False
) -> Score:
    """Bass, chord, chord under a melody in quarters and eighths, its tempo swaying over four bars."""
    rng = np.random.default_rng(1)
    roots = (48, 43, 45, 41)
    beats = np.arange(bars * 3 + 1)
    lengths = beat_s * (1 + rubato * np.sin(2 * np.pi * beats / 12))
    starts = np.r_[0.0, np.cumsum(lengths)] + beat_s
    rows = [(starts[0] - beat_s / 2, beat_s / 2, 67, 60)] if pickup else []
    for beat in range(bars * 3):
        root, place = roots[beat // 3 % 4], beat % 3
        second, length = starts[beat], lengths[beat]
        if place == 0:
            rows += [(second, 0.9 * length, root - 12, 75), (second, 1.9 * length, root + 24, 80)]
        else:
            rows += [(second, 0.4 * length, root + step, 55) for step in (4, 7, 12)]
        if place == 2:
            rows += [(second + k * length / 2, length / 2, root + 26 + k, 65) for k in (0, 1)]
    noisy = [(s + rng.normal(0, noise_s) if noise_s else s, d, p, v) for s, d, p, v in rows]
    low = min(s for s, *_ in noisy)
    return performed([(s - low, d, p, v) for s, d, p, v in noisy])


def in_bar(score: Score, pitch_below: int) -> list[float]:
    """Quarters after the barline of all low notes, rounded to a grid of sixteenths."""
    notes = score.notes[score.notes["pitch"] < pitch_below]
    nearest = np.rint(4 * notes["onset_tick"] / score.ticks_per_quarter) * score.ticks_per_quarter // 4
    starts = score.measures["onset_tick"][score.measure_at(nearest)]
    return ((nearest - starts) / score.ticks_per_quarter).tolist()


@pytest.mark.parametrize("beat_s", [0.5, 0.6])
@pytest.mark.parametrize(("rubato", "noise_s"), [(0.0, 0.0), (0.1, 0.01), (0.2, 0.02)])
def test_a_waltz_is_in_three_its_bass_on_the_first_beat(beat_s: float, rubato: float, noise_s: float) -> None:
    score = estimate_beats(waltz(beat_s, rubato=rubato, noise_s=noise_s))
    assert score.meters.tolist() == [(0, 3, 4)]
    assert set(in_bar(score, 40)) == {0.0}
    assert len(score.measures) in (16, 17)
    assert np.median(score.tempos["tempo_bpm"]) == pytest.approx(60 / beat_s, rel=0.1)


def test_a_pickup_is_found() -> None:
    score = estimate_beats(waltz(pickup=True))
    assert score.has_pickup
    assert score.measures["duration_tick"][0] == score.ticks_per_quarter // 2
    assert score.meters.tolist() == [(0, 3, 4)]


def siciliano(beat_s: float, bars: int) -> Score:
    """Long and short notes in turn over a bass on the dotted quarters, lowest on the first."""
    rows: list[tuple[float, float, int, int]] = []
    for beat in range(2 * bars):
        start, eighth = beat * beat_s, beat_s / 3
        root = (43, 36, 38, 43)[beat // 2 % 4]
        rows += [(start, (2.0 - 1.2 * (beat % 2)) * beat_s, root - 12 + 19 * (beat % 2), 70)]
        rows += [(start, 1.9 * eighth, 67 + beat % 5, 70), (start + 2 * eighth, 0.9 * eighth, 69 + beat % 3, 70)]
    return performed(rows)


def test_a_siciliano_is_in_six_eight() -> None:
    score = estimate_beats(siciliano(0.9, 16))
    assert score.meters[["beats", "beat_type"]].tolist() == [(6, 8)]
    assert set(in_bar(score, 40)) == {0.0}
    assert score.tempos["tempo_bpm"] == pytest.approx(100, rel=0.02), "66.7 dotted quarters a minute"


def test_the_music_sounds_when_it_did_and_keeps_what_it_had() -> None:
    played = replace(
        waltz(rubato=0.2, noise_s=0.02),
        controls=np.array([(0, 0, 64, 127), (900, 0, 64, 0), (1900, 0, 64, 127)], CONTROL),
        bends=np.array([(1500, 0, 800)], BEND),
        keys=np.array([(0, -1, 0, 0)], KEY),
        directions=(Direction(2000, "words", "dolce"),),
    )
    score = estimate_beats(played)
    old, new = (x.notes[np.argsort(x.notes["note_id"])] for x in (played, score))
    for name in ("note_id", "pitch", "velocity", "part"):
        assert old[name].tolist() == new[name].tolist()
    assert score.seconds_at(new["onset_tick"]) == pytest.approx(played.seconds_at(old["onset_tick"]), abs=1e-3)
    assert score.seconds_at(new["onset_tick"] + new["duration_tick"]) == pytest.approx(
        played.seconds_at(old["onset_tick"] + old["duration_tick"]), abs=1e-3
    )
    for name in ("controls", "bends"):
        before, after = getattr(played, name), getattr(score, name)
        assert score.seconds_at(after["onset_tick"]) == pytest.approx(played.seconds_at(before["onset_tick"]), abs=1e-3)
        assert after["value"].tolist() == before["value"].tolist()
    assert score.seconds_at(score.directions[0].onset_tick) == pytest.approx(2.0, abs=1e-3)


def test_silence_before_the_first_note_is_left_out() -> None:
    notes = waltz().notes.copy()
    notes["onset_tick"] += 3210
    late, soon = estimate_beats(replace(waltz(), notes=notes)), estimate_beats(waltz())
    assert late.notes.tolist() == soon.notes.tolist()
    assert late.measures.tolist() == soon.measures.tolist()
    assert late.tempos["tempo_bpm"] == pytest.approx(soon.tempos["tempo_bpm"])


def test_a_meter_it_has_is_ignored() -> None:
    played = waltz()
    wrong = replace(played, meters=[(0, 4, 4)], measures=[(0, 2000)], tempos=np.array([(0, 120.0)], TEMPO))
    assert estimate_beats(wrong) == estimate_beats(played)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_notes_hold_no_beat(count: int) -> None:
    with pytest.raises(NeedsBeats, match="too few notes"):
        estimate_beats(performed([(0.5 * k, 0.4, 60, 64) for k in range(count)]))


note = st.tuples(st.floats(0, 30), st.floats(0.01, 4), st.integers(21, 108), st.integers(1, 127))


@settings(max_examples=40)
@given(st.lists(note, min_size=4, max_size=40))
def test_any_notes_get_bars_that_hold_them(rows: list[tuple[float, float, int, int]]) -> None:
    played = performed(rows)
    try:
        score = estimate_beats(played)
    except NeedsBeats:
        return
    ends = score.measures["onset_tick"] + score.measures["duration_tick"]
    assert score.measures["onset_tick"][0] == 0
    assert score.measures["onset_tick"][1:].tolist() == ends[:-1].tolist()
    assert score.end_tick == ends[-1], "the last bar covers the last note"
    old, new = (x.notes[np.argsort(x.notes["note_id"])] for x in (played, score))
    lead = played.seconds_at(played.notes["onset_tick"].min())
    assert score.seconds_at(new["onset_tick"]) == pytest.approx(played.seconds_at(old["onset_tick"]) - lead, abs=2e-3)
    assert (score.tempos["tempo_bpm"] > 0).all()
    for start, length in score.measures.tolist()[1:]:
        assert length == score.meter_at(start).duration_quarter * score.ticks_per_quarter


def test_the_theme_of_a_sonata_is_in_six_eight_for_most_pianists(corpus: Path) -> None:
    """Mozart's K. 331: 18 of 22 were heard in 6/8 when this was written; four of the first six have to be."""
    paths = sorted((corpus / "A_vienna4x22-performance").glob("Mozart_K331*.mid"))[:6]
    scores = [estimate_beats(load_score(path)) for path in paths]
    plain = [s for s in scores if s.meters[["beats", "beat_type"]].tolist() == [(6, 8)] and 35 <= len(s.measures) <= 38]
    assert len(plain) >= 4
