"""A score into a file of any kind, chosen by its ending."""

from __future__ import annotations

from pathlib import Path

from partimento.errors import BadFile
from partimento.io import FORMATS, make_folder, save_score, write_together
from partimento.score import Score

SOUND = (".wav", ".flac", ".ogg", ".mp3")
PAGES = (".pdf", ".svg", ".png")


def save(score: Score, path: Path | str) -> list[Path]:
    """Write a score as notation, MIDI, sound or pages; a file that exists is replaced.

    Args:
        score: what to write.
        path: ends in .musicxml .mxl .abc .mid, .wav .flac .ogg .mp3, .pdf .svg or .png; pictures of several pages
            are numbered.

    Returns:
        The files.

    Raises:
        BadFile: the ending is another, or the place cannot be written to; nothing is left there.
        NeedsBeats: pages are wanted of a score without bars.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in SOUND:
        return _sound(score, path)
    if suffix in PAGES:
        return _pages(score, path)
    if suffix not in FORMATS:
        known = (*FORMATS, *SOUND, *PAGES)
        raise BadFile(path, f"its ending says no format that is written here; choose from {', '.join(known)}")
    save_score(score, path)
    return [path]


def _sound(score: Score, path: Path) -> list[Path]:
    from partimento.rendering import audio

    samples = audio.render(score)
    make_folder(path.parent)
    audio.save_audio(samples, path)
    return [path]


def _pages(score: Score, path: Path) -> list[Path]:
    from partimento.rendering import sheet

    files = sheet.drawn(sheet.engraved_sheet(score), path)
    write_together(files)
    return list(files)
