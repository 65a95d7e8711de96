"""A MIDI parser for files that are damaged or unusual: what is whole is read, the rest is told."""

from __future__ import annotations

from collections import defaultdict, deque

from partimento.io.midi.chunks import Chunks
from partimento.io.midi.events import Collector, RawFile, columns, decode_text, read_number

MAX_TICK = 2**40
"""Deltas are summed no further, so that ticks stay within bounds."""


class _Damaged(Exception):
    """A track cannot be read on."""


def parse(data: bytes, chunks: Chunks) -> list[RawFile]:
    """The files that a MIDI file holds: each track of a type 2 file is one, all others are one together."""
    if chunks.format != 2:
        return [_parse_tracks(data, chunks, chunks.tracks)]
    return [_parse_tracks(data, chunks, (track,)) for track in chunks.tracks]


def _parse_tracks(data: bytes, chunks: Chunks, tracks: tuple[tuple[int, int], ...]) -> RawFile:
    readers: list[_TrackReader] = []
    warnings: list[str] = []
    for number, (start, end) in enumerate(tracks, 1):
        reader = _TrackReader(data, start, end)
        readers.append(reader)
        try:
            reader.read()
        except _Damaged as damage:
            warnings.append(f"track {number} breaks off: {damage}")
        if hanging := reader.close():
            warnings.append(f"{hanging} notes of track {number} have no end")
    first = readers[0]
    is_conductor = len(readers) == 1 or not first.collector.notes
    resolution, tempo_bpm = _resolution(chunks.division)
    return RawFile(
        resolution,
        first.collector.name if is_conductor else "",
        [part for reader in readers for part in reader.collector.parts()],
        columns([row for reader in readers for row in reader.meters], 3),
        columns([row for reader in readers for row in reader.keys], 3),
        columns([row for reader in readers for row in reader.tempos], 2),
        is_beatless=tempo_bpm is not None,
        fixed_tempo_bpm=tempo_bpm,
        warnings=warnings,
    )


def _resolution(division: int) -> tuple[int, float | None]:
    """Ticks per quarter; under SMPTE a quarter is set to a second, and the tempo says so."""
    if division > 0:
        return division, None
    frames, per_frame = -(division >> 8), max(division & 0xFF, 1)
    return (30 * per_frame, 60 * 29.97 / 30) if frames == 29 else (max(frames, 1) * per_frame, 60.0)


class _TrackReader:
    """Reads one track."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data, self._place, self._end = data, start, end
        self._tick = 0
        self._programs: defaultdict[int, int] = defaultdict(int)
        self._open: defaultdict[tuple[int, int], deque[tuple[int, int, int]]] = defaultdict(deque)
        self.collector = Collector("")
        self.meters: list[tuple[int, ...]] = []
        self.keys: list[tuple[int, ...]] = []
        self.tempos: list[tuple[int, ...]] = []

    def read(self) -> None:
        """Read to the end of the track.

        Raises:
            _Damaged: an event makes no sense or is cut off.
        """
        status = 0
        while self._place < self._end:
            delta, self._place = read_number(self._data, self._place, self._end)
            self._tick = min(self._tick + delta, MAX_TICK)
            byte = self._byte()
            if byte >= 0x80:
                status = byte
            elif not 0x80 <= status < 0xF0:
                raise _Damaged(f"no event at byte {self._place - 1}")
            else:
                self._place -= 1
            if status < 0xF0:
                self._channel_event(status)
            elif status == 0xFF:
                if self._meta():
                    return
            else:
                self._system_event(status)

    def _byte(self) -> int:
        if self._place >= self._end:
            raise _Damaged("it ends inside an event")
        self._place += 1
        return self._data[self._place - 1]

    def _system_event(self, status: int) -> None:
        if status in (0xF0, 0xF7):
            length, self._place = read_number(self._data, self._place, self._end)
            self._place += length
        else:
            self._place += {0xF1: 1, 0xF2: 2, 0xF3: 1}.get(status, 0)

    def _channel_event(self, status: int) -> None:
        kind, channel = status & 0xF0, status & 0x0F
        first = self._byte()
        second = 0 if kind in (0xC0, 0xD0) else self._byte()
        if first > 127 or second > 127:
            raise _Damaged(f"a status byte inside the event at byte {self._place - 1}")
        place = channel, self._programs[channel]
        if kind == 0x90 and second:
            self._open[channel, first].append((self._tick, second, place[1]))
        elif kind in (0x80, 0x90):
            if self._open[channel, first]:
                self._end_note(channel, first)
        elif kind == 0xB0:
            self.collector.controls[place].append((self._tick, first, second))
        elif kind == 0xC0:
            self._change_program(channel, first)
        elif kind == 0xE0:
            self.collector.bends[place].append((self._tick, (second << 7 | first) - 8192))

    def _change_program(self, channel: int, program: int) -> None:
        """Controls that came before the first program of a channel belong to it."""
        before = channel, self._programs[channel]
        self._programs[channel] = program
        has_notes = before in self.collector.notes or any(n for (c, _), n in self._open.items() if c == channel)
        if before[1] != program and not has_notes:
            for events in (self.collector.controls, self.collector.bends):
                events[channel, program] = events.pop(before, []) + events[channel, program]

    def _end_note(self, channel: int, pitch: int) -> None:
        onset, velocity, program = self._open[channel, pitch].popleft()
        self.collector.notes[channel, program].append((onset, self._tick - onset, pitch, velocity))

    def close(self) -> int:
        """End the notes that still sound; returns how many."""
        hanging = [key for key, notes in self._open.items() for _ in notes]
        for channel, pitch in hanging:
            self._end_note(channel, pitch)
        return len(hanging)

    def _meta(self) -> bool:
        """Read a meta event; True at the end of the track."""
        kind = self._byte()
        length, start = read_number(self._data, self._place, self._end)
        self._place = start + length
        if self._place > self._end:
            raise _Damaged("it ends inside an event")
        text = self._data[start : self._place]
        match kind, length:
            case 0x2F, _:
                return True
            case 0x03, _ if not self.collector.name:
                self.collector.name = decode_text(text)
            case 0x51, 3:
                self.tempos.append((self._tick, int.from_bytes(text)))
            case 0x58, 4 | 2:
                self.meters.append((self._tick, text[0], 1 << text[1] if text[1] < 7 else 0))
            case 0x59, 2:
                self.keys.append((self._tick, int.from_bytes(text[:1], signed=True), text[1]))
            case _:
                pass
        return False
