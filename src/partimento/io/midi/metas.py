"""Meta events and system exclusive messages, each sent to where a score keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from partimento.io.midi.decode import Other
from partimento.io.midi.layout import Layout, port_of
from partimento.io.midi.signs import (
    COPYRIGHT,
    END,
    KEY_CHANGE,
    LYRIC,
    MARKER,
    METER_CHANGE,
    NAME,
    NO_BEAT,
    SHORTEST_QUARTER,
    TEMPO_CHANGE,
)
from partimento.io.midi.texts import decode_lyric, decode_text, is_sung
from partimento.score import Direction, Message


@dataclass(frozen=True, slots=True)
class Statement:
    """A meter, key or tempo as some track says it."""

    tick: int
    value: tuple[int, ...]


@dataclass
class Metas:
    """What the meta events of a file say."""

    title: str = ""
    rights: str = ""
    names: dict[int, str] = field(default_factory=dict[int, str])
    """By track."""
    tempos: list[Statement] = field(default_factory=list[Statement])
    """Microseconds per quarter."""
    meters: list[Statement] = field(default_factory=list[Statement])
    """Beats, beat type."""
    keys: list[Statement] = field(default_factory=list[Statement])
    """Fifths, 1 for minor."""
    lyrics: list[tuple[Message, int, str]] = field(default_factory=list[tuple[Message, int, str]])
    """With track and text."""
    directions: list[Direction] = field(default_factory=list[Direction])
    messages: list[Message] = field(default_factory=list[Message])
    is_beatless: bool = False
    warnings: list[str] = field(default_factory=list[str])


def sort_metas(others: list[Other], layout: Layout) -> Metas:
    """Meta events by what they are; those without a place of their own stay messages."""
    metas = Metas()
    seen_ports: set[int] = set()
    for other in others:
        part = layout.leaders[other.track]
        if port_of(other) and part >= 0 and other.track not in seen_ports:
            seen_ports.add(other.track)
        elif other.data[:2] == NAME:
            _name(metas, other, layout)
        elif other.data == NO_BEAT:
            metas.is_beatless = True
        elif other.data[:2] != END and not _is_sorted(metas, other, part):
            metas.messages.append(Message(other.tick, part, other.data))
    return metas


def _name(metas: Metas, other: Other, layout: Layout) -> None:
    """A track's first name is the piece's in a first track without notes, or in the only one, else its parts'.

    The names of other tracks without notes stay messages of the conductor's, each a track when it is written.
    """
    part, track, text = layout.leaders[other.track], other.track, decode_text(other.data[2:])
    is_alone = len(layout.leaders) == 1
    is_title = is_alone or (track == 0 and part < 0)
    if text and track not in metas.names and (is_title or part >= 0):
        metas.names[track] = "" if is_title else text
        metas.title = text if is_title else metas.title
    else:
        metas.messages.append(Message(other.tick, -1 if is_alone or not metas.names.get(track) else part, other.data))


def _is_sorted(metas: Metas, other: Other, part: int) -> bool:
    sort = _SORTERS.get(other.data[:2])
    return sort is not None and sort(metas, other, part)


def _rights(metas: Metas, other: Other, part: int) -> bool:
    text = decode_text(other.data[2:])
    if other.tick or metas.rights or not text:
        return False
    metas.rights = text
    return True


def _lyric(metas: Metas, other: Other, part: int) -> bool:
    text = decode_lyric(other.data[2:])
    if not is_sung(text) or part < 0:
        return False
    metas.lyrics.append((Message(other.tick, part, other.data), other.track, text))
    return True


def _marker(metas: Metas, other: Other, part: int) -> bool:
    text = decode_text(other.data[2:])
    if text:
        metas.directions.append(Direction(other.tick, "rehearsal", text))
    return bool(text)


def _tempo(metas: Metas, other: Other, part: int) -> bool:
    microseconds = int.from_bytes(other.data[2:]) if len(other.data) == 5 else 0
    if microseconds < SHORTEST_QUARTER:
        metas.warnings.append(f"a tempo of {microseconds} µs per quarter at tick {other.tick} was left out")
    else:
        metas.tempos.append(Statement(other.tick, (microseconds,)))
    return True


def _meter(metas: Metas, other: Other, part: int) -> bool:
    beats, power = other.data[2:4] if len(other.data) in (4, 6) else (0, 0)
    if not 0 < beats < 100 or power > 6:
        metas.warnings.append(f"meter {beats}/2^{power} at tick {other.tick} is none and was left out")
    else:
        metas.meters.append(Statement(other.tick, (beats, 1 << power)))
    return True


def _key(metas: Metas, other: Other, part: int) -> bool:
    fifths = int.from_bytes(other.data[2:3], signed=True)
    if len(other.data) != 4 or not -7 <= fifths <= 7 or other.data[3] > 1:
        metas.warnings.append(f"a key of {fifths} fifths at tick {other.tick} is none and was left out")
    else:
        metas.keys.append(Statement(other.tick, (fifths, other.data[3])))
    return True


_SORTERS: dict[bytes, Callable[[Metas, Other, int], bool]] = {
    COPYRIGHT: _rights, LYRIC: _lyric, MARKER: _marker, TEMPO_CHANGE: _tempo, METER_CHANGE: _meter, KEY_CHANGE: _key,
}  # fmt: skip
"""By status and type; each says whether it took the event."""
