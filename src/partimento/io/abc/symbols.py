"""Decorations and annotations of ABC, and what they are called in a score."""

from __future__ import annotations

import re

from partimento.errors import BadPlan
from partimento.theory.chord import ChordSymbol

MARKS = {
    "trill": "trill-mark", "fermata": "fermata", "invertedfermata": "fermata", "ferm": "fermata",
    "accent": "accent", ">": "accent", "emphasis": "accent", "marcato": "strong-accent", "^": "strong-accent",
    "staccato": "staccato", "wedge": "staccatissimo", "tenuto": "tenuto",
    "breath": "breath-mark", "shortphrase": "caesura",
    "turn": "turn", "roll": "turn", "invertedturn": "inverted-turn", "lowermordent": "mordent",
    "mordent": "mordent", "uppermordent": "inverted-mordent", "pralltriller": "inverted-mordent",
    "upbow": "up-bow", "downbow": "down-bow", "open": "open-string", "thumb": "thumb-position",
    "snap": "snap-pizzicato", "plus": "stopped", "+": "stopped", "slide": "scoop", "arpeggio": "arpeggiate",
}  # fmt: skip
"""Decoration ▶ MusicXML element."""
DECORATIONS = {kind: name for name, kind in reversed(MARKS.items()) if name.isalpha() and name != "ferm"}
"""MusicXML element ▶ the decoration that says it."""
DYNAMICS = frozenset((
    "pppp", "ppp", "pp", "p", "mp", "mf", "f", "ff", "fff", "ffff", "sf", "sfz", "fp", "rf", "rfz", "fz", "sfp",
))  # fmt: skip
JUMPS = {
    "segno": "segno", "coda": "coda", "fine": "fine", "dacapo": "dacapo", "dc": "dacapo", "dacoda": "to-coda",
    "tocoda": "to-coda", "ds": "dalsegno", "dalsegno": "dalsegno", "dcalfine": "dacapo",
    "dsalfine": "dalsegno", "dcalcoda": "dacapo", "dsalcoda": "dalsegno",
}  # fmt: skip
JUMP_DECORATIONS = {
    "segno": "segno", "coda": "coda", "fine": "fine", "dacapo": "D.C.", "to-coda": "dacoda",
    "dalsegno": "D.S.",
}  # fmt: skip
WEDGES = {
    "crescendo(": "crescendo", "<(": "crescendo", "crescendo)": "wedge-stop", "<)": "wedge-stop",
    "diminuendo(": "diminuendo", ">(": "diminuendo", "diminuendo)": "wedge-stop", ">)": "wedge-stop",
}  # fmt: skip
LETTERS = {
    ".": "staccato", "~": "roll", "T": "trill", "H": "fermata", "L": "accent", "M": "lowermordent",
    "P": "uppermordent", "S": "segno", "O": "coda", "u": "upbow", "v": "downbow", "J": "slide", "R": "roll",
}  # fmt: skip
"""Letters that stand for decorations unless `U:` says otherwise."""

_QUALITY = re.compile(r"(?:m|min|mi|maj|ma|M|dim|aug|sus|add|alt|omit|no|o|[-+0-9#b(),.°øΔ♯♭])*")
_ROOT = re.compile(r"([A-G](?:##|#|bb|b|♯|♭)?)([^/]*)(/.*)?")
_WORD = re.compile(r"[^a-z]")


def parse_chord(text: str) -> ChordSymbol | None:
    """The chord that a quoted text names, its quality shortened to a known one (`D7b9` ▶ `D7`)."""
    text = text.strip().strip("()").replace(" ", "")
    match = _ROOT.fullmatch(text) if len(text) < 30 else None
    if not match or not _QUALITY.fullmatch(match[2]):
        return None
    for length in range(len(match[2]), -1, -1):
        for bass in (match[3] or "", ""):
            try:
                return ChordSymbol.parse(match[1] + match[2][:length] + bass)
            except BadPlan:
                continue
    return None


def jump(text: str) -> str | None:
    """The repeat kind of `D.C.`, `Segno`, `Fine` …, None for other words."""
    return JUMPS.get(_WORD.sub("", text.lower())) if len(text) < 20 else None
