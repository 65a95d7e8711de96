"""ABC's information fields: key, meter, unit length, tempo, voice and staves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from partimento.io.abc.text import unescape
from partimento.theory import pitch
from partimento.theory.key import Key
from partimento.theory.tempo import TEMPO_WORDS

PLAIN = (0,) * 7
_MODES = {
    "maj": "major", "ion": "major", "min": "minor", "aeo": "minor", "m": "minor", "dor": "dorian",
    "phr": "phrygian", "lyd": "lydian", "mix": "mixolydian", "loc": "locrian", "exp": None,
}  # fmt: skip
_CLEFS = {
    "treble": ("G", 2), "bass": ("F", 4), "alto": ("C", 3), "tenor": ("C", 4), "soprano": ("C", 1),
    "mezzosoprano": ("C", 2), "mezzo": ("C", 2), "baritone": ("F", 3), "perc": ("percussion", 2),
    "percussion": ("percussion", 2), "drum": ("percussion", 2), "none": ("none", 0),
    "G": ("G", 2), "F": ("F", 4), "C": ("C", 3),
}  # fmt: skip
CLEF_NAMES = {place: name for name, place in reversed(_CLEFS.items()) if name[0].islower() and name != "mezzo"} | {
    ("G", 1): "treble1", ("F", 5): "bass5", ("C", 5): "alto5", ("percussion", 2): "perc",
}  # fmt: skip
"""(sign, line) ▶ name."""
_TONIC = re.compile(
    r"([A-G]|[a-g](?![a-z]))([#b♯♭]?)(?![A-Za-z]*=)\s*(?!clef|octave|transpose|middle|[a-z]*staff)([A-Za-z]*)(?!=)"
)
_ACCIDENTAL = re.compile(r"(\^\^|\^|__|_|=)([A-Ga-g])")
_PROPERTY = re.compile(r"(?<![A-Za-z])([A-Za-z]+)\s*=\s*(\"[^\"]*\"|[^\s\]]+)")
_CLEF_WORDS = "|".join(name for name in _CLEFS if len(name) > 1)
_CLEF = re.compile(rf"(?:(?:^|\s)(?={_CLEF_WORDS})|clef=\"?)({_CLEF_WORDS}|[GFC])(\d?)([+-](?:8|15))?(?=[\s\"]|$)")
ALTERS = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}
_BEATS = re.compile(r"\d{1,3}/\d{1,3}")
SLOWEST_BPM, FASTEST_BPM = 4, 2000
BEAT_NAMES = {
    Fraction(3 if dotted else 2, 2 * length): name + dotted
    for name, length in {"whole": 1, "half": 2, "quarter": 4, "eighth": 8, "16th": 16, "32nd": 32}.items()
    for dotted in ("", ".")
}
"""Beat in whole notes ▶ its name on a metronome mark."""


@dataclass(frozen=True, slots=True)
class Clef:
    """A clef as `Score.clefs` holds it."""

    sign: str
    line: int
    octave_change: int


@dataclass(frozen=True, slots=True)
class Staff:
    """What `K:` and `V:` both may say about a voice."""

    clef: Clef | None = None
    octave: int = 0
    transpose: int | None = None
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeyField:
    """A `K:` field."""

    changes_key: bool
    key: Key | None
    """None where the music is said to have no key."""
    alters: tuple[int, ...]
    """Alteration of each step from C to B."""
    staff: Staff
    words: str = ""
    """How the signature is written where `key` does not say it: `HP`, `D exp _b^f`."""


@lru_cache(maxsize=64)
def signature(fifths: int) -> tuple[int, ...]:
    """Alteration of each step from C to B under a key signature."""
    return tuple((fifths + 5 - pitch.spelling(step, 0)) // 7 for step in range(7))


def parse_staff(text: str) -> Staff:
    """Clef, octave, transposition and all `name=value` properties."""
    properties = {name.lower(): value.strip('"') for name, value in _PROPERTY.findall(text)}
    match = _CLEF.search(re.sub(r"(?<!clef=)\"[^\"]*\"", "", text))
    clef, octave = None, _integer(properties.get("octave")) or 0
    if match:
        sign, line = _CLEFS[match[1]]
        change = {"8": 1, "15": 2}.get((match[3] or " ")[1:], 0) * (-1 if (match[3] or "").startswith("-") else 1)
        clef = Clef(sign, int(match[2] or line), change)
        octave += change
    return Staff(clef, max(-4, min(octave, 4)), _integer(properties.get("transpose")), properties)


def _integer(text: str | None) -> int | None:
    match = re.fullmatch(r"[+-]?\d{1,3}", text or "")
    return int(match[0]) if match else None


def parse_key(text: str) -> KeyField:
    """Read what follows `K:`: `D mix`, `Am`, `HP`, `C ^f`, `D exp _b`, `none`, `G clef=bass`."""
    text = text.strip()
    staff = parse_staff(re.sub(r"^none\b", "", text))
    if pipes := re.match(r"(HP|Hp)\b", text):
        return KeyField(True, Key(2), signature(2), staff, pipes[0])
    match = _TONIC.match(text)
    if not match:
        if _ACCIDENTAL.match(text):
            return _odd_key("C", Key(0, None), _explicit(PLAIN, text), staff)
        return KeyField(not text or text.lower().startswith("none"), None, PLAIN, staff)
    name, word = match[1].upper() + match[2].replace("♯", "#").replace("♭", "b"), match[3].lower()
    mode = "minor" if word == "m" else _MODES.get(word[:3], "major")
    key = Key(0, None) if mode is None else _key(pitch.parse_name(name), mode)
    alters = _explicit(signature(key.fifths), text[match.end() :])
    if mode is not None and alters == signature(key.fifths):
        return KeyField(True, key, alters, staff)
    return _odd_key(name, key, alters, staff)


def _odd_key(tonic: str, key: Key, alters: tuple[int, ...], staff: Staff) -> KeyField:
    """A key by its accidentals, which need not be those of a signature."""
    fifths = next((fifths for fifths in range(-7, 8) if signature(fifths) == alters), None)
    if fifths is not None:
        return KeyField(True, Key(fifths, None), alters, staff)
    return KeyField(True, key, alters, staff, f"{tonic} exp {accidentals(alters)}")


def accidentals(alters: tuple[int, ...]) -> str:
    """The alterations of a signature as `K:` takes them: `^f^c`."""
    signs = {alter: sign for sign, alter in ALTERS.items()}
    return "".join(signs[alter] + pitch.STEPS[step].lower() for step, alter in enumerate(alters) if alter)


def _key(tonic: int, mode: str) -> Key:
    fifths = tonic - Key(0, mode).tonic
    return Key(fifths - 12 if fifths > 7 else fifths + 12 if fifths < -7 else fifths, mode)


def _explicit(alters: tuple[int, ...], text: str) -> tuple[int, ...]:
    changed = list(alters)
    for sign, letter in _ACCIDENTAL.findall(_PROPERTY.sub("", text)):
        changed[pitch.STEPS.index(letter.upper())] = ALTERS[sign]
    return tuple(changed)


def parse_meter(text: str) -> tuple[int, int] | None:
    """Beats and beat type of an `M:` field, None for free meter; sums (`2+3/8`) are added up.

    Raises:
        ValueError: it is no meter that a score can hold.
    """
    text = text.strip().replace(" ", "")
    if not text or text.lower().startswith("none"):
        return None
    if text[0] == "C":
        return (2, 2) if text.startswith("C|") else (4, 4)
    match = re.match(r"\(?(\d{1,2}(?:\+\d{1,2})*)\)?/(\d{1,2})", text)
    beats, beat_type = (sum(map(int, match[1].split("+"))), int(match[2])) if match else (0, 0)
    if not 0 < beats < 100 or beat_type not in (1, 2, 4, 8, 16, 32, 64):
        raise ValueError(text)
    return beats, beat_type


def meter_sign(text: str) -> str:
    """How a meter is printed where that is no plain fraction: common, cut, or a sum such as `2+3`."""
    text = text.replace(" ", "")
    if text[:1] == "C":
        return "cut" if text.startswith("C|") else "common"
    return text.partition("/")[0].strip("()") if "+" in text else ""


def parse_length(text: str) -> Fraction | None:
    """Unit length of an `L:` field in whole notes, None if it is none."""
    match = re.match(r"\s*(\d{1,3})(?:\s*/\s*(\d{1,4}))?", text)
    if not match or not int(match[1]) or int(match[2] or 1) == 0:
        return None
    length = Fraction(int(match[1]), int(match[2] or 1))
    return length if length <= 4 else None


@dataclass(frozen=True, slots=True)
class Tempo:
    """A `Q:` field."""

    words: str
    tempo_bpm: float | None
    """Quarters per minute; of words alone, those they usually stand for."""
    mark: str
    """What is printed: `quarter.=60`; empty where there are only words."""


def parse_tempo(text: str, unit: Fraction) -> Tempo:
    """Read what follows `Q:`: `1/4=120`, `"Allegro" 3/8=80`, `1/4 3/8=40`, `C3=120`, `120`, `"Largo"`.

    `Q:120` counts unit lengths, as the standards before 2.0 have it.
    """
    words = unescape(" ".join(re.findall(r'"([^"]*)"', text)))
    bare = re.sub(r'"[^"]*"', " ", text)
    left, equals, right = bare.partition("=")
    number = re.search(r"\d+(?:\.\d+)?", right if equals else bare)
    if not number:
        usual = TEMPO_WORDS.get(words.lower().rstrip("."))
        return Tempo(words, float(usual) if usual else None, "")
    beats = [Fraction(*map(int, beat.split("/"))) for beat in _BEATS.findall(left) if not re.search(r"/0+$", beat)]
    multiple = re.search(r"C(\d{1,3})", left)
    beat = sum(beats, Fraction(0)) or unit * int(multiple[1] if multiple else 1)
    tempo_bpm = float(number[0]) * float(beat) * 4
    if not SLOWEST_BPM <= tempo_bpm <= FASTEST_BPM:
        return Tempo(words, None, "")
    return Tempo(words, tempo_bpm, f"{BEAT_NAMES.get(beat) or beat}={number[0]}")
