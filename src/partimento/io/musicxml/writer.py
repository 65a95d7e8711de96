"""Score ▶ MusicXML 4.0 with full bars, ties, tuplets, beams and accidentals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from partimento.io.musicxml import container
from partimento.io.musicxml.content import Element
from partimento.io.musicxml.elements import add, element, figure, to_bytes
from partimento.io.musicxml.note_writer import Attached
from partimento.io.musicxml.part_writer import PartWriter
from partimento.io.musicxml.prepare import Prepared, prepare
from partimento.score import Part, Score

_DOCTYPE = '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">'
_SYMBOL_NAMES = re.compile(r"(brace|bracket|square|line)( \d+)?")


def write(score: Score) -> bytes:
    """The score as uncompressed MusicXML 4.0; equal scores give equal bytes.

    Music without a meter is barred in 4/4, and notes off every writable grid move by at most 1/48 quarter.

    Raises:
        BadInput: the music is absurdly long.
    """
    prepared, attached = prepare(score), Attached(score)
    root = element("score-partwise", version="4.0")
    _write_header(root, prepared.score)
    ids = [f"P{index + 1}" for index in range(len(prepared.score.parts))]
    _write_part_list(root, prepared, ids)
    for index, part_id in enumerate(ids):
        root.append(PartWriter(prepared, index, part_id, attached).write())
    return to_bytes(root, _DOCTYPE)


def write_compressed(score: Score) -> bytes:
    """The score as `.mxl`; equal scores give equal bytes."""
    return container.pack(write(score))


def _write_header(root: Element, score: Score) -> None:
    if score.title:
        add(add(root, "work"), "work-title", score.title)
    identification = add(root, "identification")
    for kind, text in (("composer", score.composer), ("lyricist", score.lyricist)):
        if text:
            add(identification, "creator", text, type=kind)
    if score.rights:
        add(identification, "rights", score.rights)
    add(add(identification, "encoding"), "software", "partimento")
    credits = (
        ("title", score.title, "center", "24"),
        ("composer", score.composer, "right", "12"),
        ("lyricist", score.lyricist, "left", "12"),
    )
    for kind, text, side, size in credits:
        if text:
            credit = add(root, "credit", page=1)
            add(credit, "credit-type", kind)
            add(credit, "credit-words", text, justify=side, valign="top", font_size=size)


# Part list


def _write_part_list(root: Element, prepared: Prepared, ids: Sequence[str]) -> None:
    part_list = add(root, "part-list")
    parts = list(enumerate(prepared.score.parts))
    for number, (group, members) in enumerate(groupby(parts, key=lambda _: ""), 1):
        if group:
            _write_group(part_list, group, number)
        for index, part in members:
            _write_score_part(part_list, part, ids[index], index, prepared.drum_keys(index))
        if group:
            add(part_list, "part-group", type="stop", number=number)


def _write_group(part_list: Element, group: str, number: int) -> None:
    made = add(part_list, "part-group", type="start", number=number)
    symbol = _SYMBOL_NAMES.fullmatch(group)
    if not symbol:
        add(made, "group-name", group)
    add(made, "group-symbol", symbol[1] if symbol else "bracket")
    add(made, "group-barline", "yes")


def _write_score_part(part_list: Element, part: Part, part_id: str, index: int, drum_keys: Sequence[int]) -> None:
    made = add(part_list, "score-part", id=part_id)
    add(made, "part-name", part.name)
    if part.abbreviation:
        add(made, "part-abbreviation", part.abbreviation)
    ids = {f"{part_id}-I{key + 1}": key for key in drum_keys} if part.is_drums else {}
    ids = ids or {f"{part_id}-I1": -1}
    for instrument_id in ids:
        add(add(made, "score-instrument", id=instrument_id), "instrument-name", part.name)
    channel = 10 if part.is_drums else [c for c in range(1, 17) if c != 10][index % 15]
    for instrument_id, key in ids.items():
        instrument = add(made, "midi-instrument", id=instrument_id)
        add(instrument, "midi-channel", channel)
        add(instrument, "midi-program", part.program + 1)
        if key >= 0:
            add(instrument, "midi-unpitched", key + 1)
        if part.volume is not None:
            add(instrument, "volume", figure(round(part.volume / 127 * 100, 4)))
        if part.pan is not None:
            add(instrument, "pan", figure(round(part.pan / 127 * 180 - 90, 4)))
