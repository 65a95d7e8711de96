"""abc2midi's judgement of an ABC file: what it would play, written as MIDI and read by mido. Every voice is a part.

It is asked twice: with the repeats played, beside `Score.unfolded()`, and with the repeat signs, endings and order
of parts taken out of its copy of the file. Its copy lacks what it plays in other notes than are written: staccato
dots, rolls, trills, other ornaments and the rhythm of hornpipes (R:). It plays no chord symbols (-NGUI), no longer
fermatas (-NFER), and grace notes as short as it can, since without them their accidentals would be lost.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import mido
from by_mido import notes_of
from notelist import CannotRead, Notes

TIMEOUT_SECONDS = 60
HARMLESS = ("I: key",)
"""Errors that concern no note: an information field that it does not know."""
GRACE_QUARTER = 3 / 480
"""What is no longer is a grace note."""
GRACE_TICKS = 2
"""The time that its copy gives to a grace note, which the main note loses, at 480 ticks per quarter."""

_PLAYED = "trill|turn|roll|lowermordent|uppermordent|mordent|pralltriller|staccato|arpeggio|wedge|tremolo"
_ORNAMENT = re.compile(rf"([!+])(?:{_PLAYED})\1")
_SIGN = re.compile(r"[.~H-Wh-w]")
_QUOTED = re.compile(r'("[^"]*"|\[[A-Za-z]:[^\]]*\]|![^!\s]*!|\+[^+\s]*\+|%.*)')
_INVISIBLE_BARLINE = "[|]"
_REPEATS = ((r"(?<!\(\d)::|:+\|+|\|+:+", "|"), (r"\|\s*\[?\d[\d,-]*", "|"), (r"\[\d[\d,-]*", ""))


def is_there() -> bool:
    """Whether the program is installed (Debian: abcmidi)."""
    return shutil.which("abc2midi") is not None


def written(path: Path) -> list[Notes]:
    """The notes of each tune of a file as they are written.

    Raises:
        CannotRead: the program reports an error.
    """
    return _judge(path, is_played=False)


def played(path: Path) -> list[Notes]:
    """The notes of each tune of a file with repeats and parts as they are played.

    Raises:
        CannotRead: the program reports an error.
    """
    return _judge(path, is_played=True)


def _judge(path: Path, is_played: bool) -> list[Notes]:
    text = plain(path.read_text(encoding="latin-1"), is_played)
    numbers = re.findall(r"^X:\s*(\d+)", text, re.MULTILINE)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "tune.abc")
        copy.write_text(text, encoding="latin-1")
        return [_tune(copy, number) for number in numbers]


def _tune(path: Path, number: str) -> Notes:
    midi = path.with_suffix(".mid")
    midi.unlink(missing_ok=True)
    command = ["abc2midi", str(path), number, "-NGUI", "-NFER", "-o", str(midi)]
    answer = subprocess.run(command, capture_output=True, encoding="latin-1", timeout=TIMEOUT_SECONDS, check=False)
    errors = [x for x in answer.stdout.splitlines() if "Error" in x and not any(harmless in x for harmless in HARMLESS)]
    if errors or not midi.exists():
        raise CannotRead((errors or ["it wrote nothing"])[0])
    notes = notes_of(mido.MidiFile(midi, clip=True))
    return notes[notes["duration"] > GRACE_QUARTER]


def plain(text: str, is_played: bool) -> str:
    """A tune book in which every note is played as it is written, in the order of playing or of writing."""
    dropped = "R:" if is_played else "R:|P:"
    lines = [line for line in text.splitlines() if not re.match(dropped, line)]
    unit = re.search(r"^L:\s*1/(\d+)", text, re.MULTILINE)
    divider = 1920 // int(unit[1] if unit else 8) // GRACE_TICKS
    settings = f"\n%%MIDI gracedivider {divider}\n%%MIDI chordattack 0"
    plain_lines = [_plain_line(line, is_played) + settings * line.startswith("X:") for line in lines]
    return "\n".join(plain_lines) + "\n"


def _plain_line(line: str, is_played: bool) -> str:
    if re.match(r"[A-Za-z+]:(?![:|])|%", line):
        return line
    line = _ORNAMENT.sub("", line)
    line = line if is_played else re.sub(r"\[P:[^\]]*\]", "", line)
    pieces = _QUOTED.split(line)
    return "".join(piece if _QUOTED.fullmatch(piece) else _plain_music(piece, is_played) for piece in pieces)


def _plain_music(piece: str, is_played: bool) -> str:
    piece = _SIGN.sub("", piece).replace(_INVISIBLE_BARLINE, "|")
    for sign, barline in () if is_played else _REPEATS:
        piece = re.sub(sign, barline, piece)
    return piece
