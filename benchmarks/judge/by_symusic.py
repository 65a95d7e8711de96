"""symusic's judgement of a MIDI file: a part for each program, as `Score.split_programs` makes them, in its own order.

A note that ends where it begins lasts a tick, as in a Score.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import symusic
from notelist import CannotRead, Notes, note_list, parts_by_content


def notes(path: Path) -> list[Notes]:
    """The file's notes, as a list with one element.

    Raises:
        CannotRead: symusic refuses the file.
    """
    try:
        score: Any = symusic.Score(path)
    except (RuntimeError, ValueError) as error:
        raise CannotRead(f"{type(error).__name__}: {error}") from error
    quarter = score.ticks_per_quarter
    tracks = [track for track in score.tracks if len(track.notes)]
    rows = (
        (part, note.pitch, note.time / quarter, max(note.duration, 1) / quarter)
        for part, track in enumerate(tracks)
        for note in track.notes
    )
    return [parts_by_content(note_list(rows))]
