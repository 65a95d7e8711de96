"""Repetition by musical unit: what would say a bar, or a run of notes, once more is made less likely.

Penalties on tokens, as language models have them, punish a key or an instrument for being kept. Here a token loses
only as far as it goes on with a repetition that is under way:

- In representations with barlines: as long as a bar has the same tokens as the bar before it, the token that comes
  next in the bar before loses `strength` · share of that bar that is repeated with it; at the end of the bar, the
  barline, which would make the repetition exact, loses `strength`. A motif may come back; a bar hardly twice in a row.
- In those without: as long as the last notes (a run of at least `SHORTEST_RUN`) have stood before in the same order,
  the note that came next loses `strength` · length of the run ÷ `LONGEST_RUN`, at most `strength`. The latest of the
  longest runs counts.

What a token loses is taken from its logit, so that its odds against any other fall by the factor exp(−loss).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SHORTEST_RUN, LONGEST_RUN = 4, 16
"""Notes."""
_BARLINE = re.compile(r"\|\[r:\d+\]|Bar_\d+")
_NOTE = re.compile(r"(Note|NoteOn|DrumOn|Pitch|Drum)_.*")


class Units(NamedTuple):
    """The tokens of a vocabulary that open a musical unit."""

    barlines: frozenset[int]
    """Open a bar; empty where there are none."""
    notes: frozenset[int]
    """Say which pitch or drum is struck."""


@lru_cache(maxsize=8)
def _units(tokens: tuple[str, ...]) -> Units:
    def saying(unit: re.Pattern[str]) -> frozenset[int]:
        # a token of `bpe` stands for several, whose names are joined
        return frozenset(index for index, token in enumerate(tokens) if any(map(unit.fullmatch, token.split("+"))))

    return Units(saying(_BARLINE), saying(_NOTE))


def units(tokens: Sequence[str]) -> Units:
    """The units of a vocabulary, by the names of its tokens."""
    return _units(tuple(tokens))


class Repetition:
    """What one sequence has said, and what would repeat it."""

    def __init__(self, vocabulary: Units, strength: float) -> None:
        self._units, self._strength = vocabulary, strength
        self._bar: list[int] = []
        self._before: list[int] | None = None
        self._notes: list[int] = []

    def hear(self, token: int) -> None:
        """Take in a token that stands."""
        if token in self._units.barlines:
            self._before, self._bar = self._bar or None, []
        elif self._units.barlines:
            self._bar.append(token)
        elif token in self._units.notes:
            self._notes.append(token)

    def losses(self) -> dict[int, float]:
        """By how much logits of which tokens are to be lowered."""
        if self._strength and self._units.barlines:
            return self._of_bar()
        return self._of_notes() if self._strength else {}

    def _of_bar(self) -> dict[int, float]:
        place = len(self._bar)
        if self._before is None or self._before[:place] != self._bar:
            return {}
        if place == len(self._before):
            return dict.fromkeys(self._units.barlines, self._strength)
        return {self._before[place]: self._strength * (place + 1) / len(self._before)}

    def _of_notes(self) -> dict[int, float]:
        notes, longest, follows = self._notes, SHORTEST_RUN - 1, -1
        for end in range(SHORTEST_RUN, len(notes)):
            if notes[end - 1] != notes[-1]:
                continue
            run = 1
            while run < LONGEST_RUN and run < end and notes[end - 1 - run] == notes[-1 - run]:
                run += 1
            if run >= max(longest, SHORTEST_RUN):
                longest, follows = run, notes[end]
        return {follows: self._strength * longest / LONGEST_RUN} if follows >= 0 else {}

    def lowered(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits, shape (vocabulary,), less what is lost; the same array where nothing is."""
        if not (losses := self.losses()):
            return logits
        logits = logits.copy()
        logits[list(losses)] -= np.array(list(losses.values()), np.float32)
        return logits
