"""Where downloads and settings are kept."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Where downloads are kept: PARTIMENTO_CACHE, or `partimento` in the user's cache folder."""
    if own := os.environ.get("PARTIMENTO_CACHE"):
        return Path(own)
    base = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "partimento"


def config_folder() -> Path:
    """Where settings are kept: PARTIMENTO_CONFIG, or `partimento` in the user's folder of settings."""
    if own := os.environ.get("PARTIMENTO_CONFIG"):
        return Path(own)
    base = os.environ.get("APPDATA") or os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "partimento"


def downloads_folder(name: str) -> Path:
    """Where the versions of a collection are kept."""
    return cache_folder() / "sources" / name


def local_copy(name: str) -> Path | None:
    """A folder called NAME or X_NAME below the one that PARTIMENTO_DATA names."""
    data = os.environ.get("PARTIMENTO_DATA")
    if not data:
        return None
    folders = (p for p in sorted(Path(data).glob(f"*{name}")) if p.is_dir())
    return next((p for p in folders if p.name in (name, f"{p.name[0]}_{name}")), None)
