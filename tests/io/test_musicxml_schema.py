"""What is written is valid MusicXML: elements in the order of its 4.0 schema, and verovio renders it.

The schema itself is not shipped. music21's wheel holds that of MusicXML 2.0, which is read in place; what 3.0 to 4.0
have added since is listed here. The order of elements is checked by hand-made tables of the 4.0 content model.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import verovio
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from partimento.io import musicxml
from partimento.io.yaml import chord_llama_rows, from_rows

ORDER = {
    "score-partwise": "work movement-number movement-title identification defaults credit part-list part",
    "identification": "creator rights encoding source relation miscellaneous",
    "credit": "credit-type link bookmark credit-image credit-words",
    "part-group": "group-name group-name-display group-abbreviation group-abbreviation-display group-symbol "
    "group-barline group-time",
    "score-part": "identification part-link part-name part-name-display part-abbreviation part-abbreviation-display "
    "group score-instrument player midi-device midi-instrument",
    "midi-instrument": "midi-channel midi-name midi-bank midi-program midi-unpitched volume pan elevation",
    "attributes": "footnote level divisions key time staves part-symbol instruments clef staff-details transpose "
    "for-part directive measure-style",
    "key": "cancel fifths mode key-octave",
    "clef": "sign line clef-octave-change",
    "transpose": "diatonic chromatic octave-change double",
    "note": "grace cue chord pitch unpitched rest duration tie instrument footnote level voice type dot accidental "
    "time-modification stem notehead notehead-text staff beam notations lyric play listen",
    "pitch": "step alter octave",
    "time-modification": "actual-notes normal-notes normal-type normal-dot",
    "lyric": "syllabic text elision extend laughing humming",
    "direction": "direction-type offset footnote level voice staff sound listening",
    "metronome": "beat-unit beat-unit-dot per-minute",
    "sound": "midi-device midi-instrument play swing offset",
    "harmony": "root numeral function kind inversion bass degree frame offset footnote level staff",
    "degree": "degree-value degree-alter degree-type",
    "frame": "frame-strings frame-frets first-fret frame-note",
    "figured-bass": "figure duration footnote level",
    "figure": "prefix figure-number suffix extend",
    "barline": "bar-style footnote level wavy-line segno coda fermata ending repeat",
    "tuplet": "tuplet-actual tuplet-normal",
}
REPEATING = frozenset(["time", "lyric", "metronome", "score-part"])
"""Elements that hold some sequence of children several times."""
SINCE_2_0 = (
    "Element 'rest', attribute 'measure'",
    "Element 'credit-type'",
    "Element 'pedal', attribute 'sign'",
    "Element 'pedal', attribute 'type': [facet 'enumeration']",
    "Element 'extend', attribute 'type'",
    "Element 'breath-mark': Character content",
    "Element 'caesura': Character content",
    "Element 'metronome', attribute 'id'",
    "Element 'words', attribute 'id'",
    "Element 'figure': Missing child",
    "Element 'group-symbol': [facet 'enumeration'] The value 'square'",
    "attribute 'number': [facet 'maxInclusive']",
)
"""What the 4.0 schema allows and that of 2.0 did not, by the schema's messages."""

EVERYTHING = Path(__file__).parents[1] / "data" / "everything.musicxml"


def misplaced(root: Any) -> Counter[str]:
    """Children out of order, or unknown, by parent and child."""
    found: Counter[str] = Counter()
    for element in root.iter(*ORDER):
        order = ORDER[element.tag].split()
        places = [order.index(child.tag) if child.tag in order else -1 for child in element]
        found.update(f"<{child.tag}> in <{element.tag}>" for child, at in zip(element, places, strict=True) if at < 0)
        if element.tag not in REPEATING and places != sorted(places):
            found[f"order in <{element.tag}>: {[child.tag for child in element]}"] += 1
    return found


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The 2.0 schema of music21's wheel; the two schemas that it imports from the net are replaced by stubs."""
    music21 = pytest.importorskip("music21")
    folder, text = (
        tmp_path_factory.mktemp("schema"),
        (Path(music21.__file__).parent / "musicxml/musicxml.xsd").read_text(),
    )
    names = {
        "xml.xsd": ("http://www.w3.org/XML/1998/namespace", ("lang", "space")),
        "xlink.xsd": ("http://www.w3.org/1999/xlink", ("type", "href", "role", "title", "show", "actuate")),
    }
    for file, (space, attributes) in names.items():
        inside = "".join(f'<xs:attribute name="{name}" type="xs:string"/>' for name in attributes)
        head = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{space}">'
        (folder / file).write_text(f"{head}{inside}</xs:schema>")
        text = text.replace(f"http://www.musicxml.org/xsd/{file}", file)
    (folder / "musicxml.xsd").write_text(text)
    return etree.XMLSchema(etree.parse(str(folder / "musicxml.xsd")))


def invalid(schema: Any, root: Any) -> list[str]:
    """What the schema objects to, less what has been added since."""
    if schema.validate(root):
        return []
    messages = [f"line {error.line}: {error.message}" for error in schema.error_log]
    return [message for message in messages if not any(known in message for known in SINCE_2_0)]


def samples() -> list[Path]:
    """Files of music21's wheel that hold a bit of everything, and our own."""
    music21 = pytest.importorskip("music21")
    suite = Path(music21.__file__).parent / "musicxml" / "lilypondTestSuite"
    return [EVERYTHING, *sorted(suite.glob("*.xml"))]


def test_all_that_is_written_is_valid(schema: Any) -> None:
    for path in samples():
        (score,) = musicxml.read(path.read_bytes(), path.name)
        root = etree.fromstring(musicxml.write(score))
        assert not misplaced(root), path.name
        assert not invalid(schema, root), path.name


def test_what_comes_of_chord_llamas_rows_is_valid(schema: Any) -> None:
    for path in samples()[::2]:
        root = etree.fromstring(from_rows(chord_llama_rows(path), path.name))
        assert not misplaced(root), path.name
        assert not invalid(schema, root), path.name


def test_the_tables_find_what_is_misplaced(schema: Any) -> None:
    (score,) = musicxml.read(EVERYTHING.read_bytes(), EVERYTHING.name)
    root = etree.fromstring(musicxml.write(score))
    note = next(note for note in root.iter("note") if note.find("voice") is not None)
    note.append(note.find("voice"))
    assert misplaced(root)
    assert invalid(schema, root)


def test_verovio_renders_every_sample(capfd: pytest.CaptureFixture[str]) -> None:
    toolkit = verovio.toolkit()
    for path in samples()[::4]:
        (score,) = musicxml.read(path.read_bytes(), path.name)
        assert toolkit.loadData(musicxml.write(score).decode()), path.name
        assert "<svg" in toolkit.renderToSVG(1)
        assert "[Error]" not in capfd.readouterr().err, path.name


def test_real_music_is_valid(corpus: Path, schema: Any) -> None:
    for path in sorted(corpus.rglob("*.mxl"))[::150]:
        (score,) = musicxml.read(path.read_bytes(), path.name)
        root = etree.fromstring(musicxml.write(score))
        assert not misplaced(root), path.name
        assert not invalid(schema, root), path.name
