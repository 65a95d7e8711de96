"""The copy check that goes with a model: hashes of what it was trained on, small enough for its folder.

```
partimento copies DATASET --model FOLDER        # writes FOLDER/copies.safetensors
```

For every note of the training music the file holds 16 bits of a hash of the `GRAM_NOTES` notes that begin there, in
the order of the music, so that the longest run that a piece shares with it can be followed note by note and named
(`copying` says what a run is). The music itself is not in it. A run of `LEAST_NOTES` is three hashes one after another,
which music of 500 notes finds by chance among two million in 1 of 300,000 cases; shorter runs are everybody's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadFile
from partimento.evaluation.copying import SharedRun, grams, note_runs
from partimento.score import Score

if TYPE_CHECKING:
    from partimento.evaluation.pieces import Piece

FILE_NAME = "copies.safetensors"
GRAM_NOTES, LEAST_NOTES = 6, 8
"""Notes that a hash is of, and of the shortest run that is told."""
QUANTILE = 0.95
"""Of windows of held-out music: what they share with the training music is no copy."""
_FORMAT = "1"
_MOST_BYTES = 1 << 30
_LONGEST_TITLE = 80

Grams = NDArray[np.uint16]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Copied:
    """The longest run that a piece shares with a model's training music."""

    run: SharedRun
    limit: int
    """Held-out music by people shares no longer ones in 95 of 100 windows."""

    @property
    def is_copy(self) -> bool:
        """Whether more is shared than people share by chance."""
        return self.run.notes > self.limit

    def __str__(self) -> str:
        if self.run.notes < LEAST_NOTES:
            return f"no run of {LEAST_NOTES} notes is shared with a training piece"
        where = f"“{self.run.title or 'untitled'}” ({self.run.source})"
        usual = f"held-out music by people shares up to {self.limit} in 95 of 100 windows"
        return f"longest run shared with a training piece: {self.run.notes} notes, of {where}; {usual}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return self.run.to_dict() | {"limit": self.limit, "is_copy": self.is_copy}


class CopyHashes:
    """The hashes of the music that a model was trained on."""

    def __init__(
        self, grams: Grams, lengths: Ints, pieces: Ints, origins: Sequence[tuple[str, str]], limit: int
    ) -> None:
        """Args:
        grams: of all runs, one after another, shape (grams,).
        lengths: number of grams of each run, shape (runs,).
        pieces: index of each run's piece, shape (runs,).
        origins: title and source of each piece.
        limit: notes that held-out music shares with it.
        """
        self.limit = limit
        self._grams, self._lengths, self._pieces, self._origins = grams, lengths, pieces, list(origins)
        self._starts = np.cumsum(lengths) - lengths

    def __len__(self) -> int:
        """Number of grams."""
        return len(self._grams)

    @classmethod
    def of_pieces(cls, pieces: Sequence[Piece], limit: int = 0) -> CopyHashes:
        """Hash the notes of pieces."""
        found = [(index, gram) for index, piece in enumerate(pieces) for gram in _grams_of(piece.windows)]
        lengths = np.array([len(gram) for _, gram in found], np.int64)
        owners = np.array([index for index, _ in found], np.int64)
        flat = np.concatenate([np.empty(0, np.uint16), *(gram for _, gram in found)])
        return cls(flat, lengths, owners, [(piece.title[:_LONGEST_TITLE], piece.source) for piece in pieces], limit)

    @classmethod
    def of_dataset(cls, folder: Path) -> CopyHashes:
        """Hash the training pieces of a dataset, and measure on its other pieces what people share by chance.

        Raises:
            BadFile: the folder is no dataset, or a shard is damaged.
        """
        from partimento.evaluation.pieces import read_pieces  # needs what reads datasets, and checks do not

        known = cls.of_pieces(list(read_pieces(folder)))
        windows = [score for piece in read_pieces(folder, ("validation", "test")) for score in piece.windows]
        shared = [known.longest_shared_run(score).notes for score in windows]
        limit = int(np.ceil(np.quantile(shared, QUANTILE))) if shared else 2 * GRAM_NOTES
        return cls(known._grams, known._lengths, known._pieces, known._origins, limit)

    def check(self, score: Score) -> Copied:
        """What a piece shares with the training music."""
        return Copied(self.longest_shared_run(score), self.limit)

    def longest_shared_run(self, score: Score) -> SharedRun:
        """The longest run that a score shares; 0 notes where that has fewer than `LEAST_NOTES`.

        Places of the training music whose grams are all somewhere in the score are followed note by note, the longest
        first, until none that is left can be longer than what is found. One note struck again and again, or one step
        taken again and again, is everybody's: it parts runs.
        """
        ours = [part for run in note_runs([score]) if len(run) >= GRAM_NOTES for part in _telling(run)]
        if not ours or not len(self._grams):
            return SharedRun(0)
        best, place = LEAST_NOTES - GRAM_NOTES, -1
        starts, stops = self._promising(np.concatenate(ours))
        for index in np.argsort(starts - stops, kind="stable").tolist():
            if stops[index] - starts[index] <= best:
                break
            segment = self._grams[starts[index] : stops[index]]
            length, end = max((_longest_common(gram, segment) for gram in ours), key=lambda found: found[0])
            if length > best:
                best, place = length, int(starts[index]) + end
        if place < 0:
            return SharedRun(0)
        run = int(np.searchsorted(self._starts, place, "right")) - 1
        return SharedRun(best + GRAM_NOTES - 1, *self._origins[int(self._pieces[run])])

    def _promising(self, wanted: Grams) -> tuple[Ints, Ints]:
        """First and behind the last gram of each stretch of a run whose grams are all wanted."""
        is_wanted = np.zeros(1 << 16, bool)
        is_wanted[wanted] = True
        known = np.zeros(len(self._grams) + 2, np.int8)
        known[1:-1] = is_wanted[self._grams]
        edges = np.diff(known)
        begins, ends = edges == 1, edges == -1
        both = self._starts[(known[self._starts] == 1) & (known[self._starts + 1] == 1)]  # a run ends, and one begins
        begins[both] = ends[both] = True
        return np.flatnonzero(begins), np.flatnonzero(ends)

    def save(self, path: Path) -> None:
        """Write the file beside its place and rename it into it."""
        from safetensors.numpy import save

        tensors = {
            "grams": self._grams,
            "lengths": self._lengths.astype(np.uint32),
            "pieces": self._pieces.astype(np.uint32),
        }
        told = {"format": _FORMAT, "gram_notes": str(GRAM_NOTES), "limit": str(self.limit)}
        unfinished = path.with_name(f".{path.name}.unfinished")
        unfinished.write_bytes(save(tensors, told | {"pieces": json.dumps(self._origins, ensure_ascii=False)}))
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> CopyHashes:
        """Read a file that `save` has written.

        Raises:
            BadFile: it is missing or damaged.
        """
        from safetensors import SafetensorError, safe_open

        try:
            if path.stat().st_size > _MOST_BYTES:
                raise BadFile(path, "is too large for an index of copies; write it again with `partimento copies`")
            with safe_open(path, framework="numpy") as file:
                told: dict[str, str] = file.metadata() or {}
                grams, lengths, pieces = (file.get_tensor(name) for name in ("grams", "lengths", "pieces"))
            origins = [(str(title), str(source)) for title, source in json.loads(told["pieces"])]
            limit, is_ours = int(told["limit"]), told["format"] == _FORMAT and told["gram_notes"] == str(GRAM_NOTES)
            fits = grams.dtype == np.uint16 and int(lengths.sum()) == len(grams) and len(lengths) == len(pieces)
            well_formed = is_ours and fits and int(pieces.max(initial=0)) < max(len(origins), 1)
        except (OSError, SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadFile(path, "is missing or damaged; write it again with `partimento copies`") from error
        if not well_formed:
            raise BadFile(path, "is damaged, or of another version; write it again with `partimento copies`")
        return cls(grams, lengths.astype(np.int64), pieces.astype(np.int64), origins, limit)


def hashes_of(model: Path) -> CopyHashes | None:
    """The index in a model's folder, None where it has none.

    Raises:
        BadFile: it is damaged.
    """
    path = model / FILE_NAME
    return CopyHashes.load(path) if path.is_file() else None


def _grams_of(windows: Sequence[Score]) -> list[Grams]:
    """The grams of each run that is long enough."""
    return [_grams(run) for run in note_runs(windows) if len(run) >= GRAM_NOTES]


def _grams(run: Ints) -> Grams:
    return (grams(run, GRAM_NOTES) >> np.uint64(48)).astype(np.uint16)


def _telling(run: Ints) -> Iterator[Grams]:
    """The grams of a run, parted where six notes are alike."""
    hashes, windows = _grams(run), np.lib.stride_tricks.sliding_window_view(run, GRAM_NOTES, axis=0)
    alike = (windows == windows[..., :1]).all(axis=(1, 2))
    cuts = np.flatnonzero(np.diff(alike)) + 1
    for part, is_alike in zip(np.split(hashes, cuts), np.split(alike, cuts), strict=True):
        if not is_alike[0]:
            yield part


def _longest_common(ours: Grams, theirs: Grams) -> tuple[int, int]:
    """Length of the longest stretch that two sequences share, and where it ends in the second."""
    lengths, best, end = np.zeros(len(ours) + 1, np.int64), 0, 0
    for index, gram in enumerate(theirs):
        lengths[1:] = np.where(ours == gram, lengths[:-1] + 1, 0)
        longest = int(lengths.max())
        if longest > best:
            best, end = longest, index
    return best, end
