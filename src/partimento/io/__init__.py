"""Scores from files and into files, the format chosen by the file's ending."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from partimento.errors import BadFile
from partimento.io import abc, midi, musicxml
from partimento.score import Score

MAX_FILE_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Format:
    """How a kind of file is read and written."""

    name: str
    read: Callable[[bytes, str], tuple[Score, ...]]
    """(content, name for messages) ▶ the pieces in the file."""
    write: Callable[[Score], bytes]


_MIDI = Format("MIDI", midi.read, midi.write)
_MUSICXML = Format("MusicXML", musicxml.read, musicxml.write)
FORMATS: dict[str, Format] = {
    ".mid": _MIDI,
    ".midi": _MIDI,
    ".musicxml": _MUSICXML,
    ".xml": _MUSICXML,
    ".mxl": Format("compressed MusicXML", musicxml.read, musicxml.write_compressed),
    ".abc": Format("ABC", abc.read, abc.write),
}
"""File ending ▶ format."""


def format_of(path: Path | str) -> Format:
    """The format that a file's ending names.

    Raises:
        BadFile: the ending belongs to no format of music.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise BadFile(path, f"{suffix or 'no ending'} is no format of music; use one of {' '.join(FORMATS)}")
    return FORMATS[suffix]


def load_scores(path: Path | str) -> tuple[Score, ...]:
    """Every piece in a file (ABC tune books hold many).

    Raises:
        BadFile: the file is missing, too large, damaged or of no known format.
    """
    return format_of(path).read(read_bytes(Path(path)), str(path))


def load_score(path: Path | str) -> Score:
    """The first piece in a file.

    Raises:
        BadFile: as `load_scores`, or the file holds no piece.
    """
    scores = load_scores(path)
    if not scores:
        raise BadFile(path, "there is no music in it")
    return scores[0]


def save_score(score: Score, path: Path | str) -> None:
    """Write a piece in the format that the path's ending names; nothing is left behind if that fails.

    Raises:
        BadFile: the place cannot be written to.
    """
    write_bytes(Path(path), format_of(path).write(score))


def read_bytes(path: Path) -> bytes:
    """A file's content, bounded by `MAX_FILE_BYTES`.

    Raises:
        BadFile: the file is missing, unreadable or too large.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadFile(path, f"larger than {MAX_FILE_BYTES // 2**20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise BadFile(path, (error.strerror or "cannot be read").lower()) from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file beside its place and rename it into place.

    Raises:
        BadFile: the place cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise BadFile(path, (error.strerror or "cannot be written").lower()) from error
