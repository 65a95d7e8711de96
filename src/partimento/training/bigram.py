"""What a bigram model reaches on the same tokens: the bar that a language model has to clear."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partimento.data.dataset import TokenDataset

_ADDED = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)


def bigram_loss(training: TokenDataset, validation: TokenDataset, *, prompt_loss: bool = True) -> float:
    """Cross-entropy in nats per token of add-k smoothed bigrams, counted on one split, measured on another.

    Of several k the best on the validation split is taken, in the bigram's favour.

    Args:
        training: split to count on.
        validation: split to measure on; the first token of each window is no target.
        prompt_loss: whether tokens of the prompt are targets of the measurement, as in training.
    """
    size = training.info.vocabulary_size
    previous, following = _pairs(training, prompt_loss=True)
    pairs, pair_counts = np.unique(previous * size + following, return_counts=True)
    previous_counts = np.bincount(previous, minlength=size)
    previous, following = _pairs(validation, prompt_loss)
    wanted = previous * size + following
    place = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
    seen = np.where(pairs[place] == wanted, pair_counts[place], 0)
    losses = [-np.log((seen + k) / (previous_counts[previous] + k * size)).mean() for k in _ADDED]
    return float(min(losses))


def _pairs(dataset: TokenDataset, prompt_loss: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each target with the token before it."""
    place = np.arange(len(dataset.ids)) - np.repeat(dataset.offsets[:-1], dataset.lengths)
    first: Any = 1 if prompt_loss else np.maximum(1, np.repeat(dataset.prompt_length, dataset.lengths))
    target = np.flatnonzero(place >= first)
    ids = dataset.ids.astype(np.int64)
    return ids[target - 1], ids[target]
