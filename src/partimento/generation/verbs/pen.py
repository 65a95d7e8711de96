"""What every verb writes with: a loaded model, a seed, and how bold to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from partimento.errors import BadRecipe, InfeasibleTask
from partimento.generation.compose import Composer
from partimento.generation.sampling import Sampling, subseed
from partimento.generation.writer import DEFAULT_SAMPLING, Job, Writer, never
from partimento.plan import Task
from partimento.representations import Representation
from partimento.score import Score

DRAFTS = 4
"""Versions that are written of everything, of which the one that fits its surroundings best is kept."""
MODELS_THAT_FILL = "choose one with remi (infill: true), abc or amt tokens"


@dataclass(frozen=True)
class Pen:
    """A model with its settings."""

    writer: Writer
    seed: int = 0
    sampling: Sampling = DEFAULT_SAMPLING
    stop: Callable[[], bool] = never
    drafts: int = DRAFTS

    @classmethod
    def of(
        cls,
        writer: Writer | Composer,
        seed: int = 0,
        sampling: Sampling | None = None,
        stop: Callable[[], bool] = never,
    ) -> Pen:
        """The pen of a writer, or of a composer's.

        Raises:
            BadRecipe: its model writes text, and goes on with no piece.
        """
        inner = writer.writer if isinstance(writer, Composer) else writer
        if inner.writes_text:
            raise BadRecipe(
                f"this model writes text ({inner.representation.name}) and changes no piece; {MODELS_THAT_FILL}"
            )
        return cls(inner, seed, sampling or DEFAULT_SAMPLING, stop)

    @property
    def representation(self) -> Representation[Any]:
        """The tokens of the model."""
        assert isinstance(self.writer.representation, Representation)
        return self.writer.representation

    @property
    def fills(self) -> bool:
        """Whether the model can write some bars of some parts between others."""
        return "infill" in self.representation.enforces

    def must_fill(self) -> None:
        """See that the model fills in bars.

        Raises:
            BadRecipe: it does not; says which do.
        """
        if not self.fills:
            name = self.representation.name
            raise BadRecipe(f"this model ({name}) can continue, but was not taught to fill in bars; {MODELS_THAT_FILL}")

    def write(self, task: Task, step: int, heard: Sequence[int] = ()) -> list[Score]:
        """Drafts of one task; those of another step have other seeds.

        Where no music can keep its controls, it is written without them.
        """
        seeds = [subseed(self.seed, step, draft) for draft in range(self.drafts)]
        try:
            return self.writer.write([Job(task, seed, tuple(heard)) for seed in seeds], self.sampling, stop=self.stop)
        except InfeasibleTask:
            if not task.plan.controls:
                raise
            return self.write(replace(task, plan=replace(task.plan, controls=())), step, heard)
