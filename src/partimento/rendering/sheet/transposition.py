"""How far to transpose, in a musician's words."""

from __future__ import annotations

import re

from partimento.analysis.key import estimate_key
from partimento.errors import BadInput
from partimento.score import Score
from partimento.theory.interval import Interval
from partimento.theory.key import Key

_SEMITONES = re.compile(r"[+-]?\d{1,2}")
_NAMED = re.compile(r"([+-]?)([PMmAd])([1-9]\d?)")
_MAJOR_STEPS = (0, 2, 4, 5, 7, 9, 11)
_PERFECT = (0, 3, 4)
_HELP = 'write semitones (2, -3), an interval (M2, -m3, P5) or a key ("to D major")'


def transposition(text: str, score: Score) -> Interval | int:
    """What `Score.transpose` takes for `2`, `-3`, `M2`, `-m3` or `to D major`.

    A key is reached the nearest way; it is counted from the key signature at the start, or from the key that the
    notes are found in where there is none. `to D` keeps the mode.

    Raises:
        BadInput: the text says none of these, or the key has another mode than the piece.
    """
    text = " ".join(text.split())
    if _SEMITONES.fullmatch(text):
        return int(text)
    if match := _NAMED.fullmatch(text):
        return _interval(match[1], match[2], int(match[3]))
    if text.lower().startswith("to "):
        return _to_key(text[3:], score)
    raise BadInput(f"--transpose {text!r} is no transposition; {_HELP}")


def _interval(sign: str, quality: str, number: int) -> Interval:
    octaves, step = divmod(number - 1, 7)
    is_perfect = step in _PERFECT
    shifts = {"d": -1, "P": 0, "A": 1} if is_perfect else {"d": -2, "m": -1, "M": 0, "A": 1}
    if quality not in shifts:
        raise BadInput(f"there is no interval {quality}{number}; {_HELP}")
    interval = Interval(12 * octaves + _MAJOR_STEPS[step] + shifts[quality], number - 1)
    return -interval if sign == "-" else interval


def _to_key(text: str, score: Score) -> Interval:
    stated = score.key_at(0)
    present = stated or estimate_key(score)[0]
    wanted = Key.parse(text if len(text.split()) > 1 or text.endswith("m") else f"{text} {present.mode or 'major'}")
    if present.mode is not None and wanted.mode != present.mode:
        raise BadInput(
            f'the piece is in {present}, and transposing makes no {wanted.mode} of it; write "to {text.split()[0]}"'
        )
    if present.mode is None:
        present = Key(present.fifths, wanted.mode)
    up = Interval((7 * (wanted.tonic - present.tonic)) % 12, (4 * (wanted.tonic - present.tonic)) % 7)
    return up if up.semitones <= 6 else Interval(up.semitones - 12, up.diatonic - 7)
