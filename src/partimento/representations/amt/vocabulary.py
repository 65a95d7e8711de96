"""The 55,028 tokens of the Anticipatory Music Transformer, with its ids (Thickstun et al., arXiv:2306.08620).

A note is three tokens: time, duration, and instrument with pitch. Every such token has a twin that states a note
which is given and not to be written, a *control*.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from partimento.representations.base import Ints
from partimento.representations.timed import RESOLUTION
from partimento.theory.instrument import DRUMS

MAX_TIME = 100 * RESOLUTION
"""Times lie below it."""
MAX_DURATION = 10 * RESOLUTION
"""Durations lie below it."""
UNKNOWN_DURATION = RESOLUTION // 4
LEAD = 5 * RESOLUTION
"""How long before its time a control stands."""
CONTEXT = 1024
"""Tokens that published models see: a flag and 341 triples."""
MAX_INSTRUMENTS = 16
MAX_STRUCK = 64
"""Most events that begin at one time; what MIDI-LLM writes beyond it, it throws away as a failure."""

TIME = 0
DURATION = TIME + MAX_TIME
NOTE = DURATION + MAX_DURATION
REST = NOTE + 128 * (DRUMS + 1)
CONTROL = REST + 1
"""What a token's twin is higher by; the first of the twins."""
SEPARATOR = CONTROL + REST
"""Three of them end a piece."""
AUTOREGRESS = SEPARATOR + 1
"""Opens sequences without controls."""
ANTICIPATE = SEPARATOR + 2
"""Opens sequences with controls."""
SIZE = ANTICIPATE + 1


@cache
def tokens() -> tuple[str, ...]:
    """Names of all tokens: `Time_1250`, `Dur_50`, `Note_0_60`, their twins `ATime_1250` …"""
    block = [f"Time_{n}" for n in range(MAX_TIME)]
    block += [f"Dur_{n}" for n in range(MAX_DURATION)]
    block += [f"Note_{program}_{pitch}" for program in range(DRUMS + 1) for pitch in range(128)]
    return (*block, "REST", *(f"A{name}" for name in block), "SEPARATOR", "AUTOREGRESS", "ANTICIPATE")


def transposition(semitones: int) -> Ints:
    """Id of each token's counterpart, shape (55028,); drums stay, and pitches stop at the ends of the MIDI range."""
    pitches = np.tile(np.clip(np.arange(128) + semitones, 0, 127), (DRUMS + 1, 1))
    pitches[DRUMS] = np.arange(128)
    return _with_notes(128 * np.arange(DRUMS + 1)[:, None] + pitches)


def exchange(programs: Mapping[int, int]) -> Ints:
    """Id of each token's counterpart when programs are played by others, shape (55028,)."""
    played = np.arange(DRUMS + 1)
    for program, other in programs.items():
        played[program] = other
    return _with_notes(128 * played[:, None] + np.arange(128))


def _with_notes(table: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Ints:
    """A table of ids that changes notes only, shape (129, 128), and their twins alike."""
    ids = np.arange(SIZE, dtype=np.int32)
    for first in (NOTE, CONTROL + NOTE):
        ids[first : first + table.size] = first + table.ravel()
    return ids
