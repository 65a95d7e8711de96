"""A loaded model that does tasks: jobs in, pieces out, whatever the model's family and whatever it writes in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from partimento.errors import BadRecipe
from partimento.generation.batching import Request, never, sequences
from partimento.generation.conditioning import condition_of
from partimento.generation.engines import Engine, LlamaCppEngine, load_engine
from partimento.generation.repetition import units
from partimento.generation.sampling import Sampling, generator
from partimento.models.foreign import representation_in
from partimento.plan import Task
from partimento.representations import Representation, TextRepresentation, create
from partimento.score import Score

if TYPE_CHECKING:
    from partimento.generation.text_compose import TextComposer

STARTER = Path(__file__).parent.parent / "models" / "starter"
"""The model that comes with the package."""
DEFAULT_SAMPLING = Sampling()
NOTES_OF_A_BAR = 16
"""After how many notes a stream shows the piece where tokens have no barlines."""


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

        They are written side by side where the engine gains by it, and each is as if it were alone.

        Args:
            jobs: what is to be written.
            sampling: how tokens are drawn.
            stop: asked before every step.

        Raises:
            InfeasibleTask: no piece satisfies a task, or the model's context cannot hold it.
            BadPlan: the model reads what a job does not state, such as chords.
            Cancelled: `stop` says so.
        """
        if self._text is not None:
            return [self._text.compose(job.task.plan, job.text, generator(job.seed), sampling, stop) for job in jobs]
        ids: list[list[int]] = [[] for _ in jobs]
        for said in sequences(self.engine, self._tokens, [self._request(job) for job in jobs], sampling, stop):
            ids[said.request] += said.tokens
        return [self._decoded(written, job) for written, job in zip(ids, jobs, strict=True)]

    def stream(
        self, job: Job, sampling: Sampling = DEFAULT_SAMPLING, *, stop: Callable[[], bool] = never
    ) -> Iterator[Score]:
        """The piece after each bar that is finished, the whole piece last; closing the iterator ends the writing.

        The same job and sampling give the same pieces again, however often it was ended on the way. Where tokens have
        no barlines, the piece comes after every sixteen notes; of a text that cannot be read bar by bar, when it is
        whole.

        Args:
            job: what is to be written.
            sampling: how tokens are drawn.
            stop: asked before every step.

        Raises:
            InfeasibleTask, BadPlan, Cancelled: as `write` does.
        """
        if self._text is not None:
            yield from self.write([job], sampling, stop=stop)
            return
        ids, opening = list[int](), True
        for said in sequences(self.engine, self._tokens, [self._request(job)], sampling, stop):
            before = len(ids)
            ids += said.tokens
            if not said.ended and not opening and (until := self._finished(ids, before)):
                yield self._decoded(ids[:until], job)
            opening = False
        yield self._decoded(ids, job)

    @property
    def _tokens(self) -> Representation[Any]:
        assert isinstance(self.representation, Representation)
        return self.representation

    def _request(self, job: Job) -> Request:
        condition = condition_of(self.engine, job.task.plan, job.text)
        return Request(job.task, generator(job.seed), job.heard, condition)

    def _decoded(self, ids: Sequence[int], job: Job) -> Score:
        return self._tokens.decode(np.array(ids, np.int32), job.task)

    def _finished(self, ids: Sequence[int], before: int) -> int:
        """How many ids stand before a bar that has begun behind the first `before`; 0 where none has."""
        barlines, notes = units(self._tokens.tokens)
        if barlines:
            found = [place for place in range(before, len(ids)) if ids[place] in barlines]
            return found[-1] if found and any(token in barlines for token in ids[:before]) else 0
        count, new = (sum(token in notes for token in part) for part in (ids, ids[before:]))
        return len(ids) if count // NOTES_OF_A_BAR > (count - new) // NOTES_OF_A_BAR else 0


def _text_composer(engine: Any) -> TextComposer:
    from partimento.generation.text_compose import TextComposer  # takes seconds to import, and few models need it

    return TextComposer(engine)


def _representation(folder: Path, engine: Engine) -> Representation[Any]:
    if isinstance(engine, LlamaCppEngine):
        return create(**engine.representation)
    try:
        return create(**representation_in(folder)["representation"])
    except (TypeError, KeyError) as error:
        raise BadRecipe(f"{folder / 'representation.json'}: missing or damaged") from error
