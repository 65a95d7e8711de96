"""What Chord Llama's cleaning keeps of a MusicXML document, listed without the product's code: for judging it.

Paths are those of the published cleaning; below `harmony`, `sound`, `transpose` and `measure-style`, of which it names
only the top, everything that is music counts. Page layout, fonts and colours do not.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

PATHS = re.compile(
    r"attributes(/(divisions|staves|key(/(fifths|mode))?|time(/(beats|beat-type))?|clef(/(sign|line))?"
    r"|transpose(/.+)?|measure-style(/.+)?))?"
    r"|note(/(grace|cue|chord|pitch(/(step|alter|octave))?|unpitched(/display-(step|octave))?|duration|type|accidental"
    r"|rest(/display-(step|octave))?|dot|tie|time-modification(/(actual|normal)-notes)?|staff))?"
    r"|backup(/duration)?|forward(/(duration|staff))?"
    r"|harmony(/(root|numeral|function|kind|inversion|bass|degree|offset|frame|staff)(/.+)?)?"
    r"|sound(/(offset|swing(/.+)?))?"
)
LAYOUT = re.compile(
    r"(default|relative)-[xy]|color|id|font-.*|print-.*|[hv]align|placement|number|dynamics|end-dynamics|pizzicato|time-only"
    r"|height|width|unplayed|size|bracket|cautionary|editorial|parentheses|smufl|after-barline|additional|arrangement|system"
)
"""Attributes that say nothing of the music, or that the published cleaning drops; `number` is looked at apart."""
NUMBERED = frozenset(["key", "clef", "transpose", "measure-style"])
VOID = {"key": "fifths", "time": "beats", "clef": "sign", "harmony": "kind", "transpose": "chromatic"}
"""Elements that say nothing without a child that the cleaning keeps."""


def document(path: Path) -> Any:
    """Root element of a MusicXML file."""
    data = path.read_bytes()
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [n for n in archive.namelist() if n.endswith((".xml", ".musicxml")) and "META-INF" not in n]
            data = archive.read(names[0])
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, huge_tree=True, remove_comments=True))


def elements(root: Any) -> list[list[tuple[Any, ...]]]:
    """Of each part the kept elements in the order of the document: measure, path, text, attributes."""
    found: list[list[tuple[Any, ...]]] = []
    for part in root.iterfind("part"):
        staves = max((int(e.text or 1) for e in part.iter("staves")), default=1)
        rows: list[tuple[Any, ...]] = []
        for index, measure in enumerate(part.iterfind("measure")):
            rows.append((index, "measure", "", ()))
            for child in measure:
                _add(rows, index, child, str(child.tag), staves)
        found.append(rows)
    return found


def _add(rows: list[tuple[Any, ...]], index: int, element: Any, path: str, staves: int) -> None:
    tag = element.tag
    if not PATHS.fullmatch(path) or (tag in VOID and element.find(VOID[tag]) is None):
        return
    said = {n: v for n, v in element.attrib.items() if not LAYOUT.fullmatch(n) or (tag == "sound" and n != "id")}
    if staves > 1 and tag in NUMBERED and "number" in element.attrib:
        said["number"] = element.get("number")
    rows.append((index, path, (element.text or "").strip(), tuple(sorted(said.items()))))
    for child in element:
        _add(rows, index, child, f"{path}/{child.tag}", staves)
