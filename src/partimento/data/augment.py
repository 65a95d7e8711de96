"""Fresh versions of a piece at every reading: other keys, other tempi, other instruments of the same role.

Twelve keys and three tempi make 36 versions of a piece without storing one of them: version n is always the same, and
a random one costs a look into a table where the representation gives one. Where it gives none (spelling depends on
what stands around a note, or time is counted in seconds), a version goes through the score and may be longer or
shorter than the original.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partimento.errors import PartimentoError
from partimento.plan import Compose
from partimento.representations import Ints, Representation
from partimento.representations.bpe import Bpe
from partimento.score import DEFAULT_TEMPO_BPM, TEMPO, Score

_MELODY = (40, 110, 73, 71, 68, 74, 72, 75, 78, 56, 60, 64, 65, 66, 53, 52, 22, 21, 69, 79)
_CHORDAL = (0, 1, 4, 6, 8, 11, 12, 15, 16, 19, 20, 21, 23, 24, 25, 26, 27, 46, 48, 50, 105)
_BASS = (32, 33, 34, 35, 42, 43, 57, 58, 67, 70, 36, 38)


@dataclass(frozen=True)
class Augmentation:
    """Transposition, change of tempo and exchange of instruments, on token ids."""

    representation: Representation[Any]
    semitones: int = 6
    """Pieces move by up to this many semitones up, and one fewer down."""
    swap: float = 0.5
    """Chance that an instrument is exchanged for another of its role."""
    tempi: Sequence[float] = (1.0,)
    """How many times as fast."""

    def __call__(self, ids: Ints, rng: np.random.Generator) -> Ints:
        """Ids of another version of the piece, its instruments perhaps exchanged."""
        if isinstance(self.representation, Bpe):  # what is merged has no counterparts
            return self.representation.merge(self._inside(self.representation.expand(ids), rng))
        version = self.version(ids, int(rng.integers(len(self))))
        return self._swapped(version, rng) if self.swap else version

    def varied(self, ids: Ints, rng: np.random.Generator) -> tuple[Ints, int, float]:
        """Ids of another version, by how many semitones it is higher, and how many times as fast.

        For models that read a text beside the music, which has to follow; instruments stay.
        """
        tempo, shift = divmod(int(rng.integers(len(self))), len(self._shifts))
        semitones, factor = self._shifts[shift], self.tempi[tempo]
        moved = self._transposed(ids, semitones)
        if moved is ids:  # no table, and through the score a pitch would leave the range
            semitones = 0
        faster = self._faster(moved, factor)
        return faster, semitones, 1.0 if faster is moved else factor

    def __len__(self) -> int:
        """Number of versions, exchanged instruments aside."""
        return len(self._shifts) * len(self.tempi)

    def version(self, ids: Ints, number: int) -> Ints:
        """Version `number` of `len(self)`; where a note would leave the range, the piece stays in its key."""
        if isinstance(self.representation, Bpe):
            return self.representation.merge(self._inside.version(self.representation.expand(ids), number))
        tempo, shift = divmod(number, len(self._shifts))
        return self._faster(self._transposed(ids, self._shifts[shift]), self.tempi[tempo])

    @property
    def keeps_places(self) -> bool:
        """Whether each token of a version is the counterpart of the one at the same place, and nothing is encoded anew.

        So a sequence that is more than a piece, such as one with a hole, may be varied, too.
        """
        if isinstance(self.representation, Bpe):
            return not (self.semitones or self.swap or any(tempo != 1 for tempo in self.tempi))
        by_table = self.representation.grid.unit != "second" and all(
            table is not None for factor, table in self._tempo_tables.items() if factor != 1
        )
        moves = all(self._tables[shift] is not None for shift in self._shifts if shift)
        return moves and (by_table or all(tempo == 1 for tempo in self.tempi))

    @cached_property
    def _inside(self) -> Augmentation:
        """The same in the representation that merges are made over."""
        assert isinstance(self.representation, Bpe)
        return replace(self, representation=self.representation.inner)

    @cached_property
    def _shifts(self) -> list[int]:
        return list(range(-self.semitones + 1, self.semitones + 1)) if self.semitones else [0]

    @cached_property
    def _tables(self) -> dict[int, Ints | None]:
        return {shift: self.representation.transposition(shift) for shift in self._shifts}

    def _transposed(self, ids: Ints, shift: int) -> Ints:
        if not shift:
            return ids
        table = self._tables[shift]
        return self._through_score(ids, lambda score: score.transpose(shift)) if table is None else table[ids]

    def _faster(self, ids: Ints, factor: float) -> Ints:
        if factor == 1:
            return ids
        if self.representation.grid.unit == "second":
            return self._through_score(ids, lambda score: _squeezed(score, factor))
        table = self._tempo_tables[factor]
        return self._through_score(ids, lambda score: _with_tempi(score, factor)) if table is None else table[ids]

    @cached_property
    def _tempo_tables(self) -> dict[float, Ints | None]:
        return {factor: _tempo_table(self.representation.tokens, factor) for factor in self.tempi}

    def _through_score(self, ids: Ints, change: Callable[[Score], Score]) -> Ints:
        try:
            score = change(self.representation.decode(ids, Compose()))
            return self.representation.encode(score, Compose()).ids
        except (PartimentoError, ValueError):  # a pitch would leave the range, or there is nothing to change
            return ids

    @cached_property
    def _program_of(self) -> NDArray[np.int64]:
        """Program that each token names, −1 for none: those tokens change when it alone is exchanged."""
        programs, itself = np.full(len(self.representation.tokens), -1), np.arange(len(self.representation.tokens))
        for program in range(128):
            table = self.representation.exchange({program: program ^ 1})
            if table is not None:
                programs[table != itself] = program
        return programs

    def _swapped(self, ids: Ints, rng: np.random.Generator) -> Ints:
        """Each program of the piece exchanged, or not, for one that the piece does not use yet."""
        used = [program for program in np.unique(self._program_of[ids]).tolist() if program >= 0]
        taken, chosen = set(used), dict[int, int]()
        for program in used:
            choices = [p for p in roles(program, alone=len(used) == 1) if p not in taken]
            if choices and rng.random() < self.swap:
                chosen[program] = int(rng.choice(choices))
                taken.add(chosen[program])
        table = self.representation.exchange(chosen) if chosen else None
        return ids if table is None else table[ids]


def roles(program: int, alone: bool) -> tuple[int, ...]:
    """Programs that can stand in for one: melodies for melodies, chords for chords, basses for basses.

    A program alone in its piece, and piano if the encoder named none, may become any melody instrument only if it
    is one; instruments that can play chords also take melodies over.
    """
    if program in _BASS:
        return _BASS
    if program in _MELODY:
        return _MELODY + _CHORDAL if alone else _MELODY
    return _CHORDAL if program in _CHORDAL else ()


def _tempo_table(tokens: Sequence[str], factor: float) -> Ints | None:
    """Id of the nearest counterpart of each tempo token, None where no token names a tempo."""
    stated = {i: _number(token.removeprefix("Tempo_")) for i, token in enumerate(tokens) if token.startswith("Tempo_")}
    bpm = {i: value for i, value in stated.items() if value is not None}
    if not bpm:
        return None
    table, ids, values = np.arange(len(tokens), dtype=np.int32), list(bpm), np.array(list(bpm.values()))
    table[ids] = [ids[int(np.abs(np.log(values / (value * factor))).argmin())] for value in values]
    return table


def _number(text: str) -> float | None:
    try:
        return float(text) if float(text) > 0 else None
    except ValueError:
        return None


def _with_tempi(score: Score, factor: float) -> Score:
    tempos = score.tempos.copy() if len(score.tempos) else np.array([(0, DEFAULT_TEMPO_BPM)], TEMPO)
    tempos["tempo_bpm"] *= factor
    return replace(score, tempos=tempos)


def _squeezed(score: Score, factor: float) -> Score:
    """All times divided by the factor, on the score's own ticks."""

    def onset(ticks: Any) -> Any:
        return np.rint(ticks / factor).astype(np.int64) if isinstance(ticks, np.ndarray) else round(ticks / factor)

    def duration(ticks: Any) -> Any:
        at_least_one = np.minimum(ticks, 1)  # grace notes have none
        return np.maximum(onset(ticks), at_least_one) if isinstance(ticks, np.ndarray) else max(onset(ticks), ticks > 0)

    return score.map_ticks(onset, duration)
