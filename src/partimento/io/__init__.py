"""Scores from files and into files, the format chosen by the file's ending."""

from __future__ import annotations

from pathlib import Path

from partimento.errors import BadFile
from partimento.io.files import MAX_FILE_BYTES, make_folder, read_bytes, write_bytes, write_together
from partimento.io.formats import FORMATS, Format, format_of
from partimento.io.losses import losses
from partimento.score import Score

__all__ = [
    "FORMATS",
    "MAX_FILE_BYTES",
    "Format",
    "format_of",
    "load_score",
    "load_scores",
    "losses",
    "make_folder",
    "read_bytes",
    "save_score",
    "write_bytes",
    "write_together",
]


def load_scores(path: Path | str, *, untrusted: bool = False) -> tuple[Score, ...]:
    """Every piece in a file (ABC tune books hold many).

    Args:
        path: the file; its ending says the format.
        untrusted: whether it comes from outside: it is then read by a process of its own, with limits on time
            and memory.

    Raises:
        BadFile: the file is missing, too large, damaged or of no known format, or passes a limit.
    """
    read = format_of(path).read
    data = read_bytes(Path(path))
    if untrusted:
        from partimento.io.untrusted import read_untrusted  # with what checks the answer, which takes its time

        return read_untrusted(data, Path(path))
    return read(data, str(path))


def load_score(path: Path | str, *, untrusted: bool = False) -> Score:
    """The first piece in a file.

    Args:
        path: the file; its ending says the format.
        untrusted: as in `load_scores`.

    Raises:
        BadFile: as `load_scores`, or the file holds no piece.
    """
    scores = load_scores(path, untrusted=untrusted)
    if not scores:
        raise BadFile(path, "there is no music in it")
    return scores[0]


def save_score(score: Score, path: Path | str) -> None:
    """Write a piece in the format that the path's ending names; nothing is left behind if that fails.

    Raises:
        BadFile: the place cannot be written to.
    """
    write_bytes(Path(path), format_of(path).write(score))
