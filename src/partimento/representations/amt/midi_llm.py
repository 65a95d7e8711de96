"""AMT tokens inside Llama's vocabulary, and the prompt, as MIDI-LLM has them (Wu et al., slSeanWU/MIDI-LLM)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from partimento.errors import BadInput
from partimento.representations.amt.vocabulary import AUTOREGRESS, SIZE
from partimento.representations.base import Ints

SHIFT = 128256
"""Tokens of Llama 3, behind which those of AMT stand."""
VOCABULARY = SHIFT + SIZE + 2
"""Rows of the model's embedding; nothing has the last two ids."""
OPENING = SHIFT + AUTOREGRESS
"""The token between prompt and music."""
INSTRUCTION = "You are a world-class composer. Please compose some music according to the following description: "


def prompt(caption: str) -> str:
    """The text to tokenise for a description; behind it stands `OPENING`, then the music."""
    return f"{INSTRUCTION}{caption} "


def to_midi_llm(ids: ArrayLike) -> Ints:
    """AMT ids as ids of MIDI-LLM, same shape.

    Raises:
        BadInput: an id is none of AMT.
    """
    array = np.asarray(ids, np.int64)
    if array.size and not 0 <= array.min() <= array.max() < SIZE:
        raise BadInput(f"ids of AMT lie between 0 and {SIZE - 1}")
    return (array + SHIFT).astype(np.int32)


def is_shifted(ids: ArrayLike) -> bool:
    """Whether there are ids that only MIDI-LLM has."""
    return int(np.max(ids, initial=0)) >= SHIFT


def from_midi_llm(ids: ArrayLike) -> Ints:
    """The music in what MIDI-LLM reads or writes, as AMT ids: words, and ids that nothing has, are left out."""
    array = np.asarray(ids, np.int64).ravel() - SHIFT
    return array[(array >= 0) & (array < SIZE)].astype(np.int32)
