"""`partimento data`: where music comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from partimento.cli.console import console, plain, table
from partimento.data import sources
from partimento.data.sources import SOURCES, Entry, settings
from partimento.data.sources.overview import amount, here, overview
from partimento.errors import BadInput


def list_sources(name: str = "", /) -> None:
    """List where music can come from, or show one source with its licence and citation.

    **Examples**

    - `partimento data list`
    - `partimento data list maestro`

    Args:
        name: A source; all of them are listed without it.
    """
    if name:
        _details(name)
        return
    terminal = console()
    terminal.print(table(overview(), ("name", "what", "files", "size", "licence", "here")))
    terminal.print()
    rows = [
        ("music21:NAME", "a corpus inside music21: music21:bach, music21:ryansMammoth"),
        ("hf:OWNER/NAME", "a dataset on the Hugging Face hub with a column of files or text"),
        ("FOLDER", "any folder of MIDI, MusicXML and ABC files; `partimento data add FOLDER` gives it a name"),
    ]
    terminal.print(table(rows))
    terminal.print()
    terminal.print(table([(f"not {refused}", reason) for refused, reason in sources.REFUSED.items()]))


def get(
    name: str,
    /,
    *,
    out: Path | None = None,
    accept: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Download a collection or a dataset of the hub; what was cut off goes on where it was.

    **Examples**

    - `partimento data get maestro`
    - `partimento data get midicaps --out corpora/midicaps`
    - `partimento data get hf:owner/name`

    Args:
        name: Name of a collection, or hf:owner/name[@revision][:column].
        out: Folder to make, instead of one in the cache; it is found there by its name.
        accept: Accept the warning of a collection that asks for it.
    """
    entry = SOURCES.get(name.partition(":")[0])
    if entry is not None and entry.warning and (accept or not entry.must_accept):
        _say(f"note: {entry.warning}")
    folder = sources.get_source(name, out=out, accept=accept, tell=_say)
    files = sources.about(folder).get("described", {}).get("files")
    _say(f"{name}: {folder}" + (f", {files:,} files" if files else ""))
    if entry is not None:
        _say(f"licence: {entry.licence}")
        _say(f"cite: {entry.citation}")


def add(
    folder: Path, /, *, name: str = "", licence: str = "unstated", style: str = "none", citation: str = ""
) -> None:  # fmt: skip
    """Give a folder of music a name, under which `partimento prepare` finds it.

    **Examples**

    - `partimento data add ~/music/jigs`
    - `partimento data add ~/music/jigs --name jigs --licence CC0-1.0 --style folk`

    Args:
        folder: The folder; its files stay where they are.
        name: Its name; that of the folder by default.
        licence: What the music may be used for; it goes into datasets and model cards.
        style: A word for the music, which models learn: folk, hymn, jazz.
        citation: How it is to be cited.
    """
    name, counts = sources.add(folder, name, licence=licence, style=style, citation=citation)
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
    total = sum(counts.values())
    _say(f"{name}: {total:,} file{'s' * (total != 1)} ({kinds}), licence {licence}")


def remove(name: str, /) -> None:
    """Forget a folder that was added, or delete a download.

    **Examples**

    - `partimento data remove jigs`

    Args:
        name: Its name.
    """
    _say(sources.remove(name))


def _details(name: str) -> None:
    added = settings.folders().get(name)
    if added is not None:
        rows = [("folder", added.folder), ("licence", added.licence), ("style", added.style), ("cite", added.citation)]
    elif name in SOURCES:
        rows = _entry_details(name, SOURCES[name])
    else:
        sources.refuse(name)
        if name.startswith(("hf:", "music21:")):
            raise BadInput(f"{name}: what is known of it is where it is; partimento data get {name} downloads it")
        raise BadInput(f"{name}: no such source{sources.nearest(name, [*SOURCES, *settings.folders()])}")
    console().print(table([row for row in rows if row[1]]))


def _entry_details(name: str, entry: Entry) -> list[tuple[str, str]]:
    folder = sources.folder_of(name, entry)
    said = sources.about(folder) if folder else {}
    counts: dict[str, int] = said.get("described", {})
    checks = [
        f"{file.name} {file.checksum if ':' in file.checksum else _unpublished(file.checksum)}"
        for file in entry.remotes
    ]
    return [
        ("what", entry.what),
        ("files", f"{entry.files:,} {entry.format}" if entry.files else entry.format),
        ("size", amount(entry.bytes)),
        ("licence", entry.licence),
        ("warning", entry.warning),
        ("home", entry.homepage),
        ("cite", entry.citation),
        ("remarks", entry.remarks),
        *((f"{name}:{option}", meaning) for option, meaning in entry.options.items()),
        *(("checksum", check) for check in checks),
        ("here", str(folder or here(name, entry))),
        *((key.replace("_", " "), f"{count:,}") for key, count in counts.items() if key != "files" and count),
    ]


def _unpublished(checksum: str) -> str:
    return "as the hub states" if checksum == "hub" else "none published; the content of the first download is recorded"


def _say(message: str) -> None:
    console().print(plain(message), markup=False, soft_wrap=True)
