"""Chord progressions in letters or Roman numerals."""

from __future__ import annotations

import re

from partimento.errors import BadPlan
from partimento.plan.wishes import MAX_BARS
from partimento.theory import pitch
from partimento.theory.chord import ChordSymbol
from partimento.theory.key import Key

MOST_CHORDS_A_BAR = 8

_DEGREES = ("i", "ii", "iii", "iv", "v", "vi", "vii")
_ROMAN = re.compile(
    r"([b#♭♯]?)(vii|vi|iv|v|iii|ii|i|VII|VI|IV|V|III|II|I)(maj7|M7|°7|o7|ø7|dim7|sus4|sus2|dim|aug|°|o|ø|\+|7|6|9)?"
)
_QUALITIES = {
    None: ("major", "minor"),
    "7": ("dominant", "minor-seventh"),
    "6": ("major-sixth", "minor-sixth"),
    "9": ("dominant-ninth", "minor-ninth"),
    **dict.fromkeys(("maj7", "M7"), ("major-seventh", "major-minor")),
    **dict.fromkeys(("°", "o", "dim"), ("diminished", "diminished")),
    **dict.fromkeys(("°7", "o7", "dim7"), ("diminished-seventh", "diminished-seventh")),
    **dict.fromkeys(("ø", "ø7"), ("half-diminished", "half-diminished")),
    **dict.fromkeys(("+", "aug"), ("augmented", "augmented")),
    "sus2": ("suspended-second", "suspended-second"),
    "sus4": ("suspended-fourth", "suspended-fourth"),
}
"""What follows the numeral ▶ kinds of a large and of a small one."""
_DIMINISHED = {"minor": "diminished", "minor-seventh": "half-diminished"}
_SPELLED = re.compile(r"(?<!\w)([A-G][#b♯♭]?) (major|minor)(?!\w)")
_FILLERS = re.compile(r"(?<!\S)(?:and|then|-+>?|[–—→])(?!\S)|\|?:\||\|:|→")


def parse_chords(text: str, key: Key | None = None) -> tuple[tuple[ChordSymbol, ...], ...]:
    """Read a progression: the chords of each bar.

    `D G A7 D` has one chord to a bar; between bar lines stand as many as there are: `| C Am | F G |`. `%`
    repeats a bar, `.` or `/` a chord for a beat. Roman numerals (`ii V I`) count from the tonic of `key`.

    Raises:
        BadPlan: there is no chord, something is no chord, or a Roman numeral has no key.
    """
    text = _SPELLED.sub(lambda match: match[1] + ("m" if match[2] == "minor" else ""), text)
    text = _FILLERS.sub(lambda match: "|" if "|" in match[0] else " ", text)
    tokens_by_bar = [bar for part in text.split("|") if (bar := _tokens(part))]
    if "|" not in text:
        tokens_by_bar = [[token] for bar in tokens_by_bar for token in bar]
    bars: list[tuple[ChordSymbol, ...]] = []
    for tokens in tokens_by_bar:
        bars.append(bars[-1] if tokens == ["%"] and bars else _bar(tokens, key))
    if not bars:
        raise BadPlan("a progression has at least one chord; write for example D G A7 D")
    if len(bars) > MAX_BARS:
        raise BadPlan(f"a progression of {len(bars)} bars; a piece has at most {MAX_BARS}")
    if (most := max(map(len, bars))) > MOST_CHORDS_A_BAR:
        raise BadPlan(f"{most} chords in one bar; at most {MOST_CHORDS_A_BAR} fit, part the bars by |")
    return tuple(bars)


def _bar(tokens: list[str], key: Key | None) -> tuple[ChordSymbol, ...]:
    """Chords of a bar; `.` and `/` are beats on which the chord before goes on."""
    chords: list[ChordSymbol] = []
    for token in tokens:
        chords.append(chords[-1] if token in (".", "/") and chords else parse_chord(token, key))
    has_beats = "." in tokens or "/" in tokens
    while has_beats and len(chords) > 1 and len(chords) % 2 == 0 and chords[::2] == chords[1::2]:
        chords = chords[::2]
    return tuple(chords)


def is_chord(token: str) -> bool:
    """Whether a token is a chord symbol."""
    try:
        ChordSymbol.parse(token)
    except BadPlan:
        return False
    return True


def is_roman(token: str) -> bool:
    """Whether a token is a Roman numeral of a chord."""
    return _ROMAN.fullmatch(token) is not None


def split_joined(token: str) -> list[str]:
    """The chords of a token, which hyphens may join (`C-G-Am-F`, `ii-V-I`); empty if it is none."""
    if is_chord(token) or is_roman(token):
        return [token]
    pieces = [piece for piece in re.split(r"[-–—→>]+", token) if piece]
    for is_member in (is_chord, is_roman):
        if len(pieces) > 1 and all(map(is_member, pieces)):
            return pieces
    return []


def _tokens(bar: str) -> list[str]:
    return [piece for token in re.split(r"[\s,;]+", bar) if token for piece in split_joined(token) or [token]]


def parse_chord(token: str, key: Key | None) -> ChordSymbol:
    """A chord symbol, or a Roman numeral of the key.

    Raises:
        BadPlan: it is neither, or a Roman numeral has no key.
    """
    match = _ROMAN.fullmatch(token)
    if match is None:
        return ChordSymbol.parse(token)
    if key is None:
        raise BadPlan(f"the Roman numeral {token!r} needs a key; state one, for example in D major")
    degree, is_minor = _DEGREES.index(match[2].lower()), match[2].islower()
    kind = _QUALITIES[match[3]][is_minor]
    root = _degree_root(key, degree)
    if degree == 6 and is_minor:
        kind = _DIMINISHED.get(kind, kind)
        leading_tone = key.tonic + 5
        root = leading_tone if key.mode == "minor" else root
    if key.mode == "minor" and degree in (2, 5, 6) and match[1] in ("b", "♭"):
        return ChordSymbol(root, kind)  # bVI in A minor is F, however careful the flat
    return ChordSymbol(root + {"": 0, "b": -7, "♭": -7, "#": 7, "♯": 7}[match[1]], kind)


def _degree_root(key: Key, degree: int) -> int:
    """Spelling of the scale's degree (0 is the tonic) in the key's signature."""
    step = (pitch.step_of(key.tonic) + degree) % 7
    return next(spelling for spelling in range(key.fifths - 1, key.fifths + 6) if pitch.step_of(spelling) == step)
