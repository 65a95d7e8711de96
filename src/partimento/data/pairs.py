"""Batches of two sequences: what is read, a source or a text, and the music that is written.

Pairs are put into classes by the length of their music, and a batch takes pairs of one class, as many as fit a budget
of tokens, padding included. How many batches a class gives is fixed, so that the batch of a step is a pure function of
seed and step, as with packed rows. Which pairs share a batch changes with every epoch; every pair is seen equally
often, or every piece, if each gives one of its windows to an epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from partimento.data.augment import Augmentation
from partimento.data.captioned import captions_of
from partimento.data.datamodule import IGNORED, WHOLE, Batch, Share
from partimento.data.dataset import TokenDataset
from partimento.data.examples import pieces_of
from partimento.data.plans import plans_of, thinned, varied
from partimento.errors import BadRecipe
from partimento.plan import Plan
from partimento.representations.conditions import Says, line, sentence

Form = Literal["pairs", "text+tokens"]
Reader = Callable[[str], Sequence[int]]
"""Ids of a text, as the model reads it; no more than it can read."""
_ORDER, _CONTENT, _MEMBERS = 0, 1, 2
_CLASSES_PER_OCTAVE = 8
"""Music is padded to at most 2^(1/8), nine hundredths more."""
_NAMES: dict[Form, tuple[str, str, str, str | None]] = {
    "pairs": ("input_ids", "attention_mask", "decoder_input_ids", "decoder_attention_mask"),
    "text+tokens": ("text_ids", "text_mask", "input_ids", None),
}


class Texts(Protocol):
    """What is said of each window."""

    windows: NDArray[np.int64]
    """Windows of which something is said."""

    def text(self, window: int, rng: np.random.Generator | None, semitones: int = 0, tempo: float = 1.0) -> str:
        """The text of a window in another key and tempo; without a generator always the same."""
        ...


class PlanTexts:
    """Chords or plans of windows.

    Args:
        dataset: one split; music of which nothing can be said is left out.
        says: chords alone, or all that is known, of which some is left out at each reading.
        words: whether in the small vocabulary of `representations.conditions`, or as a language model reads it.

    Raises:
        BadRecipe: nothing can be said of any window.
    """

    def __init__(self, dataset: TokenDataset, says: Says, *, words: bool) -> None:
        self._plans, self._write = plans_of(dataset), line if words else sentence
        self._says: Says = says
        self.windows = np.flatnonzero([bool(self._write(plan, says)) for plan in self._plans])
        if not len(self.windows) and len(dataset):
            raise BadRecipe(f"{dataset}: no chords can be heard in its music; use data.text caption or plan")

    def text(self, window: int, rng: np.random.Generator | None, semitones: int = 0, tempo: float = 1.0) -> str:
        """The text of a window."""
        plan: Plan = varied(self._plans[window], semitones, tempo)
        return self._write(plan if rng is None or self._says == "chords" else thinned(plan, rng), self._says)


class CaptionTexts:
    """Captions of the pieces of windows; of several, one is drawn at each reading.

    Raises:
        BadRecipe: no piece has a caption.
        BadFile: the captions are damaged.
    """

    def __init__(self, dataset: TokenDataset) -> None:
        captions = captions_of(dataset)
        self._captions = [captions.get(piece, []) for piece in dataset.column("piece")]
        self.windows = np.flatnonzero([bool(said) for said in self._captions])
        if not len(self.windows) and len(dataset):
            raise BadRecipe(f"{dataset}: its pieces have no captions; write some with `partimento data caption`")

    def text(self, window: int, rng: np.random.Generator | None, semitones: int = 0, tempo: float = 1.0) -> str:
        """The text of a window; a caption may name the key, so music with captions stays in it."""
        if semitones or tempo != 1:
            raise BadRecipe("captions name keys and tempi; set data.transpose to 0 and data.tempi to [1.0]")
        said = self._captions[window]
        return said[0 if rng is None else int(rng.integers(len(said)))]


class _Pair(NamedTuple):
    source: NDArray[np.int64]
    music: NDArray[np.int64]
    labels: NDArray[np.int64]

    def without_targets(self) -> _Pair:
        """What fills the share of a process that has fewer pairs than others."""
        return self._replace(labels=np.full_like(self.labels, IGNORED))


class PairBatches:
    """Batches of one split.

    Args:
        dataset: its windows.
        texts: what is read before each.
        reader: ids of a text.
        form: keys of a batch: those of an encoder-decoder (`input_ids` and `attention_mask` for the source,
            `decoder_input_ids` and `decoder_attention_mask` for the music, `labels` for what follows each token of it)
            or of a text prefix (`text_ids` and `text_mask`, then `input_ids`, `position_ids`, `labels`, which are the
            music itself). All are int64, of shape (pairs, longest).
        tokens: of music in a batch, padding included; a longer piece makes a batch of its own.
        seed: of order, texts and augmentation.
        augment: another version of each piece at each reading.
        prompt_loss: whether the tokens of the prompt are targets, too.
        by_piece: in epoch k, each piece gives its k-th window alone, cyclically, as with `CaptionEpochs`.

    Raises:
        BadRecipe: there is no pair, or the texts cannot follow the augmentation.
    """

    def __init__(
        self,
        dataset: TokenDataset,
        texts: Texts,
        reader: Reader,
        form: Form,
        tokens: int,
        *,
        seed: int = 0,
        augment: Augmentation | None = None,
        prompt_loss: bool = True,
        by_piece: bool = False,
    ) -> None:
        if not len(texts.windows):
            raise BadRecipe(f"{dataset}: is empty; prepare more music")
        if augment is not None and augment.swap:
            raise BadRecipe("data.swap_instruments: texts would name instruments that are not played; set it to 0")
        self.dataset, self.examples, self.tokens = dataset, dataset, tokens
        self._texts, self._reader = texts, reader
        self._form: Form = form
        self._seed, self._augment, self._prompt_loss = seed, augment, prompt_loss
        members = pieces_of(dataset.column("piece"), texts.windows) if by_piece else [[each] for each in texts.windows]
        self._windows = [np.asarray(each, np.int64) for each in members]
        self._classes = _classes(np.array([dataset.lengths[each].max() for each in self._windows]), tokens)
        self._places = [(c, first) for c, (members, rows) in enumerate(self._classes)
                        for first in range(0, len(members), rows)]  # fmt: skip

    @property
    def rows_per_epoch(self) -> int:
        """Pairs of an epoch."""
        return len(self._windows)

    @property
    def rows(self) -> float:
        """Pairs of a batch, on average."""
        return self.rows_per_epoch / len(self._places)

    @property
    def batches_per_epoch(self) -> int:
        """Batches in which every pair, or every piece, occurs once."""
        return len(self._places)

    @property
    def notice(self) -> str:
        """What was left out, in a line; empty where nothing was."""
        missing = len(self.dataset) - len(self._texts.windows)
        return f"{self.dataset}: {missing} windows of which nothing is said are left out" if missing else ""

    def batch(self, step: int, share: Share = WHOLE) -> Batch:
        """The batch of a training step, whatever came before, or one process's share of it."""
        epoch, place = divmod(step, len(self._places))
        number, first = self._places[int(self._generator(_ORDER, epoch).permutation(len(self._places))[place])]
        members, rows = self._classes[number]
        chosen = members[self._generator(_MEMBERS, epoch, number).permutation(len(members))[first : first + rows]]
        part = share.of(len(chosen))
        windows = [self._window(int(member), epoch) for member in chosen]
        pairs = [self._pair(windows[row], self._generator(_CONTENT, step, row)) for row in part]
        missing = share.most(len(chosen)) - len(pairs)
        return self._batch(pairs + [self._pair(windows[0], None).without_targets()] * missing)

    def once(self) -> Iterator[Batch]:
        """All pairs once, as they are, the shortest first."""
        windows = self._texts.windows
        for members, rows in _classes(self.dataset.lengths[windows], self.tokens):
            for first in range(0, len(members), rows):
                yield self._batch([self._pair(int(window), None) for window in windows[members[first : first + rows]]])

    def _generator(self, purpose: int, counter: int, part: int = 0) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=[self._seed, purpose], counter=[0, 0, part, counter]))

    def _batch(self, pairs: Sequence[_Pair]) -> Batch:
        sources, music, labels = zip(*pairs, strict=True)
        source, source_mask, ids, mask = _NAMES[self._form]
        batch = {
            source: _padded(sources, 0),
            source_mask: _padded([np.ones(len(each), np.int64) for each in sources], 0),
            ids: _padded(music, self.dataset.pad),
            "labels": _padded(labels, IGNORED),
        }
        if mask is not None:
            batch[mask] = _padded([np.ones(len(each), np.int64) for each in music], 0)
        else:
            batch["position_ids"] = torch.arange(batch[ids].shape[1]).expand(batch[ids].shape).contiguous()
        return batch

    def _window(self, member: int, epoch: int) -> int:
        """Which window a member contributes to an epoch."""
        windows = self._windows[member]
        return int(windows[epoch % len(windows)])

    def _pair(self, window: int, rng: np.random.Generator | None) -> _Pair:
        ids, semitones, tempo = self.dataset[window].astype(np.int32), 0, 1.0
        if rng is not None and self._augment is not None:
            length = len(ids)
            ids, semitones, tempo = self._augment.varied(ids, rng)
            ids = ids[:length]
        source = np.asarray(self._reader(self._texts.text(window, rng, semitones, tempo)), np.int64)
        first = 1 if self._prompt_loss else max(1, int(self.dataset.prompt_length[window]))
        labels = ids.astype(np.int64)
        labels[:first] = IGNORED
        music = ids.astype(np.int64)
        return _Pair(source, music[:-1], labels[1:]) if self._form == "pairs" else _Pair(source, music, labels)


def _classes(lengths: NDArray[np.int64], tokens: int) -> list[tuple[NDArray[np.int64], int]]:
    """Members of each class of length, the shortest first, and how many of them a batch takes."""
    classes = np.ceil(np.log2(np.maximum(lengths, 1)) * _CLASSES_PER_OCTAVE).astype(np.int64)
    members = [np.flatnonzero(classes == each) for each in np.unique(classes)]
    return [(each, max(1, tokens // int(lengths[each].max()))) for each in members]


def _padded(rows: Sequence[NDArray[np.int64]], fill: int) -> torch.Tensor:
    """Rows one under the other, the shorter ones filled at their ends; at least one column."""
    table = np.full((len(rows), max(1, *(len(row) for row in rows))), fill, np.int64)
    for place, row in zip(table, rows, strict=True):
        place[: len(row)] = row
    return torch.from_numpy(table)
