"""Writes a score as a standard MIDI file of type 1.

The first track conducts: title, meters, keys, tempos. Then comes one track for each part. A measure that is
shorter or longer than its meter (a pickup) is written in the meter that it fills, so that barlines agree.
Ties are merged; grace notes take their time from what is before the beat; notes without a velocity get 80.
"""

from __future__ import annotations

import logging
import struct
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadFile
from partimento.io.midi.events import DRUM_CHANNEL, PAN, VOLUME
from partimento.score import Part, Records, Score
from partimento.theory.meter import BEAT_TYPES

_log = logging.getLogger("partimento.io")
DEFAULT_VELOCITY = 80
MAX_RESOLUTION = 0x7FFF
RESCALED_RESOLUTION = 15_120
"""Ticks per quarter of files whose own number MIDI cannot hold."""
GRACES_PER_QUARTER = 8
MAX_DELTA = 0x0FFFFFFF
_OFF, _STATE, _ON = 0, 1, 2
"""Order of events at one tick."""
_MINOR_MODES = (1, 2, 3, 6)
"""Ids of minor, dorian, phrygian and locrian: MIDI knows only major and minor."""


def write(score: Score) -> bytes:
    """The bytes of a MIDI file; equal scores give equal bytes.

    Raises:
        BadFile: the music is longer than MIDI can count.
    """
    score = _within_midi(score.sounding())
    if score.end_tick > MAX_DELTA:
        raise BadFile(score.title or "score", f"{score.end_tick} ticks are more than MIDI can count")
    channels = _channels(score.parts)
    tracks = [_conductor(score)] + [_track(score, index, channels[index]) for index in range(len(score.parts))]
    header = struct.pack(">4sIHHH", b"MThd", 6, 1, len(tracks), score.ticks_per_quarter)
    return header + b"".join(b"MTrk" + struct.pack(">I", len(track)) + track for track in tracks)


def _within_midi(score: Score) -> Score:
    """The score in a resolution, and with the pitches, that MIDI can hold."""
    is_pitch = (score.notes["pitch"] >= 0) & (score.notes["pitch"] <= 127)
    if not is_pitch.all():
        _log.warning("%s: notes beyond the 128 pitches of MIDI were left out", score.title or "score")
        score = score.with_notes(score.notes[is_pitch])
    if score.ticks_per_quarter > MAX_RESOLUTION:
        score = _rounded(score, RESCALED_RESOLUTION)
    return score


def _rounded(score: Score, ticks_per_quarter: int) -> Score:
    ratio = ticks_per_quarter / score.ticks_per_quarter
    changes: dict[str, Records] = {}
    for name in ("notes", "measures", "meters", "keys", "tempos", "controls", "bends"):
        array = getattr(score, name).copy()
        onsets = np.rint(array["onset_tick"] * ratio).astype(np.int64)
        if "duration_tick" in (array.dtype.names or ()):
            ends = np.rint((array["onset_tick"] + array["duration_tick"]) * ratio).astype(np.int64)
            array["duration_tick"] = ends - onsets
        array["onset_tick"] = onsets
        changes[name] = array
    kept = Score(ticks_per_quarter, score.parts, title=score.title)
    return replace(kept, **changes)


def _channels(parts: tuple[Part, ...]) -> list[int]:
    """A channel for each part, drums on the tenth; where 15 do not suffice, parts that sound alike share."""
    free = [channel for channel in range(16) if channel != DRUM_CHANNEL]
    pitched = [index for index, part in enumerate(parts) if not part.is_drums]
    is_scarce = len(pitched) > len(free)
    channels = [DRUM_CHANNEL] * len(parts)
    taken: dict[object, int] = {}
    for index in pitched:
        part = parts[index]
        key = (part.program, part.volume, part.pan) if is_scarce else index
        if key not in taken:
            taken[key] = free[len(taken) % len(free)]
        channels[index] = taken[key]
    return channels


# Conductor


def _conductor(score: Score) -> bytes:
    events = [(0, _meta(3, _text(score.title)))] if score.title else []
    events += [
        (tick, _meta(0x58, bytes([beats, beat_type.bit_length() - 1, 24, 8])))
        for tick, beats, beat_type in _meters(score)
    ]
    keys = {tick: (fifths, mode) for tick, _, fifths, mode in score.keys[::-1].tolist()}
    events += [(tick, _meta(0x59, struct.pack(">bB", *_key(*key)))) for tick, key in sorted(keys.items())]
    for tick, tempo_bpm in score.tempos.tolist():
        microseconds = max(1, min(round(60e6 / tempo_bpm), 0xFFFFFF))
        events.append((tick, _meta(0x51, microseconds.to_bytes(3))))
    events.append((max([score.end_tick, *(tick for tick, _ in events)]), _meta(0x2F, b"")))
    track, before = b"", 0
    for tick, event in sorted(events, key=lambda event: event[0]):
        track += _number(tick - before) + event
        before = max(tick, before)
    return track


def _key(fifths: int, mode: int) -> tuple[int, int]:
    return max(-7, min(fifths, 7)), int(mode in _MINOR_MODES)


def _meters(score: Score) -> list[tuple[int, int, int]]:
    """The meter that each measure fills, where it changes."""
    rows: list[tuple[int, int, int]] = []
    for tick, duration in score.measures.tolist():
        meter = score.meter_at(tick)
        beats, beat_type = meter.beats, meter.beat_type
        if duration != meter.duration_quarter * score.ticks_per_quarter:
            beats, beat_type = _filled(Fraction(duration, 4 * score.ticks_per_quarter), beat_type) or (
                beats,
                beat_type,
            )
        if not rows or rows[-1][1:] != (beats, beat_type):
            rows.append((tick, beats, beat_type))
    return rows


def _filled(length: Fraction, usual: int) -> tuple[int, int] | None:
    """The meter that a length of so many whole notes fills, in the usual beats if they divide it."""
    for beat_type in (usual, *BEAT_TYPES):
        beats = length * beat_type
        if beats.denominator == 1 and 0 < beats < 100:
            return int(beats), beat_type
    return None


def _meta(kind: int, content: bytes) -> bytes:
    return bytes([0xFF, kind]) + _number(len(content)) + content


def _text(text: str) -> bytes:
    return text.encode()[:10_000]


def _number(value: int) -> bytes:
    """A number of variable length."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


# Parts


def _track(score: Score, index: int, channel: int) -> bytes:
    part = score.parts[index]
    head = b"\0" + _meta(3, _text(part.name)) if part.name else b""
    head += bytes([0, 0xC0 | channel, part.program])
    for number, value in ((VOLUME, part.volume), (PAN, part.pan)):
        head += bytes([0, 0xB0 | channel, number, value]) if value is not None else b""
    return head + _encode(_events(score, index, channel)) + b"\0" + _meta(0x2F, b"")


def _events(score: Score, index: int, channel: int) -> NDArray[np.int64]:
    """Tick, order, status and two data bytes of a part's events, shape (n, 5), in the order of the file."""
    notes = score.notes[score.notes["part"] == index]
    onsets, ends = _performed(notes, score.ticks_per_quarter)
    velocity = np.where(notes["velocity"] == 0, DEFAULT_VELOCITY, np.minimum(notes["velocity"], 127))
    controls = score.controls[score.controls["part"] == index]
    bends = score.bends[score.bends["part"] == index]
    value = np.clip(bends["value"].astype(np.int64) + 8192, 0, 16383)
    rows = np.concatenate([
        _rows(ends, _OFF, 0x80 | channel, notes["pitch"], np.zeros(len(notes))),
        _rows(controls["onset_tick"], _STATE, 0xB0 | channel, controls["number"], controls["value"]),
        _rows(bends["onset_tick"], _STATE, 0xE0 | channel, value & 0x7F, value >> 7),
        _rows(onsets, _ON, 0x90 | channel, notes["pitch"], velocity),
    ])  # fmt: skip
    return rows[np.lexsort((rows[:, 1], rows[:, 0]))]


def _rows(
    ticks: NDArray[np.int64], order: int, status: int, first: NDArray[np.integer], second: NDArray[np.generic]
) -> NDArray[np.int64]:
    columns = [ticks, np.full(len(ticks), order), np.full(len(ticks), status), first, second]
    return np.stack([np.asarray(column, np.int64) for column in columns], axis=1)


def _performed(notes: Records, ticks_per_quarter: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Onset and release of each note; grace notes are played one after another before the beat."""
    onsets = notes["onset_tick"].copy()
    ends = onsets + np.maximum(notes["duration_tick"], 1)
    graces = np.flatnonzero(notes["grace"] > 0)
    if len(graces):
        groups = np.stack([notes[name][graces].astype(np.int64) for name in ("onset_tick", "voice", "staff")], axis=1)
        _, group = np.unique(groups, axis=0, return_inverse=True)
        number = notes["grace"][graces].astype(np.int64)
        size = np.zeros(group.max() + 1, np.int64)
        np.maximum.at(size, group.ravel(), number)
        count = size[group.ravel()]
        length = np.minimum(max(ticks_per_quarter // GRACES_PER_QUARTER, 1), np.maximum(onsets[graces] // count, 1))
        start = np.maximum(onsets[graces] - (count - number + 1) * length, 0)
        onsets[graces], ends[graces] = start, start + length
    return onsets, ends


def _encode(rows: NDArray[np.int64]) -> bytes:
    """Events with their delta times, no running status."""
    deltas = np.diff(rows[:, 0], prepend=0)
    groups = deltas[:, None] >> np.array([21, 14, 7, 0]) & 0x7F
    is_needed = (deltas[:, None] >> np.array([21, 14, 7, 0])) > 0
    is_needed[:, 3] = True
    groups[:, :3] |= 0x80
    content = np.concatenate([groups, rows[:, 2:]], axis=1).astype(np.uint8)
    return content[np.concatenate([is_needed, np.ones((len(rows), 3), bool)], axis=1)].tobytes()
