"""Music from datasets on the Hugging Face hub.

A dataset is a table, in Parquet or JSON Lines, with a column that holds music: files (`{"bytes", "path"}` or bytes) or
text. Where its tables hold none, its archives and files of music are taken as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from partimento.data.sources.archives import is_archive, unpack, wanted
from partimento.data.sources.download import download
from partimento.data.sources.entry import Remote, Row
from partimento.data.sources.hub import Spec, dataset_info, music_files, parse, split_named, tables
from partimento.data.sources.index import INDEX, write_rows
from partimento.data.sources.layouts import music_below
from partimento.data.sources.tables import Table, music_in
from partimento.data.sources.web import Web
from partimento.errors import BadInput
from partimento.io import FORMATS, write_bytes

MOST_FILES = 20_000
"""Files that are downloaded one by one."""
_FILES_IN_FOLDER = 1000
_WORTH_TELLING_BYTES = 1 << 24


@dataclass(slots=True)
class _Gathering:
    """A dataset on its way from the hub into a folder."""

    spec: Spec
    new: Path
    loads: Path
    web: Web
    tell: Callable[[str], None]
    files: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    without: int = 0
    """Rows that hold no music."""

    def of_tables(self, found: list[tuple[str, Remote]]) -> Iterator[Row]:
        """Write the music in tables as files; gives a row of the index for each."""
        for at, (split, remote) in enumerate(found):
            table = Table(self._loaded(remote, self.loads), self.spec.column)
            for number, (music, row) in enumerate(music_in(table)):
                if music is None:
                    self.without += 1
                    continue
                name = f"{at:03}/{number // _FILES_IN_FOLDER:04}/{number:07}{music.suffix}"
                write_bytes(self.new / name, music.content)
                yield {"file": name, "split": split, "text": music.text, **row}

    def of_files(self, found: list[Remote]) -> Iterator[Row]:
        """Load files and unpack archives; gives a row of the index for each file of music."""
        for at, remote in enumerate(found):
            place = self.new / f"{at:05}"
            if is_archive(remote.name):
                unpack(self._loaded(remote, self.loads), place, wanted("", 0, tuple(FORMATS)))
            else:
                self._loaded(remote, place)
        for path in music_below(self.new, tuple(FORMATS)):
            name = path.relative_to(self.new).as_posix()
            yield {"file": name, "split": split_named(name)}

    def _loaded(self, remote: Remote, folder: Path) -> Path:
        if remote.bytes > _WORTH_TELLING_BYTES:
            self.tell(f"downloading {remote.name} of hf:{self.spec.name}")
        path = folder / remote.name
        self.files.append({"name": remote.name, "url": remote.url, "checksum": download(remote, path, self.web)})
        return path


def rows_from_hub(text: str, new: Path, loads: Path, web: Web, tell: Callable[[str], None]) -> dict[str, Any]:
    """Fill a folder with the music of a dataset, and index it.

    Args:
        text: the dataset, as `hub.parse` reads it.
        new: folder to fill.
        loads: folder for the tables meanwhile.
        web: how servers are asked.
        tell: is told what is going on.

    Returns:
        What is to be remembered of the dataset.

    Raises:
        BadInput: it cannot be had, or there is no music in it.
    """
    spec = parse(text)
    sha, licence = dataset_info(spec, web)
    gathering = _Gathering(spec, new, loads, web, tell)
    count = write_rows(new / INDEX, gathering.of_tables(list(tables(spec, sha, web, tell))))
    if not count and not spec.column:
        count = write_rows(new / INDEX, gathering.of_files(_few(spec, sha, web)))
    if not count:
        raise BadInput(
            f"hf:{spec.name}: no music in its {gathering.without:,} rows nor beside them; if you know of a column with "
            f"music, name it: hf:{spec.name}:COLUMN"
        )
    if gathering.without:
        tell(f"hf:{spec.name}: {gathering.without:,} rows hold no music")
    about = {"dataset": spec.name, "revision": sha, "stated_licence": licence, "files": gathering.files}
    return {**about, "described": {"files": count, "rows_without_music": gathering.without}}


def _few(spec: Spec, sha: str, web: Web) -> list[Remote]:
    found = list(islice(music_files(spec, sha, web), MOST_FILES + 1))
    if len(found) > MOST_FILES:
        raise BadInput(f"hf:{spec.name}: more than {MOST_FILES:,} files, too many to download one by one")
    return found
