"""Everything a piece is wanted as: MIDI, MusicXML, ABC, sound, pages and piano roll, side by side.

The files are made in a folder beside their place and moved there together, so that an error or Ctrl-C leaves
none.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from partimento.errors import BadFile
from partimento.io import abc, midi, musicxml
from partimento.notation import engrave
from partimento.rendering import audio, piano_roll, sheet
from partimento.score import Score

SUFFIXES = (".mid", ".musicxml", ".abc", ".wav", ".svg", ".png", ".html", ".plan.json")
"""What is written: notes, notation, text, sound, the first page, the piano roll, the page about it, the plan."""
Page = Callable[[Sequence[str], bytes, str], str]
"""HTML from the pages as SVG, the piano roll as PNG and the name of the sound file beside it."""


def usable_prefix(prefix: Path | str) -> Path:
    """The prefix without an ending of ours, after a trial whether files can be written there.

    Raises:
        BadFile: they cannot.
    """
    path = Path(prefix)
    suffix = next((s for s in SUFFIXES if path.name.endswith(s) and path.name != s), "")
    path = path.with_name(path.name.removesuffix(suffix)) if suffix else path
    if not path.name or path.name == "..":
        raise BadFile(prefix, "names no file; give the common beginning of the files' names, for example out/jig")
    for taken in (path.with_name(path.name + suffix) for suffix in SUFFIXES):
        if taken.is_dir():
            raise BadFile(taken, "is a folder, and a file of that name is to be written; choose another name")
    folder = _nearest_folder(path)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{path.name}-"):
            pass
    except OSError as error:
        raise BadFile(
            prefix, f"cannot be written to ({(error.strerror or 'error').lower()}); choose another place"
        ) from None
    return path


def write_bundle(
    score: Score, prefix: Path | str, documents: Mapping[str, bytes] | None = None, page: Page | None = None
) -> list[Path]:
    """Write a piece as `PREFIX.mid .musicxml .abc .wav .svg .png`, further pages as `PREFIX-2.svg …`.

    Args:
        score: a piece with bars.
        prefix: where; folders that are missing are made, files that exist are replaced.
        documents: further files, suffix ▶ content.
        page: makes `PREFIX.html`, which is left out without it.

    Returns:
        The files, in that order.

    Raises:
        BadFile: the place cannot be written to; nothing is left there.
        NeedsBeats: the score has no bars.
    """
    path = usable_prefix(prefix)
    try:
        with tempfile.TemporaryDirectory(dir=_nearest_folder(path), prefix=f".{path.name}-") as folder:
            made = _make(engrave(score), Path(folder) / path.name, documents or {}, page)
            path.parent.mkdir(parents=True, exist_ok=True)
            for file in made:
                os.replace(file, path.parent / file.name)
    except OSError as error:
        raise BadFile(prefix, f"cannot be written ({(error.strerror or 'error').lower()})") from None
    return [path.parent / file.name for file in made]


def page_path(path: Path, page: int) -> Path:
    """Where a page goes: `jig.svg`, `jig-2.svg`, …; pages count from 1."""
    return path if page == 1 else path.with_name(f"{path.stem}-{page}{path.suffix}")


def _make(score: Score, prefix: Path, documents: Mapping[str, bytes], page: Page | None) -> list[Path]:
    notation = musicxml.write(score)
    contents = {
        ".mid": midi.write(score),
        ".musicxml": notation,
        ".abc": abc.write(score),
        ".png": piano_roll.draw(score),
    }
    files = {suffix: _named(prefix, suffix) for suffix in (*SUFFIXES, *documents)}
    for suffix, content in (contents | dict(documents)).items():
        files[suffix].write_bytes(content)
    audio.save_audio(audio.render(score), files[".wav"])
    pages = {page_path(files[".svg"], n): svg for n, svg in enumerate(sheet.to_svg(notation), start=1)}
    for file, svg in pages.items():
        file.write_text(svg, "utf-8", newline="\n")
    if page is not None:
        html = page(list(pages.values()), contents[".png"], files[".wav"].name)
        files[".html"].write_text(html, "utf-8", newline="\n")
    made = dict.fromkeys((files[".mid"], files[".musicxml"], files[".abc"], files[".wav"], *pages, *files.values()))
    return [file for file in made if file.exists()]


def _named(prefix: Path, suffix: str) -> Path:
    return prefix.with_name(prefix.name + suffix)


def _nearest_folder(path: Path) -> Path:
    """The closest ancestor that exists, so that what is made there can be moved without copying."""
    return next(folder for folder in path.absolute().parents if folder.exists())
