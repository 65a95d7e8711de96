"""Decorations and annotations of ABC, and what they are called in a score."""

from __future__ import annotations

import re
from functools import lru_cache

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
    "trem1": "tremolo:1", "/": "tremolo:1", "trem2": "tremolo:2", "//": "tremolo:2",
    "trem3": "tremolo:3", "///": "tremolo:3", "trem4": "tremolo:4",
}  # fmt: skip
"""Decoration ▶ MusicXML element."""
DECORATIONS = {kind: name for name, kind in reversed(MARKS.items()) if name.isalnum() and name != "ferm"}
"""MusicXML element ▶ the decoration that says it."""
DYNAMICS = frozenset((
    "pppp", "ppp", "pp", "p", "mp", "mf", "f", "ff", "fff", "ffff", "sf", "sfz", "fp", "rf", "rfz", "fz", "sfp",
))  # fmt: skip
USUAL_DYNAMICS = DYNAMICS - {"sf", "fp", "rf", "rfz", "fz", "sfp"}
"""Those that are decorations in the standard; the others are written as annotations."""
JUMPS = {
    "segno": ("segno", ""), "coda": ("coda", ""), "fine": ("fine", ""), "dacapo": ("dacapo", ""),
    "dc": ("dacapo", ""), "dacoda": ("to-coda", ""), "tocoda": ("to-coda", ""), "ds": ("dalsegno", ""),
    "dalsegno": ("dalsegno", ""), "dcalfine": ("dacapo", "al Fine"), "dsalfine": ("dalsegno", "al Fine"),
    "dcalcoda": ("dacapo", "al Coda"), "dsalcoda": ("dalsegno", "al Coda"), "dacapoalfine": ("dacapo", "al Fine"),
    "dacapoalcoda": ("dacapo", "al Coda"), "dalsegnoalfine": ("dalsegno", "al Fine"),
    "dalsegnoalcoda": ("dalsegno", "al Coda"),
}  # fmt: skip
"""Letters of a sign ▶ kind of repeat and its text."""
JUMP_DECORATIONS = {
    ("segno", ""): "segno", ("coda", ""): "coda", ("fine", ""): "fine", ("dacapo", ""): "D.C.",
    ("to-coda", ""): "dacoda", ("dalsegno", ""): "D.S.", ("dacapo", "al Fine"): "D.C.alfine",
    ("dacapo", "al Coda"): "D.C.alcoda", ("dalsegno", "al Fine"): "D.S.alfine",
    ("dalsegno", "al Coda"): "D.S.alcoda",
}  # fmt: skip
AIMS = ("segno", "coda")
"""Jump signs that are aimed at; the others send away."""
WEDGES = {
    "crescendo(": "crescendo", "<(": "crescendo", "crescendo)": "wedge-stop", "<)": "wedge-stop",
    "diminuendo(": "diminuendo", ">(": "diminuendo", "diminuendo)": "wedge-stop", ">)": "wedge-stop",
}  # fmt: skip
OCTAVES = {
    "8va(": "down 8", "8vb(": "up 8", "15ma(": "down 15", "15mb(": "up 15",
    "8va)": "stop", "8vb)": "stop", "15ma)": "stop", "15mb)": "stop",
}  # fmt: skip
"""Octave lines ▶ how MusicXML says them."""
PEDALS = {"ped": "start", "ped-up": "stop"}
LINES = {
    "trill(": ("wavy-line", True), "trill)": ("wavy-line", False), "-(": ("slide", True), "-)": ("slide", False),
    "~(": ("glissando", True), "~)": ("glissando", False), "glissando(": ("glissando", True),
    "glissando)": ("glissando", False),
}  # fmt: skip
"""Lines between two notes ▶ kind of spanner, and whether they begin."""
LINE_DECORATIONS = {"wavy-line": "trill", "slide": "-", "glissando": "~"}
LETTERS = {
    ".": "staccato", "~": "roll", "T": "trill", "H": "fermata", "L": "accent", "M": "lowermordent",
    "P": "uppermordent", "S": "segno", "O": "coda", "u": "upbow", "v": "downbow", "J": "slide", "R": "roll",
}  # fmt: skip
"""Letters that stand for decorations unless `U:` says otherwise."""

_QUALITY = re.compile(r"(?:m|min|mi|maj|ma|M|dim|aug|sus|add|alt|omit|no|o|[-+0-9#b(),.°øΔ♯♭])*")
_ROOT = re.compile(r"([A-G](?:##|#|bb|b|♯|♭)?)([^/]*)(/.*)?")
_WORD = re.compile(r"[^a-z]")


@lru_cache(maxsize=4096)
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


def jump(text: str) -> tuple[str, str] | None:
    """The repeat kind of `D.C.`, `Segno`, `Fine`, `D.S. al Coda` …, and its text; None for other words."""
    may_be = len(text) < 24 and "?" not in text and "/" not in text  # D?/C is an odd chord
    return JUMPS.get(_WORD.sub("", text.lower())) if may_be else None
