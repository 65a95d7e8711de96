"""The events inside the tracks of a MIDI file, whole or damaged.

Where one event ends is only known when it has been read, so a file has to be walked through. To walk quickly,
the length that an event would have is worked out for every byte at once, as if an ordinary channel event began
there, and from that the length of four such events in a row; a tight loop then hops four events at a time. Only
what is rare (meta events, system exclusive, the short channel events) is looked at one by one. Times and contents
are read for all events together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadFile
from partimento.io.midi.chunks import Span

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
MAX_EVENTS = 1_000_000
MAX_MESSAGES = 100_000
"""Of those that are kept one by one: meta events, system exclusive, aftertouch, program changes."""
_PADDING = 8
"""More than the longest step, so that a step cannot leap over the gap between two tracks."""
_STRETCH = 2**18
"""Bytes after which the number of events is looked at."""
_SYSTEM_LENGTHS = {0xF1: 1, 0xF2: 2, 0xF3: 1}
_END_OF_TRACK = 0x2F


def _step_table(delta_length: int) -> bytes:
    """By the byte behind the delta time: length of an event with two data bytes, 0 for all others."""
    behind = [2] * 0x80 + [3] * 0x40 + [0] * 0x20 + [3] * 0x10 + [0] * 0x10
    return bytes(length and length + delta_length for length in behind)


_STEP_TABLES = [_step_table(length) for length in (1, 2)]
"""Longer delta times are rare."""


@dataclass(frozen=True, slots=True)
class Events:
    """Events in the order of the file; columns are parallel. Of others than channel events only the time is told."""

    track: Ints
    tick: Ints
    status: Bytes
    first: Bytes
    second: Bytes
    """0 in events that have one data byte."""

    def take(self, at: Ints) -> Events:
        """Some of them, by their indices."""
        return Events(self.track[at], self.tick[at], self.status[at], self.first[at], self.second[at])


@dataclass(frozen=True, slots=True)
class Other:
    """A meta event or a system exclusive message."""

    track: int
    tick: int
    data: bytes
    """Status byte, type of a meta event, content; its length is left out."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the tracks hold."""

    events: Events
    others: list[Other]
    ends: Ints
    """Tick at which each track ends."""
    warnings: list[str]


class _Damaged(Exception):
    """A track cannot be read on."""


def decode(data: bytes, tracks: tuple[Span, ...], name: str) -> Decoded:
    """All events of some tracks; what stands behind a damage is left out with a warning.

    Raises:
        BadFile: more than `MAX_EVENTS` events, or than `MAX_MESSAGES` of those that are no channel events.
    """
    walker = _Walker(data, tracks, name)
    warnings: list[str] = []
    for number, (start, end) in enumerate(tracks, 1):
        try:
            walker.walk(start, end)
        except _Damaged as damage:
            warnings.append(f"track {number} breaks off: {damage}")
    return _gathered(walker, tracks, warnings)


class _Walker:
    """Finds the places at which events begin."""

    def __init__(self, data: bytes, tracks: tuple[Span, ...], name: str) -> None:
        self.data = data + bytes(_PADDING)
        self.others: list[tuple[int, bytes]] = []
        """Place, content."""
        self._steps = _steps(self.data, tracks)
        places = np.arange(len(self._steps))
        self._one, self._four = self._steps.tobytes(), _leaps(_leaps(self._steps, places), places).tobytes()
        self._ones: list[int] = []
        self._fours: list[int] = []
        """Where one event begins, or the first of four in a row."""
        self._name = name

    def places(self) -> Ints:
        """Where events begin."""
        is_place = np.zeros(len(self._steps), bool)
        is_place[np.array(self._ones, np.int64)] = True
        place = np.array(self._fours, np.int64)
        is_place[place] = True
        for _ in range(3):
            place += self._steps[place]
            is_place[place] = True
        return np.flatnonzero(is_place)

    def walk(self, place: int, end: int) -> None:
        """Find the events of a track.

        Raises:
            _Damaged: an event makes no sense or is cut off.
        """
        one, four, add_one, add_four = self._one, self._four, self._ones.append, self._fours.append
        has_one_byte = False
        while place < end:
            if len(self._ones) + 4 * len(self._fours) > MAX_EVENTS or len(self.others) > MAX_MESSAGES:
                raise BadFile(self._name, "more events than can be read; cut it into pieces")
            if not has_one_byte:
                while step := four[place]:
                    add_four(place)
                    place += step
                while step := one[place]:
                    add_one(place)
                    place += step
            if place < end:
                place, has_one_byte = self._step(place, end, has_one_byte)

    def _step(self, place: int, end: int, has_one_byte: bool) -> tuple[int, bool]:
        """Take one event that is not ordinary; returns the next place, and whether running status has one byte."""
        at = place
        while self.data[at] > 0x7F and at < place + 4:
            at += 1
        at += 1
        status = self.data[at]
        if self.data[at - 1] > 0x7F or at >= end:
            raise _Damaged("it ends inside an event" if at >= end else f"no event at byte {place}")
        if status >= 0xF0:
            return self._system(place, at, end), has_one_byte
        is_short = has_one_byte if status < 0x80 else 0xC0 <= status < 0xE0
        following = at + (status > 0x7F) + (1 if is_short else 2)
        if following > end:
            raise _Damaged("it ends inside an event")
        self._ones.append(place)
        return following, is_short

    def _system(self, place: int, at: int, end: int) -> int:
        status = self.data[at]
        content = b""
        if status in (0xF0, 0xF7, 0xFF):
            start = at + 1 + (status == 0xFF)
            length, start = _number(self.data, start, end)
            following = start + length
            content = self.data[at : at + 1 + (status == 0xFF)] + self.data[start:following]
        else:
            following = at + 1 + _SYSTEM_LENGTHS.get(status, 0)
        if following > end:
            raise _Damaged("it ends inside an event")
        if content:
            self.others.append((place, content))
        self._ones.append(place)
        return end if content[:2] == bytes([0xFF, _END_OF_TRACK]) else following


def _steps(data: bytes, tracks: tuple[Span, ...]) -> Bytes:
    """For each byte the length of an event with two data bytes that began there; 0 where it would be another one."""
    is_more = np.frombuffer(data, np.uint8) > 0x7F
    short, long = (np.frombuffer(data.translate(table), np.uint8) for table in _STEP_TABLES)
    steps = np.zeros(len(data) + _PADDING, np.uint8)
    steps[: len(data) - 2] = np.where(is_more[:-2], long[2:] * ~is_more[1:-1], short[1:-1])
    ends = np.array([end for _, end in tracks])[:, None]
    last = np.maximum(ends - np.arange(1, _PADDING), 0)
    steps[last] *= last + steps[last] <= ends
    steps[ends + np.arange(_PADDING)] = 0
    for end in range(_STRETCH, len(data), _STRETCH):
        steps[end : end + _PADDING] = 0
    return steps


def _leaps(steps: Bytes, places: Ints) -> Bytes:
    """For each byte the length of two steps in a row, 0 where one of them is 0."""
    second = steps.take(places + steps, mode="clip")
    return (steps + second) * (second > 0)


def _number(data: bytes, place: int, end: int) -> tuple[int, int]:
    """A number of variable length and the place behind it."""
    value = 0
    for at in range(place, min(place + 4, end)):
        value = value << 7 | data[at] & 0x7F
        if data[at] < 0x80:
            return value, at + 1
    raise _Damaged("it ends inside an event" if end < place + 4 else f"no length at byte {place}")


def _gathered(walker: _Walker, tracks: tuple[Span, ...], warnings: list[str]) -> Decoded:
    """Times and contents of the events that the walker found."""
    data, places = np.frombuffer(walker.data, np.uint8), walker.places()
    *starts, count = np.searchsorted(places, [*(start for start, _ in tracks), len(data)]).tolist()
    bounds = np.array(starts)
    counts = np.array([*starts[1:], count]) - bounds
    track = np.repeat(np.arange(len(tracks)), counts)
    ticks, at = _deltas(data, places)
    np.cumsum(ticks, out=ticks)
    ticks -= np.repeat(np.concatenate(([0], ticks))[bounds], counts)
    byte = data[at]
    is_system, is_running = byte >= 0xF0, byte < 0x80
    status, is_bad = byte, np.zeros(len(byte), bool)
    if is_running.any():
        status, is_bad = _statuses(byte, is_system, is_running, np.repeat(bounds, counts))
    at += ~is_running
    first, second = data[at], data[at + 1]
    second = np.where(status >> 5 == 0b110, 0, second)
    is_bad |= ~is_system & ((first | second) > 0x7F)
    events, others = Events(track, ticks, status, first, second), walker.others
    if is_bad.any():
        whole = _cut(is_bad, track, places, warnings)
        events, places = events.take(np.flatnonzero(whole)), places[whole]
        kept = set(places.tolist())
        others = [other for other in others if other[0] in kept]
    ends = np.zeros(len(tracks), np.int64)
    np.maximum.at(ends, events.track, events.tick)
    index = np.searchsorted(places, [place for place, _ in others])
    columns = events.track[index].tolist(), events.tick[index].tolist(), [content for _, content in others]
    found = list(map(Other, *columns))
    return Decoded(events, found, ends, warnings)


def _statuses(byte: Bytes, is_system: Mask, is_running: Mask, start: Ints) -> tuple[Bytes, Mask]:
    """The status of each event, that of one before it where it has none; and where none is before it in its track.

    Args:
        byte: behind the delta time of each event.
        is_system: whether it is the status of another than a channel event.
        is_running: whether it is none.
        start: of each event the index of the first one in its track.
    """
    last = np.maximum.accumulate(np.where(is_system | is_running, -1, np.arange(len(byte))))
    return np.where(is_system, byte, byte[last]), is_running & (last < start)


def _deltas(data: Bytes, places: Ints) -> tuple[Ints, Ints]:
    """Delta time of each event and the place behind it."""
    delta, at = data[places].astype(np.int64), places + 1
    more = np.flatnonzero(delta > 0x7F)
    delta &= 0x7F
    while len(more):
        byte = data[at[more]]
        delta[more] = delta[more] << 7 | byte & 0x7F
        at[more] += 1
        more = more[byte > 0x7F]
    return delta, at


def _cut(is_bad: Mask, track: Ints, places: Ints, warnings: list[str]) -> Mask:
    """Which events stand before the first bad one of their track."""
    bad = np.flatnonzero(is_bad)
    whole = np.ones(len(track), bool)
    for number, index in zip(*np.unique(track[bad], return_index=True), strict=True):
        whole[bad[index] :] &= track[bad[index] :] != number
        warnings.append(f"track {number + 1} breaks off: no event at byte {places[bad[index]]}")
    return whole
