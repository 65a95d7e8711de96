"""ABC's information fields: key, meter, unit length, tempo, voice and staves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

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
    "mezzosoprano": ("C", 2), "mezzo": ("C", 2), "baritone": ("C", 5), "perc": ("percussion", 2),
    "percussion": ("percussion", 2), "drum": ("percussion", 2), "none": ("none", 0),
    "G": ("G", 2), "F": ("F", 4), "C": ("C", 3),
}  # fmt: skip
CLEF_NAMES = {place: name for name, place in reversed(_CLEFS.items()) if name[0].islower()}
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
    staff = parse_staff(text)
    if re.match(r"(HP|Hp)\b", text):
        return KeyField(True, Key(2), signature(2), staff)
    match = _TONIC.match(text)
    if not match:
        says_key = not text or text.lower().startswith("none") or bool(_ACCIDENTAL.match(text))
        alters = _explicit(PLAIN, text)
        return KeyField(says_key, _by_signature(alters) if any(alters) else None, alters, staff)
    tonic = pitch.parse_name(match[1].upper() + match[2])
    word = match[3].lower()
    mode = "minor" if word == "m" else _MODES.get(word[:3], "major")
    key = Key(pitch.spelling(0, 0)) if mode is None else _key(tonic, mode)
    alters = _explicit(PLAIN if mode is None else signature(key.fifths), text[match.end() :])
    if mode is None or alters != signature(key.fifths):
        key = _by_signature(alters) or key
    return KeyField(True, key, alters, staff)


def _key(tonic: int, mode: str) -> Key:
    fifths = tonic - Key(0, mode).tonic
    return Key(fifths - 12 if fifths > 7 else fifths + 12 if fifths < -7 else fifths, mode)


def _explicit(alters: tuple[int, ...], text: str) -> tuple[int, ...]:
    changed = list(alters)
    for sign, letter in _ACCIDENTAL.findall(_PROPERTY.sub("", text)):
        changed[pitch.STEPS.index(letter.upper())] = ALTERS[sign]
    return tuple(changed)


def _by_signature(alters: tuple[int, ...]) -> Key | None:
    return next((Key(fifths, None) for fifths in range(-7, 8) if signature(fifths) == alters), None)


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


def parse_length(text: str) -> Fraction | None:
    """Unit length of an `L:` field in whole notes, None if it is none."""
    match = re.match(r"\s*(\d{1,3})(?:\s*/\s*(\d{1,4}))?", text)
    if not match or not int(match[1]) or int(match[2] or 1) == 0:
        return None
    length = Fraction(int(match[1]), int(match[2] or 1))
    return length if length <= 4 else None


def parse_tempo(text: str, unit: Fraction) -> tuple[float | None, str]:
    """Quarters per minute and words of a `Q:` field; words alone are looked up.

    `Q:120` counts unit lengths, as the standards before 2.0 have it.
    """
    words = " ".join(re.findall(r'"([^"]*)"', text)).strip()
    bare = re.sub(r'"[^"]*"', "", text)
    left, equals, right = bare.partition("=")
    number = re.search(r"\d+(?:\.\d+)?", right if equals else bare)
    if not number:
        return TEMPO_WORDS.get(words.lower().rstrip(".")), words
    beats = [Fraction(*map(int, beat.split("/"))) for beat in _BEATS.findall(left) if not re.search(r"/0+$", beat)]
    multiple = re.search(r"C(\d+)", left)
    beat = sum(beats, Fraction(0)) or unit * int(multiple[1] if multiple else 1)
    bpm = float(number[0]) * float(beat) * 4
    return (bpm if 4 <= bpm <= 2000 else None), words


def parse_staves(text: str) -> list[list[list[str]]]:
    """Parts of a `%%score` or `%%staves` line: each a list of staves, each a list of voice ids.

    Voices inside braces are the staves of one player; all others play alone, whatever staff they share.
    """
    parts: list[list[list[str]]] = []
    brace: list[list[str]] | None = None
    is_shared = False
    for token in re.findall(r"[{}()\[\]|*+]|[^\s{}()\[\]|*+]+", text):
        if token == "{":
            brace = []
        elif token == "}" and brace is not None:
            parts.append(brace)
            brace = None
        elif token in "()":
            is_shared = token == "("
            if is_shared and brace is not None:
                brace.append([])
        elif token in "[]|*+}":
            continue
        elif brace is None:
            parts.append([[token]])
        elif is_shared and brace:
            brace[-1].append(token)
        else:
            brace.append([token])
    return [[staff for staff in part if staff] for part in parts + ([brace] if brace else [])]
