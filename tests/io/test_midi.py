"""MIDI: regular and damaged files, what a file says, and that what is written is heard by others."""

from __future__ import annotations

import io
import struct
import time
import warnings
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from partimento.errors import BadFile
from partimento.io.midi import read, sayable, write
from partimento.score import METER, Part, Score, measures_from_meters, notes_array

END = "00 ff 2f 00"
CONDUCTOR = "00 ff 03 04 53 6f 6e 67  00 ff 58 04 03 02 18 08  00 ff 59 02 fe 01  00 ff 51 03 09 27 c0 " + END
PIANO = (
    "00 c0 05  00 b0 07 64  00 90 3c 40  81 70 80 3c 00  00 e0 00 50  00 90 3e 50  00 b0 40 7f  81 70 80 3e 00 " + END
)
DRUMS = "00 99 24 7f  81 70 99 24 00 " + END


def midi(*tracks: str, kind: int = 1, division: int = 240) -> bytes:
    chunks = [bytes.fromhex(track.replace(" ", "")) for track in tracks]
    header = struct.pack(">4sIHHH", b"MThd", 6, kind, len(chunks), division & 0xFFFF)
    return header + b"".join(b"MTrk" + struct.pack(">I", len(chunk)) + chunk for chunk in chunks)


SONG = midi(CONDUCTOR, PIANO, DRUMS)


def columns(score: Score) -> list[Any]:
    return score.notes[["onset_tick", "duration_tick", "pitch", "velocity", "part"]].tolist()


def grid_score(
    rows: list[tuple[int, int, int, int, int]], meter: tuple[int, int] = (4, 4), resolution: int = 24
) -> Score:
    names = ("onset_tick", "duration_tick", "pitch", "velocity", "part")
    notes = notes_array(dict(zip(names, row, strict=True)) for row in rows)
    meters = np.array([(0, *meter)], METER)
    measures = measures_from_meters(meters, resolution, max(a + b for a, b, *_ in rows))
    parts = (Part("Flute", 73, volume=100, pan=20), Part("Drums", is_drums=True))
    return Score(resolution, parts, notes, measures, meters)


# What a file says


def test_a_song_says_title_meter_key_tempo_parts_pedal_and_bend() -> None:
    (score,) = read(SONG, "song.mid")
    assert score.title == "Song"
    assert score.meters.tolist() == [(0, 3, 4)]
    assert score.keys[["fifths", "mode"]].tolist() == [(-2, 1)]
    assert score.tempos["tempo_bpm"].tolist() == [100.0]
    assert [(p.program, p.is_drums, p.volume) for p in score.parts] == [(5, False, 100), (0, True, None)]
    assert columns(score) == [(0, 240, 60, 64, 0), (0, 240, 36, 127, 1), (240, 240, 62, 80, 0)]
    assert score.controls.tolist() == [(240, 0, 64, 127)]
    assert score.bends.tolist() == [(240, 0, 2048)]


def test_hanging_notes_end_with_their_track() -> None:
    (score,) = read(midi("00 90 3c 40 81 70 90 40 40 83 60 ff 2f 00"), "hang.mid")
    assert columns(score) == [(0, 720, 60, 64, 0), (240, 480, 64, 64, 0)]


@pytest.mark.parametrize(
    ("name", "title"),
    [("46 c3 bc 72", "Für"), ("46 fc 72", "Für"), ("83 73 83 41 83 6d", "ピアノ"), ("41 00", "A")],
)
def test_names_in_utf_8_latin_1_and_shift_jis(name: str, title: str) -> None:
    length = len(name.split())
    (score,) = read(midi(f"00 ff 03 {length:02x} {name} " + PIANO), "name.mid")
    assert (score.title, score.parts[0].name) == (title, "")


def test_music_off_the_grid_without_a_meter_has_no_bars() -> None:
    rng = np.random.default_rng(1)
    onsets = np.sort(rng.integers(0, 9600, 200))
    deltas = np.diff(onsets, prepend=0)
    track = " ".join(f"{0x80 | d >> 7:02x} {d & 0x7F:02x} 90 3c 40 00 80 3c 00" for d in deltas.tolist())
    assert not len(read(midi(track + END), "played.mid")[0].measures)
    assert read(midi(PIANO), "typed.mid")[0].meters.tolist() == [(0, 4, 4)]


# Unusual and damaged files


@pytest.mark.parametrize(
    "data",
    [
        b"RIFF" + struct.pack("<I", len(SONG) + 12) + b"RMIDdata" + struct.pack("<I", len(SONG)) + SONG,
        SONG.replace(b"\0\0\0\x06", b"\0\0\0\x08", 1).replace(b"\0\xf0MTrk", b"\0\xf0\0\0MTrk", 1),
        midi(CONDUCTOR, PIANO.replace("80 3c 00", "3c 00"), DRUMS) + b"x",
        SONG[:-4],
        SONG + b"junk",
        SONG[:14] + b"XFIH\0\0\0\x02ab" + SONG[14:],
    ],
    ids=["RMID", "long header", "running status", "no end of track", "trailing bytes", "unknown chunk"],
)
def test_unusual_files_say_the_same(data: bytes) -> None:
    assert columns(read(data, "odd.mid")[0]) == columns(read(SONG, "song.mid")[0])


def test_a_truncated_file_gives_what_is_whole(caplog: pytest.LogCaptureFixture) -> None:
    cut = SONG.index(bytes.fromhex("903e50"))
    (score,) = read(SONG[:cut], "cut.mid")
    assert columns(score) == [(0, 240, 60, 64, 0)]
    assert "cut.mid" in caplog.text


def test_the_absurdly_late_end_of_a_damaged_track_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    late = " ff ff ff 7f b0 01 01" * 7 + " 00 c0 05 00 ff 01 01 61 " + END
    (score,) = read(midi("00 90 3c 40 01 80 3c 00" + late, division=1), "late.mid")
    assert columns(score) == [(0, 1, 60, 64, 0)]
    assert (score.messages, score.programs, score.end_tick) == ((), (), 4)
    assert "was left out" in caplog.text


def test_long_delta_times_are_told() -> None:
    (score,) = read(midi("00 90 3c 40 81 80 00 80 3c 00 81 80 80 00 90 3e 40 08 3e 00 " + END, division=9999), "l.mid")
    assert columns(score) == [(0, 1 << 14, 60, 64, 0), ((1 << 14) + (1 << 21), 8, 62, 64, 0)]


def test_film_frames_have_seconds_and_no_beats() -> None:
    (score,) = read(midi("00 90 3c 40 81 48 80 3c 00 " + END, division=-25 << 8 | 40), "frames.mid")
    assert not len(score.meters)
    assert score.seconds_at(score.end_tick) == pytest.approx(0.2)


def test_type_2_holds_one_piece_per_track() -> None:
    scores = read(midi(PIANO, DRUMS, kind=2), "patterns.mid")
    assert [score.parts[0].is_drums for score in scores] == [False, True]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no MIDI header"),
        (b"MThd\0\0\0\x06\0\1\0\1", "no MIDI header"),
        (midi(PIANO, division=0), "0 ticks per quarter"),
        (SONG[:14], "no track"),
        (midi(CONDUCTOR), "no note"),
        (midi("00 90 3c 40" + " ff ff ff 7f b0 01 01" * 7 + " 00 80 3c 00" + END, division=1), "quarters"),
        (
            midi("00 ff 58 04 01 06 18 08 00 90 3c 40" + " bf ff 7f b0 01 01" * 8 + " 00 80 3c 00" + END, division=16),
            "bars",
        ),
    ],
    ids=["empty", "half a header", "division 0", "no track", "no note", "absurd length", "absurd meter"],
)
def test_what_cannot_be_music_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(BadFile, match=reason) as error:
        read(data, "bad.mid")
    assert "\n" not in str(error.value)


def test_impossible_meters_keys_and_tempos_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    odd = "00 ff 58 04 00 02 18 08 00 ff 58 04 04 0a 18 08 00 ff 59 02 7f 05 00 ff 51 03 00 00 00 " + END
    (score,) = read(midi(odd, PIANO), "odd.mid")
    assert (score.meters.tolist(), len(score.keys), len(score.tempos)) == ([(0, 4, 4)], 0, 0)
    assert "meter" in caplog.text and "tempo" in caplog.text  # noqa: PT018


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_files_are_read_or_refused(data: st.DataObject) -> None:
    damaged = bytearray(SONG)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        scores = read(bytes(damaged), "damaged.mid")
    except BadFile:
        return
    for score in scores:
        write(score)


# Writing

grid_notes = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 60), st.integers(0, 127), st.integers(1, 127), st.integers(0, 1)),
    min_size=1, max_size=40,
)  # fmt: skip


def clash(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether a note sounds on the key of another of its part: MIDI cannot tell their ends apart."""
    return a[2::2] == b[2::2] and a[0] < b[0] + b[1] and b[0] < a[0] + a[1]


@settings(max_examples=80, deadline=None)
@given(grid_notes, st.sampled_from([(4, 4), (3, 4), (6, 8), (7, 8)]))
def test_reading_what_was_written_gives_the_same_notes(
    rows: list[tuple[int, int, int, int, int]], meter: tuple[int, int]
) -> None:
    rows = [row for i, row in enumerate(rows) if not any(clash(row, other) for other in rows[:i])]
    score = grid_score(rows, meter)
    written = write(score)
    (again,) = read(written, "again.mid")
    parts = sorted({row[4] for row in rows})
    assert sorted(columns(again)) == sorted((*row[:4], parts.index(row[4])) for row in rows)
    assert again == sayable(score)
    assert again.meters.tolist() == score.meters.tolist()
    assert write(again) == write(read(write(again), "third.mid")[0])


def test_a_pickup_keeps_its_barlines() -> None:
    score = grid_score([(0, 24, 60, 80, 0), (24, 96, 62, 80, 0), (120, 96, 64, 80, 0)])
    meters = score.meters
    score = Score(24, score.parts, score.notes, measures_from_meters(meters, 24, 216, pickup_tick=24), meters)
    (again,) = read(write(score), "pickup.mid")
    assert again.has_pickup
    assert again.measures.tolist() == score.measures.tolist()
    assert again.meters.tolist() == score.meters.tolist()


def test_ties_are_merged_graces_precede_the_beat_and_offs_precede_ons() -> None:
    rows = [
        {"onset_tick": 0, "duration_tick": 24, "pitch": 60, "tied": True},
        {"onset_tick": 24, "duration_tick": 24, "pitch": 60},
        {"onset_tick": 48, "pitch": 64, "grace": 1},
        {"onset_tick": 48, "pitch": 65, "grace": 2},
        {"onset_tick": 48, "duration_tick": 24, "pitch": 60},
    ]
    meters = np.array([(0, 4, 4)], METER)
    score = Score(24, (Part(),), notes_array(rows), measures_from_meters(meters, 24, 72), meters)
    (again,) = read(write(score), "again.mid")
    assert columns(again) == [(0, 48, 60, 80, 0), (42, 3, 64, 80, 0), (45, 3, 65, 80, 0), (48, 24, 60, 80, 0)]


def test_many_parts_share_channels_and_keep_their_programs() -> None:
    rows = [{"onset_tick": 0, "duration_tick": 24, "pitch": 60 + i % 12, "part": i} for i in range(40)]
    parts = tuple(Part(f"part {i}", i % 25) for i in range(40))
    score = Score(24, parts, notes_array(rows))
    (again,) = read(write(score), "again.mid")
    assert [part.program for part in again.parts] == [i % 25 for i in range(40)]
    assert [part.name for part in again.parts] == [f"part {i}" for i in range(40)]


def test_too_fine_a_resolution_is_rescaled() -> None:
    score = grid_score([(0, 24, 60, 80, 0), (24, 48, 62, 80, 0)]).with_resolution(24 * 5000)
    (again,) = read(write(score), "again.mid")
    assert (again.notes["onset_tick"] / again.ticks_per_quarter).tolist() == [0, 1]
    assert (again.notes["duration_tick"] / again.ticks_per_quarter).tolist() == [1, 2]


@pytest.mark.parametrize("tempo_bpm", [97.0, 120.0, 53.25, 231.7])
def test_tempos_come_back_as_they_were(tempo_bpm: float) -> None:
    score = grid_score([(0, 24, 60, 80, 0)])
    score = Score(24, score.parts, score.notes, score.measures, score.meters, tempos=[(0, tempo_bpm)])  # type: ignore[arg-type]
    assert read(write(score), "again.mid")[0].tempos["tempo_bpm"].tolist() == [tempo_bpm]


def test_symusic_mido_and_music21_hear_what_we_write() -> None:
    import symusic

    mido, music21 = pytest.importorskip("mido"), pytest.importorskip("music21")
    (score,) = read(SONG, "song.mid")
    written = write(score)
    theirs: Any = symusic.Score.from_midi(written)
    assert [(t.program, t.is_drum, len(t.notes)) for t in theirs.tracks] == [(5, False, 2), (0, True, 1)]
    messages = [m for track in mido.MidiFile(file=io.BytesIO(written)).tracks for m in track]
    assert [m.note for m in messages if m.type == "note_on"] == [60, 62, 36]
    assert [round(mido.tempo2bpm(m.tempo)) for m in messages if m.type == "set_tempo"] == [100]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        heard = music21.converter.parse(written, format="midi")
    assert sorted(p.midi for part in heard.parts[:1] for n in part.flatten().notes for p in n.pitches) == [60, 62]
    assert {t.ratioString for t in heard.recurse().getElementsByClass("TimeSignature")} == {"3/4"}


# What is kept beside the notes


def test_programs_change_inside_a_track() -> None:
    (score,) = read(midi("00 c0 05 00 90 3c 40 60 80 3c 00 00 c0 06 00 90 3c 40 60 80 3c 00 " + END), "programs.mid")
    assert [part.program for part in score.parts] == [5]
    assert [(x.onset_tick, x.program) for x in score.programs] == [(96, 6)]
    assert [part.program for part in score.split_programs().parts] == [5, 6]


def test_a_track_of_several_channels_becomes_several_parts() -> None:
    (score,) = read(
        midi("00 ff 03 01 41 00 c1 07 00 91 3c 40 00 99 24 40 00 92 3e 40 60 81 3c 00" + END, kind=0), "0.mid"
    )
    assert [(p.name, p.channel, p.program, p.is_drums) for p in score.parts] == [
        ("", 2, 7, False), ("", 3, 0, False), ("", 10, 0, True),
    ]  # fmt: skip
    assert score.title == "A"


def test_settings_in_a_track_without_notes_hold_for_the_channel() -> None:
    setup = "00 f0 05 7e 7f 09 01 f7 60 b0 00 08 00 c0 05 00 b0 07 64 00 c5 09 " + END
    (score,) = read(midi(setup, "83 60 90 3c 40 60 80 3c 00" + END), "setup.mid")
    assert [(p.program, p.volume) for p in score.parts] == [(5, 100)]
    assert score.controls[["onset_tick", "part", "number", "value"]].tolist() == [(96, 0, 0, 8), (96, 0, 7, 100)]
    assert {(x.onset_tick, x.part, x.data.hex()) for x in score.messages} == {(0, -1, "f07e7f0901f7"), (96, -1, "c509")}
    written = write(score)
    assert written.index(bytes.fromhex("b00008")) < written.index(bytes.fromhex("00c005"))
    assert read(written, "again.mid")[0] == score


def test_parameters_keep_the_order_of_their_messages() -> None:
    rpn = "00 b0 65 00 00 b0 64 00 00 b0 06 0c 00 b0 64 7f 00 b0 65 7f "
    (score,) = read(midi(rpn + PIANO), "rpn.mid")
    assert score.controls["number"].tolist()[:5] == [101, 100, 6, 100, 101]
    assert bytes.fromhex(rpn) in write(score)


def test_lyrics_are_syllables_on_their_notes_and_markers_are_rehearsal_marks() -> None:
    def sung(*texts: bytes) -> str:
        notes = [
            b"\0\xff\5" + bytes([len(text)]) + text + b"\0\x90\x3c\x40\0\x90\x40\x40\x60\x80\x3c\0\0\x80\x40\0"
            for text in texts
        ]
        return b"".join(notes).hex() + "00 ff 05 01 61 00 ff 06 01 42" + END

    for texts in (
        (b"Hal-", b"le-", b"lu-", b"jah!", "schön".encode("latin-1")),
        (b"Hal", b"le", b"lu", b"jah! ", b"sch\xf6n\r"),
    ):
        (score,) = read(midi(sung(*texts)), "song.kar")
        assert [(x.text, x.syllabic) for x in score.lyrics] == [
            ("Hal", "begin"), ("le", "middle"), ("lu", "middle"), ("jah!", "end"), ("schön", "single"),
        ]  # fmt: skip
        top = {row["note_id"]: row["pitch"] for row in score.notes}
        assert {int(top[x.note_id]) for x in score.lyrics} == {64}
        assert [x.data for x in score.messages] == [b"\xff\x05a"]
        assert [(x.kind, x.text, x.onset_tick) for x in score.directions] == [("rehearsal", "B", 480)]
        assert read(write(score), "again.mid")[0] == score


def test_tracks_without_notes_leave_their_names_and_are_tracks_again() -> None:
    words = ["00 ff 03 03 62 79 20 " + END, "00 ff 03 02 6d 65 00 ff 01 01 21 " + END]
    (score,) = read(midi(CONDUCTOR, PIANO, *words), "credits.mid")
    assert [x.data for x in score.messages] == [b"\xff\x03by ", b"\xff\x03me", b"\xff\x01!"]
    assert write(score).count(b"MTrk") == 4


def test_empty_bars_at_the_end_are_kept() -> None:
    (score,) = read(
        midi("00 ff 58 04 04 02 18 08 00 90 3c 40 60 80 3c 00 9e 00 ff 2f 00"), "rest.mid"
    )  # four bars, a bit
    assert len(score.measures) == 4
    assert read(write(score), "again.mid")[0] == score


def test_film_frames_come_back_as_seconds_without_beats() -> None:
    (score,) = read(midi("00 90 3c 40 81 48 80 3c 00 " + END, division=-25 << 8 | 40), "frames.mid")
    (again,) = read(write(score), "again.mid")
    assert again == score
    assert not len(again.meters)


def test_second_ports_are_further_channels() -> None:
    port = "00 ff 21 01 01 "
    (score,) = read(midi(CONDUCTOR, PIANO, port + PIANO), "ports.mid")
    assert [part.channel for part in score.parts] == [1, 17]
    assert write(score).count(bytes.fromhex(port)) == 1


def test_running_status_of_one_byte_and_across_meta_events() -> None:
    (score,) = read(midi("00 d0 05 10 06 00 90 3c 40 10 ff 01 01 61 10 3c 00 " + END), "running.mid")
    assert [x.data.hex() for x in score.messages] == ["d005", "d006", "ff0161"]
    assert columns(score) == [(16, 32, 60, 64, 0)]


@pytest.mark.parametrize(
    "track",
    [
        b"\0\xff\x01\0" * 2_000_000,
        b"\0\x90\x3c\x40" + b"\x01\xd0\x05" * 300_000,
        b"\0\x90\x3c\x40" * 2_000_000,
        b"\0\x90\x3c\x40" + b"\x01\xff\x58\4\1\2\3\4\1\xff\x58\4\2\2\3\4" * 100_000,
        b"\xff" * 9_000_000,
        bytes(8_000_000),
    ],
    ids=["texts", "aftertouch", "notes", "meters", "too large", "zeros"],
)
def test_floods_are_refused_quickly(track: bytes) -> None:
    start = time.process_time()
    with pytest.raises(BadFile):
        read(struct.pack(">4sIHHH4sI", b"MThd", 6, 1, 1, 480, b"MTrk", len(track)) + track, "flood.mid")
    assert time.process_time() - start < 2
