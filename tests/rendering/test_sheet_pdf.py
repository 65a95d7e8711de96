"""PDF and PNG: what is in the file, not only that there is one."""

import io
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pypdfium2
import pytest

from partimento.rendering.sheet import Style, engraved_sheet, to_pdf, to_png, to_pngs
from partimento.score import METER, Lyric, Part, Score, measures_from_meters, notes_array


def score(bars=4, title="Lied", lyrics=("Zärt", "lich"), name="Gesang"):
    meters = np.array([(0, 3, 4)], METER)
    notes = notes_array(
        [{"onset_tick": 480 * i, "duration_tick": 480, "pitch": 60 + i % 12, "voice": 1} for i in range(3 * bars)]
    )
    measures = measures_from_meters(meters, 480, 1440 * bars)
    words = tuple(Lyric(number, text) for number, text in enumerate(lyrics))
    return Score(480, (Part(name, 53),), notes, measures, meters, lyrics=words, title=title, composer="Clara")


@pytest.fixture(scope="module")
def sheet():
    return engraved_sheet(score(bars=200), Style("letter"))


@pytest.fixture(scope="module")
def pdf(sheet):
    return to_pdf(sheet.pages, sheet.title, sheet.composer)


def text_of(pdf):
    with pypdfium2.PdfDocument(pdf) as document:
        return [page.get_textpage().get_text_range() for page in document]


def test_a_page_of_the_pdf_is_a_page_of_the_sheet(sheet, pdf):
    with pypdfium2.PdfDocument(pdf) as document:
        assert len(document) == len(sheet.pages) > 2
        assert {document.get_page_size(page) for page in range(len(document))} == {(612.0, 792.0)}


def test_title_composer_and_lyrics_can_be_searched(pdf):
    first, second, *_ = text_of(pdf)
    for word in ("Lied", "Clara", "Gesang", "Zärt", "lich"):
        assert word in first
    assert "Lied – Gesang" in second


def test_the_document_says_what_it_is(pdf):
    with pypdfium2.PdfDocument(pdf) as document:
        properties = document.get_metadata_dict()
    assert (properties["Title"], properties["Author"]) == ("Lied", "Clara")


def test_notation_is_vector_and_every_font_embedded(pdf):
    with pypdfium2.PdfDocument(pdf) as document:
        kinds = [pypdfium2.raw.FPDFPageObj_GetType(thing) for page in document for thing in page.get_objects()]
    assert pypdfium2.raw.FPDF_PAGEOBJ_IMAGE not in kinds
    assert kinds.count(pypdfium2.raw.FPDF_PAGEOBJ_PATH) > 600  # noteheads, stems, staff lines
    names = set(re.findall(rb"/BaseFont ?/([^\s/]+)", pdf))
    assert names
    assert all(b"LiberationSerif" in name for name in names)
    assert len(re.findall(rb"/Type ?/FontDescriptor", pdf)) == len(re.findall(rb"/FontFile[23]", pdf)) == len(names)


def test_the_same_pdf_twice(sheet, pdf):
    assert to_pdf(sheet.pages, sheet.title, sheet.composer) == pdf


def test_png_has_the_width_asked_for_and_the_proportions_of_the_paper(sheet):
    pictures = [matplotlib.image.imread(io.BytesIO(png)) for png in to_pngs(sheet.pages[:2], 850)]
    assert [picture.shape for picture in pictures] == [(1100, 850)] * 2
    assert all((picture < 0.5).any() for picture in pictures)


def test_signs_that_the_text_font_lacks_come_from_another_of_ours():
    with_flat, without = (engraved_sheet(score(name=name)).pages for name in ("Clarinet in B♭", "Clarinet in B"))
    first, second = (matplotlib.image.imread(io.BytesIO(to_png(pages[0], 1000))) for pages in (with_flat, without))
    assert (first < 0.5).sum() > (second < 0.5).sum()
    assert "B♭" in text_of(to_pdf(with_flat))[0]


def test_cyrillic_and_greek_words(sheet):
    pages = engraved_sheet(score(title="Песня", lyrics=("Ах", "φῶς"))).pages
    text = text_of(to_pdf(pages))[0]
    assert "Песня" in text
    assert "Ах" in text


def test_the_fonts_go_when_the_process_ends(tmp_path):
    code = (
        "from partimento.rendering.sheet.fonts import fonts; folder = fonts().folder; "
        "assert len(list(folder.glob('*.ttf'))) >= 6; print(folder)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True)
    assert not Path(result.stdout.strip()).exists()
