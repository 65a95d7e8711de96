"""verovio's judgement of a MusicXML file: times from its timemap, pitches as they sound from its MEI, ties one by one.

Its copy of the file lacks grace notes and arpeggios, which it plays in the time of the notes that bear them, and the
signs of rests over many measures, which it plays longer than they are written; where measure numbers recur, they are
counted through, as it looks for measures by them. Repeats are not played.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import verovio
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]
from notelist import CannotRead, Notes, note_list
from xmltext import tree_of, xml_text

OPTIONS = {"expandNever": True, "transposeToSoundingPitch": True, "breaks": "none"}
_MEI = "{http://www.music-encoding.org/ns/mei}"
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_ALTERS = {"n": 0, "s": 1, "f": -1, "ss": 2, "x": 2, "ff": -2, "xs": 3, "sx": 3, "tf": -3, "nf": -1, "ns": 1}
_XML_ID = "{http://www.w3.org/XML/1998/namespace}id"


def notes(path: Path) -> list[Notes]:
    """The file's notes, as a list with one element.

    Raises:
        CannotRead: verovio refuses the file.
    """
    tree = tree_of(xml_text(path))
    for element in tree.xpath("//note[grace] | //arpeggiate | //non-arpeggiate | //measure-style"):
        element.getparent().remove(element)
    _renumber_measures(tree)
    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions(OPTIONS)
    if not toolkit.loadData(etree.tostring(tree, encoding="unicode")):
        raise CannotRead("it cannot be loaded")
    return [note_list(_rows(toolkit, _parts_of_staves(tree)))]


def _renumber_measures(tree: Any) -> None:
    for part in tree.iter("part"):
        measures = list(part.iter("measure"))
        if len({measure.get("number") for measure in measures}) < len(measures):
            for number, measure in enumerate(measures, 1):
                measure.set("number", str(number))


def _parts_of_staves(tree: Any) -> list[int]:
    """Index of the part of each staff, staves being counted through all parts."""
    staves = [max([int(n.text) for n in part.iter("staves")] or [1]) for part in tree.iter("part")]
    return [index for index, count in enumerate(staves) for _ in range(count)]


def _rows(toolkit: Any, parts: list[int]) -> Iterator[tuple[int, int, float, float]]:
    begun: dict[str, float] = {}
    notes = _staves_and_pitches(toolkit)
    for event in toolkit.renderToTimemap():
        for name in event.get("off", ()):
            staff, pitch = notes[name]
            yield parts[staff - 1], pitch, begun[name], event["qstamp"] - begun[name]
        for name in event.get("on", ()):
            begun[name] = event["qstamp"]


def _staves_and_pitches(toolkit: Any) -> dict[str, tuple[int, int]]:
    """Note id ▶ number of the staff in which it stands, and its MIDI pitch."""
    mei = etree.fromstring(toolkit.getMEI({"removeIds": False}).encode(), etree.XMLParser(huge_tree=True))
    return {
        note.get(_XML_ID): (int(staff.get("n")), _pitch(note))
        for staff in mei.iter(f"{_MEI}staff")
        for note in staff.iter(f"{_MEI}note")
    }


def _pitch(note: Any) -> int:
    accidentals = [note, *note.iter(f"{_MEI}accid")]
    signs = [sign for name in ("accid.ges", "accid") for a in accidentals if (sign := a.get(name))]
    octave = int(note.get("oct.ges") or note.get("oct"))
    return 12 * (octave + 1) + _STEPS[note.get("pname")] + (_ALTERS[signs[0]] if signs else 0)
