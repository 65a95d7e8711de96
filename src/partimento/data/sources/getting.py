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
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from partimento.data.sources import settings
from partimento.data.sources.archives import Unpacked, copy_into, is_archive, unpack, wanted
from partimento.data.sources.download import download
from partimento.data.sources.entry import Entry, Remote, Rows
from partimento.data.sources.hub import hub_checksum, rows_from_hub
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
    if folder.exists():
        raise BadInput(f"{folder}: exists already; name another folder or remove it")
    with locked(downloads_folder(name) / "lock", name):
        _make(name, entry, folder, web or Web(), tell)
    if out is not None:
        settings.set_place(name, folder)
    return folder


def _make(name: str, entry: Entry, folder: Path, web: Web, tell: Tell) -> None:
    new = folder.with_name(f".{folder.name}.new")
    _remove(new)
    loads = downloads_folder(name) / f"{entry.version}.downloads"
    try:
        about = (
            _from_hub(name, entry, new, loads, web, tell) if entry.hub else _filled(name, entry, new, loads, web, tell)
        )
        about = {"name": name, "version": entry.version, "licence": entry.licence, "citation": entry.citation, **about}
        about["when"] = datetime.now(UTC).isoformat(timespec="seconds")
        write_bytes(new / ABOUT, (json.dumps(about, indent=1) + "\n").encode())
        os.replace(new, folder)
    except OSError as error:
        raise BadFile(folder, f"cannot be written ({(error.strerror or 'error').lower()})") from None
    finally:
        _remove(new)
    _remove(loads)


def _filled(name: str, entry: Entry, new: Path, loads: Path, web: Web, tell: Tell) -> dict[str, Any]:
    """Download and unpack the files of a collection; gives what is to be remembered."""
    lent = _lent(entry)
    remotes = [remote for remote in entry.remotes if remote.music is False or lent is None]
    loaded = [(remote, *_loaded(name, entry, remote, loads, web, tell)) for remote in remotes]
    about: dict[str, Any] = {"files": [_about(remote, checksum) for remote, _, checksum in loaded]}
    for remote, path, _ in loaded:
        if is_archive(remote.name):
            tell(f"unpacking {remote.name}")
            about |= _unpacked(name, entry, remote, path, new, web)
        else:
            copy_into(path, new)
    music = lent if lent is not None else new
    if lent is not None:
        about["music"] = str(lent.resolve())
        tell(f"{name}: the files of {entry.borrows} are used")
    if entry.rows is not None:
        about |= _indexed(name, entry.rows, entry.suffixes, new, music, tell)
    return about


def _lent(entry: Entry) -> Path | None:
    """The folder of another collection with the same music, if it is on this machine."""
    return folder_of(entry.borrows, SOURCES[entry.borrows]) if entry.borrows else None


def _loaded(name: str, entry: Entry, remote: Remote, loads: Path, web: Web, tell: Tell) -> tuple[Path, str]:
    target = loads / remote.name
    if remote.checksum == "hub":
        remote = hub_checksum(remote, web)
    if not target.exists():
        tell(f"downloading {remote.name} of {name} ({entry.licence}) from {web.place(remote.url)}")
    return target, download(remote, target, web)


def _about(remote: Remote, checksum: str) -> dict[str, Any]:
    verified = "compared with what is published" if remote.checksum else "recorded at the first download"
    return {"name": remote.name, "url": remote.url, "checksum": checksum, "verified": verified}


def _unpacked(name: str, entry: Entry, remote: Remote, archive: Path, new: Path, web: Web) -> dict[str, Any]:
    members = wanted(entry.folder, entry.strip, (*entry.suffixes, *entry.beside))
    try:
        with bar(remote.name, archive.stat().st_size, web.bars) as moved:
            unpacked = unpack(archive, new, members, moved=moved)
    except BadInput:
        archive.unlink(missing_ok=True)
        raise
    if not unpacked.files:
        archive.unlink(missing_ok=True)
        raise BadInput(f"{name}: no music in {remote.name} ({' '.join(entry.suffixes)})")
    if not remote.checksum:
        _compared(f"{name}@{entry.version}", unpacked, archive)
    return {"unpacked": {"files": unpacked.files, "left_out": unpacked.left_out, "content": unpacked.checksum}}


def _compared(key: str, unpacked: Unpacked, archive: Path) -> None:
    """Hold the content to that of the first download."""
    known = settings.checksum(key, unpacked.checksum)
    if known != unpacked.checksum:
        archive.unlink(missing_ok=True)
        raise BadInput(
            f"{key}: its content is not that of the first download; if that is right, remove the line {key} "
            f"from {settings.path()}"
        )


def _indexed(name: str, rows: Rows, suffixes: tuple[str, ...], new: Path, music: Path, tell: Tell) -> dict[str, Any]:
    join = write_index(new / INDEX, rows(new, music), music, suffixes)
    if not join.files:
        raise BadInput(f"{name}: none of its descriptions has a file")
    if join.rows_without_file or join.files_without_row or join.left_out:
        tell(f"{name}: {join}")
    return {"described": asdict(join)}


def _from_hub(name: str, entry: Entry, new: Path, loads: Path, web: Web, tell: Tell) -> dict[str, Any]:
    tell(f"downloading {name} ({entry.licence}) from {entry.hub} on the hub")
    return {"asked": f"hf:{entry.hub}", **rows_from_hub(entry.hub, new, loads, web, tell)}


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
