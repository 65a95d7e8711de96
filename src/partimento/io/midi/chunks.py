"""The outside of a MIDI file: wrapper, header and track chunks."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from partimento.errors import BadFile

END_OF_TRACK = b"\xff\x2f\x00"
_JUNK = 4096
"""How far behind its beginning a file's header is looked for (MacBinary, mail headers)."""


@dataclass(frozen=True, slots=True)
class Chunks:
    """Where the tracks lie, and how time is counted."""

    format: int
    division: int
    """Ticks per quarter; negative: SMPTE, as the file has it."""
    tracks: tuple[tuple[int, int], ...]
    """First byte of each track and the one behind its last."""
    is_regular: bool
    """Nothing but a plain header and whole tracks that end as they should."""
    warnings: tuple[str, ...] = ()


def find_chunks(data: bytes, name: str) -> Chunks:
    """Header and tracks of a MIDI file, as far as they are there.

    Raises:
        BadFile: there is no MIDI header, no track, or time stands still (division 0).
    """
    start = data.find(b"MThd", 0, _JUNK)
    if start < 0 or len(data) < start + 14:
        raise BadFile(name, "no MIDI header (MThd) in it; this is no MIDI file")
    length, kind, count, division = struct.unpack_from(">IHHh", data, start + 4)
    if division == 0:
        raise BadFile(name, "its header says 0 ticks per quarter; export it again")
    tracks, warnings, is_tiled = _tracks(data, start + 8 + max(length, 6))
    if not tracks:
        raise BadFile(name, "no track (MTrk) in it; the file is cut off behind its header")
    if start:
        warnings.append("MIDI header inside another container or behind other bytes")
    if len(tracks) != count:
        warnings.append(f"{len(tracks)} tracks instead of {count}")
    is_regular = is_tiled and start == 0 and length == 6 and kind < 2 and division > 0 and len(tracks) == count
    is_regular = is_regular and all(data.endswith(END_OF_TRACK, first, last) for first, last in tracks)
    return Chunks(kind, division, tuple(tracks), is_regular, tuple(warnings))


def _tracks(data: bytes, place: int) -> tuple[list[tuple[int, int]], list[str], bool]:
    tracks: list[tuple[int, int]] = []
    warnings: list[str] = []
    is_tiled = True
    while place + 8 <= len(data):
        kind, length = struct.unpack_from(">4sI", data, place)
        end = place + 8 + length
        if kind != b"MTrk":
            is_tiled = False
        if end > len(data) or (end < len(data) and not data[end : end + 4].isalpha()):
            found = data.find(b"MTrk", place + 8)
            end = found if found >= 0 else len(data)
            is_tiled = False
            warnings.append(f"chunk at byte {place} has the wrong length")
        if kind == b"MTrk":
            tracks.append((place + 8, end))
        place = end
    return tracks, warnings, is_tiled and place == len(data)
