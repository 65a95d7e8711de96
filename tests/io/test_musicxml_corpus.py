"""Nothing disappears: what XPath counts in a file and in what we write of it, over the corpus and music21's own files.

The variable PARTIMENTO_WHOLE takes every file of the corpus instead of a fixed sample:
    PARTIMENTO_DATA=… PARTIMENTO_WHOLE=1 pytest tests/io/test_musicxml_corpus.py
"""

import logging
import os
from pathlib import Path
from typing import Any

import pytest
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from partimento.io import musicxml
from partimento.io.musicxml import container

SAMPLE_STEP = 180
"""Every how manieth file of the corpus the usual run takes; a file takes a third of a second."""
PIECES = (
    "bach/bwv66.6.mxl", "beethoven/opus59no2/movement3.mxl", "haydn/opus1no1/movement3.mxl",
    "haydn/opus1no1/movement4.mxl", "mozart/k458/movement1.mxl", "schumann_clara/polonaise_op1n1.mxl",
    "schumann_robert/opus41no1/movement1.mxl", "corelli/opus3no1/1grave.xml", "schoenberg/opus19/movement2.mxl",
)  # fmt: skip
"""Of music21's wheel: what has once been read differently after saving."""
BROKEN = {
    "31a-Directions.xml": ("lyrics", "a lyric under a rest"),
    "71f-AllChordTypes.xml": ("lyrics", "a lyric under a rest"),
}
"""Files of music21's wheel in which something is counted less in what we write ▶ what, and why."""
REASONS = {
    "slur starts": "signs on rests",
    "slur stops": "signs on rests",
    "lyrics": "lyrics under rests",
    "tuplets": "tuplets",
    "figured basses": "",
}
"""What may be counted less where the source is broken ▶ what the reader then says."""

_XPATHS = {
    "notes": "//note[not(rest)]",
    "slur starts": "//notations/slur[@type='start']",
    "slur stops": "//notations/slur[@type='stop']",
    "lyrics": "//note/lyric[text[normalize-space()] or extend]",
    "graces": "//note[grace][not(rest)]",
    "cues": "//note[cue][not(rest)]",
    "tuplets": "//notations/tuplet[@type='start']",
    "dynamics": "//dynamics/*",
    "harmonies": "//harmony",
    "fermatas": "//fermata",
    "tie starts": "//note[not(rest)]/tie[@type='start']",
    "ornaments": "//ornaments/*[not(self::wavy-line)]",
    "articulations": "//articulations/*",
    "technical signs": "//technical/*",
    "arpeggios": "//arpeggiate | //non-arpeggiate",
    "wedges": "//wedge[@type != 'continue']",
    "words": "//direction-type/words[normalize-space()]",
    "rehearsals": "//rehearsal[normalize-space()]",
    "octave lines": "//octave-shift[@type != 'continue']",
    "pedals": "//pedal[@type='start' or @type='stop' or @type='change']",
    "metronomes": "//direction-type/metronome",
    "clefs": "//clef",
    "transpositions": "//transpose",
    "slashes": "//grace[@slash='yes']",
    "frames": "//frame",
    "figured basses": "//figured-bass[figure]",
    "groups": "//part-group[@type='start']",
}
_AT_BARLINES = {
    "endings": "barline/ending[@type='start']",
    "ending stops": "barline/ending[@type!='start']",
    "repeats forward": "barline/repeat[@direction='forward']",
    "repeats backward": "barline/repeat[@direction='backward']",
}
"""Signs that some programs write into one part, some into all: measures are counted in which they stand."""

MAY_DIFFER = {
    "metronomes": "a tempo without any sign gets a mark, under a name by which the reader knows it",
    "clefs": "staves without a clef get the treble clef that they mean; one stated twice at a place is one",
    "words": "those of a metronome mark of several notes",
    "transpositions": "one that changes nothing is left out",
}
"""What may be counted differently in a sound file, and why."""


def counts(root: Any) -> dict[str, int]:
    """How often everything stands in a score."""
    found = {what: len(root.xpath(path)) for what, path in _XPATHS.items()}
    for what, path in _AT_BARLINES.items():
        places = {
            index
            for part in root.iterfind("part")
            for index, measure in enumerate(part.iterfind("measure"))
            for _ in measure.xpath(path)
        }
        found[what] = len(places)
    return found


def differences(data: bytes, name: str) -> tuple[bool, dict[str, tuple[int, int]]]:
    """Whether the score loads again equal, and what is counted differently in source and written file."""
    (score,) = musicxml.read(data, name)
    copy = musicxml.write(score)
    (again,) = musicxml.read(copy, name)
    before, after = counts(container.parse(container.unpack(data, name), name)), counts(etree.fromstring(copy))
    return again == score, {what: (before[what], after[what]) for what in before if before[what] != after[what]}


def lost(found: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """The differences in what must agree."""
    return {what: pair for what, pair in found.items() if what not in MAY_DIFFER}


@pytest.mark.parametrize("name", PIECES)
def test_music21s_pieces_survive(name: str) -> None:
    music21 = pytest.importorskip("music21")
    is_equal, found = differences((Path(music21.__file__).parent / "corpus" / name).read_bytes(), name)
    assert is_equal
    assert not lost(found)


def test_the_lilypond_suite_survives() -> None:
    """A hundred and forty small files, each for one thing that MusicXML can say."""
    music21 = pytest.importorskip("music21")
    for path in sorted((Path(music21.__file__).parent / "musicxml" / "lilypondTestSuite").glob("*.xml")):
        is_equal, found = differences(path.read_bytes(), path.name)
        assert is_equal, path.name
        assert lost(found).keys() <= {BROKEN.get(path.name, ("", ""))[0]}, path.name


def test_our_own_file_survives_whole() -> None:
    path = Path(__file__).parents[1] / "data" / "everything.musicxml"
    is_equal, found = differences(path.read_bytes(), path.name)
    assert is_equal
    assert not lost(found)


def test_what_is_broken_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """A slur that ends on a rest keeps its beginning; no note could hold its end."""
    note = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration>{}</note>"
    slur = '<notations><slur type="{}" number="1"/></notations>'
    rest = f"<note><rest/><duration>1</duration>{slur.format('stop')}</note>"
    measure = f"<measure>{note.format(slur.format('start'))}{rest}{note.format('') * 2}</measure>"
    part_list = '<part-list><score-part id="P1"><part-name/></score-part></part-list>'
    data = f'<score-partwise>{part_list}<part id="P1">{measure}</part></score-partwise>'.encode()
    with caplog.at_level(logging.WARNING, "partimento.io"):
        is_equal, found = differences(data, "slur.xml")
    assert is_equal
    assert lost(found) == {"slur stops": (1, 0)}
    assert "1 <slur> signs on rests" in caplog.text


def test_the_corpus_survives(corpus: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where something is counted less, the source is broken and the reader says so."""
    files = sorted(corpus.rglob("*.mxl"))[:: 1 if os.environ.get("PARTIMENTO_WHOLE") else SAMPLE_STEP]
    assert files
    for path in files:
        caplog.clear()
        with caplog.at_level(logging.WARNING, "partimento.io"):
            is_equal, found = differences(path.read_bytes(), path.name)
        assert is_equal, path
        for what, (before, after) in lost(found).items():
            assert after < before, (path, what)
            assert REASONS.get(what, "never") in caplog.text, (path, what, before, after)
