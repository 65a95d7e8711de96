"""What there is, in a table."""

from __future__ import annotations

from partimento.data.sources import settings
from partimento.data.sources.entry import Entry
from partimento.data.sources.getting import folder_of
from partimento.data.sources.places import downloads_folder
from partimento.data.sources.registry import SOURCES


def overview() -> list[tuple[str, ...]]:
    """Name, what it is, files, size of the download, licence, and whether it is here, for each source with a name."""
    rows = [(*facts(name, entry), here(name, entry)) for name, entry in SOURCES.items()]
    added = [(name, about.folder, "", "", about.licence, "yes") for name, about in settings.folders().items()]
    return [*rows, *added]


def facts(name: str, entry: Entry) -> tuple[str, str, str, str, str]:
    """Name, what it is, files, size of the download, licence."""
    files = f"{entry.files:,}" if entry.files else ""
    return name, f"{entry.what} ({entry.format})", files, amount(entry.bytes), entry.licence


def amount(size: int) -> str:
    """A size in bytes for the eye; nothing where it is not known."""
    if not size:
        return ""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 1):.0f} MB"


def here(name: str, entry: Entry) -> str:
    """Whether a collection is on this machine."""
    if folder_of(name, entry) is not None:
        return "yes"
    return "in part" if any(downloads_folder(name).glob("*.downloads/*")) else ""


def markdown() -> str:
    """The public collections as a table for the documentation."""
    lines = ["| name | what | files | size | licence |", "|---|---|---:|---:|---|"]
    lines += [f"| `{name}` | " + " | ".join(rest) + " |" for name, *rest in (facts(*item) for item in SOURCES.items())]
    return "\n".join(lines) + "\n"
