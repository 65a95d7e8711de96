"""An embedding and an output layer of text that take music in: each gets a layer of music beside its own rows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


class MusicEmbedding(nn.Module):
    """Vectors of music in a space of their own, and a linear layer into that of the text."""

    def __init__(self, rows: int, width: int, hidden_size: int) -> None:
        super().__init__()
        self.rows = nn.Embedding(rows, width)
        self.projection = nn.Linear(width, hidden_size, bias=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Vectors in the text's space, shape (*ids, hidden size)."""
        return self.projection(self.rows(ids))

    def folded(self) -> Tensor:
        """A vector per token, shape (rows, hidden size)."""
        return self.projection(self.rows.weight)


class EmbedsMusic(nn.Embedding):
    """What an embedding does besides, once it has a `music` of its own."""

    music: MusicEmbedding

    def forward(self, input: Tensor) -> Tensor:
        is_music = input >= self.num_embeddings
        text = super().forward(input.masked_fill(is_music, 0))
        music = self.music((input - self.num_embeddings).clamp(min=0)) * scale_of(self)
        return torch.where(is_music[..., None], music.to(text.dtype), text)


class HeadsMusic(nn.Linear):
    """What an output layer does besides, once it has a `music` of its own."""

    music: nn.Linear

    def forward(self, input: Tensor) -> Tensor:
        text = super().forward(input)
        return torch.cat([text, self.music(input).to(text.dtype)], dim=-1)


def extend(layer: nn.Module, behaviour: type[nn.Module], music: nn.Module) -> None:
    """Give a layer music in place: its class, its weights and their names stay what they were, or what they tie to."""
    kind = type(layer)
    layer.__class__ = type(f"{kind.__name__}AndMusic", (behaviour, kind), {})
    layer.music = music


def ends_of(model: PreTrainedModel) -> tuple[Any, Any]:
    """The input embedding and the output layer."""
    return model.get_input_embeddings(), model.get_output_embeddings()


def scale_of(embedding: nn.Module) -> float:
    """What an embedding multiplies its rows by (Gemma 3), else 1."""
    return float(getattr(embedding, "scalar_embed_scale", 1.0))
