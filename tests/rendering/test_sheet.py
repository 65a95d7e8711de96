"""Engraved pages: A4, everything on them, the same on every machine."""

import io
import re

import matplotlib.image
import numpy as np
import pytest
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from partimento.errors import BadInput
from partimento.rendering.sheet import score_to_svg, to_png, to_svg
from partimento.score import METER, Lyric, Part, Score, measures_from_meters, notes_array

NOTE = "<note><pitch><step>F</step><octave>4</octave></pitch><duration>4</duration><type>whole</type>{}</note>"
LYRIC = "<lyric><syllabic>single</syllabic><text>Zärt</text></lyric>"
CHORD = "<harmony><root><root-step>B</root-step><root-alter>-1</root-alter></root><kind>major</kind></harmony>"
FIRST = (
    "<attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time>"
    "<clef><sign>G</sign><line>2</line></clef></attributes>"
)


def musicxml(parts=1, bars=4, title="Air &amp; Jig", extra=""):
    names = "".join(f"<score-part id='P{i}'><part-name>Clarinet in B♭</part-name></score-part>" for i in range(parts))
    measures = "".join(
        f"<measure number='{b + 1}'>{FIRST * (b == 0)}{CHORD}{NOTE.format(LYRIC)}</measure>" for b in range(bars)
    )
    body = "".join(f"<part id='P{i}'>{measures}</part>" for i in range(parts))
    return (
        "<?xml version='1.0' encoding='UTF-8'?><score-partwise version='4.0'>"
        f"<work><work-title>{title}</work-title></work>"
        "<identification><creator type='composer'>Clara</creator><rights>CC0</rights></identification>"
        f"{extra}<part-list>{names}</part-list>{body}</score-partwise>"
    ).encode()


def text_of(svg):
    return " ".join("".join(etree.fromstring(svg.encode()).itertext("{*}tspan", "{*}text")).split())


def picture(png):
    return matplotlib.image.imread(io.BytesIO(png))


def test_title_names_words_and_chords_are_on_the_page():
    (page,) = to_svg(musicxml())
    text = text_of(page)
    for word in ("Air & Jig", "Clara", "CC0", "Clarinet in B♭", "Zärt"):
        assert word in text
    assert page.count('class="note"') == 4
    assert page.count('class="harm"') == 4
    assert '<svg width="210mm" height="297mm"' in page


def test_the_title_is_set_larger_and_nothing_else_is():
    sizes = [re.findall(r'font-size="(\d+)px">([^<]+)', to_svg(musicxml(title=t))[0]) for t in ("Air", "")]
    assert ("640", "Air") in sizes[0]
    assert not [size for size, _ in sizes[1] if size == "640"]


def test_chord_symbols_have_real_accidentals_and_no_chord_has_no_root():
    half, none = ("<kind text='m7b5'>half-diminished</kind>", "<kind text='N.C.'>none</kind>")
    data = musicxml(bars=2).replace(b"<kind>major</kind>", half.encode(), 1)
    data = data.replace(b"<root-alter>-1</root-alter></root><kind>major</kind>", b"</root>" + none.encode())
    chords = re.findall(r'class="harm">(.*?)</g>', to_svg(data)[0], re.DOTALL)
    accidental = "\uea64"  # SMuFL's flat for chord symbols
    first, second = ("".join(re.findall(">([^<]+)<", chord)).replace("\n", "") for chord in chords)
    assert first.count(accidental) == 2
    assert (first[0], second) == ("B", "N.C.")


def test_later_pages_bear_numbers_instead_of_the_title():
    pages = to_svg(musicxml(bars=150))
    assert len(pages) > 1
    assert "Air & Jig" not in text_of(pages[1])
    assert text_of(pages[1]).startswith("2")


def test_a_system_taller_than_the_page_is_engraved_smaller():
    (page,) = to_svg(musicxml(parts=30, bars=2))
    assert '<svg width="210mm" height="297mm"' in page
    height = int(page.split('viewBox="0 0 ')[1].split('"')[0].split()[1])
    assert height > 1.5 * 29700
    lowest = max(int(y) for line in re.findall(r'd="M\d+ (\d+) L\d+ (\d+)', page) for y in line)
    assert lowest < height


def test_the_same_page_twice():
    first, second = to_svg(musicxml()), to_svg(musicxml())
    assert first == second
    assert to_png(first[0], 400) == to_png(second[0], 400)


def test_png_is_black_on_white_and_shows_title_music_and_words():
    pixels = picture(to_png(to_svg(musicxml())[0], 1000))
    assert pixels.shape[:2] in ((1414, 1000), (1415, 1000))
    assert pixels[0, 0, :3].tolist() == [1, 1, 1]
    ink = (pixels[:, :, :3].mean(2) < 0.5).sum(1)
    assert ink[40:90].sum() > 500  # title
    assert ink[100:250].sum() > 2000  # staff, notes, chords and words


def test_music_signs_and_text_need_no_font_of_the_machine():
    page = to_svg(musicxml())[0]
    bare = re.sub(r"<tspan[^>]*>[^<]*</tspan>", "", page)
    with_text, without = (picture(to_png(svg, 1000))[:, :, 0] < 0.5 for svg in (page, bare))
    assert with_text.sum() > without.sum() + 1500


def test_credits_and_layout_of_the_source_give_way():
    credit = "<credit page='1'><credit-words>Sold by Smith</credit-words></credit>"
    assert "Smith" not in text_of(to_svg(musicxml(extra="<defaults/>" + credit))[0])


@pytest.mark.parametrize(
    "data", [b"", b"MThd", b"<score-partwise/>", b"<html><body/></html>", b"\xff\xfe<", b"<a>" * 9]
)
def test_what_is_no_musicxml_is_refused(data):
    with pytest.raises(BadInput, match="MusicXML"):
        to_svg(data)


def test_external_entities_are_not_read(tmp_path):
    (tmp_path / "secret").write_text("confidential")
    doctype = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{(tmp_path / "secret").as_uri()}">]>'.encode()
    data = musicxml(title="&e;").replace(b"?>", b"?>" + doctype, 1)
    assert "confidential" not in "".join(to_svg(data))


def test_a_score_is_engraved_through_the_musicxml_writer():
    meters = np.array([(0, 3, 4)], METER)
    notes = notes_array([{"onset_tick": 480 * i, "duration_tick": 480, "pitch": 60 + i, "voice": 1} for i in range(6)])
    measures, lyrics = measures_from_meters(meters, 480, 2880), (Lyric(0, "Ah"),)
    score = Score(480, (Part("Voice", 53),), notes, measures, meters, lyrics=lyrics, title="Six notes")
    (page,) = score_to_svg(score)
    assert page.count('class="note"') == 6
    assert page.count('class="measure"') == 2
    for word in ("Six notes", "Voice", "Ah"):
        assert word in text_of(page)
