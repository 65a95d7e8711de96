"""What is known of a public collection before anything of it is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = dict[str, Any]
"""What a collection says of one file: `file`, its path inside the collection, and perhaps `caption`, `split`, `work`,
`style`, `facts`, `splits` (other splits, by option), `subsets` (options that it belongs to), or `left_out` (it is not
for use)."""
Rows = Callable[[Path, Path], Iterator[Row]]
"""(folder with the collection's tables, folder with its music) ▶ a row for each file."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A file on a server."""

    name: str
    url: str
    bytes: int = 0
    """Size; 0 where it is not known. Held to where there is a checksum, too."""
    checksum: str = ""
    """`sha256:…` or `md5:…` as published; empty where none is: then the first download is recorded."""
    music: bool = True
    """Whether it holds the music itself, which a copy at hand may save."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A public collection."""

    what: str
    """In a few words."""
    licence: str
    """SPDX where there is an identifier for it."""
    homepage: str
    citation: str
    files: int
    """How many files of music; 0 where nobody says."""
    format: str
    version: str
    """Names the folder of the download; another version is downloaded anew."""
    remotes: tuple[Remote, ...] = ()
    hub: str = ""
    """A dataset of rows on the Hugging Face hub, `owner/name@revision`, instead of files on a server."""
    remarks: str = ""
    warning: str = ""
    """Shown before downloading."""
    must_accept: bool = False
    """Whether the download needs `--accept`."""
    folder: str = ""
    """Only members below this folder of an archive are unpacked."""
    strip: int = 0
    """Folders left away at the front of the members' names."""
    suffixes: tuple[str, ...] = (".mid", ".midi")
    beside: tuple[str, ...] = ()
    """Endings of other members that are kept: annotations, tables."""
    style: str = "none"
    requires: str = ""
    """Text without which a file does not belong (a statement of licence)."""
    only: str = ""
    """Name of a file beside this module that lists the members whose licence is free."""
    rows: Rows | None = None
    """Reads what the collection says of its files."""
    options: dict[str, str] = field(default_factory=dict[str, str])
    """What may follow its name after a colon, and what that means."""
    size: int = 0
    """Bytes of the download where there are no `remotes`."""
    borrows: str = ""
    """Another collection whose download holds the same music."""

    @property
    def bytes(self) -> int:
        """Size of the download; 0 where it is not known."""
        return sum(remote.bytes for remote in self.remotes) or self.size
