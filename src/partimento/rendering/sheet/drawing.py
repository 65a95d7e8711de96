"""Engraved pages as PDF through typst, and as PNG: the pages of that PDF, drawn by PDFium.

typst draws PNG itself, but at some resolutions loses slices of small glyphs.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from functools import cache

import pypdfium2
import typst

from partimento.rendering.sheet.fonts import fonts

_PAGE_SIZE = re.compile(r'<svg width="([\d.]+)mm" height="([\d.]+)mm"')
_FACES = re.compile(r"@font-face\s*\{[^}]*\}")
_TEXT_FONT = "Times, 'Liberation Serif', serif"
_DOCUMENT = """
#let inputs = sys.inputs
#set document(title: inputs.title, author: inputs.author, date: none)
#set page(width: float(inputs.width) * 1mm, height: float(inputs.height) * 1mm, margin: 0mm)
#for number in range(int(inputs.pages)) {
  if number > 0 { pagebreak() }
  image(bytes(inputs.at(str(number))), format: "svg", width: 100%)
}
"""


def to_pdf(pages: Sequence[str], title: str = "", author: str = "") -> bytes:
    """Pages of one size as a PDF: vector, fonts embedded, text that can be searched; equal pages give equal bytes.

    Characters that the program's own fonts lack are taken from the machine's.

    Args:
        pages: SVG as `to_svg` makes it, at least one.
        title: for the document's properties.
        author: likewise, the composer.
    """
    size = _PAGE_SIZE.search(pages[0])
    width, height = size.groups() if size else ("210", "297")
    inputs = {"title": title, "author": author, "width": width, "height": height, "pages": str(len(pages))}
    drawn = [_FACES.sub("", page).replace(_TEXT_FONT, "Liberation Serif") for page in pages]
    inputs |= {str(number): page for number, page in enumerate(drawn)}
    needs_more = not all(fonts().characters.issuperset(page) for page in drawn)
    compiler = typst.Compiler(_DOCUMENT.encode(), font_paths=_faces(needs_more), sys_inputs=inputs)
    pdf = compiler.compile(format="pdf")
    assert isinstance(pdf, bytes)
    return pdf


def to_png(page: str, width: int = 1600) -> bytes:
    """One page black on white, `width` pixels wide."""
    return next(to_pngs([page], width))


def to_pngs(pages: Sequence[str], width: int = 1600) -> Iterator[bytes]:
    """Pages black on white, each `width` pixels wide."""
    with pypdfium2.PdfDocument(to_pdf(pages)) as document:
        for page in document:
            picture = page.render(scale=width / page.get_width(), grayscale=True).to_pil()
            file = io.BytesIO()
            picture.save(file, "PNG", optimize=True)
            yield file.getvalue()


@cache
def _faces(with_machine: bool) -> typst.Fonts:
    return typst.Fonts(with_machine, False, [fonts().folder])
