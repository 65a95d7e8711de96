"""The outside of a MIDI file: wrapper, header and track chunks."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from partimento.errors import BadFile

MAX_BYTES = 8 * 2**20
MAX_TRACKS = 2_000
_JUNK = 4096
"""How far behind its beginning a file's header is looked for (RIFF, MacBinary, mail headers)."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Chunks:
    """Where the tracks lie, and how time is counted."""

    format: int
    division: int
    """Ticks per quarter; negative: SMPTE, as the file has it."""
    tracks: tuple[Span, ...]
    """First byte of each track and the one behind its last."""
    warnings: tuple[str, ...] = ()


def find_chunks(data: bytes, name: str) -> Chunks:
    """Header and tracks of a MIDI file, as far as they are there; lengths that it declares are not trusted.

    Raises:
        BadFile: there is no MIDI header, no track, more than MIDI needs, or time stands still (division 0).
    """
    if len(data) > MAX_BYTES:
        raise BadFile(name, f"larger than {MAX_BYTES // 2**20} MiB, which no MIDI file of music is; cut it")
    start = data.find(b"MThd", 0, _JUNK)
    if start < 0 or len(data) < start + 14:
        raise BadFile(name, "no MIDI header (MThd) in it; this is no MIDI file")
    length, kind, count, division = struct.unpack_from(">IHHh", data, start + 4)
    if division == 0:
        raise BadFile(name, "its header says 0 ticks per quarter; export it again")
    tracks, warnings = _tracks(data, start + 8 + max(length, 6), name)
    if not tracks:
        raise BadFile(name, "no track (MTrk) in it; the file is cut off behind its header")
    if start and data[:4] != b"RIFF":
        warnings.append(f"{start} bytes before the MIDI header")
    if len(tracks) != count:
        warnings.append(f"{len(tracks)} tracks instead of {count}")
    return Chunks(kind, division, tuple(tracks), tuple(warnings))


def _tracks(data: bytes, place: int, name: str) -> tuple[list[Span], list[str]]:
    tracks: list[Span] = []
    warnings: list[str] = []
    while place + 8 <= len(data) and len(tracks) <= MAX_TRACKS:
        kind, length = struct.unpack_from(">4sI", data, place)
        end = place + 8 + length
        if not kind.isalpha() or end > len(data) or (end < len(data) and not data[end : end + 4].isalpha()):
            found = data.find(b"MTrk", place + 8)
            end = found if found >= 0 else len(data)
            warnings.append(f"chunk at byte {place} has the wrong length")
        if kind == b"MTrk":
            tracks.append((place + 8, end))
        place = end
    if len(tracks) > MAX_TRACKS:
        raise BadFile(name, f"more than {MAX_TRACKS} tracks; it is damaged")
    return tracks, warnings[:5]
