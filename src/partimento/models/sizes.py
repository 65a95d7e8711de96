"""Named sizes, matched across families: about 1, 5, 20, 50 and more than 100 million parameters.

The transformers have the widths and depths of the scaling study that asked for them, but for the largest, whose width
of 1,024 twelve heads do not divide: it has sixteen, of 64 each, as the next smaller ones. In the Llama architecture
the feed-forward network has three matrices instead of two, so its inner width is two thirds, rounded to eights.
The LSTMs have as many parameters in their layers, in few and wide ones, since deep ones learn badly.
"""

from __future__ import annotations

from typing import Any

from partimento.errors import BadRecipe

LARGEST = 1 << 17
"""Above all sizes in use; a typing error should not fill the memory."""
PARAMETERS = {"tiny": 1, "small": 5, "medium": 20, "large": 50, "xl": 150}
"""Millions of parameters that a name stands for, embeddings included."""

_BLOCKS = {
    "tiny": (128, 2, 2, 512),
    "small": (256, 4, 4, 1024),
    "medium": (512, 6, 8, 2048),
    "large": (768, 8, 8, 3072),
    "xl": (1024, 12, 16, 4096),
}
"""Width, layers, heads and inner width."""

GPT2_SIZES = {
    name: {"hidden_size": width, "layers": layers, "heads": heads, "ff_size": inner}
    for name, (width, layers, heads, inner) in _BLOCKS.items()
}
TRANSFORMER_SIZES = {
    name: {
        "hidden_size": width, "layers": layers, "heads": heads, "key_value_heads": heads,
        "ff_size": 8 * round(inner / 12),
    }
    for name, (width, layers, heads, inner) in _BLOCKS.items()
}  # fmt: skip
LSTM_SIZES = {
    "tiny": {"hidden_size": 160, "layers": 2},
    "small": {"hidden_size": 448, "layers": 2},
    "medium": {"hidden_size": 888, "layers": 3},
    "large": {"hidden_size": 1536, "layers": 3},
    "xl": {"hidden_size": 2176, "layers": 4},
}


def refuse_absurd(sizes: Any, *names: str) -> None:
    """Raise where a size is below 1 or beyond all measure.

    Raises:
        BadRecipe: it is.
    """
    for name in names:
        if not 1 <= getattr(sizes, name) <= LARGEST:
            raise BadRecipe(f"{name} is {getattr(sizes, name)}; it has to be from 1 to {LARGEST}")
