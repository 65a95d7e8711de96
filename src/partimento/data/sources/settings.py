"""`sources.json` among the user's settings: folders with names, places of downloads, checksums of first downloads."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from partimento.data.sources.places import config_folder
from partimento.errors import BadFile
from partimento.io import write_bytes


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the user's own, under a name."""

    folder: str
    licence: str = "unstated"
    style: str = "none"
    citation: str = ""


def path() -> Path:
    """The file itself."""
    return config_folder() / "sources.json"


def folders() -> dict[str, Folder]:
    """The user's folders by name.

    Raises:
        BadFile: the settings are damaged.
    """
    try:
        return {
            name: Folder(**{key: str(value) for key, value in row.items()}) for name, row in _part("folders").items()
        }
    except (TypeError, AttributeError):
        raise BadFile(path(), "a folder in it is not as it should be; mend or remove it") from None


def set_folder(name: str, folder: Folder | None) -> None:
    """Remember a folder, or forget it."""
    _set("folders", name, asdict(folder) if folder else None)


def place(name: str) -> Path | None:
    """The folder that a collection was downloaded into, if not into the cache."""
    found = _part("places").get(name)
    return Path(str(found)) if found else None


def set_place(name: str, folder: Path | None) -> None:
    """Remember where a collection was downloaded to, or forget it."""
    _set("places", name, str(folder.resolve()) if folder else None)


def checksum(key: str, new: str) -> str:
    """The checksum that is remembered for a download; the new one is, if there is none."""
    known = _part("checksums").get(key)
    if known is None:
        _set("checksums", key, new)
    return str(known or new)


def _read() -> dict[str, Any]:
    if not path().exists():
        return {}
    try:
        content = json.loads(path().read_bytes())
    except (OSError, ValueError):
        raise BadFile(path(), "is damaged; mend or remove it") from None
    if not isinstance(content, dict):
        raise BadFile(path(), "is no JSON object; mend or remove it")
    return content


def _part(name: str) -> dict[str, Any]:
    part = _read().get(name, {})
    if not isinstance(part, dict):
        raise BadFile(path(), f"{name} is no JSON object; mend or remove it")
    return part


def _set(name: str, key: str, value: object) -> None:
    content = {**_read(), name: {**_part(name), key: value}}
    if value is None:
        del content[name][key]
    write_bytes(path(), (json.dumps(content, indent=1) + "\n").encode())
