"""Copy check: the longest run of notes that a piece shares with the music a model was trained on.

A run is consecutive notes of one part, ordered by onset and then pitch, ties merged, without drums and grace
notes. Two runs are equal when all their durations are, and all their intervals from note to note; so
transposition does not hide a copy. Rests do not count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partimento.score import Score

if TYPE_CHECKING:
    from partimento.evaluation.pieces import Piece

DURATION_STEPS = 48
"""Durations are compared in steps of so many to a quarter."""
_LONGEST_STEPS = 1 << 16
_BASE = 6364136223846793005  # odd, so that it has an inverse modulo 2^64, and of long period (Knuth)

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class SharedRun:
    """The longest run that one piece shares with the indexed ones."""

    notes: int
    """Its length; 0 where not even one note is shared."""
    title: str = ""
    """Title of the first indexed piece that holds it."""
    source: str = ""
    """Where that piece comes from."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"notes": self.notes, "title": self.title, "source": self.source}


class CopyIndex:
    """Notes of many pieces, made ready to be compared with others."""

    def __init__(self, pieces: Iterable[Piece], exclude: Collection[str] = ()) -> None:
        """`exclude` names the content hashes of pieces to leave out."""
        self._origins = list[tuple[str, str]]()
        runs, origin = list[Ints](), list[int]()
        for piece in pieces:
            if piece.content_hash not in exclude:
                of_piece = note_runs(piece.windows)
                runs += of_piece
                origin += [len(self._origins)] * len(of_piece)
                self._origins.append((piece.title, piece.source))
        self._grams = _Grams(runs)
        self._origin_of_run = np.array(origin, np.int64)

    @classmethod
    def of_dataset(cls, folder: Path, splits: Sequence[str] = ("train",), exclude: Collection[str] = ()) -> CopyIndex:
        """Index some splits of a dataset folder.

        Raises:
            BadFile: the folder is no dataset, or a shard is damaged.
        """
        from partimento.evaluation.pieces import read_pieces  # needs what reads datasets, and not every check does

        return cls(read_pieces(folder, splits), exclude)

    def __len__(self) -> int:
        """Number of notes."""
        return self._grams.notes

    def longest_shared_run(self, score: Score) -> int:
        """Length in notes of the longest run that a score shares with an indexed piece."""
        return self.longest_shared_runs([score])[0].notes

    def longest_shared_runs(self, scores: Sequence[Score]) -> list[SharedRun]:
        """The longest shared run of each score, shape (scores,).

        Runs grow by one note at a time, for all scores together. Only places where the shorter run matched
        are looked at again, since a run is shared only if what it begins with is.
        """
        runs = [note_runs([score]) for score in scores]
        query = _Grams([run for of_score in runs for run in of_score])
        score_of_run = np.repeat(np.arange(len(scores)), [len(of_score) for of_score in runs])
        found = [SharedRun(0)] * len(scores)
        ours, theirs, length = query.starts(), self._grams.starts(), 0
        matched, theirs_matched = ours[:0], theirs[:0]
        while True:
            ours, theirs = query.fitting(ours, length + 1), self._grams.fitting(theirs, length + 1)
            our_hashes, their_hashes = query.hashes(ours, length + 1), self._grams.hashes(theirs, length + 1)
            is_shared = _is_in(their_hashes, np.unique(our_hashes))
            ours, theirs = ours[_is_in(our_hashes, np.unique(their_hashes[is_shared]))], theirs[is_shared]
            ended = np.setdiff1d(score_of_run[query.run_of(matched)], score_of_run[query.run_of(ours)])
            for score in ended.tolist():
                place = matched[score_of_run[query.run_of(matched)] == score][:1]
                holder = self._holder(query.hashes(place, length), theirs_matched, length)
                found[score] = SharedRun(length, *holder)
            if not len(ours):
                return found
            matched, theirs_matched, length = ours, theirs, length + 1

    def _holder(self, wanted: Hashes, places: Ints, length: int) -> tuple[str, str]:
        """Title and source of the first piece that has a run at one of some places."""
        place = places[np.argmax(self._grams.hashes(places, length) == wanted)][None]
        return self._origins[self._origin_of_run[self._grams.run_of(place)].item()]


def note_runs(windows: Sequence[Score]) -> list[Ints]:
    """Pitches and durations of each pitched part of a piece, given in consecutive windows.

    Returns:
        For each part that has notes, an array of shape (notes, 2): MIDI pitch, and duration in 1/48 quarters.
    """
    runs: dict[int, list[Ints]] = {}
    for score in windows:
        notes = score.sounding().notes
        is_drums = np.array([part.is_drums for part in score.parts], bool)
        notes = notes[(notes["grace"] == 0) & ~is_drums[notes["part"]]]
        order = [notes[name] for name in ("duration_tick", "pitch", "onset_tick", "part")]
        notes = notes[np.lexsort(order)]
        steps = np.rint(notes["duration_tick"] * DURATION_STEPS / score.ticks_per_quarter).astype(np.int64)
        columns = np.stack([notes["pitch"].astype(np.int64), np.clip(steps, 0, _LONGEST_STEPS)], axis=1)
        for part in np.unique(notes["part"]).tolist():
            runs.setdefault(part, []).append(columns[notes["part"] == part])
    return [np.concatenate(runs[part]) for part in sorted(runs)]


def grams(run: Ints, length: int) -> Hashes:
    """A hash of the run of so many notes from each place of one sequence, shape (notes − length + 1,)."""
    hashed = _Grams([run])
    return hashed.hashes(hashed.fitting(hashed.starts(), length), length)


class _Grams:
    """Hashes of all runs of any length in some sequences of notes: polynomials of the symbols modulo 2^64.

    A note gives two symbols, its duration and the interval to the next, so that a run of L notes is 2L − 1
    symbols from an even place: L durations and the L − 1 intervals between them (Karp and Rabin, IBM J. Res.
    Dev. 31(2), 1987). Symbols are scattered over 64 bits first; a false match among 10^12 pairs has a chance
    of 10^-7.
    """

    def __init__(self, runs: Sequence[Ints]) -> None:
        lengths = np.array([len(run) for run in runs], np.int64)
        self._stops: Ints = np.cumsum(lengths)
        self._run_of_note: Ints = np.repeat(np.arange(len(runs)), lengths)
        notes = np.concatenate([*runs, np.zeros((1, 2), np.int64)])
        self.notes = len(notes) - 1
        symbols = np.empty(2 * self.notes, np.int64)
        symbols[0::2] = 512 + notes[:-1, 1]
        symbols[1::2] = 128 + np.diff(notes[:, 0])
        powers = np.full(2 * self.notes, _BASE, np.uint64)
        powers[:1] = 1
        np.cumprod(powers, out=powers)
        self._sums: Hashes = np.concatenate([np.zeros(1, np.uint64), np.cumsum(_scattered(symbols) * powers)])
        self._inverse_powers: Hashes = np.full(self.notes + 1, pow(_BASE, -2, 1 << 64), np.uint64)
        self._inverse_powers[:1] = 1
        np.cumprod(self._inverse_powers, out=self._inverse_powers)

    def starts(self) -> Ints:
        """Where runs begin: every note."""
        return np.arange(self.notes)

    def run_of(self, places: Ints) -> Ints:
        """Index of the sequence that each note belongs to."""
        return self._run_of_note[places]

    def fitting(self, places: Ints, length: int) -> Ints:
        """Those places from which so many notes stay within their sequence."""
        return places[places + length <= self._stops[self._run_of_note[places]]]

    def hashes(self, places: Ints, length: int) -> Hashes:
        """Hash of the run of so many notes from each place, the same wherever the run stands."""
        sums = self._sums[2 * places + max(2 * length - 1, 0)] - self._sums[2 * places]
        return sums * self._inverse_powers[places]


def _scattered(symbols: Ints) -> Hashes:
    """A 64-bit hash of each symbol (SplitMix64; Steele, Lea and Flood, OOPSLA 2014)."""
    x = (symbols.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _is_in(values: Hashes, table: Hashes) -> NDArray[np.bool_]:
    """Whether each value stands in a sorted table."""
    if not len(table):
        return np.zeros(len(values), bool)
    return table[np.minimum(np.searchsorted(table, values), len(table) - 1)] == values
