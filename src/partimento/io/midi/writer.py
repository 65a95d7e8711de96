"""Writes a score as a standard MIDI file of type 1.

The first track conducts: title, rights, meters, keys, tempos, markers. Then comes one track for each part, and one
for each name that a track without notes had. A measure that is shorter or longer than its meter (a pickup) is
written in the meter that it fills, so that barlines agree. At one tick, notes end first, then come messages,
bank and program, controllers, bends, and at last new notes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partimento.errors import BadFile
from partimento.io.midi.bars import with_pickup
from partimento.io.midi.openings import stated
from partimento.io.midi.sayable import last_tick, sayable
from partimento.io.midi.signs import (
    BANK,
    BEND_CHANGE,
    CHANNELS,
    CONTROL_CHANGE,
    COPYRIGHT,
    END,
    KEY_CHANGE,
    LYRIC,
    MARKER,
    METER_CHANGE,
    NAME,
    NO_BEAT,
    NOTE_OFF,
    NOTE_ON,
    PAN,
    PORT,
    PROGRAM,
    TEMPO_CHANGE,
    VOLUME,
    microseconds_per_quarter,
)
from partimento.io.midi.texts import encode_text, sung_text
from partimento.score import Message, Records, Score

MAX_DELTA = 0x0FFFFFFF
_HEAD, _OFF, _FIRST, _BANK, _PROGRAM, _CONTROL, _BEND, _ON, _LAST = range(9)
"""Order of events at one tick."""
_CLOCKS, _THIRTY_SECONDS = 24, 8
"""MIDI clocks in a click of the metronome, and thirty-second notes in a quarter."""

Event = tuple[int, int, bytes]
"""Tick, order, content."""


def write(score: Score) -> bytes:
    """The bytes of a MIDI file; equal scores give equal bytes.

    Raises:
        BadFile: the music is longer than MIDI can count.
    """
    score = sayable(score)
    end = last_tick(score)
    if end > MAX_DELTA:
        raise BadFile(score.title or "score", f"{end} ticks are more than MIDI can count")
    names = [message for message in score.messages if message.part < 0 and message.data[:2] == NAME]
    tracks = [_track(_conductor(score), end_tick=end)]
    tracks += [_part_track(score, index) for index in range(len(score.parts))]
    tracks += [_track([(name.onset_tick, _HEAD, name.data)]) for name in names]
    header = struct.pack(">4sIHHH", b"MThd", 6, 1, len(tracks), score.ticks_per_quarter)
    return header + b"".join(b"MTrk" + struct.pack(">I", len(track)) + track for track in tracks)


def _conductor(score: Score) -> list[Event]:
    texts = ((NAME, score.title), (COPYRIGHT, score.rights))
    events = [(0, _HEAD, kind + encode_text(text)) for kind, text in texts if text]
    for tick, beats, beat_type in with_pickup(score) if len(score.meters) else ():
        content = bytes([beats, beat_type.bit_length() - 1, _CLOCKS, _THIRTY_SECONDS])
        events.append((tick, _FIRST, METER_CHANGE + content))
    if not len(score.meters):
        events.append((0, _FIRST, NO_BEAT))
    events += [(tick, _FIRST, KEY_CHANGE + struct.pack(">bB", *key)) for tick, _, *key in score.keys.tolist()]
    for tick, tempo_bpm in score.tempos.tolist():
        events.append((tick, _FIRST, TEMPO_CHANGE + microseconds_per_quarter(tempo_bpm).to_bytes(3)))
    events += [(x.onset_tick, _FIRST, MARKER + encode_text(x.text)) for x in score.directions]
    return events + [_event(x, 0) for x in score.messages if x.part < 0 and x.data[:2] != NAME]


def _event(message: Message, channel: int) -> Event:
    status = message.data[0]
    if status >= 0xF0:
        return message.onset_tick, _FIRST, message.data
    return message.onset_tick, _LAST, bytes([status | channel]) + message.data[1:]


def _part_track(score: Score, index: int) -> bytes:
    part = score.parts[index]
    port, channel = divmod((part.channel or 1) - 1, CHANNELS)
    events = [(0, _HEAD, NAME + encode_text(part.name))] if part.name else []
    events += [(0, _HEAD, PORT + bytes([port]))] if port else []
    notes, controls, bends = (x[x["part"] == index] for x in (score.notes, score.controls, score.bends))
    events += _openings(score, index, controls, int(notes["onset_tick"][0]))
    events += [(x.onset_tick, _PROGRAM, bytes([PROGRAM, x.program])) for x in score.programs if x.part == index]
    events += [_event(x, 0) for x in score.messages if x.part == index]
    events += _lyrics(score, notes)
    value = bends["value"].astype(np.int64) + 8192
    order = np.where(np.isin(controls["number"], BANK), _BANK, _CONTROL)
    rows = [
        _rows(notes["onset_tick"] + notes["duration_tick"], _OFF, NOTE_OFF, notes["pitch"], 0),
        _rows(controls["onset_tick"], order, CONTROL_CHANGE, controls["number"], controls["value"]),
        _rows(bends["onset_tick"], _BEND, BEND_CHANGE, value & 0x7F, value >> 7),
        _rows(notes["onset_tick"], _ON, NOTE_ON, notes["pitch"], notes["velocity"]),
    ]
    return _track(events, np.concatenate(rows), channel)


def _openings(score: Score, index: int, controls: Records, onset: int) -> list[Event]:
    """Program, volume and pan at tick 0."""
    part = score.parts[index]
    programs = [(change.onset_tick, change.program) for change in score.programs if change.part == index]
    events = [(0, _PROGRAM, bytes([PROGRAM, part.program]))] if stated(part.program, programs, onset) else []
    for number, value in ((VOLUME, part.volume), (PAN, part.pan)):
        rows = controls[controls["number"] == number][["onset_tick", "value"]].tolist()
        if value is not None and stated(value, rows, onset):
            events.append((0, _PROGRAM, bytes([CONTROL_CHANGE, number, value])))
    return events


def _lyrics(score: Score, notes: Records) -> list[Event]:
    onsets = dict(notes[["note_id", "onset_tick"]].tolist())
    sung = sorted((lyric for lyric in score.lyrics if lyric.note_id in onsets), key=lambda lyric: lyric.verse)
    return [(onsets[lyric.note_id], _FIRST, LYRIC + encode_text(sung_text(lyric))) for lyric in sung]


# Bytes

_NO_ROWS = np.empty((0, 5), np.int64)


def _rows(ticks: NDArray[np.int64], *columns: ArrayLike) -> NDArray[np.int64]:
    """Tick, order, status and two data bytes of events, shape (n, 5)."""
    return np.stack([np.broadcast_to(np.asarray(column, np.int64), len(ticks)) for column in (ticks, *columns)], axis=1)


def _track(events: list[Event], rows: NDArray[np.int64] = _NO_ROWS, channel: int = 0, end_tick: int = 0) -> bytes:
    """A track's events in the order of the file, with delta times, without running status, and its end."""
    end_tick = max([end_tick, *(event[0] for event in events), int(rows[:, 0].max(initial=0))])
    events = [*events, (end_tick, _LAST, END)]
    listed = [(tick, order, -1, index, 0) for index, (tick, order, _) in enumerate(events)]
    table = np.concatenate([np.array(listed, np.int64), rows])
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    shifted = np.diff(table[:, 0], prepend=0)[:, None] >> np.array([21, 14, 7, 0])
    is_needed = np.c_[shifted[:, :3] > 0, np.ones(len(table), bool), np.repeat(table[:, 2:3] >= 0, 3, axis=1)]
    groups = shifted & 0x7F | np.array([0x80, 0x80, 0x80, 0])
    content = np.concatenate([groups, table[:, 2:3] | channel, table[:, 3:]], axis=1).astype(np.uint8)
    stream, ends = content[is_needed].tobytes(), np.cumsum(is_needed.sum(axis=1))
    is_listed = table[:, 2] < 0
    contents = [_content(events[index][2], channel) for index in table[is_listed, 3].tolist()]
    return b"".join(_spliced(stream, ends[is_listed].tolist(), contents))


def _spliced(stream: bytes, places: list[int], contents: list[bytes]) -> Iterable[bytes]:
    before = 0
    for place, content in zip(places, contents, strict=True):
        yield stream[before:place]
        yield content
        before = place
    yield stream[before:]


def _content(data: bytes, channel: int) -> bytes:
    """A message as it stands in a file: with its length, or on its channel."""
    if data[0] < 0xF0:
        return bytes([data[0] | channel]) + data[1:]
    head = 2 if data[0] == 0xFF else 1
    return data[:head] + _number(len(data) - head) + data[head:]


def _number(value: int) -> bytes:
    """A number of variable length."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))
