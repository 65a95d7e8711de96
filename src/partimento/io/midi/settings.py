"""Programs, controllers, bends and aftertouch of the parts of a MIDI file."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from partimento.io.midi.decode import Events, Ints
from partimento.io.midi.layout import Layout
from partimento.io.midi.openings import Statement, opening
from partimento.io.midi.signs import (
    BEND_CHANGE,
    CHANNELS,
    CONTROL_CHANGE,
    KEY_PRESSURE,
    PAN,
    PROGRAM,
    VOLUME,
    is_drum_channel,
)
from partimento.score import BEND, CONTROL, Message, Part, ProgramChange, Records


@dataclass
class Settings:
    """How the parts sound, and what of it changes."""

    parts: list[Part]
    programs: list[ProgramChange]
    controls: Records
    bends: Records
    messages: list[Message]
    """Aftertouch, and whatever is on a channel that nobody plays."""


def settings(events: Events, layout: Layout, names: dict[int, str], first_onsets: list[int]) -> Settings:
    """The settings among the channel events of a file.

    Args:
        events: all of them; notes are passed over.
        layout: the parts of the file.
        names: by track.
        first_onsets: tick of the first note of each part.
    """
    events = events.take(np.flatnonzero((events.status >= KEY_PRESSURE) & (events.status < 0xF0)))
    part = layout.home[events.track * CHANNELS + (events.status & 0x0F)]
    kind = np.where(part >= 0, events.status & 0xF0, 0)
    controls, openings = _controls(events, part, kind == CONTROL_CHANGE, first_onsets)
    programs, program_of = _programs(events, part, kind == PROGRAM, layout.channels, first_onsets)
    parts = [
        Part(
            names.get(track, ""), program, is_drum_channel(channel), channel=channel,
            volume=openings.get((index, VOLUME)), pan=openings.get((index, PAN)),
        )
        for index, (track, channel, program) in enumerate(zip(layout.tracks, layout.channels, program_of, strict=True))
    ]  # fmt: skip
    is_kept_apart = (kind != CONTROL_CHANGE) & (kind != PROGRAM) & (kind != BEND_CHANGE)
    return Settings(
        parts, programs, controls, _bends(events, part, kind == BEND_CHANGE), _messages(events, part, is_kept_apart)
    )


def _controls(
    events: Events, part: Ints, mask: np.ndarray[tuple[int], np.dtype[np.bool_]], first_onsets: list[int]
) -> tuple[Records, dict[tuple[int, int], int]]:
    """Controllers, and by part and number the volume and pan with which parts begin."""
    at = np.flatnonzero(mask)
    rows = np.empty(len(at), CONTROL)
    rows["onset_tick"], rows["part"] = events.tick[at], part[at]
    rows["number"], rows["value"] = events.first[at], events.second[at]
    is_setting = (rows["number"] == VOLUME) | (rows["number"] == PAN)
    if not is_setting.any():
        return rows, {}
    statements: defaultdict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
    for index in np.flatnonzero(is_setting).tolist():
        tick, owner, number, value = rows[index].item()
        statements[owner, number].append((tick, value, index))
    openings: dict[tuple[int, int], int] = {}
    said: list[int] = []
    for (owner, number), found in statements.items():
        found.sort(key=lambda statement: statement[0])
        value, is_all = opening([statement[:2] for statement in found[:2]], first_onsets[owner])
        if value is not None:
            openings[owner, number] = value
        if is_all:
            said.append(found[0][2])
    return np.delete(rows, said), openings


def _programs(
    events: Events,
    part: Ints,
    mask: np.ndarray[tuple[int], np.dtype[np.bool_]],
    channels: list[int],
    first_onsets: list[int],
) -> tuple[list[ProgramChange], list[int]]:
    """Changes of program, and with which one each part begins: its own, that of its channel, or the first of all."""
    statements: defaultdict[int, list[Statement]] = defaultdict(list)
    for index in np.flatnonzero(mask).tolist():
        statements[int(part[index])].append((int(events.tick[index]), int(events.first[index])))
    changes: list[ProgramChange] = []
    own: list[int | None] = []
    for index, onset in enumerate(first_onsets):
        found = sorted(statements[index], key=lambda statement: statement[0])
        program, is_all = opening(found, onset)
        own.append(program)
        changes += [ProgramChange(tick, index, value) for tick, value in found[is_all:]]
    of_channel = {c: p for c, p in zip(reversed(channels), reversed(own), strict=True) if p is not None}
    inherited = [of_channel.get(channel, 0) for channel in channels]
    return changes, [i if p is None else p for p, i in zip(own, inherited, strict=True)]


def _bends(events: Events, part: Ints, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Records:
    at = np.flatnonzero(mask)
    rows = np.empty(len(at), BEND)
    rows["onset_tick"], rows["part"] = events.tick[at], part[at]
    rows["value"] = (events.second[at].astype(np.int16) << 7 | events.first[at]) - 8192
    return rows


def _messages(events: Events, part: Ints, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[Message]:
    """Other channel events; those of a part stand on channel 0, which is whatever channel the part has."""
    messages: list[Message] = []
    for index in np.flatnonzero(mask).tolist():
        status, first, second = int(events.status[index]), int(events.first[index]), int(events.second[index])
        owner = int(part[index])
        status = status & 0xF0 if owner >= 0 else status
        content = (status, first) if status >> 5 == 0b110 else (status, first, second)
        messages.append(Message(int(events.tick[index]), owner, bytes(content)))
    return messages
