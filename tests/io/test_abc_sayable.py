"""ABC's law: what is read again is what `sayable` promises, for scores of every origin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from partimento.io import musicxml
from partimento.io.abc import read, sayable, write
from partimento.score import (
    METER,
    TEMPO,
    Barline,
    ChordEvent,
    Direction,
    Lyric,
    Mark,
    Part,
    PartGroup,
    ProgramChange,
    Repeat,
    Score,
    Spanner,
    Transposition,
    Tuplet,
    measures_from_meters,
    notes_array,
)
from partimento.theory.chord import ChordSymbol
from partimento.theory.interval import Interval
from partimento.theory.pitch import UNSPELLED

RESOLUTION = 12
END = 240

texts = st.text(st.sampled_from(list("abC.:1 %\\\"'|[]{}-_*~&;é^<>@!+♯\n\t")), max_size=8) | st.sampled_from(
    ["Fine", "D.C. al Coda", "mf", "sfz", "&amp;", "\\'e", "1.Oh", "tr", ">", "Am7", "Music: me"]
)
ticks = st.integers(0, END // 3).map(lambda n: 3 * n)
parts = st.builds(
    Part, texts, st.integers(0, 127), st.booleans(), texts, st.integers(1, 2),
    st.sampled_from([Interval(0, 0), Interval(-2, -1), Interval(3, 2), Interval(-1, 0), Interval(-14, -8)]),
    st.none() | st.integers(0, 127), st.none() | st.integers(0, 127), st.none() | st.integers(1, 16),
)  # fmt: skip
spellings = {pitch: [s for s in range(-9, 16) if 7 * s % 12 == pitch] + [UNSPELLED] for pitch in range(12)}
MARKS = ["staccato", "fermata:angled", "fingering:3", "trill-mark", "slash", "tremolo:3", "other-notation:x",
         "other-notation:trill", "other-notation:dotted-slur", "harmonic"]  # fmt: skip
DIRECTIONS = [
    ("words", None), ("dynamics", None), ("dynamics", "mf"), ("rehearsal", None), ("tempo", None), ("tempo", "Allegro"),
    ("metronome", "quarter=60"), ("crescendo", ""), ("wedge-stop", ""), ("fermata", ""), ("barline-fermata", ""),
    ("octave-shift", "down 8"), ("octave-shift", "stop"), ("pedal", "start"), ("pedal", "change"),
    ("meter-sign", "common"), ("meter-sign", "1+2"), ("key-signature", "HP"), ("verses", None),
    ("parts-order", "AABB"), ("field:O", None), ("shared-staff", ""), ("dashes", "start"), ("barline-staccato", ""),
]  # fmt: skip
REPEATS = ["forward", "backward", "ending-start", "ending-stop", "ending-discontinue", "segno", "coda", "to-coda",
           "fine", "dacapo", "dalsegno"]  # fmt: skip


@st.composite
def notes(draw: st.DrawFn, part_count: int) -> Any:
    rows: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 14))):
        pitch = draw(st.integers(40, 80))
        grace = draw(st.sampled_from([0, 0, 0, 1, 2]))
        rows.append({
            "onset_tick": draw(ticks), "duration_tick": 0 if grace else draw(st.integers(1, 40)), "pitch": pitch,
            "spelling": draw(st.sampled_from(spellings[pitch % 12])), "velocity": draw(st.integers(0, 127)),
            "part": draw(st.integers(0, part_count - 1)), "voice": draw(st.integers(0, 2)),
            "staff": draw(st.integers(0, 2)), "grace": grace, "tied": draw(st.booleans()),
            "cue": draw(st.sampled_from([False, False, False, True])),
        })  # fmt: skip
    return notes_array(rows)


def some(strategy: st.SearchStrategy[Any], most: int = 4) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=most).map(tuple)


@st.composite
def scores(draw: st.DrawFn) -> Score:
    players = tuple(draw(st.lists(parts, min_size=1, max_size=3)))
    part = st.integers(0, len(players) - 1)
    array = draw(notes(len(players)))
    ids = st.sampled_from([*array["note_id"].tolist(), -1])
    meters = np.array([(0, *draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (2, 2)])))], METER)
    measures = measures_from_meters(meters, RESOLUTION, END, draw(st.sampled_from([0, 12])))
    if draw(st.sampled_from([False] * 5 + [True])):
        meters, measures = meters[:0], measures[:0]
    keys = draw(some(st.tuples(ticks, part | st.just(-1), st.integers(-7, 7), st.integers(-1, 6))))
    tempos = draw(some(st.tuples(ticks, st.sampled_from([60.0, 90.5, 132.0, 117.00005, 100 / 3, 1.0])), 2))
    clefs = st.tuples(
        ticks, part, st.integers(0, 2), st.sampled_from(["G", "F", "C", "percussion", "TAB"]), st.integers(1, 5),
        st.integers(-1, 1),
    )  # fmt: skip
    intervals = st.sampled_from([Interval(0, 0), Interval(-2, -1), Interval(3, 2), Interval(6, 4)])
    symbols = st.sampled_from(["C", "F#m7", "Bbmaj7/D", "G7(b9)", "Edim7", "Csus4"]).map(ChordSymbol.parse)
    directions = st.sampled_from(DIRECTIONS).flatmap(
        lambda pair: st.builds(
            Direction, ticks, st.just(pair[0]), texts if pair[1] is None else st.just(pair[1]), part,
            st.integers(0, 2), st.sampled_from(["", "above", "below", "left"]),
        )
    )  # fmt: skip
    return Score(
        RESOLUTION, players, array, measures, meters, list(dict.fromkeys(keys)), list(tempos), list(draw(some(clefs))),  # type: ignore[arg-type]
        groups=draw(some(st.builds(PartGroup, part, part, texts, symbol=st.sampled_from(["bracket", "brace"])), 2)),
        programs=draw(some(st.builds(ProgramChange, ticks, part, st.integers(0, 127)), 2)),
        transpositions=draw(some(st.builds(Transposition, ticks, part, intervals), 2)),
        chords=draw(some(st.builds(ChordEvent, ticks, st.none() | symbols, part, texts))),
        tuplets=draw(some(st.builds(Tuplet, ticks, st.sampled_from([12, 24]), part, st.integers(0, 2),
                                    st.sampled_from([3, 5]), st.just(2)))),
        directions=draw(some(directions, 6)),
        repeats=draw(some(st.builds(Repeat, ticks, st.sampled_from(REPEATS),
                                    st.sampled_from(["", "1", "1,2", "3", "x"])), 6)),
        barlines=draw(some(st.builds(Barline, ticks, st.sampled_from(["light-light", "none", "dashed", "tick"])))),
        lyrics=draw(some(st.builds(Lyric, ids, texts, st.sampled_from(["single", "begin", "middle", "end"]),
                                   st.integers(1, 3), st.booleans()))),
        marks=draw(some(st.builds(Mark, ids, st.sampled_from(MARKS)))),
        spanners=draw(some(st.builds(Spanner, st.sampled_from(["slur", "slur", "glissando", "bracket"]), ids, ids))),
        title=draw(texts), subtitle=draw(texts), composer=draw(texts), arranger=draw(texts), lyricist=draw(texts),
        rights=draw(texts), tags=draw(some(texts, 2)),
    )  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(scores())
def test_what_is_written_is_read_as_it_was_promised(score: Score) -> None:
    said = sayable(score)
    if len(said.notes):
        (again,) = read(write(score), "law.abc")
        assert again == said
        assert sayable(said) == said


def test_times_that_no_length_of_abc_holds_are_rounded() -> None:
    notes = notes_array({"onset_tick": 1001 * n, "duration_tick": 997, "pitch": 60 + n} for n in range(5))
    for resolution in (1009, 250_000):
        score = Score(resolution, (Part(),), notes)
        (again,) = read(write(score), "law.abc")
        assert again == sayable(score)
        onsets = again.notes["onset_tick"] / again.ticks_per_quarter
        assert np.abs(onsets - notes["onset_tick"] / resolution).max() < 1 / 10_000


@pytest.mark.parametrize(
    ("bpm", "mark"), [(5.49972169, "eighth=11"), (61.00049, "quarter=61"), (100 / 3, "quarter=33.333")]
)
def test_tempos_are_rounded_once_and_for_all(bpm: float, mark: str) -> None:
    meters = np.array([(0, 4, 4)], METER)
    tempos = np.array([(0, bpm)], TEMPO)
    said = sayable(Score(1, (Part(),), measures=measures_from_meters(meters, 1, 4), meters=meters, tempos=tempos))
    assert [direction.text for direction in said.directions] == [mark]
    assert sayable(replace(said, directions=())) == said


def test_a_fermata_behind_the_last_note_is_the_barline_s() -> None:
    notes = notes_array([{"duration_tick": 4, "pitch": 60}])
    score = Score(1, (Part(),), notes, directions=(Direction(9, "fermata"),))
    (again,) = read(write(score), "late.abc")
    assert again == sayable(score)
    assert again.directions == (Direction(4, "barline-fermata"),)


def test_marks_of_grace_chords_stand_on_the_lowest_note_whatever_its_staff() -> None:
    graces = [{"grace": 1, "pitch": 70, "staff": 0}, {"grace": 1, "pitch": 69, "staff": 1}]
    notes = notes_array([*graces, {"duration_tick": 4, "pitch": 60, "staff": 1}])
    score = Score(1, (Part(),), notes, marks=(Mark(0, "fermata"),))
    (again,) = read(write(score), "graces.abc")
    assert again == sayable(score)
    assert [again.notes["pitch"][again.notes["note_id"] == mark.note_id].item() for mark in again.marks] == [69]


def test_a_chord_that_abc_cannot_name_is_no_jump() -> None:
    meters = np.array([(0, 4, 4)], METER)
    odd = ChordEvent(0, ChordSymbol(2, "other", 0))
    notes = notes_array([{"duration_tick": 4, "pitch": 60}])
    score = Score(1, (Part(),), notes, measures_from_meters(meters, 1, 4), meters, chords=(odd,))
    (again,) = read(write(score), "odd.abc")
    assert again == sayable(score)
    assert [direction.text for direction in again.directions] == ["D?/C"]


def test_scores_of_musicxml_are_read_as_promised() -> None:
    music21 = pytest.importorskip("music21")
    folder = Path(music21.__file__).parent / "corpus"
    files = sorted([*folder.rglob("*.mxl"), *folder.rglob("*.xml")])
    checked = 0
    for file in [f for f in files if f.stat().st_size < 60_000][::40]:
        for score in musicxml.read(file.read_bytes(), file.name):
            (again,) = read(write(score), file.name)
            assert again == sayable(score), file.name
            checked += 1
    assert checked > 10


def test_nothing_that_abc_knows_is_left_out() -> None:
    tune = rb"""X:1
T:All
T:of it
C:A. Composer
O:Ireland
R:reel
P:AABB
M:2+3/8
L:1/8
Q:"Lively" 3/8=80
%%score [{(R R2) L} | D]
V:R clef=treble-8 name="Piano" snm="Pno."
V:R2
V:L clef=bass
V:D clef=alto transpose=-2 name="Clarinet"
K:D exp _b^f
[V:R] [P:A]!mf!{/g}(3(ABc) "Gm7/Bb"[K:clef=alto]"_below"!1!d2- |1,3 [dF]5 :|2 !<(!.(A2 B3)!<)! ["last" !D.S.alfine!z5 |]
w:one_ two- * three | four
[V:R2] x5 | [I:MIDI program 12]!ped!F,5 !ped-up!:| x5 | x5 |]
[V:L] !8vb(!D,,5 | D,,5 !8vb)!!fermata!:| Z | !fermata!z5 |]
[V:D] [K:Hp]!trill(!C2 !trill)!D3 .| E5 :| [K:transpose=-3]F5 | G5 & E2 D3 |]
W:words behind
W:
W:of two stanzas
"""
    (score,) = read(tune, "all.abc")
    assert score == sayable(score)
    (again,) = read(write(score), "again.abc")
    assert again == score
    kinds = {direction.kind for direction in score.directions}
    assert kinds >= {"verses", "parts-order", "field:O", "key-signature", "meter-sign", "metronome", "rehearsal",
                     "pedal", "octave-shift", "fermata", "barline-fermata", "dynamics", "crescendo"}  # fmt: skip
    assert score.subtitle == "of it"
    assert [(g.first, g.last, g.barline) for g in score.groups] == [(0, 1, True)]
    assert [(p.staves, p.transpose.semitones) for p in score.parts] == [(2, 0), (1, -2)]
    assert [t.interval.semitones for t in score.transpositions] == [-3]
    assert {mark.kind for mark in score.marks} >= {"slash", "fingering:1", "other-notation:dotted-slur"}
    assert {spanner.kind for spanner in score.spanners} == {"slur", "wavy-line"}


def test_velocities_and_controllers_are_what_abc_cannot_say() -> None:
    score = Score(480, (Part("Piano"),), notes_array([{"duration_tick": 480, "pitch": 60, "velocity": 90}]),
                  controls=[(0, 0, 64, 127)], bends=[(0, 0, 5)])  # type: ignore[arg-type]  # fmt: skip
    said = sayable(score)
    assert (said.notes["velocity"].tolist(), len(said.controls), len(said.bends)) == ([0], 0, 0)
    assert replace(said, notes=score.notes).parts == score.parts
