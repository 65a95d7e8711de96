"""Names that the MusicXML reader and writer share: note values, marks, lines, dynamics, chord kinds, drums."""

from __future__ import annotations

from partimento.theory.chord import KINDS, RARE_KINDS

UNITS_PER_QUARTER = 64
"""Written lengths are counted in 256th notes, the shortest note value used."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PLAIN = {
    1: "256th", 2: "128th", 4: "64th", 8: "32nd", 16: "16th", 32: "eighth", 64: "quarter", 128: "half",
    256: "whole", 512: "breve", 1024: "long",
}  # fmt: skip
TYPE_UNITS = {name: units for units, name in _PLAIN.items()}
"""Note type ▶ length in 256ths."""
VALUES = {
    units * (2 ** (dots + 1) - 1) >> dots: (name, dots)
    for units, name in _PLAIN.items()
    for dots in range(5)
    if units >> dots
}
"""Length in 256ths ▶ (note type, dots)."""

ARTICULATIONS = _words(
    "accent strong-accent staccato tenuto detached-legato staccatissimo spiccato scoop plop doit falloff "
    "breath-mark caesura stress unstress soft-accent other-articulation"
)
ORNAMENTS = _words(
    "trill-mark turn delayed-turn inverted-turn delayed-inverted-turn vertical-turn "
    "inverted-vertical-turn shake mordent inverted-mordent schleifer tremolo haydn other-ornament accidental-mark"
)
TECHNICAL = _words(
    "up-bow down-bow harmonic open-string thumb-position fingering pluck double-tongue triple-tongue stopped "
    "snap-pizzicato fret string bend tap heel toe fingernails handbell brass-bend flip smear open half-muted "
    "golpe other-technical"
)
MARKS_ON_NOTATIONS = _words("fermata arpeggiate non-arpeggiate accidental-mark other-notation")
SIGNS_ON_RESTS = ARTICULATIONS | ORNAMENTS | TECHNICAL | frozenset(["fermata"])
"""Marks that may stand on a rest; a score has them as directions."""
WITH_TEXT = _words(
    "breath-mark caesura fingering pluck fret string bend harmonic handbell tremolo fermata accidental-mark "
    "other-articulation other-ornament other-technical other-notation"
)
"""Marks that carry a text, kept behind a colon: `fingering:3`, `tremolo:2`."""
WITH_TYPE = {
    "tremolo": ("type", "single"), "other-notation": ("type", "single"), "non-arpeggiate": ("type", "bottom"),
    "arpeggiate": ("direction", ""),
}  # fmt: skip
"""Marks that carry a type, kept behind a further colon ▶ (attribute, usual value)."""
ELISION = "‿"
"""Joins two syllables that one note carries."""
SOUND_PERCENT = 0.9
"""Velocity of one percent in `<note dynamics>`, which counts from a forte of 90."""

LINES = {
    "slur": "", "glissando": "", "slide": "", "wavy-line": "ornaments",
    "hammer-on": "technical", "pull-off": "technical",
}  # fmt: skip
"""Lines between two notes ▶ the group inside `<notations>` in which they stand."""

DYNAMICS = _words(
    "p pp ppp pppp ppppp pppppp f ff fff ffff fffff ffffff mp mf sf sfp sfpp fp rf rfz sfz sffz fz n pf sfzp"
)

SPAN_DIRECTIONS = frozenset(["pedal", "dashes", "bracket", "octave-shift"])
"""Directions that start and stop, said by their text."""
PEDALS = _words("start stop sostenuto change discontinue resume")
PLAIN_DIRECTIONS = _words("damp damp-all eyeglasses")
"""Directions that say nothing but themselves."""
BELOW = frozenset(["dynamics", "crescendo", "diminuendo", "wedge-stop", "pedal"])
"""Directions that usually stand below the staff; the others stand above."""
PEDAL_CONTROLS = {"damper-pedal": 64, "sostenuto-pedal": 66, "soft-pedal": 67}
"""Attribute of `<sound>` ▶ MIDI controller."""
FULL_PEDAL = 127
JUMPS = {
    "fine": "fine", "dacapo": "dacapo", "dalsegno": "dalsegno", "tocoda": "to-coda", "coda": "coda", "segno": "segno",
}  # fmt: skip
"""Attribute of `<sound>` ▶ kind of repeat."""
FERMATA_SHAPES = frozenset(["angled", "square", "double-angled", "double-square", "double-dot", "half-curve", "curlew"])
TEMPO_RANGE_BPM = (1.0, 2000.0)
METER_SYMBOLS = _words("common cut single-number note dotted-note")
BAR_STYLES = _words("regular dotted dashed heavy light-light light-heavy heavy-light heavy-heavy tick short none")

FIGURE_SIGNS = {
    "sharp": "#", "flat": "b", "natural": "n", "double-sharp": "x", "flat-flat": "bb", "sharp-sharp": "##",
    "slash": "/", "back-slash": "\\", "vertical": "|", "cross": "+",
}  # fmt: skip
"""Prefix or suffix of a figured bass ▶ its sign."""

NO_CHORD = "N.C."
TAGS_FIELD = "tags"
"""Name of the `<miscellaneous-field>` that holds a score's tags, semicolons between them."""
OWN_SIGN = "partimento-"
"""How the ids of metronome marks and words begin that the writer adds where a score has a tempo or jump alone."""

CHORD_KINDS = {kind: kind for kind in KINDS | RARE_KINDS} | {
    "maj": "major", "min": "minor", "aug": "augmented",
    "dim": "diminished", "": "major", "dominant-seventh": "dominant", "maj7": "major-seventh", "min7": "minor-seventh",
    "7": "dominant", "dim7": "diminished-seventh", "m7b5": "half-diminished", "sus4": "suspended-fourth",
    "sus2": "suspended-second", "minor-major": "major-minor", "maj69": "major-sixth", "min9": "minor-ninth",
    "maj9": "major-ninth", "9": "dominant-ninth", "dominant-seventh-suspended-fourth": "suspended-fourth",
}  # fmt: skip
"""Kind in a file ▶ kind of MusicXML 4.0."""

CLEF_LINES = {"G": 2, "F": 4, "C": 3, "percussion": 3, "TAB": 5}

DRUM_STAFF = {
    35: ("E4", ""), 36: ("F4", ""), 37: ("C5", "x"), 38: ("C5", ""), 39: ("E5", "x"), 40: ("C5", "diamond"),
    41: ("G4", ""), 42: ("G5", "x"), 43: ("A4", ""), 44: ("D4", "x"), 45: ("B4", ""), 46: ("G5", "circle-x"),
    47: ("D5", ""), 48: ("E5", ""), 49: ("A5", "x"), 50: ("F5", ""), 51: ("F5", "x"), 52: ("C6", "x"),
    53: ("F5", "diamond"), 54: ("D5", "triangle"), 55: ("B5", "x"), 56: ("E5", "triangle"),
    57: ("A5", "circle-x"), 58: ("B5", "diamond"),
    59: ("F5", "circle-x"),
}  # fmt: skip
"""General MIDI percussion key ▶ (position, notehead) on a percussion staff, after Weinberg; others stand on E5."""
OTHER_DRUM = ("E5", "")
DRUM_AT = {place: key for key, place in reversed(DRUM_STAFF.items())} | {
    ("E4", "x"): 42,
    ("B4", "x"): 37,
    ("G5", ""): 42,
}
"""(position, notehead) ▶ percussion key, for files that name no key."""
