"""Chord symbols."""

from __future__ import annotations

import re
from dataclasses import dataclass

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
"""MusicXML kind ▶ (semitones above the root, usual suffix)."""

_SUFFIXES = {suffix: kind for kind, (_, suffix) in KINDS.items()} | {
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
_SYMBOL = re.compile(r"([A-G](?:##|#|x|bb|b|♯|♭)?)([^/]*)(?:/([A-G](?:##|#|bb|b|♯|♭)?))?")


@dataclass(frozen=True, slots=True)
class ChordSymbol:
    """A chord: spelled root, MusicXML kind, and the bass where it is not the root."""

    root: int
    """Line of fifths."""
    kind: str
    """A key of `KINDS`."""
    bass: int | None = None
    """Line of fifths."""

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The chord's tones, bass included, 0 = C … 11 = B."""
        root = pitch.pitch_class(self.root)
        tones = {(root + semitones) % 12 for semitones in KINDS[self.kind][0]}
        return frozenset(tones if self.bass is None else tones | {pitch.pitch_class(self.bass)})

    def transposed(self, interval: Interval) -> ChordSymbol:
        """The chord an interval away."""
        bass = None if self.bass is None else self.bass + interval.fifths
        return ChordSymbol(self.root + interval.fifths, self.kind, bass)

    def __str__(self) -> str:
        bass = "" if self.bass is None else "/" + pitch.name(self.bass)
        return pitch.name(self.root) + KINDS[self.kind][1] + bass

    @classmethod
    def parse(cls, text: str) -> ChordSymbol:
        """Read `Cmaj7`, `F#m7b5`, `Bb/D`.

        Raises:
            BadPlan: the text is no chord symbol.
        """
        match = _SYMBOL.fullmatch(text.strip())
        kind = _SUFFIXES.get(match[2].strip()) if match else None
        if not match or kind is None:
            raise BadPlan(f"{text!r} is no chord symbol; write for example C, Am7, F#dim or G7/B")
        bass = pitch.parse_name(match[3]) if match[3] else None
        root = pitch.parse_name(match[1])
        return cls(root, kind, None if bass == root else bass)
