"""MIDI files that are regular, read by symusic."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import symusic

from partimento.io.midi.chunks import END_OF_TRACK, Chunks
from partimento.io.midi.events import Ints, Opening, RawFile, RawPart, decode_text

_NOTE_OFFS = b"\0".join(
    bytes([0x80 | channel, 0, 0]) + b"".join(bytes([0, pitch, 0]) for pitch in range(1, 128)) for channel in range(16)
)
"""symusic drops notes without an end; this, put before the end of each track, ends them there."""


def parse(data: bytes, chunks: Chunks) -> RawFile | None:
    """A regular file, None if symusic cannot read it or its clock runs over."""
    try:
        score: Any = symusic.Score.from_midi(_closed(data, chunks))
    except (RuntimeError, ValueError):
        return None
    parts = [_part(track) for track in score.tracks]
    parts = [part for part in parts if len(part.notes)]
    raw = RawFile(
        score.ticks_per_quarter,
        _title(data, chunks, parts),
        parts,
        _columns(score.time_signatures.numpy(), "time", "numerator", "denominator"),
        _columns(score.key_signatures.numpy(), "time", "key", "tonality"),
        _columns(score.tempos.numpy(), "time", "mspq"),
    )
    arrays = [raw.meters, raw.keys, raw.tempos, *(part.notes for part in parts)]
    return None if any(len(array) and array[:, :2].min(initial=0) < -127 for array in arrays) else raw


def _closed(data: bytes, chunks: Chunks) -> bytes:
    """The file with every note ended."""
    pieces = [data[: chunks.tracks[0][0] - 8]]
    for start, end in chunks.tracks:
        body = data[start : end - 3] + _NOTE_OFFS + b"\0" + END_OF_TRACK
        pieces += [b"MTrk" + struct.pack(">I", len(body)), body]
    return b"".join(pieces)


def _part(track: Any) -> RawPart:
    return RawPart(
        track.name,
        int(track.program),
        bool(track.is_drum),
        _columns(track.notes.numpy(), "time", "duration", "pitch", "velocity"),
        _columns(track.controls.numpy(), "time", "number", "value"),
        _columns(track.pitch_bends.numpy(), "time", "value"),
    )


def _columns(arrays: dict[str, Any], *names: str) -> Ints:
    return np.stack([arrays[name].astype(np.int64) for name in names], axis=1)


def _title(data: bytes, chunks: Chunks, parts: list[RawPart]) -> str:
    """The first track's name if that track plays nothing or is the only one; also mends the parts' names."""
    if any("\ufffd" in part.name for part in parts):
        names = [Opening(data, *track).raw_name for track in chunks.tracks]
        mended = {name.decode("utf-8", "replace"): decode_text(name) for name in names}
        for part in parts:
            part.name = mended.get(part.name, part.name)
    for part in parts:
        part.name = part.name.rstrip("\0").strip()
    opening = Opening(data, *chunks.tracks[0])
    return opening.name if len(chunks.tracks) == 1 or not opening.has_notes else ""
