"""What a recipe says of the tasks that a model is to learn; nothing heavy is imported here."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from pydantic import ConfigDict, with_config

from partimento.errors import BadRecipe

COMPOSE, INFILL, ACCOMPANY = TASKS = ("compose", "infill", "accompany")
"""Tasks, in the order in which they are numbered."""


@with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False))
@dataclass(frozen=True, slots=True)
class Mixture:
    """Of how many windows what is learnt; the three shares are weights, of which only the ratio counts."""

    compose: float = 0.5
    """Share of windows that are written from the first token on, as the dataset holds them."""
    infill: float = 0.3
    """Share of windows in which some bars are to be filled in, of all parts or of some."""
    accompany: float = 0.2
    """Share of windows in which some parts are to be written, in all bars."""
    versions: int = 2
    """For how many tasks each window is drawn; all of them make an epoch."""
    repeat: dict[str, int] = field(default_factory=dict[str, int])
    """Windows of a source are drawn so many times as often; once where a source is not named."""

    def __post_init__(self) -> None:
        for name, share in zip(TASKS, self.shares, strict=True):
            if not 0 <= share < math.inf:
                raise BadRecipe(f"data.tasks.{name} is {share}; a share must not be negative")
        if not any(self.shares):
            raise BadRecipe("data.tasks: all shares are 0; give compose, infill or accompany one")
        for name, times in {"versions": self.versions, **{f"repeat.{n}": t for n, t in self.repeat.items()}}.items():
            if not 1 <= times <= 100:
                raise BadRecipe(f"data.tasks.{name} is {times}; it has to be from 1 to 100")

    @property
    def shares(self) -> tuple[float, float, float]:
        """Weights, in the order of `TASKS`."""
        return self.compose, self.infill, self.accompany
