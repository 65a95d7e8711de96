"""Tokens of ABC's music code, and what has been read of one voice.

Times are integers, `WHOLE` to a whole note, so that all usual lengths and tuplets are exact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from partimento.theory import pitch

WHOLE = 2**14 * 3**4 * 5**3 * 7**2 * 11 * 13
MAX_LENGTH = 64 * WHOLE
"""No single note or rest is longer."""

_LENGTH = r"\d*(?:/+\d*)?"
TOKEN = re.compile(
    rf"""(?P<note>(?:(?P<accidental>\^\^?|__?|=)(?:\d+/\d+|/)?)?(?P<name>[A-Ga-g][,']*)(?P<length>{_LENGTH}))
    |(?P<space>[ \t`\\$*;?@]+)
    |(?P<bar>\.?(?::*\|[|:\]]*|:*\[\|[|:\]]*|::+)(?:\s*\[?(?P<number>\d[\d,.\-]*))?)
    |(?P<rest>[zx](?P<rest_length>{_LENGTH}))
    |(?P<broken>>+|<+)
    |(?P<inline>\[(?P<field>[A-Za-z]):(?P<value>[^\[\]]*+)\])
    |(?P<ending>\[\s*(?:(?P<numbers>\d[\d,.\-]*)|"(?P<named>[^"]*)"))
    |(?P<chord>\[(?P<inside>(?:[^\[\]|"!]|"[^"]*+"|![^!\s|\]]{{1,30}}!)*+)\](?P<chord_length>{_LENGTH}))
    |(?P<grace>\{{(?P<slash>/?)(?P<graces>[^{{}}]*+)\}})
    |(?P<tuplet>\((?P<p>\d+)(?::(?P<q>\d*))?(?::(?P<r>\d*))?)
    |(?P<slur>\.?\((?!&))|(?P<slur_end>(?<!&)\))|(?P<tie>\.?-)
    |(?P<quote>"(?P<quoted>[^"]*)")
    |(?P<decoration>!(?P<named_decoration>[^!\s|]{{1,30}})!|\+(?P<old_decoration>[A-Za-z.]{{1,20}})\+)
    |(?P<rests>[ZX](?P<count>\d*))
    |(?P<spacer>y{_LENGTH}|!)
    |(?P<overlay>\(?&\)?)
    |(?P<letter_decoration>[.~H-Wh-w])
    |(?P<unknown>.)""",
    re.VERBOSE,
)
ONE = (1, 1)
_STEPS = {letter: (index % 7, 4 + index // 7) for index, letter in enumerate("CDEFGABcdefgab")}


@dataclass(slots=True)
class Item:
    """A written note; `offset` counts from the start of its measure."""

    measure: int
    offset: int
    duration: int
    pitch: int
    spelling: int
    lane: int
    grace: int = 0
    is_tied: bool = False


@dataclass(frozen=True, slots=True)
class Sign:
    """Anything else that has a place: `what` says which field of the score it goes to."""

    measure: int
    offset: int
    what: str
    value: object
    text: str = ""
    placement: str = ""


@lru_cache(maxsize=4096)
def parse_multiple(text: str) -> tuple[int, int]:
    """A note length as multiple of the unit: `3/2` ▶ (3, 2), `//` ▶ (1, 4)."""
    number, slash, rest = text.partition("/")
    over = rest.lstrip("/")
    top = int(number[:9]) if number else 1
    below = int(over[:9] or 0) if over else 2 ** min(len(text) - len(number), 12) if slash else 1
    return (top, below) if below else (top, 1)


@lru_cache(maxsize=1024)
def place_of(name: str) -> tuple[int, int]:
    """Step and octave of a note name such as `c'`."""
    step, octave = _STEPS[name[0]]
    return step, octave + name.count("'") - name.count(",")


@lru_cache(maxsize=1024)
def sounding(step: int, alter: int, octave: int) -> tuple[int, int]:
    """MIDI number and spelling of a note."""
    return pitch.midi_pitch(step, alter, octave), pitch.spelling(step, alter)


@lru_cache(maxsize=4096)
def length_of(text: str, unit: int, factor: tuple[int, int]) -> tuple[int, bool]:
    """Length of a note, and whether it is exact."""
    top, below = parse_multiple(text)
    duration, rest = divmod(unit * top * factor[0], below * factor[1])
    return min(duration, MAX_LENGTH), not rest and duration <= MAX_LENGTH


def ending_numbers(text: str) -> str:
    """`1,3` ▶ `1, 3` and `1-3` ▶ `1, 2, 3`, as MusicXML writes them."""
    text = re.sub(r"(?<!\d)(\d)-(\d)(?!\d)", lambda m: ",".join(map(str, range(int(m[1]), int(m[2]) + 1))), text)
    return re.sub(r"\s*,\s*", ", ", text)
