"""Measures of rest counted in one sign, as parts have them."""

from __future__ import annotations

from typing import Any

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

_SHORTEST = 2


def join_rests(part: Any) -> None:
    """Mark each run of empty measures of a MusicXML `<part>` as a multiple rest.

    A run ends where something happens that a player has to see: a sign, another key or meter, a barline. What
    stands in its first measure stays there.
    """
    run: list[Any] = []
    for measure in part.findall("measure"):
        if run and not (_is_empty(measure) and _is_silent(measure)):
            _mark(run)
            run = []
        if run or _is_silent(measure):
            run.append(measure)
        if run and measure.find("barline") is not None:
            _mark(run[:-1])
            run = []
    _mark(run)


def _is_silent(measure: Any) -> bool:
    """Whether nothing but rests for the whole measure stands in it."""
    notes = measure.findall("note")
    whole = [note for note in notes if note.find("rest[@measure='yes']") is not None]
    return bool(whole) and len(whole) == len(notes) and not measure.findall("note/notations")


def _is_empty(measure: Any) -> bool:
    """Whether there is nothing beside the rests that would be lost within a run."""
    return all(child.tag in ("note", "backup", "forward", "barline", "print", "sound") for child in measure)


def _mark(run: list[Any]) -> None:
    if len(run) < _SHORTEST:
        return
    attributes = etree.Element("attributes")  # verovio repeats the clef if one is stated in the same element
    style = etree.SubElement(attributes, "measure-style")
    etree.SubElement(style, "multiple-rest").text = str(len(run))
    run[0].find("note").addprevious(attributes)
