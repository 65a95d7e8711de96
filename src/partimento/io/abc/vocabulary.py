"""Names that reader, writer and `sayable` of ABC share beside those of signs."""

from __future__ import annotations

import re

from partimento.io.abc.symbols import DYNAMICS, LINES, MARKS, OCTAVES, PEDALS, WEDGES, jump

DOTTED_SLUR = "other-notation:dotted-slur"
"""The mark on a note with which a dotted slur begins."""
FINGERING = "fingering:"
"""The only marks that each note of a chord has for itself."""
SHARED_STAFF = "shared-staff"
"""Direction at the start of a part that stands on the staff of the part before."""
KEY_SIGNATURE = "key-signature"
"""Direction that says a signature as ABC writes it, where no key has it: `HP`, `D exp _b^f`."""
VERSES, PARTS_ORDER, REFERENCE = "verses", "parts-order", "field:"
"""Kinds of direction that hold the words behind a tune, the order of its parts, and what is known of its source."""
REFERENCES = "ABDFGHNOSZ"
"""Fields about the source, kept line by line as directions of kind `field:A` …"""
AT_BAR = "barline-"
"""How the kinds of directions begin that stand on a barline."""
FOR_ALL = ("tempo", "metronome", "meter-sign")
"""Directions that hold for all parts and are said once."""
_OWN = re.compile(r"fingering:(?P<finger>\d{1,2})|other-notation:(?P<name>[^!\s|\]\[\"%\\&]{1,20})")


def is_own_decoration(kind: str) -> bool:
    """Whether a mark is a fingering, or a decoration that has no name in MusicXML."""
    match = _OWN.fullmatch(kind)
    if not match or match["finger"]:
        return bool(match)
    name = match["name"]
    is_known = name in MARKS or name in LINES or name in DYNAMICS or name in WEDGES or name in OCTAVES
    return not (is_known or name in PEDALS or jump(name) or name.isdigit() or name == "dotted-slur")


def decoration_name(kind: str) -> str:
    """The name behind the colon of a mark for which `is_own_decoration` holds."""
    return kind.partition(":")[2]
