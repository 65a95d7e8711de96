"""Engraved pages: on paper of the wanted size, everything on them, the same on every machine."""

import io
import re

import matplotlib.image
import numpy as np
import pytest
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from partimento.errors import BadInput
from partimento.rendering.sheet import Style, engraved_sheet, score_to_svg, to_png, to_svg
from partimento.score import (
    CLEF,
    METER,
    Direction,
    Lyric,
    Part,
    PartGroup,
    Score,
    measures_from_meters,
    notes_array,
)

NOTE = "<note><pitch><step>F</step><octave>4</octave></pitch><duration>4</duration><type>whole</type>{}</note>"
LYRIC = "<lyric><syllabic>single</syllabic><text>Zärt</text></lyric>"
CHORD = "<harmony><root><root-step>B</root-step><root-alter>-1</root-alter></root><kind>major</kind></harmony>"
FIRST = (
    "<attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time>"
    "<clef><sign>G</sign><line>2</line></clef></attributes>"
)
IDENTIFICATION = "<creator type='composer'>Clara</creator><rights>CC0</rights>"


def musicxml(parts=1, bars=4, title="Air &amp; Jig", extra="", identification=IDENTIFICATION, name="Clarinet in B♭"):
    names = "".join(f"<score-part id='P{i}'><part-name>{name}</part-name></score-part>" for i in range(parts))
    measures = "".join(
        f"<measure number='{b + 1}'>{FIRST * (b == 0)}{CHORD}{NOTE.format(LYRIC)}</measure>" for b in range(bars)
    )
    body = "".join(f"<part id='P{i}'>{measures}</part>" for i in range(parts))
    return (
        "<?xml version='1.0' encoding='UTF-8'?><score-partwise version='4.0'>"
        f"<work><work-title>{title}</work-title></work><identification>{identification}</identification>"
        f"{extra}<part-list>{names}</part-list>{body}</score-partwise>"
    ).encode()


VOICE = Part("Voice", 53)


def score_of(parts=(VOICE,), bars=2, skip=(), **more):
    """One note a beat in 3/4; `skip` says (part, bar) that rest."""
    meters = np.array([(0, 3, 4)], METER)
    notes = notes_array(
        [
            {"onset_tick": 480 * i, "duration_tick": 480, "pitch": 60 + i % 12, "spelling": 0, "voice": 1, "part": part}
            for part in range(len(parts))
            for i in range(3 * bars)
            if (part, i // 3) not in skip
        ]
    )
    measures = measures_from_meters(meters, 480, 1440 * bars)
    return Score(480, tuple(parts), notes, measures, meters, **more)


def text_of(svg):
    return " ".join("".join(etree.fromstring(svg.encode()).itertext("{*}tspan", "{*}text")).split())


def lines_of(svg):
    """Text ▶ (size in px, x, y) of the lines of the heading."""
    found = re.findall(r'<text x="(-?\d+)" y="(\d+)" [^>]*?font-size="(\d+)px"[^>]*>([^<]+)<', svg)
    return {text: (int(size), int(x), int(y)) for x, y, size, text in found}


def picture(png):
    return matplotlib.image.imread(io.BytesIO(png))


def test_title_names_words_and_chords_are_on_the_page():
    (page,) = to_svg(musicxml())
    text = text_of(page)
    for word in ("Air & Jig", "Clara", "CC0", "Clarinet in B♭", "Zärt"):
        assert text.count(word) == (4 if word == "Zärt" else 1)
    assert page.count('class="note"') == 4
    assert page.count('class="harm"') == 4
    assert '<svg width="210mm" height="297mm"' in page


def test_the_title_is_largest_and_stands_in_the_middle_over_the_names():
    lines = lines_of(to_svg(musicxml(extra="<movement-title>II. Slow</movement-title>"))[0])
    title, subtitle, part, composer = (lines[t] for t in ("Air &amp; Jig", "II. Slow", "Clarinet in B♭", "Clara"))
    assert title[0] > subtitle[0] > part[0] == composer[0]
    assert part[1] < title[1] == subtitle[1] < composer[1]
    assert title[2] < subtitle[2] < part[2] == composer[2]


def test_the_title_is_as_large_on_paper_whatever_the_staves():
    sizes = []
    for mm in (4, 8):
        (page,) = to_svg(musicxml(), Style(staff_mm=mm))
        width = int(re.findall(r'viewBox="0 0 (\d+)', page)[0])
        sizes.append(lines_of(page)["Air &amp; Jig"][0] / width)
    assert sizes[0] == pytest.approx(sizes[1], rel=0.01)


def test_a_long_title_is_broken_and_keeps_clear_of_the_music():
    (page,) = to_svg(musicxml(title="A very long title that goes on and on " * 4))
    lines = [y for text, (_, _, y) in lines_of(page).items() if "long" in text]
    highest = min(int(y) for line in re.findall(r'd="M\d+ (\d+) L\d+ (\d+)', page) for y in line)
    assert len(lines) >= 2
    assert max(lines) < highest


def test_arranger_and_a_transcribers_note():
    note = "Transcribed by somebody from the scans of a library at an address that takes a whole line"
    creators = "<creator type='composer'>Clara</creator><creator type='arranger'>{}</creator>"
    assert "arr. Robert" in text_of(to_svg(musicxml(identification=creators.format("Robert")))[0])
    lines = lines_of(to_svg(musicxml(identification=creators.format(note)))[0])
    assert max(lines.values(), key=lambda line: line[2]) == lines[note]


def test_chord_symbols_have_real_accidentals_and_no_chord_has_no_root():
    half, none = ("<kind text='m7b5'>half-diminished</kind>", "<kind text='N.C.'>none</kind>")
    data = musicxml(bars=2).replace(b"<kind>major</kind>", half.encode(), 1)
    data = data.replace(b"<root-alter>-1</root-alter></root><kind>major</kind>", b"</root>" + none.encode())
    chords = re.findall(r'class="harm">(.*?)</g>', to_svg(data)[0], re.DOTALL)
    accidental = "\uea64"  # SMuFL's flat for chord symbols
    first, second = ("".join(re.findall(">([^<]+)<", chord)).replace("\n", "") for chord in chords)
    assert first.count(accidental) == 2
    assert (first[0], second) == ("B", "N.C.")


def test_later_pages_bear_the_title_small_and_their_number_outside():
    pages = to_svg(musicxml(bars=400))
    assert len(pages) > 2
    second, third = lines_of(pages[1]), lines_of(pages[2])
    assert "Air &amp; Jig – Clarinet in B♭" in second
    assert "Air &amp; Jig" not in second
    assert second["2"][1] < third["3"][1]
    assert "1" not in lines_of(pages[0])


def test_letter_paper():
    page = to_svg(musicxml(), Style("letter"))[0]
    assert '<svg width="215.9mm" height="279.4mm"' in page
    width, height = map(int, re.findall(r'class="definition-scale"[^>]*viewBox="0 0 (\d+) (\d+)"', page)[0])
    assert width / height == pytest.approx(215.9 / 279.4, rel=1e-3)


@pytest.mark.parametrize(("style", "word"), [({"paper": "a3"}, "a4, letter"), ({"staff_mm": 30}, "3 to 12 mm")])
def test_styles_that_cannot_be(style, word):
    with pytest.raises(BadInput, match=word):
        Style(**style)


def test_more_staves_are_smaller_and_a_size_can_be_asked_for():
    heights = [engraved_sheet(score_of([Part("Flute", 73)] * count)).staff_mm for count in (1, 4, 12)]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == 3
    assert engraved_sheet(score_of(), Style(staff_mm=5)).staff_mm == pytest.approx(5)


def test_a_system_taller_than_the_page_is_engraved_smaller():
    (page,) = to_svg(musicxml(parts=40, bars=2))
    assert '<svg width="210mm" height="297mm"' in page
    height = int(page.split('viewBox="0 0 ')[1].split('"')[0].split()[1])
    assert height > 2 * 29700
    lowest = max(int(y) for line in re.findall(r'd="M\d+ (\d+) L\d+ (\d+)', page) for y in line)
    assert lowest < height


def test_names_before_the_first_system_and_abbreviations_before_later_ones():
    (page,) = score_to_svg(score_of([Part("Violin I", 40), Part("Bb Clarinet 2", 71)], bars=24))
    text = text_of(page)
    assert text.count("Violin I") == text.count("B♭ Clarinet 2") == 1
    assert text.count("Vln. I") == text.count("Cl. 2") == page.count('class="system"') - 1 > 0


def test_measure_numbers_at_the_beginning_of_systems():
    (page,) = score_to_svg(score_of(bars=24))
    numbers = re.findall(r'class="mNum[^"]*".*?<tspan font-size="\d+px">(\d+)<', page, re.DOTALL)
    assert len(numbers) == page.count('class="system"') - 1 > 0


def test_brackets_join_several_parts_only_and_an_orchestra_has_its_families():
    parts = [Part("Solo", 0), Part("Violin", 40), Part("Viola", 41)]
    alone = score_of(parts, groups=(PartGroup(0, 0),))
    both = score_of(parts, groups=(PartGroup(0, 0), PartGroup(1, 2), PartGroup(1, 2)))
    counts = [score_to_svg(score)[0].count('class="grpSym"') for score in (alone, both)]
    assert counts == [0, 1]
    orchestra = [Part("Flute", 73)] * 2 + [Part("Horn", 60)] * 2 + [Part("Timpani", 47)] + [Part("Violin", 40)] * 4
    assert score_to_svg(score_of(orchestra))[0].count('class="grpSym"') == 3


def test_staves_that_rest_can_be_hidden():
    resting = {(1, bar) for bar in range(8, 60)}
    score = score_of([Part("Flute", 73), Part("Oboe", 68)], bars=60, skip=resting)
    full, short = (score_to_svg(score, Style(hide_empty=hidden)) for hidden in (False, True))
    assert sum(page.count('class="staff"') for page in full) == 120
    assert sum(page.count('class="staff"') for page in short) < 90


def test_a_hairpin_without_an_end_gets_one():
    signs = (Direction(0, "crescendo"), Direction(1440, "dynamics", "f"), Direction(1440, "diminuendo"))
    score = score_of(bars=40, directions=signs)
    hairpins = [page.count('class="hairpin"') for page in score_to_svg(score)]
    ended = (*signs, Direction(1440, "wedge-stop"), Direction(4320, "wedge-stop"))
    assert hairpins == [page.count('class="hairpin"') for page in score_to_svg(score_of(bars=40, directions=ended))]
    assert sum(hairpins) == 2


def test_dynamics_with_words_stand_side_by_side():
    signs = (Direction(0, "dynamics", "p"), Direction(0, "dynamics", "dolce"), Direction(0, "words", "cresc."))
    (page,) = score_to_svg(score_of(directions=signs))
    (sign,) = re.findall(r'class="dynam">.*?</g>', page, re.DOTALL)
    letters = "".join(re.findall(r">([^<\n]+)<", sign))
    assert letters.index("\ue520") < letters.index("dolce") < letters.index("cresc.")  # SMuFL's p


def test_signs_for_all_are_printed_once_and_no_star_stands_before_the_next_pedal():
    signs = [Direction(0, "tempo", "Lento", part) for part in (0, 1)]
    signs += [Direction(tick, "pedal", text) for tick, text in ((0, "start"), (1440, "stop"), (1440, "start"))]
    (page,) = score_to_svg(score_of([Part("Harp", 46), Part("Flute", 73)], directions=(*signs,)))
    assert text_of(page).count("Lento") == 1
    assert page.count('class="pedal"') == 2


def test_what_is_only_heard_leaves_no_trace():
    data = musicxml()
    heard = data.replace(b"</measure>", b"<sound tempo='60'/></measure>")
    assert lines_of_staff(to_svg(heard)[0]) == lines_of_staff(to_svg(data)[0])


def lines_of_staff(svg):
    return re.findall(r'd="M\d+ \d+ L\d+ \d+"', svg)


def test_words_keep_clear_of_the_metronome():
    words = "<direction><direction-type><words>Marche</words></direction-type><direction-type><metronome>{}</metronome>"
    figure = "<beat-unit>quarter</beat-unit><per-minute>112</per-minute>"
    sign = f"{words.format(figure)}</direction-type></direction>"
    (page,) = to_svg(musicxml().replace(FIRST.encode(), (FIRST + sign).encode()))
    assert "Marche\xa0" in page


def test_drum_stems_go_up_for_hands_and_down_for_feet():
    meters = np.array([(0, 4, 4)], METER)
    rows = [{"onset_tick": 480 * i, "duration_tick": 480, "pitch": key, "voice": voice, "staff": 1}
            for i in range(4) for key, voice in ((42, 1), (36, 2))]  # fmt: skip
    clefs = np.array([(0, 0, 1, "percussion", 0, 0)], CLEF)
    kit = Score(
        480, (Part("Drums", is_drums=True),), notes_array(rows), measures_from_meters(meters, 480, 1920), meters,
        clefs=clefs,
    )  # fmt: skip
    (page,) = score_to_svg(kit)
    ends = [(int(a), int(b)) for a, b in re.findall(r'class="stem"><path d="M-?\d+ (-?\d+) L-?\d+ (-?\d+)', page)]
    assert len(ends) == 8
    assert len({a < b for a, b in ends}) == 2
    assert "\ue069" in page or "E069" in page  # SMuFL's percussion clef


def test_the_same_page_twice():
    first, second = to_svg(musicxml()), to_svg(musicxml())
    assert first == second
    assert to_png(first[0], 400) == to_png(second[0], 400)


def test_png_is_black_on_white_and_shows_title_music_and_words():
    pixels = picture(to_png(to_svg(musicxml())[0], 1000))
    assert pixels.shape[:2] in ((1414, 1000), (1415, 1000))
    assert pixels[0, 0] == 1
    ink = (pixels < 0.5).sum(1)
    assert ink[60:100].sum() > 500  # title
    assert ink[120:260].sum() > 2000  # staff, notes, chords and words


def test_music_signs_and_text_need_no_font_of_the_machine():
    page = to_svg(musicxml())[0]
    bare = re.sub(r"<tspan[^>]*>[^<]*</tspan>", "", page)
    with_text, without = (picture(to_png(svg, 1000)) < 0.5 for svg in (page, bare))
    assert with_text.sum() > without.sum() + 500


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
    (page,) = score_to_svg(score_of(lyrics=(Lyric(0, "Ah"),), title="Six notes"))
    assert page.count('class="note"') == 6
    assert page.count('class="measure"') == 2
    for word in ("Six notes", "Voice", "Ah"):
        assert word in text_of(page)


def test_pages_are_reported_as_they_are_drawn():
    told = []
    made = engraved_sheet(score_of(bars=300), report=lambda page, pages: told.append((page, pages)))
    assert told == [(number, len(made.pages)) for number in range(1, len(made.pages) + 1)]
