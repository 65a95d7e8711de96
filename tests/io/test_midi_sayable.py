"""The law of MIDI files: what is read from what was written is what MIDI can say of a score."""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from partimento.io import abc, musicxml
from partimento.io.losses import losses
from partimento.io.midi import read, sayable, write
from partimento.score import (
    BEND,
    CONTROL,
    KEY,
    MEASURE,
    METER,
    TEMPO,
    Direction,
    Lyric,
    Message,
    Part,
    ProgramChange,
    Score,
    measures_from_meters,
    notes_array,
)

RESOLUTION = 24

TUNE = """X:1
T:The Law
C:Nobody
L:1/8
Q:1/4=97
M:6/8
K:Dmix
D|"D"A2A {gf}A>BA|[1(3ABc d2-dz:|[2 [DFA]3 !fermata!d3|]
w:Down by the sal-ly gar-dens my love and I did meet
"""


def law(score: Score) -> Score:
    """Check the law on a score; returns what MIDI says of it."""
    said = sayable(score)
    (again,) = read(write(score), "again.mid")
    assert again == said
    assert sayable(said) == said
    assert write(again) == write(score)
    return said


ticks = st.integers(0, 400)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
note = st.fixed_dictionaries(
    {
        "onset_tick": ticks, "duration_tick": st.integers(0, 90), "pitch": st.integers(-2, 130),
        "velocity": st.integers(0, 127), "part": st.integers(0, 2), "voice": st.integers(0, 2),
        "grace": st.integers(0, 2), "tied": st.booleans(), "cue": st.booleans(),
    }
)  # fmt: skip
part = st.builds(
    Part, name=texts, program=st.integers(0, 127), is_drums=st.booleans(),
    volume=st.none() | st.integers(0, 127), pan=st.none() | st.integers(0, 127),
    channel=st.none() | st.integers(1, 12) | st.just(20),
)  # fmt: skip
values = st.integers(0, 127)
contents = st.sampled_from(
    [b"\xd0\x05", b"\xa0\x40\x10", b"\xf0\x7e\x7f\x09\x01\xf7", b"\xff\x01words", b"\xff\x07cue", b"\xff\x7fabc"]
)
parts = st.integers(0, 2)
several = partial(st.lists, max_size=4)
key = st.tuples(ticks, st.integers(-1, 2), st.integers(-8, 8), st.integers(0, 6))
control = st.tuples(ticks, parts, st.sampled_from([7, 10, 0, 64, 100, 6, 200]), values)
bend = st.tuples(ticks, parts, st.integers(-9000, 9000))
direction = st.builds(Direction, ticks, st.sampled_from(["rehearsal", "words"]), texts)
syllabic = st.sampled_from(["single", "begin", "middle", "end"])
meter = st.sampled_from([(4, 4), (3, 4), (6, 8), (5, 16)])


def bars(data: st.DataObject, end: int) -> tuple[Any, Any]:
    """Meters and measures: none, as the meters make them, or of any length."""
    kind = data.draw(st.sampled_from(["none", "made", "pickup", "free"]))
    if kind == "none":
        return np.empty(0, METER), np.empty(0, MEASURE)
    changes = sorted({0, *data.draw(st.lists(st.integers(1, 500), max_size=2))})
    meters = np.array([(tick, *data.draw(meter)) for tick in changes], METER)
    if kind != "free":
        return meters, measures_from_meters(meters, RESOLUTION, end, 12 if kind == "pickup" and len(meters) == 1 else 0)
    lengths = data.draw(st.lists(st.sampled_from([96, 72, 24, 7, 100]), min_size=1, max_size=6))
    return meters[:1], np.array(list(zip(np.cumsum([0, *lengths[:-1]]), lengths, strict=True)), MEASURE)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_made_up_scores_keep_the_law(data: st.DataObject) -> None:
    notes = notes_array(data.draw(st.lists(note, min_size=1, max_size=12)))
    notes["duration_tick"][notes["grace"] > 0] = 0
    meters, measures = bars(data, int((notes["onset_tick"] + notes["duration_tick"]).max()))
    draw, ids = data.draw, st.sampled_from(notes["note_id"].tolist())
    score = Score(
        RESOLUTION,
        tuple(draw(st.lists(part, min_size=3, max_size=3))),
        notes,
        measures,
        meters,
        np.array(draw(several(key)), KEY),
        np.array(draw(several(st.tuples(ticks, st.floats(3, 50_000)))), TEMPO),
        controls=np.array(draw(several(control)), CONTROL),
        bends=np.array(draw(several(bend)), BEND),
        programs=tuple(draw(several(st.builds(ProgramChange, ticks, parts, values)))),
        lyrics=tuple(draw(several(st.builds(Lyric, ids, texts, syllabic, st.integers(1, 2), st.booleans())))),
        directions=tuple(draw(several(direction))),
        messages=tuple(draw(several(st.builds(Message, ticks, st.integers(-1, 2), contents)))),
        title=draw(texts),
        rights=draw(texts),
        composer="somebody",
    )
    said = sayable(score)
    if len(said.notes):
        law(score)


def test_a_tune_keeps_the_law_and_its_losses_are_named() -> None:
    (score,) = abc.read(TUNE.encode(), "law.abc")
    said = law(score)
    assert said.title == "The Law"
    assert said.tempos["tempo_bpm"].tolist() == [97.0]
    assert len(said.lyrics) == len(score.lyrics) - 1 > 8  # one stands under a note that is tied to the one before
    assert {"grace notes", "chord symbols", "repeats and jumps"} <= losses(score, said).keys()
    assert "notes" not in losses(score, said)


@pytest.mark.skipif(importlib.util.find_spec("music21") is None, reason="music21 is not installed")
def test_chorales_of_music21_keep_the_law() -> None:
    spec = importlib.util.find_spec("music21")
    assert spec is not None
    folder = Path(str(spec.origin)).parent / "corpus"
    files = [*sorted(folder.glob("bach/*.mxl"))[::40], *sorted(folder.glob("*/*.mxl"))[::60]]
    assert len(files) > 10
    for file in files:
        for score in musicxml.read(file.read_bytes(), str(file)):
            said = law(score)
            assert "notes" not in losses(score, said), file.name


def test_more_parts_than_channels_go_to_a_second_port() -> None:
    rows = [{"onset_tick": 0, "duration_tick": 24, "pitch": 60 + i % 12, "part": i} for i in range(40)]
    score = Score(24, tuple(Part(f"part {i}", i % 25, is_drums=i == 39) for i in range(40)), notes_array(rows))
    said = law(score)
    channels = [p.channel for p in said.parts]
    assert max(map(int, filter(None, channels))) == 27
    assert channels[39] == 10
    alike = {(p.program, p.channel) for p in said.parts[:39]}
    assert len(alike) == len({channel for _, channel in alike}) == 25


def test_what_shares_a_channel_in_the_source_shares_it_in_the_copy() -> None:
    rows = [{"onset_tick": 24 * i, "duration_tick": 24, "pitch": 60, "part": i} for i in range(2)]
    parts = (Part("left", channel=3), Part("right", channel=3))
    score = Score(24, parts, notes_array(rows), controls=np.array([(0, 0, 64, 127)], CONTROL))
    assert [p.channel for p in law(score).parts] == [3, 3]


def test_parts_without_notes_leave_their_names() -> None:
    score = Score(24, (Part("silent"), Part("heard")), notes_array([{"duration_tick": 24, "pitch": 60, "part": 1}]))
    said = law(score)
    assert [p.name for p in said.parts] == ["heard"]
    assert said.messages == (Message(0, -1, b"\xff\x03silent"),)


def test_too_fine_a_resolution_is_rounded() -> None:
    rows = notes_array([{"onset_tick": 7 * i, "duration_tick": 7, "pitch": 60} for i in range(5)])
    law(Score(40_000, (Part(),), rows))
