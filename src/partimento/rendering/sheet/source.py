"""MusicXML as verovio sets it best, and what of it stands beside the music."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from partimento.errors import BadInput
from partimento.rendering.sheet.heading import Heading
from partimento.rendering.sheet.rests import join_rests

_ALTERED_DEGREE = re.compile(r"[b#](?=\d)")
_PRINTED = {"credit", "defaults"}
_AFTER_STEM = {"notehead", "notehead-text", "staff", "beam", "notations", "lyric", "play", "listen"}
_CREATORS = ("composer", "arranger", "lyricist")
_NO_NAME = re.compile(r"(musicxml )?(part|instrument|track)? ?\d*", re.IGNORECASE)
"""What programs call a part that nobody has named."""
_LONG_NAME = 60
"""Longer ones, notes of a transcriber for example, go to the foot of the page."""
_DEED = re.compile(r"\w*(arr|bearb|trans|ed|orch|harm|set|adapt|realis|instr)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """Music to be engraved."""

    root: Any
    heading: Heading
    staves: int
    """How many staves a system has."""

    def text(self, lines: int) -> str:
        """The MusicXML, with a heading of so many lines that keeps its place free."""
        for credit in self.root.findall("credit"):
            self.root.remove(credit)
        part_list = self.root.find("part-list")
        for _ in range(lines):
            credit = etree.Element("credit", page="1")
            etree.SubElement(credit, "credit-words", justify="center", valign="top").text = "-"
            part_list.addprevious(credit)
        return etree.tostring(self.root, encoding="unicode")


def prepared(musicxml: bytes, *, joins_rests: bool = False) -> Source:
    """Read MusicXML and mend what verovio would set badly.

    Args:
        musicxml: uncompressed, partwise.
        joins_rests: whether empty measures of a single part are counted in one sign.

    Raises:
        BadInput: the bytes are no MusicXML.
    """
    root = _parsed(musicxml)
    for element in [child for child in root if child.tag in _PRINTED]:
        root.remove(element)
    for sound in root.xpath("part/measure/sound"):  # what is only heard, and widens measures when it comes late
        sound.getparent().remove(sound)
    heading = _heading(root)
    parts = root.findall("part")
    if len(parts) == 1:
        _drop_labels(root)
        if joins_rests:
            join_rests(parts[0])
    for harmony in root.iter("harmony"):
        _mend_chord_symbol(harmony)
    for words in root.xpath("//direction[direction-type/metronome]/direction-type/words[string()]"):
        words.text += "\u00a0"  # before the figure, which verovio sets close
    for note in root.iterfind("part/measure/note"):
        if note.find("unpitched") is not None and note.find("stem") is None:
            _add_drum_stem(note)
    return Source(root, heading, sum(_staves(part) for part in parts))


def _parsed(musicxml: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        root: Any = etree.fromstring(musicxml, parser)
    except etree.XMLSyntaxError as error:
        raise BadInput(f"this is no MusicXML: {error.msg}") from None
    if root.find("part-list") is None:
        raise BadInput("this is no MusicXML score: it has no part-list")
    return root


def _heading(root: Any) -> Heading:
    work, movement = _line(root, "work/work-title"), _line(root, "movement-title")
    title, subtitle = (work, movement) if work else (movement, "")
    labels = root.findall("part-list/score-part/part-name")
    part = _line(root, "part-list/score-part/part-name") if len(labels) == 1 else ""
    part = "" if _NO_NAME.fullmatch(part) else part
    composer, arranger, lyricist = (_line(root, f"identification/creator[@type='{kind}']") for kind in _CREATORS)
    names = [composer, _arranged_by(arranger)]
    foot = [*(name for name in names if len(name) > _LONG_NAME), _line(root, "identification/rights")]
    return Heading(
        title,
        "" if subtitle in title else subtitle,
        [line for line in (part, lyricist) if line],
        [name for name in names if 0 < len(name) <= _LONG_NAME],
        ". ".join(line.rstrip(".") for line in foot if line),
        " – ".join(line for line in (title, part) if line),
    )


def _arranged_by(name: str) -> str:
    """What stands there alone would be read as the composer, unless it says what was done."""
    return name if not name or _DEED.match(name) else f"arr. {name}"


def _line(root: Any, path: str) -> str:
    return " ".join((root.findtext(path) or "").split())


def _staves(part: Any) -> int:
    return max((int(text) for text in part.xpath("measure/attributes/staves/text()") if text.isdecimal()), default=1)


def _drop_labels(root: Any) -> None:
    """No name before the staves of the only part: it stands in the heading."""
    for name in root.findall("part-list/score-part/part-name"):
        name.text = ""
    for tag in ("part-name-display", "part-abbreviation", "part-abbreviation-display"):
        for element in root.findall(f"part-list/score-part/{tag}"):
            element.getparent().remove(element)


def _add_drum_stem(note: Any) -> None:
    """Up for the hands, the first voice, down for the feet, however high the heads are."""
    stem = etree.Element("stem")
    stem.text = "up" if note.findtext("voice", "1") == "1" else "down"
    before = [child for child in note if child.tag not in _AFTER_STEM]
    before[-1].addnext(stem)


def _mend_chord_symbol(harmony: Any) -> None:
    """Real accidentals in `m7b5`, and no root beside `N.C.`."""
    kind, root_step = harmony.find("kind"), harmony.find("root/root-step")
    if kind is not None and kind.get("text"):
        kind.set("text", _ALTERED_DEGREE.sub(lambda match: "♭" if match[0] == "b" else "♯", kind.get("text")))
    if kind is not None and kind.text == "none" and root_step is not None:
        root_step.set("text", "")
