"""Scores put one behind the other, or one into the other: the inverse of cutting excerpts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from partimento.score.events import Part
from partimento.score.excerpts import EVENTS, STATES, Event
from partimento.score.records import without_repetitions

if TYPE_CHECKING:
    from partimento.score.score import Score

_Instrument = tuple[bool, int, int]


def join(pieces: Sequence[tuple[int, Score]]) -> Score:
    """Excerpts of one piece as one score.

    Parts that play the same instrument are the same: the n-th violin of one excerpt is the n-th of the others.
    Signatures, tempi and chord symbols that only state again what is in force are left out. Notes are numbered anew;
    titles, tags and part groups are those of the first excerpt, and signs that hang on notes are left behind.

    Args:
        pieces: (tick at which it begins, excerpt), in order, not empty, all of one resolution.
    """
    first = pieces[0][1]
    parts = list[Part]()
    places = dict[_Instrument, int]()
    for _, piece in pieces:
        for part, instrument in zip(piece.parts, _instruments(piece.parts), strict=True):
            if instrument not in places:
                places[instrument] = len(parts)
                parts.append(part)
    moved = [_placed(piece, tick, [places[i] for i in _instruments(piece.parts)]) for tick, piece in pieces]
    changes: dict[str, Any] = {
        name: np.concatenate([getattr(piece, name) for piece in moved]) for name in ("notes", "measures", *STATES)
    }
    changes |= {name: tuple(event for piece in moved for event in getattr(piece, name)) for name in EVENTS}
    changes |= {name: without_repetitions(changes[name]) for name in STATES}
    changes["chords"] = _without_repetitions(changes["chords"])
    changes["notes"]["note_id"] = np.arange(len(changes["notes"]))
    return replace(first, parts=tuple(parts), lyrics=(), marks=(), spanners=(), **changes)


def _instruments(parts: Iterable[Part]) -> list[_Instrument]:
    """Drums or not, program, and how many earlier parts play the same."""
    seen, found = Counter[tuple[bool, int]](), list[_Instrument]()
    for part in parts:
        sound = (part.is_drums, part.program)
        found.append((*sound, seen[sound]))
        seen[sound] += 1
    return found


def _placed(piece: Score, tick: int, places: list[int]) -> Score:
    """The excerpt from a tick on, its parts at their places in the whole."""
    lookup = np.array([*places, -1])  # part −1 means all and stays
    changes: dict[str, Any] = {}
    for name in ("notes", "measures", *STATES):
        array = getattr(piece, name).copy()
        array["onset_tick"] += tick
        if "part" in (array.dtype.names or ()):
            array["part"] = lookup[array["part"]]
        changes[name] = array
    for name in EVENTS:
        changes[name] = tuple(_moved(event, tick, lookup) for event in getattr(piece, name))
    parts = tuple(Part() for _ in range(max(places, default=-1) + 1))
    return replace(piece, parts=parts, groups=(), lyrics=(), marks=(), spanners=(), **changes)


def _moved(event: Event, tick: int, lookup: np.ndarray[Any, Any]) -> Event:
    changes: dict[str, Any] = {"onset_tick": event.onset_tick + tick}  # type: ignore[attr-defined]
    if hasattr(event, "part"):
        changes["part"] = int(lookup[event.part])  # type: ignore[attr-defined]
    return replace(event, **changes)  # type: ignore[type-var]


def _without_repetitions(chords: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(c for index, c in enumerate(chords) if not index or c.symbol != chords[index - 1].symbol)
