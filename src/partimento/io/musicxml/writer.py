"""Score ▶ MusicXML 4.0 with full bars, ties, tuplets, beams and accidentals."""

from __future__ import annotations

from collections.abc import Sequence

from partimento.io.musicxml import container
from partimento.io.musicxml.content import Element
from partimento.io.musicxml.elements import add, element, figure, to_bytes
from partimento.io.musicxml.notation_writer import Attached
from partimento.io.musicxml.part_writer import PartWriter
from partimento.io.musicxml.prepare import Prepared, prepare
from partimento.io.musicxml.vocabulary import TAGS_FIELD
from partimento.score import Part, PartGroup, Score

DOCTYPE = '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">'
_DRUM_CHANNEL = 10


def write(score: Score) -> bytes:
    """The score as uncompressed MusicXML 4.0; equal scores give equal bytes.

    Music without a meter is barred in 4/4, and notes without a voice that no note value can say move by at most
    1/48 quarter. What MusicXML cannot say is left out; `sayable` tells what remains.

    Raises:
        BadInput: the music is absurdly long.
    """
    return write_prepared(prepare(score))


def write_prepared(prepared: Prepared) -> bytes:
    """A score that has been laid out."""
    attached, score = Attached(prepared.score), prepared.score
    root = element("score-partwise", version="4.0")
    _write_header(root, score)
    ids = [f"P{index + 1}" for index in range(len(score.parts))]
    instruments = [instrument_ids(part, ids[i], prepared.drum_keys(i)) for i, part in enumerate(score.parts)]
    _write_part_list(root, score, ids, instruments)
    for index, part_id in enumerate(ids):
        root.append(PartWriter(prepared, index, part_id, next(iter(instruments[index])), attached).write())
    return to_bytes(root, DOCTYPE)


def write_compressed(score: Score) -> bytes:
    """The score as `.mxl`; equal scores give equal bytes."""
    return container.pack(write(score))


def _write_header(root: Element, score: Score) -> None:
    if score.title:
        add(add(root, "work"), "work-title", score.title)
    if score.subtitle:
        add(root, "movement-title", score.subtitle)
    identification = add(root, "identification")
    names = (("composer", score.composer), ("lyricist", score.lyricist), ("arranger", score.arranger))
    for kind, text in names:
        if text:
            add(identification, "creator", text, type=kind)
    if score.rights:
        add(identification, "rights", score.rights)
    add(add(identification, "encoding"), "software", "partimento")
    if score.tags:
        add(add(identification, "miscellaneous"), "miscellaneous-field", "; ".join(score.tags), name=TAGS_FIELD)
    credits = (
        ("title", score.title, "center", "24"),
        ("subtitle", score.subtitle, "center", "16"),
        ("composer", score.composer, "right", "12"),
        ("arranger", score.arranger, "right", "12"),
        ("lyricist", score.lyricist, "left", "12"),
        ("rights", score.rights, "center", "8"),
    )
    for kind, text, side, size in credits:
        if text:
            credit = add(root, "credit", page=1)
            add(credit, "credit-type", kind)
            add(credit, "credit-words", text, justify=side, valign="top", font_size=size)


# Part list


def instrument_ids(part: Part, part_id: str, drum_keys: Sequence[int]) -> dict[str, int]:
    """Instrument id ▶ General MIDI percussion key, −1 for the one instrument of a pitched part."""
    keys = {f"{part_id}-I{key + 1}": key for key in drum_keys} if part.is_drums else {}
    return keys or {f"{part_id}-I1": -1}


def _write_part_list(root: Element, score: Score, ids: Sequence[str], instruments: Sequence[dict[str, int]]) -> None:
    part_list = add(root, "part-list")
    groups = sorted((g for g in score.groups if 0 <= g.first <= g.last < len(ids)), key=lambda g: (g.first, -g.last))
    opened: list[tuple[int, PartGroup]] = []
    for index, part in enumerate(score.parts):
        for group in (g for g in groups if g.first == index):
            taken = {number for number, _ in opened}
            number = next(n for n in range(1, len(taken) + 2) if n not in taken)
            opened.append((number, group))
            _write_group(part_list, group, number)
        _write_score_part(part_list, part, ids[index], instruments[index])
        for number, group in reversed(opened):
            if group.last == index:
                add(part_list, "part-group", type="stop", number=number)
        opened = [(number, group) for number, group in opened if group.last != index]


def _write_group(part_list: Element, group: PartGroup, number: int) -> None:
    made = add(part_list, "part-group", type="start", number=number)
    if group.name:
        add(made, "group-name", group.name)
    if group.abbreviation:
        add(made, "group-abbreviation", group.abbreviation)
    add(made, "group-symbol", group.symbol)
    add(made, "group-barline", "yes" if group.barline else "no")


def _write_score_part(part_list: Element, part: Part, part_id: str, instruments: dict[str, int]) -> None:
    made = add(part_list, "score-part", id=part_id)
    add(made, "part-name", part.name)
    if part.abbreviation:
        add(made, "part-abbreviation", part.abbreviation)
    for instrument_id in instruments:
        add(add(made, "score-instrument", id=instrument_id), "instrument-name", part.name)
    channel = part.channel or (_DRUM_CHANNEL if part.is_drums else None)
    for instrument_id, key in instruments.items():
        instrument = add(made, "midi-instrument", id=instrument_id)
        if channel is not None:
            add(instrument, "midi-channel", channel)
        add(instrument, "midi-program", part.program + 1)
        if key >= 0:
            add(instrument, "midi-unpitched", key + 1)
        if part.volume is not None:
            add(instrument, "volume", figure(round(part.volume / 127 * 100, 4)))
        if part.pan is not None:
            add(instrument, "pan", figure(round(part.pan / 127 * 180 - 90, 4)))
