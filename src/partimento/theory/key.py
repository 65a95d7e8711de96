"""Keys: a signature and a mode."""

from __future__ import annotations

import re
from dataclasses import dataclass

from partimento.errors import BadPlan
from partimento.theory import pitch
from partimento.theory.interval import Interval

MODES = ("major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "locrian")
"""Modes in the order of their ids in scores and vocabularies."""
MINOR_MODES = ("minor", "dorian", "phrygian")
"""Modes whose tonic triad is minor."""
NO_MODE = -1
"""Mode id of a bare signature."""

_TONIC_ABOVE_SIGNATURE = {
    "major": 0, "minor": 3, "dorian": 2, "phrygian": 4, "lydian": -1, "mixolydian": 1, "locrian": 5,
}  # fmt: skip
_MODE_WORDS = {
    "": "major", "maj": "major", "major": "major", "dur": "major", "ionian": "major", "ion": "major",
    "m": "minor", "min": "minor", "minor": "minor", "moll": "minor", "aeolian": "minor", "aeo": "minor",
    "dorian": "dorian", "dor": "dorian", "phrygian": "phrygian", "phr": "phrygian", "lydian": "lydian",
    "lyd": "lydian", "mixolydian": "mixolydian", "mix": "mixolydian", "locrian": "locrian", "loc": "locrian",
}  # fmt: skip
_GERMAN = {
    "c": "C", "cis": "C#", "des": "Db", "d": "D", "dis": "D#", "es": "Eb", "e": "E", "f": "F", "fis": "F#",
    "ges": "Gb", "g": "G", "gis": "G#", "as": "Ab", "a": "A", "ais": "A#", "b": "Bb", "h": "B", "ces": "Cb",
    "eis": "E#", "his": "B#",
}  # fmt: skip
_GERMAN_MODES = {
    "dur": "major", "moll": "minor", "ionisch": "major", "dorisch": "dorian", "phrygisch": "phrygian",
    "lydisch": "lydian", "mixolydisch": "mixolydian", "äolisch": "minor", "lokrisch": "locrian",
}  # fmt: skip
_SYLLABLES = {
    "do": "C", "ut": "C", "ré": "D", "re": "D", "mi": "E", "fa": "F", "sol": "G", "la": "A", "si": "B",
}  # fmt: skip
_ROMANCE_ACCIDENTALS = {
    "dièse": "#", "diese": "#", "diesis": "#", "sostenido": "#", "#": "#", "♯": "#", "bémol": "b", "bemol": "b",
    "bemolle": "b", "♭": "b", "b": "b", "": "",
}  # fmt: skip
_ROMANCE_MODES = {
    "majeur": "major", "maggiore": "major", "mayor": "major", "mineur": "minor", "minore": "minor", "menor": "minor",
    "dorien": "dorian", "dorico": "dorian", "phrygien": "phrygian", "frigio": "phrygian", "lydien": "lydian",
    "lidio": "lydian", "mixolydien": "mixolydian", "misolidio": "mixolydian", "éolien": "minor", "eolio": "minor",
}  # fmt: skip
GERMAN_KEY = rf"(?:{'|'.join(sorted(_GERMAN, key=len, reverse=True))})[\s-]*(?:{'|'.join(_GERMAN_MODES)})"
"""Finds keys in German."""
ROMANCE_KEY = (
    rf"(?:{'|'.join(_SYLLABLES)})(?:[\s-]*(?:{'|'.join(filter(None, _ROMANCE_ACCIDENTALS))}))?"
    rf"[\s-]+(?:{'|'.join(_ROMANCE_MODES)})"
)
"""Finds keys in French, Italian and Spanish."""
_KEY = re.compile(r"([A-Za-z]+?)[\s-]*(sharp|flat|♯|♭|##|#|bb|b(?![a-z]))?[\s-]*([A-Za-z]*)")


@dataclass(frozen=True, slots=True)
class Key:
    """A key signature (sharps positive, flats negative, −7 … 7) and its mode, `None` where that is unknown."""

    fifths: int
    mode: str | None = "major"

    @property
    def tonic(self) -> int:
        """Spelling of the tonic (line of fifths); of the relative major where the mode is unknown."""
        return self.fifths + _TONIC_ABOVE_SIGNATURE[self.mode or "major"]

    @property
    def mode_id(self) -> int:
        """Index into `MODES`, `NO_MODE` if unknown."""
        return NO_MODE if self.mode is None else MODES.index(self.mode)

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The seven pitch classes of the signature (natural minor for minor keys)."""
        return frozenset(pitch.pitch_class(self.fifths + offset) for offset in range(-1, 6))

    def transposed(self, interval: Interval) -> Key:
        """The key an interval away, respelled enharmonically where the signature would pass seven accidentals."""
        fifths = self.fifths + interval.fifths
        while fifths > 7:
            fifths -= 12
        while fifths < -7:
            fifths += 12
        return Key(fifths, self.mode)

    def __str__(self) -> str:
        if self.mode is None:
            sign = "flat" if self.fifths < 0 else "sharp"
            return f"{abs(self.fifths) or 'no'} {sign}{'s' * (abs(self.fifths) != 1)}"
        return f"{pitch.name(self.tonic)} {self.mode}"

    @classmethod
    def from_ids(cls, fifths: int, mode_id: int) -> Key:
        """Key of a signature and a mode id."""
        return cls(int(fifths), None if mode_id == NO_MODE else MODES[mode_id])

    @classmethod
    def from_tonic(cls, tonic: int, mode: str) -> Key:
        """Key on a tonic (line of fifths).

        Raises:
            BadPlan: its signature would need more than seven accidentals.
        """
        fifths = tonic - _TONIC_ABOVE_SIGNATURE[mode]
        if not -7 <= fifths <= 7:
            raise BadPlan(f"{pitch.name(tonic)} {mode} needs {abs(fifths)} accidentals; write it enharmonically")
        return cls(fifths, mode)

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read `D major`, `F#m`, `B flat dorian`, `C-sharp minor`, `H dur`, `fis-moll`, `la bémol majeur`, `Dmix`.

        Raises:
            BadPlan: the text names no key.
        """
        if foreign := _foreign(text):
            return cls.from_tonic(pitch.parse_name(foreign[0]), foreign[1])
        match = _KEY.fullmatch(text.strip())
        mode = _MODE_WORDS.get(match[3] if match and match[3] == "m" else match[3].lower()) if match else None
        if not match or mode is None or match[1].upper() not in tuple(pitch.STEPS):
            raise BadPlan(f"{text!r} is no key; write for example D major, F# minor or G dorian")
        accidental = {"sharp": "#", "flat": "b", None: ""}.get(match[2], match[2])
        return cls.from_tonic(pitch.parse_name(match[1].upper() + accidental), mode)


def _foreign(text: str) -> tuple[str, str] | None:
    """Tonic and mode of a key in German, French, Italian or Spanish."""
    words = text.strip().replace("-", " ").lower().split()
    if len(words) == 2 and words[0] in _GERMAN and words[1] in _GERMAN_MODES:
        return _GERMAN[words[0]], _GERMAN_MODES[words[1]]
    if len(words) in (2, 3) and words[0] in _SYLLABLES and words[-1] in _ROMANCE_MODES:
        accidental = _ROMANCE_ACCIDENTALS.get("".join(words[1:-1]))
        return None if accidental is None else (_SYLLABLES[words[0]] + accidental, _ROMANCE_MODES[words[-1]])
    return None
