"""Engines: prompts in, logits out. They know nothing of music; the grammar drives them."""

from partimento.generation.engines.base import Engine, Session
from partimento.generation.engines.torch_engine import TorchEngine

__all__ = ["Engine", "Session", "TorchEngine"]
