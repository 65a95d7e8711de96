"""A loaded model that does tasks: jobs in, pieces out, whatever the model's family and whatever it writes in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from partimento.errors import BadRecipe, Cancelled
from partimento.generation.conditioning import condition_of
from partimento.generation.engines import Engine, LlamaCppEngine, load_engine
from partimento.generation.sampling import Sampling, generator, sample
from partimento.plan import Task
from partimento.representations import Representation, TextRepresentation, create
from partimento.score import Score

if TYPE_CHECKING:
    from partimento.generation.text_compose import TextComposer

STARTER = Path(__file__).parent.parent / "models" / "starter"
"""The model that comes with the package."""
DEFAULT_SAMPLING = Sampling()


def never() -> bool:
    """Whether to stop: no."""
    return False


@dataclass(frozen=True, slots=True)
class Job:
    """A task and the seed of its choices."""

    task: Task
    """What is to be written; its constraints' budget is at most the writer's `context`."""
    seed: int
    """The same task, seed and model give the same piece, whatever else is written beside it."""
    heard: tuple[int, ...] = ()
    """Tokens that stand already, BOS first."""
    text: str = ""
    """The user's words, for models that read them."""


class Writer:
    """A loaded model."""

    def __init__(self, model: Path | None = None) -> None:
        """Load a model folder or a GGUF file, by default the model that comes with the package.

        Raises:
            BadRecipe: it is no model folder, or a damaged one.
        """
        folder = Path(model or STARTER)
        self.engine: Engine = load_engine(folder)
        self.context: int = self.engine.context
        """Most tokens of a piece."""
        self._text: TextComposer | None = None
        if getattr(self.engine, "writes_text", False):
            self._text = _text_composer(self.engine)
            self.representation: Representation[Any] | TextRepresentation = self._text.representation
            return
        self.representation = _representation(folder, self.engine)
        if len(self.representation.tokens) != self.engine.vocabulary_size:
            raise BadRecipe(
                f"{folder}: the model knows {self.engine.vocabulary_size} tokens, its representation "
                f"{len(self.representation.tokens)}; one of the two files is from another model"
            )

    @property
    def writes_text(self) -> bool:
        """Whether its representation is a text."""
        return self._text is not None

    @property
    def is_notation(self) -> bool:
        """Whether its pieces are sheet music as they come, so that they need not be engraved."""
        return isinstance(self.representation, TextRepresentation) and self.representation.is_notation

    def write(
        self, jobs: Sequence[Job], sampling: Sampling = DEFAULT_SAMPLING, *, stop: Callable[[], bool] = never
    ) -> list[Score]:
        """The pieces of all jobs, in their order, as their tokens or texts are decoded.

        Args:
            jobs: what is to be written.
            sampling: how tokens are drawn.
            stop: asked before every step.

        Raises:
            InfeasibleTask: no piece satisfies a task, or the model's context cannot hold it.
            BadPlan: the model reads what a job does not state, such as chords.
            Cancelled: `stop` says so.
        """
        return [self._written(job, sampling, stop) for job in jobs]

    def stream(self, job: Job, sampling: Sampling = DEFAULT_SAMPLING) -> Iterator[Score]:
        """The piece after each bar that is finished, the whole piece last; closing the iterator ends the writing.

        Raises:
            InfeasibleTask, BadPlan: as `write` does.
        """
        yield from self.write([job], sampling)

    def _written(self, job: Job, sampling: Sampling, stop: Callable[[], bool]) -> Score:
        if self._text is not None:
            return self._text.compose(job.task.plan, job.text, generator(job.seed), sampling)
        assert isinstance(self.representation, Representation)
        condition = condition_of(self.engine, job.task.plan, job.text)
        written = sample(
            self.engine, self.representation, job.task, rng=generator(job.seed), sampling=sampling,
            heard=job.heard, condition=condition,
        )  # fmt: skip
        ids: list[int] = []
        for token in written:
            if stop():
                raise Cancelled("stopped before the piece was whole")
            ids.append(token)
        return self.representation.decode(np.array(ids, np.int32), job.task)


def _text_composer(engine: Any) -> TextComposer:
    from partimento.generation.text_compose import TextComposer  # takes seconds to import, and few models need it

    return TextComposer(engine)


def _representation(folder: Path, engine: Engine) -> Representation[Any]:
    if isinstance(engine, LlamaCppEngine):
        return create(**engine.representation)
    try:
        config = json.loads((folder / "representation.json").read_text("utf-8"))
        return create(**config["representation"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadRecipe(f"{folder / 'representation.json'}: missing or damaged") from error
