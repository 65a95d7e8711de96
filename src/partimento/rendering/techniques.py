"""Pedal signs become controller 64, and words such as `pizz.`, `arco` and `con sord.` other sounds."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from partimento.score import CONTROL, ProgramChange, Score
from partimento.score.controllers import PEDAL

_PIZZICATO, _MUTED_TRUMPET, _TRUMPET = 45, 59, 56
_BOWED = (40, 41, 42, 43, 44, 48, 49)
_PLUCK = re.compile(r"\bpizz", re.IGNORECASE)
_BOW = re.compile(r"\barco\b|\bcol arco\b", re.IGNORECASE)
_MUTE = re.compile(r"\b(con sord|mit dämpfer|avec sourd|mettez la sourd|muted?\b|sord\.)", re.IGNORECASE)
_UNMUTE = re.compile(r"\b(senza sord|ohne dämpfer|ôtez la sourd|sans sourd|open\b)", re.IGNORECASE)
_PEDAL_VALUES = {"start": (127,), "resume": (127,), "stop": (0,), "discontinue": (0,), "change": (0, 127)}


def with_techniques(score: Score) -> Score:
    """The score with its pedal signs as controllers and its playing techniques as programs.

    Parts whose source states controllers for the pedal, or changes of program, keep to these.
    """
    return replace(score, controls=_controls(score), programs=_programs(score))


def _controls(score: Score) -> np.ndarray:
    """All controllers, with CC 64 from pedal signs; where the pedal is changed it is up for a 32nd."""
    stated = set(score.controls["part"][score.controls["number"] == PEDAL].tolist())
    lift = max(score.ticks_per_quarter // 8, 1)
    rows = [
        (sign.onset_tick + lift * (index > 0), sign.part, PEDAL, value)
        for sign in score.directions
        if sign.kind == "pedal" and sign.part not in stated
        for index, value in enumerate(_PEDAL_VALUES.get(sign.text, ()))
    ]
    return np.concatenate([score.controls, np.array(rows, CONTROL)]) if rows else score.controls


def _programs(score: Score) -> tuple[ProgramChange, ...]:
    """Changes of program by words: plucked and bowed strings, muted and open trumpets."""
    stated = {change.part for change in score.programs}
    found: list[ProgramChange] = []
    current = [part.program for part in score.parts]
    for sign in score.directions:
        if sign.kind != "words" or sign.part in stated or sign.part >= len(score.parts):
            continue
        part = score.parts[sign.part]
        program = None if part.is_drums else _asked(sign.text, part.program)
        if program is not None and program != current[sign.part]:
            current[sign.part] = program
            found.append(ProgramChange(sign.onset_tick, sign.part, program))
    return score.programs + tuple(found)


def _asked(text: str, program: int) -> int | None:
    """The program that a word asks of an instrument, None where it asks for nothing that General MIDI has."""
    if program in _BOWED or program == _PIZZICATO:
        bowed = 48 if program == _PIZZICATO else program
        return _PIZZICATO if _PLUCK.search(text) else bowed if _BOW.search(text) else None
    if program in (_TRUMPET, _MUTED_TRUMPET):
        return _TRUMPET if _UNMUTE.search(text) else _MUTED_TRUMPET if _MUTE.search(text) else None
    return None
