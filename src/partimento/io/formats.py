"""The formats of music, by the endings of their files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from partimento.errors import BadFile
from partimento.io import abc, midi, musicxml
from partimento.score import Score


@dataclass(frozen=True, slots=True)
class Format:
    """How a kind of file is read and written."""

    name: str
    read: Callable[[bytes, str], tuple[Score, ...]]
    """(content, name for messages) ▶ the pieces in the file."""
    write: Callable[[Score], bytes]
    sayable: Callable[[Score], Score]
    """The score reduced to what the format can say: what comes back from a written file."""


_MIDI = Format("MIDI", midi.read, midi.write, midi.sayable)
_MUSICXML = Format("MusicXML", musicxml.read, musicxml.write, musicxml.sayable)
FORMATS: dict[str, Format] = {
    ".mid": _MIDI,
    ".midi": _MIDI,
    ".kar": _MIDI,
    ".rmi": _MIDI,
    ".musicxml": _MUSICXML,
    ".xml": _MUSICXML,
    ".mxl": Format("compressed MusicXML", musicxml.read, musicxml.write_compressed, musicxml.sayable),
    ".abc": Format("ABC", abc.read, abc.write, abc.sayable),
}
"""File ending ▶ format."""


def format_of(path: Path | str) -> Format:
    """The format that a file's ending names.

    Raises:
        BadFile: the ending belongs to no format of music.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise BadFile(
            path, f"{suffix or 'a name without an ending'} is no format of music; use one of {' '.join(FORMATS)}"
        )
    return FORMATS[suffix]
