"""Transposing instruments, known by their names: `Clarinet in B♭`, `Horn in F`, `Alto Sax`."""

from __future__ import annotations

import re
from dataclasses import replace

from partimento.score import Part, Score
from partimento.theory import pitch
from partimento.theory.instrument import find_instrument
from partimento.theory.interval import UNISON, Interval

_KEY = re.compile(
    r"(?:\bin |\b|\()([A-G])([b♭#♯]|[ -]flat)(?![a-z#♯])|\bin ([A-G])\b(?! (?:major|minor))", re.IGNORECASE
)
_OCTAVE = Interval(12, 7)
_TRUMPET, _HORN, _CLARINET, _ENGLISH_HORN = 56, 60, 71, 69
_SAXOPHONES = {64: Interval(-2, -1), 65: Interval(-9, -5), 66: Interval(-14, -8), 67: Interval(-21, -12)}
_HIGH_KEYS = {_TRUMPET: "DEF", _CLARINET: "DE"}
"""Keys above C in which an instrument sounds higher than it is written; A and B flat lie below."""
_IN_KEYS = frozenset([_TRUMPET, _HORN, _CLARINET, 59])


def at_written_pitch(score: Score) -> Score:
    """The score with the transposition of every part whose name tells of one; sounding pitches stay."""
    return replace(score, parts=tuple(_transposing(part) for part in score.parts))


def _transposing(part: Part) -> Part:
    if part.transpose or part.is_drums or part.staves > 1 or (interval := _interval(part.name)) == UNISON:
        return part
    return replace(part, transpose=interval)


def _interval(name: str) -> Interval:
    """From written to sounding pitch."""
    program = find_instrument(name) if name else None
    if program in _SAXOPHONES:
        return _SAXOPHONES[program]
    if program == _ENGLISH_HORN:
        return Interval(-7, -4)
    match = _KEY.search(name)
    if program not in _IN_KEYS or match is None:
        return UNISON
    step = (match[1] or match[3]).upper()
    key = pitch.parse_name(step + {"": "", "#": "#", "♯": "#"}.get(match[2] or "", "b"))
    interval = _from_c(key, is_above=step in _HIGH_KEYS.get(program, ""))
    return _lower(interval) if "bass" in name.lower() and program == _CLARINET else interval


def _from_c(key: int, *, is_above: bool) -> Interval:
    """From C to a key on the line of fifths, less than an octave up or down."""
    up = Interval(pitch.pitch_class(key), pitch.step_of(key) % 7)
    return up if is_above or not up else Interval(up.semitones - _OCTAVE.semitones, up.diatonic - _OCTAVE.diatonic)


def _lower(interval: Interval) -> Interval:
    return Interval(interval.semitones - _OCTAVE.semitones, interval.diatonic - _OCTAVE.diatonic)
