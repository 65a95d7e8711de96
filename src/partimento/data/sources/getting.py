"""Collections from servers into folders.

    cache/sources/NAME/VERSION/           the music, `index.jsonl` (what is said of it) and `source.json` (what it is)
    cache/sources/NAME/VERSION.downloads/ archives, whole and in part, until they are unpacked

A folder stands in its place only when it is whole.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from partimento.data.sources import settings
from partimento.data.sources.archives import is_archive, unpack, wanted
from partimento.data.sources.download import download
from partimento.data.sources.entry import Entry, Remote, Rows
from partimento.data.sources.gathering import rows_from_hub
from partimento.data.sources.hub import hub_checksum
from partimento.data.sources.index import INDEX, write_index
from partimento.data.sources.locks import locked
from partimento.data.sources.places import downloads_folder, local_copy
from partimento.data.sources.progress import bar
from partimento.data.sources.registry import SOURCES
from partimento.data.sources.web import Web
from partimento.errors import BadFile, BadInput
from partimento.io import write_bytes

Tell = Callable[[str], None]
ABOUT = "source.json"


def folder_of(name: str, entry: Entry) -> Path | None:
    """Where a collection is on this machine: below PARTIMENTO_DATA, where `get` put it, or in the cache."""
    places = (local_copy(name), settings.place(name), downloads_folder(name) / entry.version)
    return next((place for place in places if place is not None and place.is_dir()), None)


def get(
    name: str, entry: Entry, *, out: Path | None = None, accept: bool = False, web: Web | None = None,
    tell: Tell = lambda message: None,
) -> Path:  # fmt: skip
    """The folder of a collection, downloaded if it is nowhere on this machine.

    Args:
        name: its name.
        entry: what is known of it.
        out: folder to make, instead of one in the cache; it is found again there.
        accept: whether its warning is accepted, where that is asked for.
        web: how servers are asked.
        tell: is told what is going on.

    Raises:
        BadInput: it cannot be had; what is loaded of it is kept for the next try.
    """
    here = folder_of(name, entry)
    if here is not None and out is None:
        return here
    if entry.must_accept and not accept:
        raise BadInput(f"{name}: {entry.warning} Read that, then: partimento data get {name} --accept")
    folder = out if out is not None else downloads_folder(name) / entry.version
    loads = downloads_folder(name) / f"{entry.version}.downloads"
    making = _Making(name, entry, folder.with_name(f".{folder.name}.new"), loads, web or Web(), tell)
    with locked(downloads_folder(name) / "lock", name):
        if out is None and folder.is_dir():  # another process has just made it
            return folder
        if folder.exists():
            raise BadInput(f"{folder}: exists already; name another folder or remove it")
        _make(making, folder)
    if out is not None:
        settings.set_place(name, folder)
    return folder


@dataclass(frozen=True, slots=True)
class _Making:
    """A collection in the making."""

    name: str
    entry: Entry
    new: Path
    """Its folder until it is whole."""
    loads: Path
    """Folder of what is downloaded."""
    web: Web
    tell: Tell


def _make(making: _Making, folder: Path) -> None:
    entry = making.entry
    _remove(making.new)
    try:
        found = _from_hub(making) if entry.hub else _from_servers(making)
        known = {"name": making.name, "version": entry.version, "licence": entry.licence, "citation": entry.citation}
        when = {"when": datetime.now(UTC).isoformat(timespec="seconds")}
        write_bytes(making.new / ABOUT, (json.dumps(known | found | when, indent=1) + "\n").encode())
        os.replace(making.new, folder)
    except OSError as error:
        raise BadFile(folder, f"cannot be written ({(error.strerror or 'error').lower()})") from None
    finally:
        _remove(making.new)
    _remove(making.loads)


def _from_hub(making: _Making) -> dict[str, Any]:
    hub = making.entry.hub
    making.tell(f"downloading {making.name} ({making.entry.licence}) from {hub} on the hub")
    return {"asked": f"hf:{hub}", **rows_from_hub(hub, making.new, making.loads, making.web, making.tell)}


def _from_servers(making: _Making) -> dict[str, Any]:
    """Download, unpack and index a collection; gives what is to be remembered of that."""
    entry, lent = making.entry, _lent(making.entry)
    remotes = [remote for remote in entry.remotes if lent is None or not remote.music]
    about: dict[str, Any] = {"files": [_loaded(making, remote) for remote in remotes]}
    for remote in remotes:
        if is_archive(remote.name):
            about |= _unpacked(making, remote)
    if lent is not None:
        about["music"] = str(lent.resolve())
        making.tell(f"{making.name}: the files of {entry.borrows} are used")
    if entry.rows is not None:
        about |= _indexed(making, entry.rows, lent or making.new)
    return about


def _lent(entry: Entry) -> Path | None:
    """The folder of another collection with the same music, if it is on this machine."""
    return folder_of(entry.borrows, SOURCES[entry.borrows]) if entry.borrows else None


def _loaded(making: _Making, remote: Remote) -> dict[str, Any]:
    """Download a file; gives what is to be remembered of it."""
    target = making.loads / remote.name
    if remote.checksum == "hub":
        remote = hub_checksum(remote, making.web)
    if not target.exists():
        place = making.web.place(remote.url)
        making.tell(f"downloading {remote.name} of {making.name} ({making.entry.licence}) from {place}")
    checksum = download(remote, target, making.web)
    verified = "compared with what is published" if remote.checksum else "recorded at the first download"
    return {"name": remote.name, "url": remote.url, "checksum": checksum, "verified": verified}


def _unpacked(making: _Making, remote: Remote) -> dict[str, Any]:
    """Unpack an archive; it is deleted where that fails, for it is wrong."""
    entry, archive = making.entry, making.loads / remote.name
    making.tell(f"unpacking {remote.name}")
    try:
        with bar(remote.name, archive.stat().st_size, making.web.bars) as moved:
            members = wanted(entry.folder, entry.strip, (*entry.suffixes, *entry.beside))
            unpacked = unpack(archive, making.new, members, moved=moved)
        if not unpacked.files:
            raise BadInput(f"{making.name}: no music in {remote.name} ({' '.join(entry.suffixes)})")
        if not remote.checksum:
            _compare(f"{making.name}@{entry.version}", unpacked.checksum)
    except BadFile:
        raise  # the disk
    except BadInput:
        archive.unlink(missing_ok=True)
        raise
    return {"unpacked": {"files": unpacked.files, "left_out": unpacked.left_out, "content": unpacked.checksum}}


def _compare(key: str, checksum: str) -> None:
    """Hold the content of an archive to that of the first download."""
    if settings.checksum(key, checksum) != checksum:
        raise BadInput(
            f"{key}: its content is not that of the first download; if that is right, remove the line {key} "
            f"from {settings.path()}"
        )


def _indexed(making: _Making, rows: Rows, music: Path) -> dict[str, Any]:
    tables = making.new if all(is_archive(remote.name) for remote in making.entry.remotes) else making.loads
    join = write_index(making.new / INDEX, rows(tables, music), music, making.entry.suffixes)
    if not join.files:
        raise BadInput(f"{making.name}: none of its descriptions has a file")
    if join.rows_without_file or join.files_without_row or join.left_out:
        making.tell(f"{making.name}: {join}")
    return {"described": asdict(join)}


def _remove(folder: Path) -> None:
    with suppress(OSError):
        shutil.rmtree(folder)


def about(folder: Path) -> dict[str, Any]:
    """What was remembered of a download; nothing where the folder comes from elsewhere."""
    try:
        content = json.loads((folder / ABOUT).read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def music_of(name: str, folder: Path) -> Path:
    """The folder with the music itself, which another collection may hold.

    Raises:
        BadInput: that one is gone.
    """
    music = Path(about(folder).get("music") or folder)
    if not music.is_dir():
        raise BadInput(f"{name}: its music was in {music}, which is gone; partimento data remove {name}, then get it")
    return music
