"""MIDI files of the corpus: nothing gets lost between a file and what is written of it, as mido counts it.

The counts are made by mido alone, on the source and on the written file. What the writer says otherwise than the
source is listed here, each with its reason, and worked out from the source without our reader:

- an end of a note that has not begun says nothing and goes; a note without an end gets one;
- of several meters or tempos at one tick the last acts, keys at one tick are one; a meter that says again what
  holds is no change; meters, keys and tempos that are none go;
- the default 4/4 is stated; music without a beat says so in a sequencer-specific event;
- a part without a program of its own states the one that it has;
- a track that plays on several channels becomes a track for each, with the same name.
"""

from __future__ import annotations

import io
import os
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from partimento.io.midi import read, sayable, write

mido: Any = pytest.importorskip("mido")
symusic: Any = pytest.importorskip("symusic")

CORPUS = os.environ.get("PARTIMENTO_DATA")
EVERY = int(os.environ.get("PARTIMENTO_EVERY", "45"))
"""The test takes every n-th file; 1 for the whole corpus."""
STATED = ("set_tempo", "time_signature", "key_signature")


def timed(file: Any) -> list[list[tuple[int, Any]]]:
    """The messages of each track with their ticks."""
    tracks = []
    for track in file.tracks:
        tick, rows = 0, []
        for message in track:
            tick += message.time
            rows.append((tick, message))
        tracks.append(rows)
    return tracks


def is_onset(message: Any) -> bool:
    return message.type == "note_on" and message.velocity > 0


def census(tracks: list[list[tuple[int, Any]]]) -> Counter[str]:
    """How many messages there are of each type; controllers by number."""
    counts: Counter[str] = Counter()
    for _, message in (row for track in tracks for row in track):
        kind = message.type
        if kind in ("note_on", "note_off"):
            kind = "onset" if is_onset(message) else "note end"
        elif kind == "control_change":
            kind = f"controller {message.control}"
        counts[kind] += 1
    del counts["end_of_track"]
    return counts


def first_notes(tracks: list[list[tuple[int, Any]]]) -> dict[tuple[int, int], int]:
    """Tick of the first note of each track on each channel."""
    first: dict[tuple[int, int], int] = {}
    for number, track in enumerate(tracks):
        for tick, message in track:
            if is_onset(message):
                first.setdefault((number, message.channel), tick)
    return first


def expected(tracks: list[list[tuple[int, Any]]], has_beats: bool) -> Counter[str]:
    """The counts of the written file, from the source."""
    counts = census(tracks)
    counts["note end"] = counts["onset"]
    first = first_notes(tracks)
    counts["program_change"] += sum(not has_program(tracks, first, *source) for source in first)
    counts["track_name"] += extra_names(tracks, first)
    counts["sequencer_specific"] += not has_beats
    rows = sorted((row for track in tracks for row in track if row[1].type in STATED), key=lambda row: row[0])
    for kind in ("set_tempo", "key_signature"):
        counts[kind] = len({tick for tick, message in rows if message.type == kind})
    meters = {tick: (m.numerator, m.denominator) for tick, m in rows if m.type == "time_signature"}
    meters = {0: (4, 4), **meters} if has_beats else {}
    values = [meters[tick] for tick in sorted(meters)]
    counts["time_signature"] = sum(index == 0 or value != values[index - 1] for index, value in enumerate(values))
    return +counts


def has_program(tracks: list[Any], first: dict[tuple[int, int], int], number: int, channel: int) -> bool:
    """Whether a part is told its program before it plays, by its track or by one without notes on its channel."""
    playing = [track for track, c in first if c == channel]
    telling = {number}
    if playing[0] == number:
        telling |= set(range(len(tracks))) - set(playing)
    return any(
        tick <= first[number, channel] and message.type == "program_change" and message.channel == channel
        for track in telling
        for tick, message in tracks[track]
    )


def extra_names(tracks: list[Any], first: dict[tuple[int, int], int]) -> int:
    """Names that are written again because their track becomes several."""
    channels: defaultdict[int, int] = defaultdict(int)
    for track, _ in first:
        channels[track] += 1
    named = [
        n for n, track in enumerate(tracks) if any(m.type == "track_name" and m.name.strip(" \0") for _, m in track)
    ]
    return sum(channels[track] - 1 for track in named if channels[track] > 1) if len(tracks) > 1 else 0


def differences(data: bytes, name: str) -> list[str]:
    """What is wrong with a file's way there and back."""
    scores = read(data, name)
    (score,) = scores
    written = write(score)
    (again,) = read(written, name)
    source, copy = (timed(mido.MidiFile(file=io.BytesIO(content), clip=True)) for content in (data, written))
    wanted, found = expected(source, bool(len(score.meters))), census(copy)
    wrong = [f"{kind}: {wanted[kind]} ▶ {found[kind]}" for kind in wanted | found if wanted[kind] != found[kind]]
    wrong += ["another Score"] if again != score else []
    wrong += ["not what is sayable"] if sayable(score) != score else []
    wrong += ["other bytes"] if write(again) != written else []
    return wrong


@pytest.mark.skipif(not CORPUS, reason="PARTIMENTO_DATA names no corpus")
def test_files_come_back_whole() -> None:
    files = sorted(Path(str(CORPUS)).glob("*/*.mid"))[::EVERY]
    assert files
    wrong = {file.name: differences(file.read_bytes(), file.name) for file in files}
    assert {name: found for name, found in wrong.items() if found} == {}


byte = st.integers(0, 127)
channel = st.integers(0, 3) | st.just(9)
text = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=5)
message = st.one_of(
    st.builds(mido.Message, st.just("note_on"), channel=channel, note=st.integers(60, 62), velocity=byte),
    st.builds(mido.Message, st.just("note_on"), channel=channel, note=st.integers(60, 62), velocity=st.just(0)),
    st.builds(mido.Message, st.just("note_off"), channel=channel, note=st.integers(60, 62)),
    st.builds(mido.Message, st.just("control_change"), channel=channel, control=byte, value=byte),
    st.builds(mido.Message, st.just("program_change"), channel=channel, program=st.integers(0, 3)),
    st.builds(mido.Message, st.just("pitchwheel"), channel=channel, pitch=st.integers(-8192, 8191)),
    st.builds(mido.Message, st.just("aftertouch"), channel=channel, value=byte),
    st.builds(mido.Message, st.just("polytouch"), channel=channel, note=byte, value=byte),
    st.builds(mido.Message, st.just("sysex"), data=st.lists(byte, max_size=200)),
    st.builds(mido.MetaMessage, st.just("set_tempo"), tempo=st.integers(1_000, 0xFFFFFF)),
    st.builds(
        mido.MetaMessage, st.just("time_signature"), numerator=st.integers(1, 9), denominator=st.sampled_from([4, 8])
    ),
    st.builds(mido.MetaMessage, st.just("key_signature"), key=st.sampled_from(["C", "Am", "F#", "Bbm"])),
    *(
        st.builds(mido.MetaMessage, st.just(kind), text=text)
        for kind in ("text", "lyrics", "marker", "cue_marker", "copyright")
    ),
    *(st.builds(mido.MetaMessage, st.just(kind), name=text) for kind in ("track_name", "instrument_name")),
    st.builds(mido.MetaMessage, st.just("sequencer_specific"), data=st.lists(byte, max_size=3)),
)
delta = st.sampled_from([0, 0, 0, 1, 24, 48, 96, 127, 128, 4_095, 12_288, 16_383, 16_384])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.tuples(delta, message), max_size=25), min_size=1, max_size=4), st.sampled_from([0, 1]))
def test_made_up_files_come_back_whole(tracks: list[list[tuple[int, Any]]], kind: int) -> None:
    tracks = tracks[:1] if kind == 0 else tracks
    file = mido.MidiFile(type=kind, ticks_per_beat=48)
    for rows in tracks:
        file.tracks.append(mido.MidiTrack(message.copy(time=time) for time, message in rows))
    file.tracks[0].append(mido.Message("note_on", channel=1, note=70, velocity=9))
    file.tracks[0].append(mido.Message("note_off", channel=1, note=70, time=48))
    stream = io.BytesIO()
    file.save(file=stream)
    assert differences(stream.getvalue(), "made.mid") == []


def heard(data: bytes) -> tuple[list[Any], list[Any]]:
    """Notes as symusic and we read them: onset, pitch, velocity, and duration."""
    ours = [row for (score,) in [read(data, "ours.mid")] for row in score.notes[
        ["onset_tick", "duration_tick", "pitch", "velocity"]].tolist()]  # fmt: skip
    theirs = [
        (note.time, max(note.duration, 1), note.pitch, note.velocity)
        for track in symusic.Score.from_midi(data).tracks
        for note in track.notes
    ]
    return sorted(ours), sorted(theirs)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(60, 61), st.integers(1, 127)), max_size=30))
def test_notes_that_overlap_are_paired_as_symusic_pairs_them(rows: list[tuple[int, bool, int, int]]) -> None:
    track = mido.MidiTrack()
    for time, is_on, note, velocity in rows:
        track.append(mido.Message("note_on" if is_on else "note_off", note=note, velocity=velocity, time=time))
    for note in (60, 61) * 30:  # so that none is left open: symusic would drop it
        track.append(mido.Message("note_off", note=note, time=5))
    track.append(mido.Message("note_on", note=70, velocity=9))
    track.append(mido.Message("note_off", note=70, time=1))
    file = mido.MidiFile(type=0, ticks_per_beat=48)
    file.tracks.append(track)
    stream = io.BytesIO()
    file.save(file=stream)
    ours, theirs = heard(stream.getvalue())
    assert ours == theirs
