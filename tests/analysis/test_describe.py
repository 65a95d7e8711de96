"""Facts about music that was written to have them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from partimento.analysis import Facts, Section, estimate_chords, estimate_key, estimate_keys, estimate_meter, facts_of
from partimento.analysis.form import sections_of
from partimento.analysis.heard import bar_lines, heard
from partimento.data.sources import find_files
from partimento.errors import NeedsBeats
from partimento.io import load_score
from partimento.score import (
    KEY,
    METER,
    TEMPO,
    ChordEvent,
    Direction,
    Mark,
    Part,
    Score,
    measures_from_meters,
    notes_array,
)
from partimento.theory.chord import ChordSymbol
from partimento.theory.interval import Interval
from partimento.theory.key import Key
from partimento.theory.meter import Meter

TPQ = 12
SCALE = (60, 62, 64, 65, 67, 69, 71, 72, 74, 76, 77, 79)
A = "0 1 2 3 4 4 4 2 5 5 6 5 4 4 4 4"
B = "7 6 7 8 9 8 7 6 5 4 5 6 4 3 2 1"
CHORDS = {"A": "C G F C", "B": "Am Em F G"}
OSTINATO = {"C": 0, "G": 7, "F": 5, "Am": 9, "Em": 4}


def note(quarter: float, length: float, pitch: int, part: int = 0, velocity: int = 0) -> dict[str, int]:
    """A row of `notes_array`."""
    return {"onset_tick": round(quarter * TPQ), "duration_tick": round(length * TPQ), "pitch": pitch, "part": part,
            "velocity": velocity}  # fmt: skip


def score_of(rows: list[dict[str, int]], parts: tuple[Part, ...] = (Part(),), tempo_bpm: float | None = None,
             **fields) -> Score:  # fmt: skip
    """A score in 4/4."""
    meters = np.array([(0, 4, 4)], METER)
    end = max((row["onset_tick"] + row["duration_tick"] for row in rows), default=1)
    tempos = [] if tempo_bpm is None else [(0, tempo_bpm)]
    return Score(
        TPQ, parts, notes_array(rows), measures_from_meters(meters, TPQ, end), meters,
        tempos=np.array(tempos, TEMPO), **fields,
    )  # fmt: skip


def song(form: str = "AABA", tempo_bpm: float = 120.0) -> Score:
    """A song of four-bar sections: flute over guitar chords in quarters, bass in halves, drums in eighths."""
    rows: list[dict[str, int]] = []
    for index, letter in enumerate(form):
        tune, chords = {"A": A, "B": B}[letter].split(), CHORDS[letter].split()
        for beat, degree in enumerate(map(int, tune)):
            at = 16 * index + beat
            rows.append(note(at, 1, SCALE[degree] + 12, 0, 100))
            chord = ChordSymbol.parse(chords[beat // 4])
            rows += [note(at, 1, 48 + tone, 1, 60) for tone in sorted(chord.pitch_classes)]
            if beat % 2 == 0:
                rows.append(note(at, 2, 36 + 7 * chord.root % 12, 2, 70))
            rows += [note(at, 0.5, 38, 3, 80), note(at + 0.5, 0.5, 42, 3, 50)]
    parts = (Part("Flute", 73), Part("Guitar", 24), Part("Bass", 33), Part("Drums", 0, True))
    return score_of(rows, parts, tempo_bpm=tempo_bpm)


def tune(*pitches: int, length: float = 1.0, **fields) -> Score:
    return score_of([note(length * k, length, pitch) for k, pitch in enumerate(pitches)], **fields)


# The whole piece


def test_a_song_is_told_as_it_was_written() -> None:
    facts = facts_of(song())
    assert (facts.key, facts.meter, facts.bars) == (Key(0), Meter(4, 4), 16)
    assert facts.key_confidence > 0.8
    assert (facts.key_changes, facts.meters, facts.meter_is_estimated) == ((), ((1, Meter(4, 4)),), False)
    assert (facts.tempo_bpm, facts.tempo_word, facts.seconds) == (120.0, "Allegro", 32.0)
    assert facts.instruments == (73, 24, 33, 128)
    assert [part.role for part in facts.roles] == ["melody", "accompaniment", "bass", "drums"]
    assert facts.texture == "melody with accompaniment" or facts.texture == "homophonic"
    assert facts.form == "AABA"
    assert facts.sections == (Section("A", 1, 4), Section("A", 5, 8), Section("B", 9, 12), Section("A", 13, 16))
    assert facts.chords == tuple(" ".join(CHORDS[letter] for letter in "AABA").split())
    assert not facts.chords_are_stated
    assert (facts.chord_summary, facts.chord_summary_count) == (("G", "F", "C"), 3) or facts.chord_summary_count >= 3
    assert facts.notes == 16 * 4 * 6 + 32


def test_parts_are_measured() -> None:
    melody, guitar, bass, _ = facts_of(song()).roles
    assert (melody.lowest, melody.highest, melody.share, melody.notes_per_beat) == (72, 88, 1.0, 1.0)
    assert (guitar.polyphony, melody.polyphony) == (3.0, 1.0)
    assert bass.notes_per_beat == 0.5
    assert bass.mean_pitch < guitar.mean_pitch < melody.mean_pitch


def test_transposing_moves_key_chords_and_pitches_and_nothing_else() -> None:
    still, moved = facts_of(song()), facts_of(song().transpose(Interval.from_semitones(2)))
    assert moved.key == Key(2)
    up = Interval.from_semitones(2)
    assert moved.chords == tuple(str(ChordSymbol.parse(chord).transposed(up)) for chord in still.chords)
    assert [part.mean_pitch - 2 for part in moved.roles[:3]] == pytest.approx([p.mean_pitch for p in still.roles[:3]])
    same = ("sections", "phrases", "texture", "density", "dynamics", "meters", "instruments", "mood")
    assert all(getattr(moved, name) == getattr(still, name) for name in same)


def test_without_notes_or_beats_there_is_less_to_say() -> None:
    empty = facts_of(Score(TPQ, ()))
    assert empty == Facts()
    rests = facts_of(score_of([]))
    assert (rests.notes, rests.bars, rests.key, rests.mood, rests.form) == (0, 1, None, "", "")
    beatless = replace(song(), meters=np.empty(0, METER), measures=song().measures[:0])
    facts = facts_of(beatless)
    assert (facts.bars, facts.chords, facts.form, facts.phrases, facts.tempo_bpm) == (None, (), "", (), None)
    assert (facts.key, facts.meter, facts.meter_is_estimated) == (Key(0), Meter(4, 4), True)
    assert facts.roles[0].notes_per_beat is None


def test_performances_off_the_grid_have_no_meter() -> None:
    rng = np.random.default_rng(0)
    rows = [note(0, 1, 60)] * 0 + [note(k * 0.613 + rng.uniform(0, 0.2), 0.5, 60 + k % 7) for k in range(64)]
    score = replace(score_of(rows), ticks_per_quarter=TPQ)
    assert facts_of(replace(score, meters=score.meters[:0], measures=score.measures[:0])).meter is not None
    fine = replace(score, ticks_per_quarter=500, meters=score.meters[:0], measures=score.measures[:0])
    assert facts_of(fine).meter is None


def test_a_pickup_is_bar_0() -> None:
    rows = [note(0, 1, 67), *(note(1 + k, 1, SCALE[k % 8]) for k in range(16))]
    meters = np.array([(0, 4, 4)], METER)
    score = Score(TPQ, (Part(),), notes_array(rows), measures_from_meters(meters, TPQ, 17 * TPQ, TPQ), meters)
    facts = facts_of(score)
    assert (facts.bars, len(facts.chords), facts.meters) == (4, 4, ((1, Meter(4, 4)),))
    assert (facts.phrases[0].first_bar, facts.phrases[-1].last_bar) == (0, 4)
    assert (facts.sections[0].first_bar, facts.sections[-1].last_bar) == (0, 4)


# Key


def cadences(tonic: int, minor: bool, times: int, start: float = 0.0) -> list[dict[str, int]]:
    """I IV V I in whole notes, four voices."""
    third = 3 if minor else 4
    chords = [(0, third, 7), (5, 5 + third, 12), (7, 11, 14), (0, third, 7)]
    return [
        note(start + 16 * k + 4 * j, 4, 48 + tonic + tone, 0)
        for k in range(times) for j, chord in enumerate(chords) for tone in (chord[0] - 12, *chord)
    ]  # fmt: skip


def test_a_change_of_key_is_found_where_it_is() -> None:
    score = score_of([*cadences(0, False, 4), *cadences(4, False, 4, 64.0)])
    keys = estimate_keys(score)
    assert [key for _, key in keys] == [Key(0), Key(4)]
    assert abs(keys[1][0] - 16) <= 1
    facts = facts_of(score)
    assert {facts.key, *(key for _, key in facts.key_changes)} == {Key(0), Key(4)}
    assert {phrase.key for phrase in facts.phrases} > {None}


def test_confidence_is_high_for_cadences_and_low_for_noise() -> None:
    clear = estimate_key(score_of(cadences(7, True, 4)))
    assert clear[0] == Key(-2, "minor")
    rng = np.random.default_rng(1)
    noise = estimate_key(tune(*rng.integers(48, 84, 300).tolist()))
    assert clear[1] > 0.8 > 0.7 > noise[1]


def test_a_signature_settles_what_is_doubtful_and_its_name() -> None:
    scale = tune(62, 64, 65, 67, 69, 71, 72, 74, 72, 71, 69, 67, 65, 64, 62, 62)
    dorian = replace(scale, keys=np.array([(0, -1, 0, 2)], KEY))
    assert facts_of(dorian).key == Key(0, "dorian")
    flats = score_of(cadences(1, False, 2), keys=np.array([(0, -1, -5, -1)], KEY))
    assert facts_of(flats).key == Key(-5, "major")
    sequencer = score_of(cadences(4, False, 4), keys=np.array([(0, -1, 0, 0)], KEY))
    assert facts_of(sequencer).key == Key(4, "major")


# Chords


def test_chords_change_with_the_beat_where_they_do() -> None:
    rows = [
        note(2 * k, 2, 48 + tone)
        for k, chord in enumerate(["C", "G7", "Am", "F", "C", "G7", "C", "C"])
        for tone in sorted(ChordSymbol.parse(chord).pitch_classes)
    ]
    score = score_of(rows)
    beats = [(event.onset_tick // TPQ, str(event.symbol)) for event in estimate_chords(score, "beat")]
    assert beats == [(0, "C"), (2, "G7"), (4, "Am"), (6, "F"), (8, "C"), (10, "G7"), (12, "C")]
    assert len(estimate_chords(score)) <= 4
    assert facts_of(score).chords == ("C G7", "Am F", "C G7", "C")
    with pytest.raises(NeedsBeats):
        estimate_chords(Score(TPQ, ()), "beat")


def test_stated_chords_come_first() -> None:
    events = (
        ChordEvent(0, ChordSymbol.parse("Am7")),
        ChordEvent(6 * TPQ, ChordSymbol.parse("D7")),
        ChordEvent(12 * TPQ, None),
    )
    facts = facts_of(replace(tune(*([60] * 16)), chords=events))
    assert (facts.chords, facts.chords_are_stated) == (("Am7", "Am7 D7", "D7", ""), True)


def test_the_loop_that_comes_again_is_the_summary() -> None:
    rows = [
        note(4 * k, 4, 48 + tone)
        for k, chord in enumerate(("C Am F G " * 4 + "C").split())
        for tone in sorted(ChordSymbol.parse(chord).pitch_classes)
    ]
    facts = facts_of(score_of(rows))
    assert (facts.chord_summary, facts.chord_summary_count) == (("C", "Am", "F", "G"), 4)


# Meter


@pytest.mark.parametrize(("meter", "pattern"), [
    (Meter(3, 4), (1.0, 1.0, 1.0)), (Meter(4, 4), (1.0, 1.0, 1.0, 1.0)), (Meter(6, 8), (1.0, 0.5, 1.0, 0.5)),
])  # fmt: skip
def test_meters_are_heard_in_accompaniments(meter: Meter, pattern: tuple[float, ...]) -> None:
    rows: list[dict[str, int]] = []
    quarter = 0.0
    for chord in ("C F G C Am Dm G C " * 3).split():
        tones = sorted(ChordSymbol.parse(chord).pitch_classes)
        for index, length in enumerate(pattern):
            low = index == 0
            rows += [note(quarter, length, 36 + tones[0])] if low else [note(quarter, length, 60 + t) for t in tones]
            quarter += length
    assert estimate_meter(score_of(rows))[0] == meter


# Texture, roles, form, phrases


def test_textures_are_told_apart() -> None:
    voices = tuple(enumerate((72, 67, 60, 48)))
    chorale = [note(k, 1, low + k % 5, voice) for k in range(16) for voice, low in voices]
    assert facts_of(score_of(chorale, (Part(program=52),) * 4)).texture == "homophonic"
    assert facts_of(tune(*SCALE)).texture == "monophonic"
    canon = [note(0.75 * v + k, 1, SCALE[3 * k % 8] + 12 - 12 * v, v) for v in range(3) for k in range(32)]
    assert facts_of(score_of(canon, tuple(Part(program=p) for p in (73, 71, 70)))).texture == "polyphonic"


@pytest.mark.parametrize("form", ["AABA", "ABAB", "AAB", "ABBA"])
def test_forms_are_found(form: str) -> None:
    found = facts_of(song(form)).form
    assert found == form or (form == "ABAB" and found == "AA")  # what always goes together is one section


def test_form_does_not_see_what_is_not_there() -> None:
    rng = np.random.default_rng(3)
    score = tune(*rng.integers(50, 80, 128).tolist())
    assert len({s.label for s in sections_of(heard(score), bar_lines(score), 1)}) == 1


@pytest.mark.parametrize(("degrees", "contour"), [
    ("0 1 2 3 4 5 6 7", "rising"), ("7 6 5 4 3 2 1 0", "falling"), ("0 2 4 7 7 4 2 0", "arch"),
    ("7 5 2 0 0 2 5 7", "valley"), ("3 3 3 3 3 3 4 3", "level"),
])  # fmt: skip
def test_contours(degrees: str, contour: str) -> None:
    score = tune(*(SCALE[int(d)] for d in degrees.split()), length=2.0)
    assert facts_of(score).phrases[0].contour == contour


def rhythm_of(rows: list[dict[str, int]]) -> str:
    return facts_of(score_of(rows)).phrases[0].rhythm


def test_rhythms() -> None:
    assert rhythm_of([note(4 * k, 4, 60) for k in range(4)]) == "sustained"
    assert rhythm_of([note(k, 1, 60) for k in range(16)]) == "even"
    assert rhythm_of([note(k / 2, 0.5, 60) for k in range(32)]) == "flowing"
    assert rhythm_of([note(2 * k, 0.5, 60) for k in range(8)]) == "fragmented"
    assert rhythm_of([note(0, 0.5, 60), *(note(k + 0.5, 1, 60) for k in range(15))]) == "syncopated"


def test_loudness_is_told_where_it_is_known() -> None:
    facts = facts_of(song())
    assert facts.phrases[0].loudest_role == "melody"
    assert facts.dynamics in ("mp", "mf")
    signs = (Direction(0, "dynamics", "pp"), Direction(16 * TPQ, "dynamics", "ff"))
    written = facts_of(tune(*SCALE, *SCALE, *SCALE[:8], directions=signs))
    assert [phrase.dynamics for phrase in written.phrases] == ["pp", "ff"]
    assert facts_of(tune(*SCALE)).dynamics is None


def test_marks_and_swing_are_told() -> None:
    score = tune(*SCALE)
    marked = replace(score, marks=tuple(Mark(k, "staccato") for k in range(6)))
    assert facts_of(marked).articulations == ("staccato",)
    assert facts_of(score).articulations == ()
    swung = score_of([n for k in range(32) for n in (note(k, 2 / 3, 60 + k % 5), note(k + 2 / 3, 1 / 3, 62))])
    assert facts_of(swung).swing
    assert not facts_of(song()).swing


# Mood


def test_moods_lie_where_listeners_hear_them() -> None:
    def mood(minor: bool, tempo_bpm: float, times: int = 4) -> Facts:
        return facts_of(score_of(cadences(0, minor, times), tempo_bpm=tempo_bpm))

    slow_minor, fast_major = mood(True, 50), mood(False, 180)
    assert slow_minor.valence < 0 < fast_major.valence
    assert slow_minor.arousal < mood(True, 180).arousal
    assert mood(True, 100).valence < mood(False, 100).valence
    assert slow_minor.mood in ("sad", "melancholic", "calm")


# Real music


def test_chorales_are_four_voices_in_their_keys() -> None:
    files = find_files("music21:bach")[7:207:20]
    facts = [facts_of(load_score(Path(file.path))) for file in files]
    stated = [load_score(Path(file.path)).key_at(0) for file in files]
    same = [
        f.key is not None and s is not None and f.key.fifths == s.fifths for f, s in zip(facts, stated, strict=True)
    ]
    assert np.mean(same) >= 0.7
    assert np.mean([f.texture in ("homophonic", "polyphonic") for f in facts]) >= 0.8
    four = [f for f in facts if len(f.roles) == 4]
    assert np.mean([f.roles[0].role == "melody" and f.roles[3].role == "bass" for f in four]) >= 0.8
    assert all(len(f.chords) == f.bars for f in facts)
