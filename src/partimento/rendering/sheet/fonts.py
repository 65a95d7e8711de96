"""The fonts that pages need, out of the wheels that bring them, as files.

Music signs (Leipzig) and text (Liberation Serif, with whose widths verovio reckons) come out of verovio's style
sheets, signs and scripts that these lack out of matplotlib's DejaVu Serif.
"""

from __future__ import annotations

import atexit
import base64
import io
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import verovio
from fontTools.ttLib import TTFont

_LAST_LATIN = 0x24F
_FACE = re.compile(r"base64,([^)\s]+)")


@dataclass(frozen=True, slots=True)
class Fonts:
    """A folder of fonts."""

    folder: Path
    """It goes when the process ends."""
    characters: frozenset[str]
    """What they can show, and white space."""


@cache
def fonts() -> Fonts:
    """The fonts as TrueType files in a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="partimento-fonts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    codes: set[int] = set(map(ord, "\n\r\t"))
    for index, font in enumerate([*_embedded("Liberation"), *_dejavu(), *_embedded("Leipzig")]):
        codes.update(font.getBestCmap() or ())
        font.save(folder / f"{index}.ttf")
        font.close()
    return Fonts(folder, frozenset(map(chr, codes)))


def _embedded(name: str) -> Iterator[TTFont]:
    """The faces in one of verovio's style sheets."""
    css = (Path(verovio.__file__).parent / "data" / f"{name}.css").read_text("utf-8")
    for face in _FACE.findall(css):
        font = TTFont(io.BytesIO(base64.b64decode(face)))
        font.flavor = None
        yield font


def _dejavu() -> Iterator[TTFont]:
    """DejaVu Serif without Latin letters: a whole word is set in a fallback font that has all of it."""
    package = find_spec("matplotlib")
    if package is not None and package.origin is not None:
        font: Any = TTFont(Path(package.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSerif.ttf")
        for table in font["cmap"].tables:
            table.cmap = {code: glyph for code, glyph in table.cmap.items() if code > _LAST_LATIN}
        yield font
