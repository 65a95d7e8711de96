"""Engraved pages: MusicXML ▶ SVG through verovio, SVG ▶ PNG through resvg.

Pages are A4. Where a system is taller than the page, everything is engraved smaller. The fonts come with the
program: music signs (Leipzig) and text (Liberation Serif, whose widths verovio reckons with) out of verovio's
files, DejaVu Serif out of matplotlib's for what these lack. Scripts that none of them has are left to the
machine.
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
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import resvg_py
import verovio
from fontTools.ttLib import TTFont
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from partimento.errors import BadInput
from partimento.io import musicxml as musicxml_io
from partimento.notation import engrave
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
_TITLE_PX, _TITLE_RISE, _FOOTER_PX = 640, 140, 300  # verovio's SVG units: 100 to a millimetre at scale 1
_LINE_WIDTH = 18_000
_TITLE = re.compile(
    r'(class="pgHead"><text[^>]*><tspan [^>]*y=")(\d+)'
    r'(" text-anchor="middle"[^>]*>.*?font-size=")\d+px(">)([^<]*)'
)
_ALTERED_DEGREE = re.compile(r"[b#](?=\d)")
_PAGE_SIZE = re.compile(r'<svg width="[\d.]+mm" height="[\d.]+mm"')
_LINE_OR_TEXT = re.compile(r'd="M-?\d+ (-?\d+) L-?\d+ (-?\d+)|<t(?:ext|span)[^>]* y="(\d+)"')
_INNER = re.compile(r'<svg class="definition-scale"[^>]*>')
_TOOLTIP = re.compile(r"<title\b[^>]*>.*?</title>", re.DOTALL)
_TEXT_FONT = re.compile(r'font-family="Times(?:, serif)?"')
_LAST_LATIN = 0x24F
_FACE = re.compile(r"base64,([^)\s]+)")


def to_svg(musicxml: bytes) -> list[str]:
    """Engrave uncompressed MusicXML.

    Returns:
        One SVG per A4 page; music signs are embedded, text asks for a Times-like font.

    Raises:
        BadInput: the bytes are no MusicXML that can be engraved.
    """
    verovio.enableLog(verovio.LOG_OFF)
    text, rights = _prepared(musicxml)
    toolkit: Any = verovio.toolkit()
    scale = _SCALE_SOLO if text.count("<score-part ") == 1 else _SCALE_ENSEMBLE
    toolkit.setOptions(_OPTIONS | _layout(scale))
    if not toolkit.loadData(text) or not toolkit.getPageCount():
        raise BadInput("this MusicXML cannot be engraved; it has no score-partwise with notes that verovio can read")
    pages: list[str] = []
    for _ in range(_MOST_LAYOUTS):
        pages = [toolkit.renderToSVG(page) for page in range(1, toolkit.getPageCount() + 1)]
        excess = max(_bottom(page) for page in pages) / (10 * _layout(scale)["pageHeight"])
        if excess <= 1:
            break
        scale *= 1.05 * excess
        toolkit.setOptions(_layout(scale))
        toolkit.redoLayout()
    footers = [rights, *(str(number) for number in range(2, len(pages) + 1))]
    return [_finished(page, footer, scale) for page, footer in zip(pages, footers, strict=True)]


def score_to_svg(score: Score) -> list[str]:
    """Engrave a score, notated or performed: one SVG per A4 page.

    Raises:
        NeedsBeats: the score has no bars.
    """
    return to_svg(musicxml_io.write(engrave(score)))


def to_png(svg: str, width: int = 1600) -> bytes:
    """Draw one page black on white, `width` pixels wide."""
    fonts = _fonts()
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            width=width,
            dpi=96,  # its own default is 0, which leaves millimetres without a size
            background="white",
            skip_system_fonts=fonts.characters.issuperset(svg),
            font_files=fonts.files,
            font_family="Liberation Serif",
            serif_family="Liberation Serif",
        )
    )


def _prepared(musicxml: bytes) -> tuple[str, str]:
    """The music as verovio sets it best, title, composer and lyricist its only credits; and its rights."""
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
    for harmony in root.iter("harmony"):
        _mend_chord_symbol(harmony)
    return etree.tostring(root, encoding="unicode"), _line(root, "identification/rights")


def _mend_chord_symbol(harmony: Any) -> None:
    """Real accidentals in `m7b5`, and no root beside `N.C.`."""
    kind, root_step = harmony.find("kind"), harmony.find("root/root-step")
    if kind is not None and kind.get("text"):
        kind.set("text", _ALTERED_DEGREE.sub(lambda match: "♭" if match[0] == "b" else "♯", kind.get("text")))
    if kind is not None and kind.text == "none" and root_step is not None:
        root_step.set("text", "")


def _header_lines(root: Any) -> list[tuple[str, str, str]]:
    """Text, justification and vertical place of each line above the music; the title comes first."""
    lines = [
        (_line(root, "work/work-title") or _line(root, "movement-title"), "center", "top"),
        (_line(root, "identification/creator[@type='lyricist']"), "left", "bottom"),
        (_line(root, "identification/creator[@type='composer']"), "right", "bottom"),
    ]
    return [line for line in lines if line[0]]


def _line(root: Any, path: str) -> str:
    return " ".join((root.findtext(path) or "").split())


def _layout(scale: float) -> dict[str, int]:
    return {name: round(value * scale) for name, value in _LAYOUT.items()}


def _bottom(svg: str) -> int:
    """How far down the lowest line or text reaches from the top of the page, in verovio's SVG units."""
    return 10 * _LAYOUT["pageMarginTop"] + max(
        (int(y) for match in _LINE_OR_TEXT.finditer(svg) for y in match.groups() if y), default=0
    )


def _finished(svg: str, footer: str, scale: float) -> str:
    """The page on A4 whatever its layout's size, the title larger, a footer, no tooltips, usual fonts."""
    svg = _PAGE_SIZE.sub('<svg width="{}mm" height="{}mm"'.format(*PAGE_MM), svg, count=1)
    svg = _TITLE.sub(_larger_title, _TOOLTIP.sub("", svg), count=1)
    layout = _layout(scale)
    x, y = 5 * layout["pageWidth"], 10 * layout["pageHeight"] - round(700 * scale)
    size = round(_FOOTER_PX * scale)
    text = f'<text x="{x}" y="{y}" text-anchor="middle" font-size="{size}px">{escape(footer)}</text>'
    svg = _INNER.sub(lambda match: match[0] + text, svg, count=1)
    return _TEXT_FONT.sub("font-family=\"Times, 'Liberation Serif', serif\"", svg)


def _larger_title(match: re.Match[str]) -> str:
    size = min(_TITLE_PX, 2 * _LINE_WIDTH // max(len(match[5]), 1))
    return f"{match[1]}{int(match[2]) - _TITLE_RISE}{match[3]}{size}px{match[4]}{match[5]}"


@dataclass(frozen=True, slots=True)
class _Fonts:
    files: list[str]
    characters: frozenset[str]


@cache
def _fonts() -> _Fonts:
    """The fonts as TrueType files for resvg, in a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="partimento-fonts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    files: list[str] = []
    codes: set[int] = set(map(ord, "\n\r\t"))
    for index, font in enumerate([*_embedded("Liberation"), *_dejavu(), *_embedded("Leipzig")]):
        files.append(str(folder / f"{index}.ttf"))
        codes.update(font.getBestCmap() or ())
        font.save(files[-1])
        font.close()
    return _Fonts(files, frozenset(map(chr, codes)))


def _embedded(name: str) -> Iterator[TTFont]:
    """The faces in one of verovio's style sheets."""
    css = (Path(verovio.__file__).parent / "data" / f"{name}.css").read_text("utf-8")
    for face in _FACE.findall(css):
        font = TTFont(io.BytesIO(base64.b64decode(face)))
        font.flavor = None
        yield font


def _dejavu() -> Iterator[TTFont]:
    """DejaVu Serif without Latin letters: resvg sets a whole text in a fallback font that has all of it."""
    package = find_spec("matplotlib")
    if package is not None and package.origin is not None:
        font: Any = TTFont(Path(package.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSerif.ttf")
        for table in font["cmap"].tables:
            table.cmap = {code: glyph for code, glyph in table.cmap.items() if code > _LAST_LATIN}
        yield font
