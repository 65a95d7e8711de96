"""Which part hears a message: a part is what one track plays on one channel.

Messages on a channel on which their own track plays no note belong to the first part on that channel: many files
keep a track for the settings of all others. Channels are counted through all ports, 17 is the first of the second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from partimento.io.midi.decode import Ints, Other
from partimento.io.midi.pairing import Notes
from partimento.io.midi.signs import CHANNELS, PORT


@dataclass(frozen=True, slots=True)
class Layout:
    """The parts of a file."""

    channels: list[int]
    """Of each part, from 1."""
    tracks: list[int]
    """Of each part."""
    home: Ints
    """By source (16 times the track plus the channel) the part that hears it, −1 for none."""
    leaders: list[int]
    """By track its first part, −1 for none."""


def lay_out(notes: Notes, others: list[Other], track_count: int) -> Layout:
    """The parts that the notes of a file make."""
    sources = np.flatnonzero(np.bincount(notes.source, minlength=CHANNELS * track_count)).tolist()
    tracks = [source // CHANNELS for source in sources]
    leaders = [-1] * track_count
    for part in range(len(tracks) - 1, -1, -1):
        leaders[tracks[part]] = part
    ports = _ports(others, leaders)
    channels = [CHANNELS * ports[source // CHANNELS] + source % CHANNELS + 1 for source in sources]
    first_on = {channel: part for part, channel in reversed(list(enumerate(channels)))}
    home = [first_on.get(CHANNELS * port + channel, -1) for port in ports for channel in range(1, CHANNELS + 1)]
    for part, source in enumerate(sources):
        home[source] = part
    return Layout(channels, tracks, np.array(home), leaders)


def port_of(other: Other) -> int:
    """The port that a meta event says for a whole track, 0 if it says none."""
    is_port = other.tick == 0 and other.data[:2] == PORT and len(other.data) == 3
    return other.data[2] if is_port and other.data[2] < 0x80 else 0


def _ports(others: list[Other], leaders: list[int]) -> list[int]:
    ports = [0] * len(leaders)
    for other in reversed(others):
        port = port_of(other)
        if port and leaders[other.track] >= 0:
            ports[other.track] = port
    return ports
