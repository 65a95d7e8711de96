"""Music of one's own: files, folders, folders with names, and music21's corpora."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from pathlib import Path

from partimento.data.sources import settings
from partimento.data.sources.file import SourceFile
from partimento.data.sources.hub import split_named
from partimento.data.sources.layouts import music_below
from partimento.data.sources.registry import REFUSED, SOURCES
from partimento.data.sources.settings import Folder
from partimento.errors import BadFile, BadInput
from partimento.io import FORMATS

MUSIC21_LICENCE = "public-domain music; encodings distributed with music21 by permission, without a written licence"
_MUSIC21_STYLES = {"bach": "chorale", "oneills1850": "folk", "ryansMammoth": "folk", "airdsAirs": "folk"}
_NAME = re.compile(r"[\w][\w.-]*")


def local_files(path: Path, name: str = "", about: Folder | None = None) -> list[SourceFile]:
    """A file, or the music in a folder and its folders; one with folders `train` and `validation` has its own split.

    Raises:
        BadFile: there is no such file or folder.
    """
    if not path.exists():
        raise BadFile(path, "no such file or folder")
    about = about or Folder(str(path))
    paths = [path] if path.is_file() else music_below(path, tuple(FORMATS))
    splits = _splits(path)
    return [
        SourceFile(file, name or path.name, about.licence, about.style, split=splits.get(_child(file, path), ""))
        for file in paths
    ]


def add(
    folder: Path, name: str = "", *, licence: str = "unstated", style: str = "none", citation: str = ""
) -> tuple[str, dict[str, int]]:
    """Give a folder a name, under which it is found from then on.

    Returns:
        The name, and how many files of each format there are.

    Raises:
        BadInput: there is no music in it, or the name is taken.
    """
    if not folder.is_dir():
        raise BadFile(folder, "no such folder")
    name = name or re.sub(r"[^\w.-]+", "-", folder.resolve().name).strip("-.").lower()
    if not _NAME.fullmatch(name):
        raise BadInput(f"--name {name}: a name has letters, digits, dots and hyphens")
    if name in SOURCES or name in REFUSED:
        raise BadInput(f"--name {name}: that is the name of a public collection; give another with --name")
    known = settings.folders().get(name)
    if known is not None and Path(known.folder) != folder.resolve():
        raise BadInput(
            f"--name {name}: is {known.folder} already; give another name, or: partimento data remove {name}"
        )
    counts = Counter(FORMATS[path.suffix.lower()].name for path in music_below(folder, tuple(FORMATS)))
    if not counts:
        raise BadInput(f"{folder}: no music in it ({' '.join(FORMATS)})")
    settings.set_folder(name, Folder(str(folder.resolve()), licence, style, citation))
    return name, dict(counts.most_common())


def _splits(folder: Path) -> dict[str, str]:
    """Split of each folder in a folder, where one is for training and another for measuring; else none."""
    named = {each.name: split_named(each.name) for each in folder.iterdir()} if folder.is_dir() else {}
    return named if "train" in named.values() and len({*named.values()} - {""}) > 1 else {}


def _child(file: Path, folder: Path) -> str:
    """Name of the folder right inside `folder` in which a file stands."""
    inside = file.relative_to(folder).parts
    return inside[0] if len(inside) > 1 else ""


def music21_files(name: str) -> list[SourceFile]:
    """A corpus inside music21.

    Raises:
        BadInput: music21 is not installed, has no such corpus, or it may not be used.
    """
    spec = importlib.util.find_spec("music21")
    if spec is None or spec.origin is None:
        raise BadInput(f"music21:{name} needs music21: pip install 'partimento[corpora]'")
    folder = Path(spec.origin).parent / "corpus" / name
    if not name or not folder.is_dir():
        raise BadInput(f"music21:{name}: music21 has no corpus of that name; try music21:bach")
    style = _MUSIC21_STYLES.get(name, "none")
    paths = [path for path in music_below(folder, tuple(FORMATS)) if path.suffix != ".mid"]
    return [SourceFile(path, f"music21:{name}", MUSIC21_LICENCE, style) for path in paths]
