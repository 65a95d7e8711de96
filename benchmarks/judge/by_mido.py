"""mido's judgement of a MIDI file: its messages, note-offs paired with note-ons first in, first out.

A part is what one track plays on one channel. A note without an end lasts to the end of its track; one that ends
where it begins lasts a tick, as in a Score.
"""

from __future__ import annotations

from collections import defaultdict, deque
from pathlib import Path

import mido
from notelist import CannotRead, Notes, note_list

Place = tuple[int, int]


def notes(path: Path) -> list[Notes]:
    """The file's notes, as a list with one element.

    Raises:
        CannotRead: mido refuses the file.
    """
    try:
        file = mido.MidiFile(path)
    except (OSError, ValueError, EOFError, IndexError, KeyError) as error:
        raise CannotRead(f"{type(error).__name__}: {error}") from error
    return [notes_of(file)]


def notes_of(file: mido.MidiFile) -> Notes:
    """The notes of a file that mido has read; parts by track, then channel."""
    played = [(place, note) for track in enumerate(file.tracks) for place, note in _track_notes(*track)]
    index = {place: at for at, place in enumerate(sorted({place for place, _ in played}))}
    quarter = file.ticks_per_beat
    return note_list(
        (index[place], pitch, start / quarter, max(end - start, 1) / quarter) for place, (pitch, start, end) in played
    )


def _track_notes(number: int, track: mido.MidiTrack) -> list[tuple[Place, tuple[int, int, int]]]:
    """((track, channel), (pitch, start tick, end tick)) of each note."""
    sounding: defaultdict[Place, deque[int]] = defaultdict(deque)
    ended: list[tuple[Place, tuple[int, int, int]]] = []
    tick = 0
    for message in track:
        tick += message.time
        if message.type not in ("note_on", "note_off"):
            continue
        key = message.channel, message.note
        if message.type == "note_on" and message.velocity:
            sounding[key].append(tick)
        elif sounding[key]:
            ended.append(((number, key[0]), (key[1], sounding[key].popleft(), tick)))
    for (channel, pitch), starts in sounding.items():
        ended += [((number, channel), (pitch, start, tick)) for start in starts]
    return ended
