"""`index.jsonl`: what a collection says of its files, a line for each, in the order of the files.

The lines are written once, when a collection is unpacked, and read one at a time; what is long in them stays on the
disk until somebody asks for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import ItemsView, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from partimento.data.sources.entry import Entry, Row
from partimento.data.sources.file import SourceFile
from partimento.errors import BadFile, BadInput

INDEX = "index.jsonl"


@dataclass(frozen=True, slots=True)
class Join:
    """How the rows of a table and the files meet."""

    files: int
    rows_without_file: int
    files_without_row: int
    left_out: int
    """Files that are not for use."""

    def __str__(self) -> str:
        return (
            f"{self.files:,} files are described; {self.rows_without_file:,} descriptions have no file, "
            f"{self.files_without_row:,} files have no description, {self.left_out:,} are left out"
        )


class Facts(Mapping[str, Any]):
    """What an index says of one file, read when it is asked for."""

    __slots__ = ("_at", "_path")

    def __init__(self, path: Path | str, at: int) -> None:
        """`at`: where the line of the file begins in the index."""
        self._path, self._at = Path(path), at

    @property
    def place(self) -> tuple[str, int]:
        """The index, and where the line begins."""
        return str(self._path), self._at

    def _row(self) -> dict[str, Any]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                return json.loads(file.readline()).get("facts", {})
        except (OSError, ValueError, AttributeError):
            raise BadFile(self._path, f"has no description at byte {self._at}") from None

    def __getitem__(self, key: str) -> Any:
        return self._row()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._row())

    def __len__(self) -> int:
        return len(self._row())

    def items(self) -> ItemsView[str, Any]:
        """All of them, read once."""
        return self._row().items()

    def __getstate__(self) -> tuple[Path, int]:
        return self._path, self._at

    def __setstate__(self, state: tuple[Path, int]) -> None:
        self._path, self._at = state


def write_rows(path: Path, rows: Iterable[Row]) -> int:
    """Write an index, a row at a time; gives their number.

    Raises:
        BadFile: it cannot be written.
    """
    new, count = path.with_name(path.name + ".new"), 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with new.open("w", encoding="utf-8", newline="\n") as out:
            for count, row in enumerate(rows, 1):  # noqa: B007
                out.write(json.dumps(row) + "\n")
        os.replace(new, path)
    except OSError as error:
        raise BadFile(path, f"cannot be written ({(error.strerror or 'error').lower()})") from None
    return count


def write_index(path: Path, rows: Iterable[Row], music: Path, suffixes: tuple[str, ...]) -> Join:
    """Write the rows whose file is there, each file once.

    Args:
        path: the index.
        rows: as they come from a layout; never all in memory.
        music: folder that the files are in.
        suffixes: endings of the files that ought to have a row.

    Raises:
        BadFile: the index cannot be written.
    """
    missing, without_file, left_out = _files(music, suffixes), 0, 0

    def with_file() -> Iterator[Row]:
        nonlocal without_file, left_out
        for row in rows:
            name = str(PurePosixPath(row["file"]))
            if name in missing:
                missing.discard(name)
                left_out += bool(row.get("left_out"))
                if not row.get("left_out"):
                    yield {**row, "file": name}
            elif not row.get("left_out"):
                without_file += 1

    files = write_rows(path, with_file())
    return Join(files, without_file, len(missing), left_out)


def read_index(path: Path, music: Path, name: str, entry: Entry, option: str) -> list[SourceFile]:
    """The files of an index, or those that an option names.

    Raises:
        BadFile: the index is damaged.
    """
    found = list[SourceFile]()
    for at, row in _lines(path):
        if option and option not in row.get("splits", {}) and option not in row.get("subsets", ()):
            continue
        found.append(
            SourceFile(
                path=music / row["file"],
                source=name,
                licence=entry.licence,
                style=row.get("style") or entry.style,
                requires=entry.requires,
                caption=row.get("caption", ""),
                split=row.get("splits", {}).get(option) or row.get("split", ""),
                work=f"{name}/{row['work']}" if row.get("work") else "",
                facts=Facts(path, at) if row.get("facts") else {},
                text=row.get("text", ""),
            )
        )
    return sorted(found, key=lambda file: file.path.as_posix())


def _lines(path: Path) -> Iterator[tuple[int, Row]]:
    at = 0
    try:
        with path.open("rb") as file:
            for line in file:
                yield at, json.loads(line)
                at += len(line)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadFile(
            path, f"the index is damaged at byte {at:,} ({error}); remove its folder and get it again"
        ) from None


def _files(folder: Path, suffixes: tuple[str, ...]) -> set[str]:
    names = set[str]()
    for place, _, files in os.walk(folder):
        below = Path(place).relative_to(folder).as_posix()
        prefix = "" if below == "." else below + "/"
        names.update(prefix + file for file in files if file.lower().endswith(suffixes))
    return names


def option_of(name: str, entry: Entry, option: str) -> str:
    """The option, if the collection has it.

    Raises:
        BadInput: it has not.
    """
    if option and option not in entry.options:
        known = ", ".join(f"{name}:{known}" for known in entry.options) or "none"
        raise BadInput(f"{name}:{option}: there is no such option; there is {known}")
    return option
