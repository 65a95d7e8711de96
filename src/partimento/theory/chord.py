"""Chord symbols."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from partimento.errors import BadPlan
from partimento.theory import pitch
from partimento.theory.interval import Interval

KINDS: dict[str, tuple[tuple[int, ...], str]] = {
    "major": ((0, 4, 7), ""),
    "minor": ((0, 3, 7), "m"),
    "augmented": ((0, 4, 8), "aug"),
    "diminished": ((0, 3, 6), "dim"),
    "dominant": ((0, 4, 7, 10), "7"),
    "major-seventh": ((0, 4, 7, 11), "maj7"),
    "minor-seventh": ((0, 3, 7, 10), "m7"),
    "diminished-seventh": ((0, 3, 6, 9), "dim7"),
    "augmented-seventh": ((0, 4, 8, 10), "aug7"),
    "half-diminished": ((0, 3, 6, 10), "m7b5"),
    "major-minor": ((0, 3, 7, 11), "mMaj7"),
    "major-sixth": ((0, 4, 7, 9), "6"),
    "minor-sixth": ((0, 3, 7, 9), "m6"),
    "dominant-ninth": ((0, 4, 7, 10, 2), "9"),
    "major-ninth": ((0, 4, 7, 11, 2), "maj9"),
    "minor-ninth": ((0, 3, 7, 10, 2), "m9"),
    "dominant-11th": ((0, 4, 7, 10, 2, 5), "11"),
    "major-11th": ((0, 4, 7, 11, 2, 5), "maj11"),
    "minor-11th": ((0, 3, 7, 10, 2, 5), "m11"),
    "dominant-13th": ((0, 4, 7, 10, 2, 9), "13"),
    "major-13th": ((0, 4, 7, 11, 2, 9), "maj13"),
    "minor-13th": ((0, 3, 7, 10, 2, 9), "m13"),
    "suspended-second": ((0, 2, 7), "sus2"),
    "suspended-fourth": ((0, 5, 7), "sus4"),
    "power": ((0, 7), "5"),
}
"""The plain kinds, which tokens and analysis know: MusicXML kind ▶ (semitones above the root, usual suffix)."""
RARE_KINDS: dict[str, tuple[tuple[int, ...], str, str]] = {
    "Neapolitan": ((0, 4, 7), "N6", "major"),
    "Italian": ((0, 4, 10), "It6", "dominant"),
    "French": ((0, 4, 6, 10), "Fr6", "dominant"),
    "German": ((0, 4, 7, 10), "Ger6", "dominant"),
    "Tristan": ((0, 3, 6, 10), "Tristan", "half-diminished"),
    "pedal": ((0,), "ped", "major"),
    "other": ((0, 4, 7), "?", "major"),
}
"""The other kinds of MusicXML 4.0 ▶ (semitones above the root, suffix, nearest plain kind)."""

_SUFFIXES = {suffix: kind for kind, (_, suffix, *_) in (KINDS | RARE_KINDS).items()} | {
    "M": "major", "maj": "major", "min": "minor", "-": "minor", "mi": "minor", "+": "augmented",
    "°": "diminished", "o": "diminished", "dom7": "dominant", "M7": "major-seventh", "Maj7": "major-seventh",
    "ma7": "major-seventh", "Δ": "major-seventh", "Δ7": "major-seventh", "j7": "major-seventh",
    "min7": "minor-seventh", "-7": "minor-seventh", "mi7": "minor-seventh", "°7": "diminished-seventh",
    "o7": "diminished-seventh", "+7": "augmented-seventh", "7#5": "augmented-seventh", "ø": "half-diminished",
    "ø7": "half-diminished", "m7-5": "half-diminished", "min7b5": "half-diminished", "-7b5": "half-diminished",
    "mM7": "major-minor", "m(maj7)": "major-minor", "mmaj7": "major-minor", "min6": "minor-sixth",
    "M6": "major-sixth", "maj6": "major-sixth", "M9": "major-ninth", "min9": "minor-ninth", "-9": "minor-ninth",
    "sus": "suspended-fourth", "7sus4": "suspended-fourth", "7sus": "suspended-fourth", "m7b5": "half-diminished",
}  # fmt: skip
_SYMBOL = re.compile(r"([A-G](?:##|#|x|bb|b|♯|♭)?)([^/]*|6/9)(?:/([A-G](?:##|#|bb|b|♯|♭)?))?")
_DEGREE = re.compile(r"[(,\s]*(?=[ano#b♯♭+-])(add|no|omit|alter)?\s*([#b♯♭+-]{0,2})(\d{1,2})\)?")
_DEGREES = re.compile(rf"(?:{_DEGREE.pattern})+")
_SCALE = {1: 0, 2: 2, 3: 4, 4: 5, 5: 7, 6: 9, 7: 10}
"""Degree ▶ semitones above the root, in a dominant chord: what added degrees count from."""
_FOLDED = {
    ("minor-seventh", 5, -1): "half-diminished", ("minor", 5, -1): "diminished", ("major", 5, 1): "augmented",
    ("dominant", 5, 1): "augmented-seventh", ("minor", 7, 1): "major-minor", ("major", 7, 0): "dominant",
    ("major", 7, 1): "major-seventh", ("minor", 7, 0): "minor-seventh", ("minor", 6, 0): "minor-sixth",
    ("major", 6, 0): "major-sixth", ("diminished", 7, -1): "diminished-seventh",
}  # fmt: skip
"""(plain kind, degree, alteration) ▶ the plain kind that they make."""


@dataclass(frozen=True, slots=True)
class Degree:
    """A tone added to a chord, altered or left out."""

    type: str
    """add, alter or subtract."""
    value: int
    """1 is the root, 5 the fifth, 13 the thirteenth."""
    alter: int = 0
    """Semitones: of an added degree against a dominant chord, of an altered one against the chord's own."""

    def __str__(self) -> str:
        if self.type == "subtract":
            return f"no{self.value}"
        sign = "#" * self.alter if self.alter > 0 else "b" * -self.alter
        return f"{'' if sign else self.type}{sign}{self.value}"


@dataclass(frozen=True, slots=True)
class ChordSymbol:
    """A chord: spelled root, MusicXML kind, and the bass where it is not the root."""

    root: int
    """Line of fifths."""
    kind: str
    """A key of `KINDS` or `RARE_KINDS`."""
    bass: int | None = None
    """Line of fifths."""
    degrees: tuple[Degree, ...] = ()

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The chord's tones, bass included, 0 = C … 11 = B."""
        tones = _tones_by_degree(self.kind)
        for degree in self.degrees:
            if degree.type == "subtract":
                tones.pop(degree.value, None)
            else:
                usual = _SCALE[(degree.value - 1) % 7 + 1]
                base = tones.get(degree.value, usual) if degree.type == "alter" else usual
                tones[degree.value] = base + degree.alter
        root = pitch.pitch_class(self.root)
        heard = {(root + semitones) % 12 for semitones in tones.values()}
        return frozenset(heard if self.bass is None else heard | {pitch.pitch_class(self.bass)})

    @property
    def plain(self) -> ChordSymbol:
        """The nearest chord of a kind in `KINDS`, without degrees."""
        kind = RARE_KINDS[self.kind][2] if self.kind in RARE_KINDS else self.kind
        for degree in self.degrees:
            if degree.type != "subtract":
                kind = _FOLDED.get((kind, degree.value, degree.alter), kind)
        return self if kind == self.kind and not self.degrees else ChordSymbol(self.root, kind, self.bass)

    def transposed(self, interval: Interval) -> ChordSymbol:
        """The chord an interval away."""
        bass = None if self.bass is None else self.bass + interval.fifths
        return replace(self, root=self.root + interval.fifths, bass=bass)

    def __str__(self) -> str:
        bass = "" if self.bass is None else "/" + pitch.name(self.bass)
        degrees = f"({','.join(map(str, self.degrees))})" if self.degrees else ""
        return pitch.name(self.root) + (KINDS | RARE_KINDS)[self.kind][1] + degrees + bass

    @classmethod
    def parse(cls, text: str) -> ChordSymbol:
        """Read `Cmaj7`, `F#m7b5`, `Bb/D`, `G7(b9,#11)`, `Dm(add9)`.

        Raises:
            BadPlan: the text is no chord symbol.
        """
        match = _SYMBOL.fullmatch(text.strip())
        quality = _quality(match[2].strip()) if match else None
        if not match or quality is None:
            raise BadPlan(f"{text!r} is no chord symbol; write for example C, Am7, F#dim or G7/B")
        bass = pitch.parse_name(match[3]) if match[3] else None
        root = pitch.parse_name(match[1])
        return cls(root, quality[0], None if bass == root else bass, quality[1])


def _tones_by_degree(kind: str) -> dict[int, int]:
    """Degree ▶ semitones above the root."""
    tones = (KINDS | RARE_KINDS)[kind][0]
    names = [1, 3, 5, 7, 9, 11]
    if kind.startswith("suspended"):
        names[1] = 2 if kind == "suspended-second" else 4
    elif kind.endswith("sixth"):
        names[3] = 6
    elif kind.endswith("13th"):
        names[5] = 13
    elif kind in ("power", "Italian"):
        names[1:3] = [5] if kind == "power" else [3, 7]
    return dict(zip(names, tones, strict=False))


def _quality(suffix: str) -> tuple[str, tuple[Degree, ...]] | None:
    """The kind and degrees that follow a root."""
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix], ()
    if suffix in ("69", "6/9", "6add9"):
        return "major-sixth", (Degree("add", 9),)
    for cut in range(len(suffix) - 1, -1, -1):  # the longest kind that leaves nothing but degrees
        kind = _SUFFIXES.get(suffix[:cut].strip())
        if kind is not None and _DEGREES.fullmatch(suffix, cut):
            degrees = [_degree(kind, *found.groups()) for found in _DEGREE.finditer(suffix, cut)]
            return (kind, tuple(degrees)) if all(0 < d.value < 14 for d in degrees) else None
    return None


def _degree(kind: str, word: str | None, sign: str, value: str) -> Degree:
    number, alter = int(value), sum({"#": 1, "♯": 1, "+": 1}.get(letter, -1) for letter in sign)
    if word in ("no", "omit"):
        return Degree("subtract", number)
    is_own = word != "add" and number in _tones_by_degree(kind)
    return Degree("alter" if word == "alter" or is_own else "add", number, alter)
