"""Where music comes from: files, folders, music21's own corpora, public collections and datasets on the hub.

A public collection is looked for in the folder that the environment variable PARTIMENTO_DATA names, then in the
user's cache, and is downloaded into the cache if it is in neither. A collection is one entry in `registry`.
"""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Callable
from pathlib import Path

from partimento.data.sources import settings
from partimento.data.sources.entry import Entry
from partimento.data.sources.file import SourceFile
from partimento.data.sources.getting import about, folder_of, get, music_of
from partimento.data.sources.hub import dataset_info, parse
from partimento.data.sources.index import INDEX, option_of, read_index, write_index
from partimento.data.sources.layouts import music_below
from partimento.data.sources.local import add, local_files, music21_files
from partimento.data.sources.places import cache_folder, downloads_folder
from partimento.data.sources.registry import REFUSED, REFUSED_WORDS, SOURCES
from partimento.data.sources.web import Web
from partimento.errors import BadInput
from partimento.io import FORMATS

__all__ = [
    "REFUSED",
    "SOURCES",
    "Entry",
    "SourceFile",
    "Web",
    "about",
    "add",
    "cache_folder",
    "find_files",
    "folder_of",
    "get_source",
    "label",
    "nearest",
    "refuse",
    "remove",
]

Tell = Callable[[str], None]


def find_files(
    source: str, progress: Tell = lambda message: None, *, web: Web | None = None
) -> list[SourceFile]:  # fmt: skip
    """The files of one source, sorted.

    Args:
        source: a file, a folder, `music21:NAME`, the name of a collection, perhaps with an option (`NAME:OPTION`), the
            name of a folder that was added, or `hf:owner/name[@revision][:column]`.
        progress: is told what is being downloaded.
        web: how servers are asked.

    Raises:
        BadInput: there is no such source, or no music in it.
    """
    files = _found(source, progress, web)
    if not files:
        raise BadInput(f"{source}: no music in it ({' '.join(FORMATS)})")
    return files


def get_source(
    source: str, *, out: Path | None = None, accept: bool = False, web: Web | None = None,
    tell: Tell = lambda message: None,
) -> Path:  # fmt: skip
    """Download a collection or a dataset of the hub, if it is not on this machine; gives its folder.

    Raises:
        BadInput: it cannot be had.
    """
    refuse(source)
    if source.startswith("music21:") or _is_place(source):
        raise BadInput(f"{source}: is on this machine already, there is nothing to download")
    if source.startswith("hf:"):
        name, entry = _hub_entry(source, web or Web())
    else:
        name, _, option = source.partition(":")
        entry = _entry(name)
        option_of(name, entry, option)
    return get(name, entry, out=out, accept=accept, web=web, tell=tell)


def remove(source: str) -> str:
    """Forget a folder that was added, or delete a download; says what was done.

    Raises:
        BadInput: there is neither.
    """
    if source in settings.folders():
        settings.set_folder(source, None)
        return f"{source} is forgotten; its files stay where they are"
    name = parse(source.removeprefix("hf:")).folder if source.startswith("hf:") else source
    place, cached = settings.place(name), downloads_folder(name)
    folders = [place] if place is not None and about(place) else []
    if (source in SOURCES or source.startswith("hf:")) and cached.is_dir():
        folders.append(cached)
    if not folders:
        raise BadInput(f"{source}: neither added nor downloaded{nearest(source, [*settings.folders(), *SOURCES])}")
    settings.set_place(name, None)
    for folder in folders:
        shutil.rmtree(folder)
    return f"{source}: {', '.join(map(str, folders))} deleted"


def label(source: str) -> str:
    """What a source is called in a dataset: as it is given, but of paths the last name alone."""
    return source if source.startswith(("hf:", "music21:")) else Path(source).name or source


def refuse(source: str) -> None:
    """Refuse what may not be used.

    Raises:
        BadInput: with the reason.
    """
    reason = REFUSED.get(source.partition("@")[0])
    if reason is None and source.startswith("hf:"):
        reason = next((why for word, why in REFUSED_WORDS.items() if word in source.lower()), None)
    if reason is not None:
        raise BadInput(f"{source}: {reason}")


def nearest(name: str, known: list[str]) -> str:
    """`; do you mean …?` where a known name is near."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; do you mean {close[0]}?" if close else ""


def _found(source: str, tell: Tell, web: Web | None) -> list[SourceFile]:
    if _is_place(source):
        return local_files(Path(source))
    refuse(source)
    if source.startswith("music21:"):
        return music21_files(source.removeprefix("music21:"))
    if source.startswith("hf:"):
        return _hub_files(source, tell, web)
    added = settings.folders().get(source)
    if added is not None:
        return local_files(Path(added.folder), source, added)
    name, _, option = source.partition(":")
    entry = _entry(name)
    option = option_of(name, entry, option)
    return _collection_files(name, entry, option, get(name, entry, web=web, tell=tell))


def _is_place(source: str) -> bool:
    try:
        return bool(source) and Path(source).exists()
    except (OSError, ValueError):  # too long, or with signs that no path has
        return False


def _entry(name: str) -> Entry:
    if name not in SOURCES:
        known = [*SOURCES, *settings.folders()]
        raise BadInput(
            f"{name}: no such file or folder, nor a collection{nearest(name, known)}"
            " (partimento data list shows what there is)"
        )
    return SOURCES[name]


def _collection_files(name: str, entry: Entry, option: str, folder: Path) -> list[SourceFile]:
    index, music = folder / INDEX, music_of(name, folder)
    if entry.rows is not None and not index.is_file():  # a copy that was made by hand
        index = downloads_folder(name) / f"copy-{INDEX}"
        write_index(index, entry.rows(folder, music), music, entry.suffixes)
    if index.is_file():
        return read_index(index, music, name, entry, option)
    paths = music_below(folder, entry.suffixes)
    if entry.only:
        listed = set((Path(__file__).parent / entry.only).read_text("utf-8").splitlines())
        paths = [path for path in paths if {path.name, path.name.rsplit("__", 1)[-1]} & listed]
    return [SourceFile(path, name, entry.licence, entry.style, entry.requires) for path in paths]


def _hub_files(source: str, tell: Tell, web: Web | None) -> list[SourceFile]:
    folder = _loaded_before(source) or get_source(source, web=web, tell=tell)
    licence = str(about(folder).get("licence", "unstated"))
    return read_index(folder / INDEX, folder, source, _dataset(source, licence, ""), "")


def _loaded_before(source: str) -> Path | None:
    """The last download of a dataset on the hub, at the revision that is asked for."""
    spec = parse(source.removeprefix("hf:"))
    folders = [settings.place(spec.folder), *downloads_folder(spec.folder).glob("*")]
    loaded = [(about(folder), folder) for folder in folders if folder is not None]
    fitting = [
        (str(said["when"]), folder)
        for said, folder in loaded
        if "when" in said and (said["asked"] == source or said["revision"].startswith(spec.revision))
    ]
    return max(fitting)[1] if fitting else None


def _hub_entry(source: str, web: Web) -> tuple[str, Entry]:
    spec = parse(source.removeprefix("hf:"))
    sha, licence = dataset_info(spec, web)
    return spec.folder, _dataset(source, licence, sha[:12])


def _dataset(source: str, licence: str, version: str) -> Entry:
    name = source.removeprefix("hf:")
    homepage = f"https://huggingface.co/datasets/{parse(name).name}"
    return Entry("a dataset on the hub", licence, homepage, homepage, 0, "", version, hub=name)
