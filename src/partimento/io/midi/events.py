"""What both readers of MIDI files hand on: notes and controls of every track, channel and program."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
PEDALS = (64, 66, 67)
VOLUME, PAN = 7, 10
DRUM_CHANNEL = 9


@dataclass
class RawPart:
    """One part as a MIDI file has it; columns are parallel."""

    name: str
    program: int
    is_drums: bool
    notes: Ints
    """Onset tick, duration tick, pitch, velocity; shape (n, 4)."""
    controls: Ints
    """Tick, number, value; shape (n, 3)."""
    bends: Ints
    """Tick, value from −8192; shape (n, 2)."""


@dataclass
class RawFile:
    """A whole file."""

    ticks_per_quarter: int
    title: str
    parts: list[RawPart]
    meters: Ints
    """Tick, beats, beat type; shape (n, 3)."""
    keys: Ints
    """Tick, fifths, 1 for minor; shape (n, 3)."""
    tempos: Ints
    """Tick, microseconds per quarter; shape (n, 2)."""
    is_beatless: bool = False
    """Time is counted in film frames."""
    fixed_tempo_bpm: float | None = None
    warnings: list[str] = field(default_factory=list[str])


def decode_text(text: bytes) -> str:
    """Text of a meta event: UTF-8, else Shift-JIS where it reads as Japanese, else Latin-1."""
    text = text.rstrip(b"\0")
    try:
        return text.decode("utf-8").strip()
    except UnicodeDecodeError:
        pass
    try:
        japanese = text.decode("shift_jis")
        if any("\u3040" <= letter <= "\u30ff" or "\u4e00" <= letter <= "\u9fff" for letter in japanese):
            return japanese.strip()
    except UnicodeDecodeError:
        pass
    return text.decode("latin-1").strip()


def columns(rows: list[tuple[int, ...]], width: int) -> Ints:
    """Rows as an array, also when there are none."""
    return np.array(rows, np.int64).reshape(len(rows), width)


class Opening:
    """The beginning of a track, up to its first note: its name, and whether a note comes at all."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self.raw_name = b""
        self.has_notes = False
        place, status = start, 0
        while place < end and not self.has_notes:
            _, place = read_number(data, place, end)
            if place >= end:
                return
            if data[place] >= 0x80:
                status, place = data[place], place + 1
            if status in (0xFF, 0xF0, 0xF7):
                place = self._skip(data, place, end, status)
            elif 0x90 <= status < 0xA0:
                self.has_notes = True
            else:
                place += 1 if 0xC0 <= status < 0xE0 else 2

    @property
    def name(self) -> str:
        """Its name as text."""
        return decode_text(self.raw_name)

    def _skip(self, data: bytes, place: int, end: int, status: int) -> int:
        kind = data[place] if status == 0xFF and place < end else -1
        length, place = read_number(data, place + (status == 0xFF), end)
        if kind == 3 and not self.raw_name:
            self.raw_name = data[place : min(place + length, end)]
        return place + length


def read_number(data: bytes, place: int, end: int) -> tuple[int, int]:
    """A number of variable length and the place behind it; 0 at the end of the data."""
    value = 0
    for _ in range(4):
        if place >= end:
            return 0, end
        byte = data[place]
        place += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value, place


class Collector:
    """Gathers the events of one track by channel and program."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.notes: defaultdict[tuple[int, int], list[tuple[int, ...]]] = defaultdict(list)
        self.controls: defaultdict[tuple[int, int], list[tuple[int, ...]]] = defaultdict(list)
        self.bends: defaultdict[tuple[int, int], list[tuple[int, ...]]] = defaultdict(list)

    def parts(self) -> list[RawPart]:
        """A part for each channel and program with notes, in their order."""
        return [
            RawPart(
                self.name, program, channel == DRUM_CHANNEL, columns(self.notes[channel, program], 4),
                columns(self.controls[channel, program], 3), columns(self.bends[channel, program], 2),
            )
            for channel, program in sorted(self.notes)
        ]  # fmt: skip
