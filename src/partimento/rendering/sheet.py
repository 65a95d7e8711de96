"""Engraved pages: MusicXML ▶ SVG through verovio, SVG ▶ PNG through resvg.

Pages are A4. Where a system is taller than the page, everything is engraved smaller. Nothing depends on the fonts
of the machine: music signs (Leipzig) and text (Liberation Serif, whose widths verovio reckons with) come out of
verovio's own files.
"""

from __future__ import annotations

import atexit
import base64
import io
import re
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import resvg_py
import verovio
from fontTools.ttLib import TTFont
from lxml import etree

from partimento.errors import BadInput
from partimento.io import musicxml as musicxml_io
from partimento.score import Score

PAGE_MM = (210, 297)
_LAYOUT = {"pageWidth": 2100, "pageHeight": 2970, "pageMarginTop": 140, "pageMarginBottom": 120,
           "pageMarginLeft": 150, "pageMarginRight": 150}  # fmt: skip
"""Tenths of a millimetre where the staff is 7.2 mm high; a layout twice as large halves the staff."""
_SCALE_SOLO, _SCALE_ENSEMBLE = 1.05, 1.2
_MOST_LAYOUTS = 4
_OPTIONS = {
    "condense": "none",  # a part that rests stays in sight
    "footer": "none",
    "justifyVertically": True,
    "mmOutput": True,
    "svgFormatRaw": True,
    "xmlIdChecksum": True,  # else ids are random
}
_TITLE_PX, _TITLE_RISE, _LINE_WIDTH = 640, 140, 18_000  # in verovio's SVG units, 100 to a millimetre
_TITLE = re.compile(r'(class="pgHead">.*?<tspan [^>]*y=")(\d+)("[^>]*>.*?font-size=")\d+px(">)([^<]*)', re.DOTALL)
_PAGE_SIZE = re.compile(r'<svg width="[\d.]+mm" height="[\d.]+mm"')
_LINE_OR_TEXT = re.compile(r'd="M-?\d+ (-?\d+) L-?\d+ (-?\d+)|<t(?:ext|span)[^>]* y="(\d+)"')
_TOOLTIP = re.compile(r"<title\b[^>]*>.*?</title>", re.DOTALL)
_TEXT_FONT = re.compile(r'font-family="Times(?:, serif)?"')
_FACE = re.compile(r"base64,([^)\s]+)")


def to_svg(musicxml: bytes) -> list[str]:
    """Engrave uncompressed MusicXML.

    Returns:
        One SVG per A4 page; music signs are embedded, text asks for a Times-like font.

    Raises:
        BadInput: the bytes are no MusicXML that can be engraved.
    """
    verovio.enableLog(verovio.LOG_OFF)
    text = _with_header(musicxml)
    toolkit: Any = verovio.toolkit()
    scale = _SCALE_SOLO if text.count("<score-part ") == 1 else _SCALE_ENSEMBLE
    toolkit.setOptions(_OPTIONS | _layout(scale))
    if not toolkit.loadData(text) or not toolkit.getPageCount():
        raise BadInput("this MusicXML cannot be engraved; it has no score-partwise with notes that verovio can read")
    for _ in range(_MOST_LAYOUTS):
        pages: list[str] = [toolkit.renderToSVG(page) for page in range(1, toolkit.getPageCount() + 1)]
        excess = max(_bottom(page) for page in pages) / (10 * _layout(scale)["pageHeight"])
        if excess <= 1:
            break
        scale *= 1.05 * excess
        toolkit.setOptions(_layout(scale))
        toolkit.redoLayout()
    return [_finished(page) for page in pages]


def score_to_svg(score: Score) -> list[str]:
    """Engrave a score: one SVG per A4 page."""
    return to_svg(musicxml_io.write(score))


def to_png(svg: str, width: int = 1600) -> bytes:
    """Draw one page black on white, `width` pixels wide."""
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            width=width,
            dpi=96,  # its own default is 0, which leaves millimetres without a size
            background="white",
            skip_system_fonts=True,
            font_files=_font_files(),
            font_family="Liberation Serif",
            serif_family="Liberation Serif",
        )
    )


def _with_header(musicxml: bytes) -> str:
    """The same music with title, composer and lyricist as the only credits, and without a layout of its own."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        root: Any = etree.fromstring(musicxml, parser)
    except etree.XMLSyntaxError as error:
        raise BadInput(f"this is no MusicXML: {error.msg}") from None
    for element in root.xpath("/*/credit | /*/defaults"):
        root.remove(element)
    part_list = root.find("part-list")
    if part_list is None:
        raise BadInput("this is no MusicXML score: it has no part-list")
    for text, justify, valign in _header_lines(root):
        credit = etree.Element("credit", page="1")
        etree.SubElement(credit, "credit-words", justify=justify, valign=valign).text = text
        part_list.addprevious(credit)
    return etree.tostring(root, encoding="unicode")


def _header_lines(root: Any) -> list[tuple[str, str, str]]:
    """Text, justification and vertical place of each line above the music; the title comes first."""

    def text(path: str) -> str:
        return " ".join((root.findtext(path) or "").split())

    lines = [
        (text("work/work-title") or text("movement-title"), "center", "top"),
        (text("identification/creator[@type='lyricist']"), "left", "bottom"),
        (text("identification/creator[@type='composer']"), "right", "bottom"),
    ]
    return [line for line in lines if line[0]]


def _layout(scale: float) -> dict[str, int]:
    return {name: round(value * scale) for name, value in _LAYOUT.items()}


def _bottom(svg: str) -> int:
    """How far down the lowest line or text reaches from the top of the page, in verovio's SVG units."""
    return 10 * _LAYOUT["pageMarginTop"] + max((int(y) for match in _LINE_OR_TEXT.finditer(svg) for y in match.groups() if y), default=0)


def _finished(svg: str) -> str:
    """The page on A4 whatever the size of its layout, its title larger, without tooltips, with fonts that exist."""
    svg = _PAGE_SIZE.sub('<svg width="{}mm" height="{}mm"'.format(*PAGE_MM), svg, count=1)
    svg = _TITLE.sub(_larger_title, _TOOLTIP.sub("", svg), count=1)
    return _TEXT_FONT.sub("font-family=\"Times, 'Liberation Serif', serif\"", svg)


def _larger_title(match: re.Match[str]) -> str:
    size = min(_TITLE_PX, 2 * _LINE_WIDTH // max(len(match[5]), 1))
    return f"{match[1]}{int(match[2]) - _TITLE_RISE}{match[3]}{size}px{match[4]}{match[5]}"


@cache
def _font_files() -> list[str]:
    """Leipzig and the four faces of Liberation Serif as TrueType files, unpacked from verovio's style sheets."""
    folder = Path(tempfile.mkdtemp(prefix="partimento-fonts-"))
    remove: Callable[..., Any] = shutil.rmtree
    atexit.register(remove, folder, ignore_errors=True)
    files: list[str] = []
    for sheet in ("Leipzig", "Liberation"):
        css = (Path(verovio.__file__).parent / "data" / f"{sheet}.css").read_text("utf-8")
        for index, face in enumerate(_FACE.findall(css)):
            font = TTFont(io.BytesIO(base64.b64decode(face)))
            font.flavor = None
            files.append(str(folder / f"{sheet}-{index}.ttf"))
            font.save(files[-1])
    return files
