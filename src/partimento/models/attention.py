"""Attention over packed pieces, each attending to itself alone.

A block-diagonal mask costs as much as the whole square. On the CPU a call per piece costs only the blocks, so that a
small model trains a quarter faster; on a GPU there are kernels that take all pieces in one call (see `kernel`). Use,
with the lengths of the pieces in one flat row:

```python
use_pieces(model)
model(input_ids=flat, position_ids=positions, pieces=[312, 200])
```
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel

PIECES = "pieces"


def use_pieces(model: PreTrainedModel) -> None:
    """Let a model attend piece by piece; each call then needs `pieces` and a batch of one flat row."""
    AttentionInterface.register(PIECES, attend_by_piece)
    AttentionMaskInterface.register(PIECES, _no_mask)
    model.set_attn_implementation(PIECES)


def attend_by_piece(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    pieces: list[int],
    **_: Any,
) -> tuple[Tensor, None]:
    """Causal attention within each piece.

    Args:
        module: the attention layer.
        query: shape (1, heads, tokens, head size).
        key: shape (1, key-value heads, tokens, head size).
        value: same shape as `key`.
        attention_mask: unused; the pieces say it all.
        scaling: factor on the scores.
        pieces: lengths of the pieces, which add up to all tokens.

    Returns:
        Shape (1, tokens, heads, head size), and no weights.
    """
    groups = getattr(module, "num_key_value_groups", 1)
    if groups > 1:
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    attended = kernel(query)(query, key.to(query.dtype), value.to(query.dtype), tuple(pieces), scaling)
    return attended.transpose(1, 2).contiguous(), None


Kernel = Callable[[Tensor, Tensor, Tensor, tuple[int, ...], float | None], Tensor]
"""Query, key and value of shape (1, heads, tokens, head size), lengths of the pieces and a factor on the scores, to
the first shape again."""


def kernel(query: Tensor) -> Kernel:
    """What computes attention within pieces on the hardware that holds a tensor; the one place where this is chosen.

    On a GPU in half precision, FlashAttention over sequences of different length (torch 2.13 brings it); in full
    precision, FlexAttention with a mask by piece; elsewhere, and for heads that these do not know, a call per piece.
    """
    size = query.shape[-1]
    if query.device.type != "cuda" or size % 8 or size > 256:
        return one_by_one
    if query.dtype in (torch.float16, torch.bfloat16) and _varlen() is not None:
        return flash
    return flex if size >= 16 and size.bit_count() == 1 else one_by_one


def one_by_one(
    query: Tensor, key: Tensor, value: Tensor, pieces: tuple[int, ...], scaling: float | None = None
) -> Tensor:
    """A call per piece."""
    parts = zip(*(x.split(pieces, dim=2) for x in (query, key, value)), strict=True)
    return torch.cat([scaled_dot_product_attention(*part, is_causal=True, scale=scaling) for part in parts], dim=2)


def flash(query: Tensor, key: Tensor, value: Tensor, pieces: tuple[int, ...], scaling: float | None = None) -> Tensor:
    """One call for all pieces, which computes nothing between them (Dao, arXiv:2307.08691)."""
    ends = _ends(pieces, query.device)
    rows = (x[0].transpose(0, 1) for x in (query, key, value))
    attend: Any = _varlen()
    attended = attend(*rows, ends, ends, max(pieces), max(pieces), scale=scaling, window_size=(-1, 0))
    return attended.transpose(0, 1)[None]


def flex(query: Tensor, key: Tensor, value: Tensor, pieces: tuple[int, ...], scaling: float | None = None) -> Tensor:
    """One call over blocks of 128 tokens, which leaves out those without a pair in one piece (arXiv:2412.05496)."""
    attend: Any = _compiled_flex() if query.device.type == "cuda" else flex_attention
    return attend(query, key, value, block_mask=_block_mask(pieces, query.device), scale=scaling)


@lru_cache(maxsize=4)
def _ends(pieces: tuple[int, ...], device: torch.device) -> Tensor:
    """Where pieces begin and end, the same in all layers."""
    return torch.tensor([0, *accumulate(pieces)], dtype=torch.int32, device=device)


@lru_cache(maxsize=4)
def _block_mask(pieces: tuple[int, ...], device: torch.device) -> BlockMask:
    tokens = sum(pieces)
    piece = torch.repeat_interleave(torch.arange(len(pieces)), torch.tensor(pieces)).to(device)

    def is_seen(batch: Tensor, head: Tensor, at: Tensor, other: Tensor) -> Tensor:
        return (piece[at] == piece[other]) & (other <= at)

    return create_block_mask(is_seen, None, None, tokens, tokens, device=str(device))


@lru_cache(maxsize=1)
def _compiled_flex() -> Any:
    return torch.compile(flex_attention, dynamic=True)


@lru_cache(maxsize=1)
def _varlen() -> Any:
    """torch's attention over sequences of different length; None where it cannot do causal attention with a scale."""
    try:
        attend = importlib.import_module("torch.nn.attention.varlen").varlen_attn
    except ImportError:
        return None
    return attend if {"scale", "window_size"} <= inspect.signature(attend).parameters.keys() else None


def _no_mask(*_: Any, **__: Any) -> None:
    return None
