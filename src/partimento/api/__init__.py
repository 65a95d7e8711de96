"""What Python programs and notebooks use: pieces, and generators that keep a model loaded."""

from partimento.api.generator import Generator, generator
from partimento.api.piece import Piece

__all__ = ["Generator", "Piece", "generator"]
