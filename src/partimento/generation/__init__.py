"""Music from models: engines, sampling under a grammar, composing."""

from partimento.generation.compose import Composer, compose
from partimento.generation.sampling import Sampling
from partimento.generation.writer import Job, Writer

__all__ = ["Composer", "Job", "Sampling", "Writer", "compose"]
