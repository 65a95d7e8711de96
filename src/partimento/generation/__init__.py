"""Music from models: engines, sampling under a grammar, composing."""

from partimento.generation.compose import Composer, compose

__all__ = ["Composer", "compose"]
