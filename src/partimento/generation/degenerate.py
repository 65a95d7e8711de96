"""Degenerate music is written again, with another stream of the same seed, so that a seed still gives one piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from partimento.analysis.faults import faults
from partimento.score import Score

__all__ = ["Draft", "faults", "stream_seed", "write_sound"]

TRIES = 3
"""Times that a degenerate piece is written again before it is taken as it is."""

_AGAIN = 7


@dataclass(frozen=True, slots=True)
class Draft:
    """A piece as it was taken, and what was wrong with those that were not."""

    score: Score
    rejected: tuple[tuple[str, ...], ...] = ()
    """The faults of each piece that was written before it."""
    faults: tuple[str, ...] = ()
    """Its own, where no try gave a sound one."""


def write_sound(
    write: Callable[[Sequence[int]], Sequence[Score]], seeds: Sequence[int], tries: int = TRIES
) -> list[Draft]:
    """Have pieces written, and the degenerate ones again.

    Args:
        write: writes one piece for each seed it is given, all at once.
        seeds: one for each piece.
        tries: how often a piece is written again; of pieces that all have faults, the one with the fewest stays.
    """
    pieces = list(write(seeds))
    history = [[(faults(piece), piece)] for piece in pieces]
    for stream in range(1, tries + 1):
        again = [index for index, tried in enumerate(history) if tried[-1][0]]
        written = write([stream_seed(seeds[index], stream) for index in again]) if again else []
        for index, piece in zip(again, written, strict=True):
            history[index].append((faults(piece), piece))
    return [_draft(tried) for tried in history]


def _draft(tried: Sequence[tuple[tuple[str, ...], Score]]) -> Draft:
    best = min(range(len(tried)), key=lambda index: len(tried[index][0]))
    wrong, score = tried[best]
    return Draft(score, tuple(found for k, (found, _) in enumerate(tried) if k != best), wrong)


def stream_seed(seed: int, stream: int) -> int:
    """The seed of one of the streams that belong to a seed; stream 0 is the seed itself."""
    if stream == 0:
        return seed
    # a key of two, so that no piece that belongs to the same seed (`sampling.subseed`) has it
    return int(np.random.SeedSequence(seed, spawn_key=(_AGAIN, stream)).generate_state(1, np.uint64)[0] >> np.uint64(1))
