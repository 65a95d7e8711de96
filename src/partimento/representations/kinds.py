"""What each token of a vocabulary is about, read off its name: `Pitch_60` is a Pitch, `DUR:4` a DUR."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TEXT = "Text"
"""Kind of the tokens of a language model, which state no music."""
NOTE_KINDS = frozenset(("Pitch", "Drum", "NoteOn", "DrumOn", "Note", "drum"))
"""Kinds that state which note is struck."""
RHYTHM_KINDS = frozenset(("Position", "Shift", "Release", "TimeShift", "Time", "Dur", "DUR"))
"""Kinds that state when notes begin, or how long they last."""
_ABC_NOTE, _ACCIDENTALS = re.compile(r"[A-Ga-g][,']*"), ("^^", "^", "=", "_", "__")
_NAME = re.compile(r"([^_:]+)[_:].")


class TokenKinds(NamedTuple):
    """Kinds of the tokens of a vocabulary."""

    names: tuple[str, ...]
    """Of the kinds, in the order of their first tokens."""
    kind_of: NDArray[np.int64]
    """Index in `names` of each id's kind, shape (vocabulary,)."""


def token_kinds(tokens: Sequence[str], text_tokens: int = 0) -> TokenKinds:
    """The kinds of a vocabulary.

    Args:
        tokens: of a representation.
        text_tokens: ids of a language model before them.
    """
    kinds = [TEXT] * text_tokens + [kind_of(token) for token in tokens]
    index = {name: place for place, name in enumerate(dict.fromkeys(kinds))}
    return TokenKinds(tuple(index), np.array([index[kind] for kind in kinds], np.int64))


def kind_of(token: str) -> str:
    """The kind of a token: its name before the first `_` or `:`, or what it is by its form; else the token itself."""
    if token.startswith('"'):
        return "Chord"
    if token in _ACCIDENTALS:
        return "Accidental"
    if _ABC_NOTE.fullmatch(token):
        return "Note"
    if "+" in token.strip("+"):
        return "Merged"
    match = _NAME.match(token)
    return match[1] if match else token
