"""The steps of engraving one by one: keys, names, grids, values, hands, clefs, openings, swing and transposition."""

import numpy as np
import pytest

from partimento.notation import engrave, estimate_meter
from partimento.notation.hands import hands
from partimento.notation.keys import estimate_keys
from partimento.score import CONTROL, KEY, METER, TEMPO, Part, Score, measures_from_meters, notes_array
from partimento.theory import pitch
from partimento.theory.interval import Interval

QUARTER = 480
SCALE = (0, 2, 4, 5, 7, 9, 11, 12)


def score_of(rows, *parts, meter=(4, 4), **fields) -> Score:
    """Notes as (onset, duration) in quarters, pitch, and index of the part where there are several."""
    parts = parts or (Part("x", 40),)
    notes = notes_array(
        {
            "onset_tick": round(a * QUARTER),
            "duration_tick": round(d * QUARTER),
            "pitch": p,
            "part": rest[0] if rest else 0,
        }
        for a, d, p, *rest in rows
    )
    meters = np.array([(0, *meter)], METER)
    end = round(max(a + d for a, d, *_ in rows) * QUARTER)
    measures = measures_from_meters(meters, QUARTER, end)
    return Score(QUARTER, parts, notes=notes, meters=meters, measures=measures, **fields)


def melody(tonic: int, bars: int = 8, start: float = 0) -> list[tuple[float, int, int]]:
    """A major scale up and down in quarters over its tonic and dominant."""
    line = [(float(start + k), 1, 60 + tonic + SCALE[k % 8 if k // 8 % 2 == 0 else 7 - k % 8]) for k in range(4 * bars)]
    bass = [(start + 4 * bar, 4, 36 + tonic + (0 if bar % 2 == 0 or bar == bars - 1 else 7)) for bar in range(bars)]
    return line + bass


def onsets(score: Score) -> list[float]:
    return sorted(set((score.notes["onset_tick"] / score.ticks_per_quarter).tolist()))


@pytest.mark.parametrize("tonic", range(12))
def test_the_signature_is_found_in_every_key(tonic):
    keys = estimate_keys(score_of(melody(tonic)))
    assert [(7 * k["fifths"]) % 12 for k in keys] == [tonic]
    assert keys["mode"].tolist() == [0]


def test_a_lasting_change_of_key_is_found_and_a_passing_one_is_not():
    changed = estimate_keys(score_of(melody(0, 16) + melody(8, 16, start=64) + melody(0, 16, start=128)))
    assert changed["fifths"].tolist() == [0, -4, 0]
    assert changed["onset_tick"].tolist() == [0, 64 * QUARTER, 128 * QUARTER]
    passing = estimate_keys(score_of(melody(0, 16) + melody(7, 1, start=64) + melody(0, 16, start=68)))
    assert passing["fifths"].tolist() == [0]


def test_names_follow_the_surroundings_and_not_only_the_key():
    rows = (
        melody(0)
        + [(32, 4, p) for p in (57, 61, 64, 67)]
        + [(36, 4, p) for p in (50, 62, 65, 69)]
        + melody(0, 2, start=40)
    )
    engraved = engrave(score_of(rows))
    assert {pitch.name(int(n["spelling"])) for n in engraved.notes if n["pitch"] == 61} == {"C#"}


@pytest.mark.parametrize("deviation", [0.0, 0.01, 0.02])
def test_played_sixteenths_and_triplets_are_told_apart(deviation):
    rng = np.random.default_rng(0)
    bar = [0, 0.25, 0.5, 0.75, 1, 4 / 3, 5 / 3, 2, 2.5, 3]
    rows = [(4 * k + place, 0.2, 60 + i) for k in range(12) for i, place in enumerate(bar)]
    played = [(max(a + rng.normal(0, deviation), 0), d, p) for a, d, p in rows]
    assert onsets(engrave(score_of(played))) == pytest.approx([a for a, _, _ in rows])


def test_notes_struck_nearly_together_are_a_chord():
    played = [(k + e, 0.9, 48 + p) for k in range(8) for e, p in ((-0.03 * (k > 0), 0), (0.01, 4), (0.04, 7))]
    assert onsets(engrave(score_of(played, Part("x", 24)))) == list(range(8))


def test_short_gaps_and_overlaps_of_players_are_not_written():
    lengths = (0.8, 0.55, 1.08, 0.93)
    engraved = engrave(score_of([(k + 0.011, lengths[k % 4], 60 + k % 5) for k in range(16)]))
    assert set((engraved.notes["duration_tick"] / engraved.ticks_per_quarter).tolist()) == {1.0}


def test_staccato_is_written_in_plain_values():
    engraved = engrave(score_of([(k + 0.011 * (k % 3), 0.17 + 0.01 * (k % 2), 60 + k % 5) for k in range(16)]))
    assert set((engraved.notes["duration_tick"] / engraved.ticks_per_quarter).tolist()) == {0.5}


def test_the_pedal_holds_notes():
    controls = np.array([(0, 0, 64, 127), (15 * QUARTER, 0, 64, 0)], CONTROL)
    rows = [(k + 0.011 * (k % 3), 0.17 + 0.01 * (k % 2), 60 + k % 5) for k in range(16)]
    engraved = engrave(score_of(rows, controls=controls))
    assert set((engraved.notes["duration_tick"][:14] / engraved.ticks_per_quarter).tolist()) == {1.0}


def test_hands_go_on_where_they_are_and_stretch_no_further_than_they_can():
    rows = [(k / 2, 0.5, 72 + SCALE[k % 8]) for k in range(16)] + [(k, 1, p) for k in range(8) for p in (43, 50)]
    notes = score_of(rows).notes
    assert (hands(notes, QUARTER) == np.where(notes["pitch"] > 60, 1, 2)).all()
    apart = score_of([(0, 1, 36), (0, 1, 48), (0, 1, 64), (0, 1, 76)]).notes
    assert hands(apart, QUARTER).tolist() == [2, 2, 1, 1]


def test_the_clef_changes_where_a_staff_stays_away_for_bars_and_only_there():
    low = [(k, 1, 64) for k in range(32)] + [(k, 1, 40 + k % 3) for k in range(8)]
    high = [(k, 1, 70 + k % 3) for k in range(8, 24)] + [(k, 1, 40 + k % 3) for k in range(24, 32)]
    score = score_of(low + high, Part("Piano", 0, staves=2))
    score = score.with_notes(_on_staves(score.notes))
    clefs = [c for c in engrave(score).clefs.tolist() if c[2] == 2]
    bar = 4 * QUARTER * (engrave(score).ticks_per_quarter // QUARTER)
    assert [(c[0] // bar, c[3]) for c in clefs] == [(0, "F"), (2, "G"), (6, "F")]


def _on_staves(notes):
    notes = notes.copy()
    notes["staff"] = np.where(notes["pitch"] == 64, 1, 2)
    return notes


def test_a_bar_that_begins_with_a_long_rest_becomes_a_pickup_and_silent_bars_go():
    engraved = engrave(
        score_of([(11, 1, 67), *((12 + k, 1, 60 + k) for k in range(8))], tempos=np.array([(0, 90)], TEMPO))
    )
    assert engraved.has_pickup
    assert (engraved.measures["duration_tick"] / engraved.ticks_per_quarter).tolist() == [1, 4, 4]
    assert onsets(engraved) == list(range(9))
    assert engraved.tempos["onset_tick"].tolist() == [0]


@pytest.mark.parametrize(("meter", "bar", "accompaniment"), [
    ((3, 4), 3, [(0, 1, 40), (1, 1, 55), (2, 1, 55)]),
    ((4, 4), 4, [(0, 2, 40), (1, 1, 55), (2, 1, 47), (3, 1, 55)]),
    ((6, 8), 3, [(0, 1, 40), (1, 0.5, 55), (1.5, 1, 43), (2.5, 0.5, 55)]),
])  # fmt: skip
@pytest.mark.parametrize("lead", [0, 1])
def test_the_meter_is_found_with_its_pickup(meter, bar, accompaniment, lead):
    harmony = (0, 5, 7, 0)
    rows = [(lead + bar * k + a, d, p + harmony[k % 4]) for k in range(12) for a, d, p in accompaniment]
    rows += [(lead + bar * k, bar, 72 + harmony[k % 4]) for k in range(12)] + [(0, lead, 67)] * (lead > 0)
    found = estimate_meter(score_of(rows))
    assert str(found.meter_at(0)) == f"{meter[0]}/{meter[1]}"
    assert found.measures["onset_tick"][1 if lead else 0] == lead * QUARTER


def test_swung_eighths_are_written_even_under_a_mark():
    parts = (Part("Sax", 65), Part("Bass", 32))
    rows = [(k + o, d, 60 + k % 7, 0) for k in range(32) for o, d in ((0, 2 / 3), (2 / 3, 1 / 3))]
    engraved = engrave(score_of(rows + [(k, 1, 36 + k % 5, 1) for k in range(32)], *parts))
    assert onsets(engraved) == [k / 2 for k in range(64)]
    assert [d.text for d in engraved.directions if d.kind == "words"] == ["Swing"]
    alone = engrave(score_of([row[:3] for row in rows], Part("Violin", 40)))
    assert not alone.directions
    assert len(alone.tuplets) == 32


@pytest.mark.parametrize(("name", "semitones", "steps"), [
    ("Clarinet in Bb", -2, -1), ("Clarinet in A", -3, -2), ("Horn in F", -7, -4), ("Trumpet in D", 2, 1),
    ("B♭ Trumpet 2", -2, -1), ("Alto Sax", -9, -5), ("Tenor Saxophone", -14, -8), ("English Horn", -7, -4),
    ("Bass Clarinet in Bb", -14, -8), ("Trumpet in C", 0, 0), ("Clarinet", 0, 0), ("Violin in the A group", 0, 0),
])  # fmt: skip
def test_transposing_instruments_are_known_by_their_names(name, semitones, steps):
    engraved = engrave(score_of(melody(0), Part(name)))
    assert engraved.parts[0].transpose == Interval(semitones, steps)
    assert sorted(engraved.sounding().notes["pitch"].tolist()) == sorted(p for _, _, p in melody(0))


def test_a_short_note_beside_a_long_one_is_a_grace_note_and_a_dotted_rhythm_is_none():
    fast = np.array([(0, 120)], TEMPO)
    rows = [(0, 1, 60), (1, 0.5, 62), (1.88, 0.12, 71), (2, 2, 72), (4, 4, 60)]
    assert engrave(score_of(rows, tempos=fast)).notes["grace"].tolist() == [0, 0, 1, 0, 0]
    dotted = [(0, 0.875, 60), (0.875, 0.125, 71), (1, 1, 72), (2, 2, 60)]
    assert not engrave(score_of(dotted, tempos=fast)).notes["grace"].any()


def test_a_player_s_tempo_is_shown_once_and_kept():
    tempos = np.array([(k * QUARTER, 90 + 3 * (k % 5)) for k in range(32)], TEMPO)
    engraved = engrave(score_of(melody(0), tempos=tempos))
    assert [(d.onset_tick, d.kind, d.text) for d in engraved.directions] == [(0, "metronome", "quarter=96")]
    assert len(engraved.tempos) == 32


def test_a_performance_without_a_beat_gets_bars():
    rows = melody(0, 12)
    free = Score(QUARTER, (Part("Piano"),), notes=score_of(rows).notes)
    engraved = engrave(free)
    assert len(engraved.measures) > 4
    assert set(free.notes["note_id"].tolist()) <= set(engraved.notes["note_id"].tolist())


def test_a_meter_that_a_free_performance_states_is_not_believed():
    rng = np.random.default_rng(1)
    seconds = np.cumsum(np.r_[0, 0.43 + 0.02 * np.sin(np.arange(95) / 7) + rng.normal(0, 0.005, 95)])
    rows = [(2.2 * s, 0.8, 60 + SCALE[k % 8]) for k, s in enumerate(seconds.tolist())]
    engraved = engrave(score_of(rows + [(2.2 * s, 2, 43) for s in seconds[::3].tolist()], Part("Piano")))
    places = (engraved.notes["onset_tick"] / engraved.ticks_per_quarter) % 0.5
    assert (np.minimum(places, 0.5 - places) < 1e-9).mean() > 0.9


def test_a_lone_c_major_is_a_sequencer_s_default_and_other_keys_are_meant():
    default, stated = np.array([(0, -1, 0, 0)], KEY), np.array([(0, -1, 1, 0)], KEY)
    assert engrave(score_of(melody(8), keys=default)).keys["fifths"].tolist() == [-4]
    assert engrave(score_of(melody(5), keys=default)).keys["fifths"].tolist() == [0]
    assert engrave(score_of(melody(8), keys=stated)).keys["fifths"].tolist() == [1]


def test_typed_notes_that_stop_early_are_written_without_rests():
    engraved = engrave(score_of([(k / 4, 0.1875, 60 + k % 5) for k in range(32)]))
    assert set((engraved.notes["duration_tick"] / engraved.ticks_per_quarter).tolist()) == {0.25}
