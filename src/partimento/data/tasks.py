"""The windows of a dataset as tasks: to compose them, to fill bars of theirs in, to add parts to the others.

What is to be filled in is drawn from the seed, the window and the number of its version, so that it is the same in
every run. Encoding takes a while; what came of it is kept beside the shards, in `tasks-SPLIT-….npz`, for the next run.

A plain window teaches to continue already, since it is written from left to right; of the holes, every fourth one
lies at the end, so that this is learnt of music that was not written by the model, too.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from partimento.data.dataset import TokenDataset
from partimento.data.mixture import ACCOMPANY, COMPOSE, TASKS, Mixture
from partimento.errors import BadRecipe, PartimentoError
from partimento.notation.beats import estimate_beats
from partimento.plan import Compose, Infill
from partimento.representations import Encoded, Representation, create
from partimento.score import Score

Progress = Callable[[int, int], None]
"""Is told how many windows of how many are done."""
LONGEST_HOLE = 8
"""Most bars of a hole."""
AT_THE_END, ALL_PARTS = 0.25, 0.5
"""Chances that a hole lies at the end of its window, and that it goes through all parts."""


class _Made(NamedTuple):
    """Sequences of a split; `ids` holds those that are not windows as they are, one after another."""

    window: NDArray[np.int64]
    task: NDArray[np.int64]
    """Index in `TASKS`."""
    length: NDArray[np.int64]
    prompt: NDArray[np.int64]
    ids: NDArray[np.unsignedinteger[Any]]


class TaskExamples:
    """Each window of a dataset in some versions, each a task; loss is on what is to be written.

    Windows without bars are heard in bars; where that fails, or nothing fits the context, they stay what they are.

    Args:
        dataset: one split.
        mixture: shares of the tasks.
        each: whether each window comes once for each task that has a share, instead of for tasks that are drawn.
        seed: of what is drawn.
        context: most tokens of a sequence. Of a window that becomes longer, as much around the hole is shown as fits.
        prompt_loss: whether the header of a window to compose is learnt, too.
        progress: is told how far the encoding has come.

    Raises:
        BadRecipe: the representation cannot leave bars open, or a source that is to be repeated is unknown.
    """

    def __init__(
        self,
        dataset: TokenDataset,
        mixture: Mixture,
        *,
        each: bool = False,
        seed: int = 0,
        context: int = 1024,
        prompt_loss: bool = True,
        progress: Progress = lambda done, total: None,
    ) -> None:
        self.dataset = dataset
        representation = create(**dataset.info.representation)
        if "infill" not in representation.enforces and any(mixture.shares[1:]):
            raise BadRecipe(
                f"data.tasks: {representation.name} cannot leave bars open as it is built here; take remi with "
                "data.representation_config {infill: true}, or amt, or set infill and accompany to 0"
            )
        if other := sorted(mixture.repeat.keys() - set(dataset.info.sources)):
            raise BadRecipe(
                f"data.tasks.repeat.{other[0]}: {dataset.folder} has no such source; choose from "
                f"{', '.join(dataset.info.sources)}"
            )
        made = _made(_Making(dataset, representation, mixture, each, seed, context), progress)
        self.window: NDArray[np.int64] = made.window
        """Which window each sequence was made of."""
        self.task: NDArray[np.int64] = made.task
        """Index in `TASKS`."""
        is_whole = made.task == TASKS.index(COMPOSE)
        self.lengths: NDArray[np.int64] = np.where(is_whole, dataset.lengths[made.window], made.length)
        composed = 1 if prompt_loss else dataset.prompt_length[made.window]
        self.prompt_length: NDArray[np.int32] = np.where(is_whole, composed, made.prompt).astype(np.int32)
        self._ids, self._first = made.ids, np.cumsum(made.length) - made.length

    @property
    def pad(self) -> int:
        """Id that fills rows."""
        return self.dataset.pad

    @property
    def counts(self) -> dict[str, int]:
        """Sequences of each task."""
        return dict(zip(TASKS, np.bincount(self.task, minlength=len(TASKS)).tolist(), strict=True))

    @property
    def notice(self) -> str:
        """How many sequences of each task there are, in a line."""
        return f"{self}: {', '.join(f'{number:,} {name}' for name, number in self.counts.items() if number)}"

    def column(self, name: str) -> list[Any]:
        """Values of a column of the dataset, one per sequence."""
        values = self.dataset.column(name)
        return [values[window] for window in self.window]

    def only(self, task: str) -> Selected:
        """The sequences of one task."""
        return Selected(self, np.flatnonzero(self.task == TASKS.index(task)))

    def __str__(self) -> str:
        return f"{self.dataset} as tasks"

    def __len__(self) -> int:
        return len(self.window)

    def __getitem__(self, index: int) -> NDArray[Any]:
        if self.task[index] == TASKS.index(COMPOSE):
            return self.dataset[int(self.window[index])]
        return self._ids[self._first[index] :][: self.lengths[index]]


class Selected:
    """Some sequences of a collection."""

    def __init__(self, examples: TaskExamples, chosen: NDArray[np.int64]) -> None:
        self._examples, self._chosen, self.pad = examples, chosen, examples.pad
        self.lengths: NDArray[np.int64] = examples.lengths[chosen]
        self.prompt_length: NDArray[np.int32] = examples.prompt_length[chosen]

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, index: int) -> NDArray[Any]:
        return self._examples[int(self._chosen[index])]


def drawn(task: str, bars: int, parts: int, rng: np.random.Generator) -> Infill | None:
    """A hole in a piece of so many bars and parts, None where nothing would be given around it.

    Args:
        task: `infill` or `accompany`; a single part cannot be accompanied, and is filled in.
        bars: number of bars.
        parts: number of parts.
        rng: of what is drawn.
    """
    if task == ACCOMPANY and parts > 1 and bars:
        return Infill(0, bars, _some(parts, rng))
    if bars < 2:
        return None
    length = int(rng.integers(1, min(bars // 2, LONGEST_HOLE) + 1))
    first = bars - length if rng.random() < AT_THE_END else int(rng.integers(bars - length + 1))
    return Infill(first, first + length, None if parts == 1 or rng.random() < ALL_PARTS else _some(parts, rng))


def _some(parts: int, rng: np.random.Generator) -> tuple[int, ...]:
    """Some parts, but not all."""
    return tuple(sorted(rng.permutation(parts)[: rng.integers(1, parts)].tolist()))


def encoded(representation: Representation[Any], score: Score, task: Infill, context: int) -> Encoded | None:
    """Tokens of a hole with as much around it as fits the context, None where even the hole does not."""
    try:
        whole = representation.encode(score, task)
        if len(whole.ids) <= context:
            return whole
        piece, its_task = next(representation.windows(score, task, context), (None, None))
        found = None if piece is None or its_task is None else representation.encode(piece, its_task)
        return found if found is None or len(found.ids) <= context else None
    except PartimentoError:  # the hole lies where the tokens cannot state it
        return None


@dataclass(frozen=True)
class _Making:
    """How sequences are made of a split."""

    dataset: TokenDataset
    representation: Representation[Any]
    mixture: Mixture
    each: bool
    seed: int
    context: int

    @property
    def path(self) -> Path:
        """Where they are kept: a file that goes by all that decides what they are."""
        how = {**asdict(self.mixture), "each": self.each, "seed": self.seed, "context": self.context}
        said = {**how, "representation": self.dataset.info.representation}
        digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
        digest.update(self.dataset.ids.tobytes())
        digest.update(self.dataset.lengths.tobytes())
        return self.dataset.folder / f"tasks-{self.dataset.split}-{digest.hexdigest()[:16]}.npz"

    def rows(self, progress: Progress) -> Iterator[_Row]:
        """All sequences in order."""
        sources = self.dataset.column("source")
        for window, source in enumerate(sources):
            yield from self._versions(window, self.mixture.versions * self.mixture.repeat.get(source, 1))
            progress(window + 1, len(sources))

    def _versions(self, window: int, number: int) -> Iterator[_Row]:
        """Sequences of one window."""
        piece = _Piece(self.representation, self.dataset[window].astype(np.int32))
        shares = np.array(self.mixture.shares) / sum(self.mixture.shares)
        for version in range(np.count_nonzero(shares) if self.each else number):
            rng = np.random.Generator(np.random.Philox(key=[self.seed, 2], counter=[0, 0, version, window]))
            task = np.flatnonzero(shares)[version] if self.each else rng.choice(len(TASKS), p=shares)
            found = None if TASKS[task] == COMPOSE else piece.with_hole(TASKS[task], self.context, rng)
            if found is not None:
                yield _Row(window, int(task), found.ids, len(found.prompt))
            elif TASKS[task] == COMPOSE or not self.each:
                yield _Row(window, TASKS.index(COMPOSE), np.empty(0, np.int32), 0)


class _Row(NamedTuple):
    """A sequence."""

    window: int
    task: int
    ids: NDArray[np.int32]
    prompt: int


class _Piece:
    """A window, which is decoded when it is needed."""

    def __init__(self, representation: Representation[Any], ids: NDArray[np.int32]) -> None:
        self._representation, self._ids = representation, ids

    @cached_property
    def score(self) -> Score:
        """Its music, in bars if a beat can be heard in it."""
        score = self._representation.decode(self._ids, Compose())
        try:
            return score if len(score.measures) else estimate_beats(score)
        except PartimentoError:
            return score

    def with_hole(self, name: str, context: int, rng: np.random.Generator) -> Encoded | None:
        """The window with a hole that is drawn, None where there is none that fits."""
        task = drawn(name, len(self.score.measures), len(self.score.parts), rng)
        if task is None:
            return None
        midway = replace(task, opens_midway=self._says("OpensMidway"), ends_midway=self._says("EndsMidway"))
        return encoded(self._representation, self.score, midway, context)

    def _says(self, name: str) -> bool:
        tokens = self._representation.tokens
        return name in tokens and bool((self._ids == tokens.index(name)).any())


def _made(making: _Making, progress: Progress) -> _Made:
    """The sequences of a split, as an earlier run has kept them or new."""
    path, dtype = making.path, making.dataset.ids.dtype
    if (known := _kept(path)) is not None:
        return known
    rows = list(making.rows(progress))
    numbers = np.array([(row.window, row.task, len(row.ids), row.prompt) for row in rows], np.int64).reshape(-1, 4)
    window, task, length, prompt = numbers.T
    made = _Made(
        window,
        task,
        length,
        prompt,
        np.concatenate([np.empty(0, dtype), *(row.ids for row in rows)], dtype=dtype, casting="unsafe"),
    )
    _keep(path, made)
    return made


def _kept(path: Path) -> _Made | None:
    """What an earlier run has kept; None where there is nothing, or it cannot be used."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            made = _Made(*(stored[name] for name in _Made._fields))
    except (OSError, ValueError, KeyError, BadZipFile, EOFError):
        return None
    return made if int(made.length.sum()) == len(made.ids) else None


def _keep(path: Path, made: _Made) -> None:
    """Write beside and rename; a folder that cannot be written costs the next run the time, no more."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            np.savez_compressed(file, **made._asdict())
        os.replace(unfinished, path)
    except OSError:
        unfinished.unlink(missing_ok=True)
