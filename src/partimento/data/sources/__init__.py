"""Where music comes from: files, folders, music21's own corpora, and public collections by name.

A public collection is looked for in the folder that the environment variable PARTIMENTO_DATA names, then in the
user's cache, and is downloaded into the cache at a fixed commit if it is in neither.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from partimento.data.sources.file import SourceFile
from partimento.errors import BadInput
from partimento.io import FORMATS

ARCHIVE_URL = "https://codeload.github.com/{repository}/zip/{commit}"
MAX_ARCHIVE_BYTES, MAX_UNPACKED_BYTES = 2 * 2**30, 8 * 2**30


@dataclass(frozen=True, slots=True)
class Collection:
    """A public collection in a GitHub repository."""

    licence: str
    repository: str
    commit: str
    folder: str = ""
    """Only members below this folder of the repository are music."""
    suffixes: tuple[str, ...] = (".mxl",)
    style: str = "none"
    requires: str = ""
    """Text without which a file does not belong (a statement of licence)."""
    only: str = ""
    """Name of a file beside this module that lists the members whose licence is free."""


COLLECTIONS: dict[str, Collection] = {
    "openscore-lieder": Collection(
        "CC0-1.0", "OpenScore/Lieder", "bca122458de6da362abe62dd6aec62e25d7759b1", "scores", style="song"
    ),
    "openscore-string-quartets": Collection(
        "CC0-1.0", "OpenScore/StringQuartets", "2c723a5b7b4ea5420826116dfa912956c6a022c2", "scores", style="quartet"
    ),
    "openhymnal-abc": Collection(
        "public domain", "mzealey/openhymnal", "d35811b2d5c9b0bbc5887d60a2936454815416e8",
        suffixes=(".abc",), style="hymn", requires="copyright: public domain",
    ),
    "freedoom-midi": Collection(
        "BSD-3-Clause", "freedoom/freedoom", "d14dbbee3b6fbfb2c11cdb65eb61216e86d4ee85", "musics",
        suffixes=(".mid",), style="game",
    ),
    "openewld-leadsheets": Collection(
        "public domain", "00sapo/OpenEWLD", "ec03cbd809ca5296ee708591b970d0423dcbe31c", "dataset",
        style="lead sheet", only="openewld_public_domain.txt",
    ),
}  # fmt: skip

MUSIC21_LICENCE = "public-domain music; encodings distributed with music21 by permission, without a written licence"
_MUSIC21_STYLES = {"bach": "chorale", "oneills1850": "folk", "ryansMammoth": "folk", "airdsAirs": "folk"}
_MUSIC21_REFUSED = {
    "essenFolksong": "the Essen collection is not free for this use",
    "nottingham-dataset": "its licence is not stated",
}


def find_files(source: str, progress: Callable[[str], None] = lambda message: None) -> list[SourceFile]:
    """The files of one source, sorted.

    Args:
        source: a file, a folder, `music21:NAME`, or the name of a collection.
        progress: is told what is being downloaded.

    Raises:
        BadInput: there is no such source, or no music in it.
    """
    if source.startswith("music21:"):
        files = _music21_files(source.removeprefix("music21:"))
    elif source in COLLECTIONS and not Path(source).exists():
        files = _collection_files(source, progress)
    else:
        files = _local_files(Path(source))
    if not files:
        raise BadInput(f"{source}: no music in it ({' '.join(FORMATS)})")
    return files


def _music_below(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())


def _local_files(path: Path) -> list[SourceFile]:
    if not path.exists():
        raise BadInput(f"{path}: no such file or folder, nor a collection; known are {', '.join(COLLECTIONS)}")
    paths = [path] if path.is_file() else _music_below(path, tuple(FORMATS))
    return [SourceFile(file, path.name, "unstated", "none") for file in paths]


def _music21_files(name: str) -> list[SourceFile]:
    spec = importlib.util.find_spec("music21")
    if spec is None or spec.origin is None:
        raise BadInput(f"music21:{name} needs music21: pip install 'partimento[corpora]'")
    if name in _MUSIC21_REFUSED:
        raise BadInput(f"music21:{name}: {_MUSIC21_REFUSED[name]}")
    folder = Path(spec.origin).parent / "corpus" / name
    if not name or not folder.is_dir():
        raise BadInput(f"music21:{name}: music21 has no corpus of that name; try music21:bach")
    style = _MUSIC21_STYLES.get(name, "none")
    paths = [path for path in _music_below(folder, tuple(FORMATS)) if path.suffix != ".mid"]
    return [SourceFile(path, f"music21:{name}", MUSIC21_LICENCE, style) for path in paths]


def _collection_files(name: str, progress: Callable[[str], None]) -> list[SourceFile]:
    collection = COLLECTIONS[name]
    folder = _local_copy(name) or _downloaded(name, collection, progress)
    paths = _music_below(folder, collection.suffixes)
    if collection.only:
        listed = set((Path(__file__).parent / collection.only).read_text("utf-8").splitlines())
        paths = [path for path in paths if {path.name, path.name.rsplit("__", 1)[-1]} & listed]
    return [SourceFile(path, name, collection.licence, collection.style, collection.requires) for path in paths]


def _local_copy(name: str) -> Path | None:
    """A folder called NAME or X_NAME under PARTIMENTO_DATA."""
    data = os.environ.get("PARTIMENTO_DATA")
    if not data:
        return None
    return next(
        (p for p in sorted(Path(data).glob(f"*{name}")) if p.is_dir() and p.name in (name, f"{p.name[0]}_{name}")),
        None,
    )


def cache_folder() -> Path:
    """Where downloads are kept: PARTIMENTO_CACHE, or `partimento` in the user's cache folder."""
    if own := os.environ.get("PARTIMENTO_CACHE"):
        return Path(own)
    base = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "partimento"


def _downloaded(name: str, collection: Collection, progress: Callable[[str], None]) -> Path:
    folder = cache_folder() / "sources" / name / collection.commit[:12]
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    url = ARCHIVE_URL.format(repository=collection.repository, commit=collection.commit)
    progress(f"downloading {name} ({collection.licence}) from {collection.repository}")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".download-") as temporary:
        archive = Path(temporary) / "archive.zip"
        _download(url, archive)
        unpacked = Path(temporary) / "unpacked"
        _unpack(archive, unpacked, collection)
        os.replace(unpacked, folder)
    return folder


def _download(url: str, target: Path) -> None:
    try:
        with urllib.request.urlopen(url, timeout=60) as response, target.open("wb") as file:
            while chunk := response.read(1 << 20):
                file.write(chunk)
                if file.tell() > MAX_ARCHIVE_BYTES:
                    raise BadInput(f"{url}: larger than {MAX_ARCHIVE_BYTES >> 30} GiB")
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise BadInput(
            f"{url}: cannot be downloaded ({reason}); put a copy under the folder that PARTIMENTO_DATA names"
        ) from error


def _unpack(archive: Path, folder: Path, collection: Collection) -> None:
    """Extract the music of an archive; names are rebuilt from their parts, so that none can leave the folder."""
    folder.mkdir()
    unpacked = 0
    try:
        with zipfile.ZipFile(archive) as zipped:
            for member in zipped.infolist():
                inside = PurePosixPath(*PurePosixPath(member.filename).parts[1:])
                if inside.suffix.lower() not in collection.suffixes or not inside.is_relative_to(collection.folder):
                    continue
                unpacked += member.file_size
                if unpacked > MAX_UNPACKED_BYTES or ".." in inside.parts or inside.is_absolute():
                    raise BadInput(f"{archive.name}: {member.filename} is not to be trusted")
                target = folder / "__".join(inside.parts[-3:])
                with zipped.open(member) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)
    except zipfile.BadZipFile as error:
        raise BadInput(f"{collection.repository}: the archive is damaged; try again") from error
