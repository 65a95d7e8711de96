"""music21's judgement of a MusicXML file: notes as written, tied ones one by one, at their sounding pitch.

Grace notes have no duration and the onset of their main note. Staves of one part are put together again.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import music21
from notelist import CannotRead, Notes, note_list
from xmltext import xml_text

Row = tuple[int, int, float, float]


def notes(path: Path) -> list[Notes]:
    """The file's notes, as a list with one element.

    Raises:
        CannotRead: music21 raises an error.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            score: Any = music21.converter.parseData(xml_text(path), format="musicxml")
            return [note_list(row for part, stream in _parts(score) for row in _rows(part, stream))]
    except Exception as error:  # a judge's errors are of any kind
        raise CannotRead(f"{type(error).__name__}: {error}") from error


def _parts(score: Any) -> Iterator[tuple[int, Any]]:
    """(index of the part, a staff of it)."""
    index, before = -1, None
    for stream in score.parts:
        name = str(stream.id).rsplit("-Staff", 1)[0] if isinstance(stream, music21.stream.PartStaff) else None
        index += name is None or name != before
        before = name
        yield index, stream.toSoundingPitch()


def _rows(part: int, stream: Any) -> Iterator[Row]:
    for element in stream.recurse().notes:
        if isinstance(element, music21.harmony.Harmony):
            continue
        onset = float(element.getOffsetInHierarchy(stream))
        for note in getattr(element, "notes", (element,)):
            yield part, _pitch(note), onset, float(element.duration.quarterLength)


def _pitch(note: Any) -> int:
    """MIDI pitch; of unpitched percussion what its instrument states."""
    if isinstance(note, music21.note.Unpitched):
        instrument = note.storedInstrument or note.getInstrument()
        return getattr(instrument, "percMapPitch", None) or 0
    return round(note.pitch.ps)
