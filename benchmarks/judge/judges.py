"""The judges: what each is asked, which of our lists stands beside its own, and how near they have to be."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import by_abc2midi
import by_mido
import by_music21
import by_symusic
import by_verovio
import ours
from notelist import Notes

from partimento.score import Score


@dataclass(frozen=True)
class Judge:
    """A program that reads music, and how its answer is compared with ours."""

    endings: tuple[str, ...]
    """Of the files that it judges."""
    ask: Callable[[Path], list[Notes]]
    """File ▶ the notes of each piece in it; raises CannotRead."""
    beside: Callable[[Score], Notes]
    """Our list."""
    tolerance: int
    """Of onsets and durations, in units of 1/960 quarter."""
    revision: int
    """Counts up when `ask` changes, so that stored answers are not taken for new ones."""
    version: Callable[[], str]
    """Of the program."""
    is_there: Callable[[], bool] = lambda: True


def _abc2midi_version() -> str:
    answer = subprocess.run(["abc2midi", "-ver"], capture_output=True, text=True, check=False).stdout
    return answer.split()[0]


_MIDI, _MUSICXML, _ABC = (".mid", ".midi"), (".mxl", ".musicxml", ".xml"), (".abc",)

JUDGES = {
    "symusic": Judge(_MIDI, by_symusic.notes, ours.by_program, 0, 1, lambda: version("symusic")),
    "mido": Judge(_MIDI, by_mido.notes, ours.by_channel, 0, 1, lambda: version("mido")),
    "music21": Judge(_MUSICXML, by_music21.notes, ours.as_written, 1, 1, lambda: version("music21")),
    "verovio": Judge(_MUSICXML, by_verovio.notes, ours.without_graces, 1, 1, lambda: version("verovio")),
    "abc2midi": Judge(
        _ABC, by_abc2midi.written, ours.by_voice, 24, 1, _abc2midi_version, by_abc2midi.is_there
    ),
    "abc2midi-played": Judge(
        _ABC, by_abc2midi.played, ours.by_voice_played, 24, 1, _abc2midi_version, by_abc2midi.is_there
    ),
}  # fmt: skip
"""Name ▶ judge. The tolerance beside abc2midi covers the ticks that its grace notes take of their main notes."""
