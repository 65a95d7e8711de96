"""What Chord Llama's cleaning keeps of MusicXML: elements, their order in the schema, attributes and values."""

from __future__ import annotations

import re


def _table(text: str) -> dict[str, tuple[str, ...]]:
    rows = (line.split(":") for line in text.strip().splitlines())
    return {name.strip(): tuple(names.split()) for name, names in rows}


CHILDREN = _table("""
    measure: attributes note backup forward harmony sound
    attributes: divisions key time staves clef transpose measure-style
    key: fifths mode
    time: beats beat-type
    clef: sign line
    transpose: diatonic chromatic octave-change double
    measure-style: multiple-rest measure-repeat beat-repeat slash
    beat-repeat: slash-type slash-dot
    slash: slash-type slash-dot
    note: grace cue chord pitch unpitched rest duration tie type dot accidental time-modification staff
    pitch: step alter octave
    unpitched: display-step display-octave
    rest: display-step display-octave
    time-modification: actual-notes normal-notes
    backup: duration
    forward: duration staff
    harmony: root numeral function kind inversion bass degree frame offset staff
    root: root-step root-alter
    numeral: numeral-root numeral-alter numeral-key
    numeral-key: numeral-fifths numeral-mode
    bass: bass-separator bass-step bass-alter
    degree: degree-value degree-alter degree-type
    frame: frame-strings frame-frets first-fret frame-note
    frame-note: string fret fingering barre
    sound: swing offset
    swing: straight first second swing-type swing-style
""")
"""Element ▶ the children that are kept, in the order of the schema; what is not here is a leaf."""

ATTRIBUTES = _table("""
    time: symbol
    key: number
    clef: number
    transpose: number
    measure-style: number
    multiple-rest: use-symbols
    measure-repeat: type slashes
    beat-repeat: type slashes use-dots
    slash: type use-dots use-stems
    double: above
    note: attack release
    grace: slash steal-time-previous steal-time-following make-time
    rest: measure
    tie: type
    harmony: type
    root-step: text
    numeral-root: text
    kind: text use-symbols stack-degrees parentheses-degrees bracket-degrees
    bass-step: text
    degree-value: symbol text
    degree-type: text
    first-fret: text location
    barre: type
    sound: tempo dynamics dacapo segno dalsegno coda tocoda divisions forward-repeat fine pizzicato pan elevation \
damper-pedal soft-pedal sostenuto-pedal
    offset: sound
""")
"""Element ▶ the attributes that are kept; `number` only in parts of several staves."""

NEEDS = {
    tag: tuple(tuple(names.split("|")) for names in needs)
    for tag, needs in _table("""
        key: fifths
        time: beats beat-type
        clef: sign
        transpose: chromatic
        measure-style: multiple-rest|measure-repeat|beat-repeat|slash
        note: pitch|unpitched|rest duration|grace
        pitch: step octave
        time-modification: actual-notes normal-notes
        backup: duration
        forward: duration
        harmony: root|numeral|function kind
        root: root-step
        bass: bass-step
        numeral: numeral-root
        numeral-key: numeral-fifths numeral-mode
        degree: degree-value degree-alter degree-type
        frame: frame-strings frame-frets frame-note
        frame-note: string fret
    """).items()
}
"""Element ▶ sets of children, of each of which it has at least one, as it would say nothing without."""

REPEATED = frozenset([
    "key", "time", "clef", "transpose", "measure-style", "tie", "dot", "beats", "beat-type", "degree", "frame-note",
    "slash-dot",
])  # fmt: skip
"""Children that may stand several times."""
SINGLES = frozenset(CHILDREN) - {"measure", "harmony"}
"""Elements whose other children stand once."""
EXCLUSIVE = {"note": (("pitch", "unpitched", "rest"), ("duration", "grace"))}
"""Element ▶ sets of children of which it has no two."""

_INTEGER, _NATURAL, _DECIMAL, _POSITIVE = r"-?\d{1,6}", r"\d{1,6}", r"-?\d{1,9}(\.\d{1,24})?", r"\d{1,9}(\.\d{1,24})?"
_STEP, _YES_NO, _START_STOP = "[A-G]", "yes|no", "start|stop"
_TYPES = "1024th|512th|256th|128th|64th|32nd|16th|eighth|quarter|half|whole|breve|long|maxima"
_VALUES = {
    _INTEGER: "fifths line diatonic octave-change numeral-fifths",
    _NATURAL: "staves staff multiple-rest slash-dot frame-strings frame-frets first-fret string fret actual-notes "
    "normal-notes inversion degree-value numeral-root first second "
    "@number @slashes measure-repeat",
    r"-?\d": "octave display-octave",
    _DECIMAL: "alter chromatic root-alter bass-alter degree-alter numeral-alter offset @attack @release "
    "@pan @elevation",
    _POSITIVE: "divisions duration @tempo @dynamics @divisions @steal-time-previous @steal-time-following @make-time",
    _STEP: "step display-step root-step bass-step",
    _YES_NO: "@measure @use-symbols @stack-degrees @parentheses-degrees @bracket-degrees @use-dots @use-stems "
    "@above @dacapo @forward-repeat @pizzicato @offset-sound",
    _START_STOP: "@tie-type @beat-repeat-type @slash-type @measure-repeat-type @barre-type",
    rf"{_YES_NO}|{_POSITIVE}": "@damper-pedal @soft-pedal @sostenuto-pedal",
    _TYPES: "type slash-type",
    "16th|eighth": "swing-type",
    "add|alter|subtract": "degree-type",
    r"\d{1,3}( ?\+ ?\d{1,3}){0,19}": "beats",
    r"\d{1,3}": "beat-type",
    "common|cut|single-number|note|dotted-note|normal": "@time-symbol",
    "explicit|implied|alternate": "@harmony-type",
    "[a-zA-Z]{1,30}": "sign mode",
    "major|minor|natural minor|melodic minor|harmonic minor": "numeral-mode",
    "[a-zA-Z0-9-]{0,40}": "kind accidental",
}
VALUES = {name: re.compile(pattern) for pattern, names in _VALUES.items() for name in names.split()}
"""Leaf, `@attribute` or `@element-attribute` ▶ its text; what is not here may say anything."""
