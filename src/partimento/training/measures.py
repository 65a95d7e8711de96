"""How well a model foretells held-out music, token by token.

All of it is *teacher-forced*: at every place the model sees the true tokens before it. Measured are

- `loss`: cross-entropy in nats per target; `perplexity` is its exponential.
- `loss/text`, `loss/music`: the same over targets that are a language model's own tokens, and over all others.
- `loss/token/KIND`: over the targets of one kind (`representations.kinds`), such as `loss/token/Pitch`.
- `loss/position/FIRST-LAST`: over the targets at these places of their sequence, from 1; eight ranges that grow
  exponentially, for what a longer memory is worth.
- `loss/task/TASK`: where a recipe names tasks (`data.tasks`), over all held-out windows as this task alone.
- `accuracy`: share of all targets that are the likeliest token (argmax over the whole vocabulary, no grammar).
- `note_accuracy`, `rhythm_accuracy`: the same share among targets that state which note is struck, and among those that
  state when notes begin or how long they last. What has no such tokens, such as text, has no such accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from copy import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from partimento.data.datamodule import IGNORED
from partimento.representations.kinds import NOTE_KINDS, RHYTHM_KINDS, TEXT, TokenKinds

_RANGES = 8
_LOSS, _TARGETS, _HITS = range(3)


class Tally:
    """Sums over targets by kind and place, from which all measures follow.

    Args:
        kinds: of the model's vocabulary.
        context: longest sequence in tokens.
    """

    def __init__(self, kinds: TokenKinds, context: int) -> None:
        self._kinds, self._kind_of = kinds, torch.from_numpy(kinds.kind_of)
        self._edges = _range_edges(context)
        self.sums = torch.zeros(3, len(kinds.names), len(self._edges) - 1, dtype=torch.float64)
        """Nats, targets and hits by kind and range of places."""

    def add(self, logits_NV: Tensor, targets_N: Tensor, places_N: Tensor) -> None:
        """Count targets.

        Args:
            logits_NV: what the model says before each.
            targets_N: ids, or IGNORED.
            places_N: place of each in its sequence, from 0.
        """
        is_target = targets_N != IGNORED
        logits_NV, targets_N, places_N = logits_NV[is_target].float(), targets_N[is_target], places_N[is_target]
        losses = cross_entropy(logits_NV, targets_N, reduction="none")
        hits = logits_NV.argmax(-1) == targets_N
        kinds = self._kind_of.to(targets_N.device)[targets_N]
        ranges = torch.bucketize(places_N, torch.tensor(self._edges[1:-1], device=places_N.device), right=True)
        cells = (kinds * (len(self._edges) - 1) + ranges).cpu()
        for of, values in ((_LOSS, losses), (_TARGETS, torch.ones_like(losses)), (_HITS, hits)):
            self.sums[of].view(-1).index_add_(0, cells, values.double().cpu())

    @property
    def targets(self) -> int:
        """How many there were."""
        return int(self.sums[_TARGETS].sum())

    @property
    def loss(self) -> float:
        """Mean over all targets, in nats."""
        return float(self.sums[_LOSS].sum()) / max(1, self.targets)

    def measures(self) -> dict[str, float]:
        """All measures by name; those without targets are left out."""
        sums = self.sums.numpy()
        return {
            "loss": self.loss,
            "perplexity": math.exp(min(self.loss, 700.0)),
            **{f"{name}_accuracy".removeprefix("_"): rate for name, rate in self._accuracies(sums)},
            **dict(self._losses(sums)),
        }

    def _accuracies(self, sums: NDArray[np.float64]) -> Iterator[tuple[str, float]]:
        names = self._kinds.names
        for name, members in (("", frozenset(names)), ("note", NOTE_KINDS), ("rhythm", RHYTHM_KINDS)):
            some = sums[:, [kind in members for kind in names]].sum(axis=(1, 2))
            if some[_TARGETS]:
                yield name, float(some[_HITS] / some[_TARGETS])

    def _losses(self, sums: NDArray[np.float64]) -> Iterator[tuple[str, float]]:
        by_kind, by_range, is_text = sums.sum(axis=2), sums.sum(axis=1), np.array(self._kinds.names) == TEXT
        ranges = [f"{low + 1}-{high}" for low, high in zip(self._edges[:-1], self._edges[1:], strict=True)]
        parts = [("text", by_kind[:, is_text].sum(axis=1)), ("music", by_kind[:, ~is_text].sum(axis=1))]
        parts += [(f"token/{name}", by_kind[:, kind]) for kind, name in enumerate(self._kinds.names)]
        parts += [(f"position/{name}", by_range[:, place]) for place, name in enumerate(ranges)]
        for name, some in parts:
            if some[_TARGETS]:
                yield f"loss/{name}", float(some[_LOSS] / some[_TARGETS])


def together(tallies: Iterable[Tally]) -> Tally:
    """The tally of all targets of several, which are of one vocabulary and context; at least one."""
    first, *others = tallies
    whole = copy(first)
    whole.sums = sum((tally.sums for tally in others), first.sums)
    return whole


def _range_edges(context: int) -> list[int]:
    """Places at which ranges begin, and the context."""
    inner = {round(context ** (step / _RANGES)) for step in range(1, _RANGES)}
    return [0, *sorted(edge for edge in inner if 0 < edge < context), context]
