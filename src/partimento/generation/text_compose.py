"""Pieces from language models that were tuned on text: the answer to a prompt, under a grammar, read as music."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from partimento.data.answers import exchange
from partimento.errors import InfeasibleTask
from partimento.generation.batching import never
from partimento.generation.engines.language_model import LanguageModelEngine
from partimento.generation.sampling import Sampling
from partimento.generation.text import NO_END, Take, TextSampler
from partimento.io.yaml.whole import SEPARATOR
from partimento.plan import Compose, Constraints, Plan
from partimento.representations import TextRepresentation, create_text
from partimento.representations.chord_llama.answer import ChordLlamaAnswer
from partimento.score import KEY, MEASURE, METER, NOTE, Part, Score
from partimento.theory.instrument import instrument
from partimento.theory.key import Key
from partimento.theory.meter import Meter

TRIES = 4
"""Texts drawn for one piece, of which the first without a fault is kept."""
_STEPS = 4
"""To a quarter."""
NO_MEASURES = "[]\n"
"""The input of a row of Chord Llama whose piece has not begun."""


class TextComposer:
    """A loaded model that writes pieces as text."""

    def __init__(self, engine: LanguageModelEngine) -> None:
        """`engine`: of a model folder whose representation is a text.

        Raises:
            BadRecipe: the representation is none, or llguidance is not installed.
        """
        loaded = engine.loaded
        options = {name: value for name, value in loaded.representation.items() if name != "name"}
        self.representation: TextRepresentation = create_text(str(loaded.representation.get("name")), **options)
        data: Any = loaded.recipe.get("data")
        self.reads_captions = isinstance(data, dict) and data.get("text") == "caption"
        """Whether it was tuned to answer descriptions."""
        self.engine = engine

    def write(
        self,
        plan: Plan,
        text: str,
        rng: np.random.Generator,
        sampling: Sampling,
        stop: Callable[[], bool] = never,
    ) -> Written:
        """A text and what is wrong with it.

        Args:
            plan: its wishes stand in the grammar, or in what the model goes on from.
            text: the user's words, for models that read descriptions.
            rng: the only source of randomness.
            sampling: how tokens are drawn.
            stop: asked before every token.

        Raises:
            Cancelled: `stop` says so.
        """
        task = Compose(plan, Constraints(steady=True))
        row, writes = self._asked(plan, text, task)
        prompt = self.engine.tokenizer(exchange(row, self.engine.tokenizer).prompt, add_special_tokens=False)
        sampler = TextSampler(self.engine, self.engine.tokenizer, writes)
        take = sampler.sample(task, rng=rng, prompt=prompt["input_ids"], tries=TRIES, sampling=sampling, stop=stop)
        return Written(take, writes)

    def compose(
        self,
        plan: Plan,
        text: str,
        rng: np.random.Generator,
        sampling: Sampling,
        stop: Callable[[], bool] = never,
    ) -> Score:
        """The piece of a text; arguments are those of `write`.

        Raises:
            InfeasibleTask: the model's context is full before the text ends.
            Cancelled: `stop` says so.
        """
        written = self.write(plan, text, rng, sampling, stop)
        if NO_END in written.take.faults:
            raise InfeasibleTask("the model's context is full before the piece ends; ask for fewer bars")
        return written.score(plan)

    def _asked(self, plan: Plan, text: str, task: Compose) -> tuple[dict[str, str], TextRepresentation]:
        """The row that the model is to complete, and what its answer is written in."""
        if self.representation.name == "chord_llama":
            head, _, _ = self.representation.write(_sketch(plan), task).partition(SEPARATOR)
            row = {"instruction": head, "input": NO_MEASURES, "output": ""}
            return row, ChordLlamaAnswer(row)
        if self.reads_captions:
            return {"instruction": text, "output": ""}, self.representation
        return {"text": ""}, self.representation


class Written(NamedTuple):
    """A text that a model has written."""

    take: Take
    representation: TextRepresentation
    """What it is written in."""

    def score(self, plan: Plan) -> Score:
        """The music of the text."""
        return self.representation.read(self.take.text, Compose(plan))


def _sketch(plan: Plan) -> Score:
    """A bar of sixteenths for each instrument of a plan, from which attributes can be read that suit them."""
    meter, key = plan.meter or Meter(4, 4), plan.key or Key(0)
    steps = int(meter.duration_quarter * _STEPS)
    parts = tuple(Part.playing(program) for program in plan.instruments or (0,))
    notes = np.zeros(steps * len(parts), NOTE)
    notes["onset_tick"], notes["duration_tick"] = np.tile(np.arange(steps), len(parts)), 1
    notes["part"] = np.repeat(np.arange(len(parts)), steps)
    notes["pitch"] = np.repeat([_middle(program) for program in plan.instruments or (0,)], steps)
    notes["note_id"] = np.arange(len(notes))
    return Score(
        _STEPS, parts, notes, np.array([(0, steps)], MEASURE), np.array([(0, meter.beats, meter.beat_type)], METER),
        np.array([(0, -1, key.fifths, key.mode_id)], KEY),
    )  # fmt: skip


def _middle(program: int) -> int:
    """Pitch in the middle of an instrument's range."""
    plays = instrument(program)
    return (plays.lowest_pitch + plays.highest_pitch) // 2
