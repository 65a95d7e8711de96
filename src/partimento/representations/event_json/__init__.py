"""event_json: notes, times and program changes as compact JSON text, for a language model's own tokens."""

from __future__ import annotations

from typing import Any

from partimento.errors import BadInput, BadRecipe
from partimento.plan import Task
from partimento.representations.base import Losses
from partimento.representations.event_json.faults import faults
from partimento.representations.event_json.quantise import quantise
from partimento.representations.event_json.syntax import syntax
from partimento.representations.event_json.text import read, write
from partimento.score import Score


class EventJson:
    """The text of `text`, with beats where the music has some, and else in hundredths of a second."""

    name = "event_json"
    suffix = ".json"
    is_notation = False

    def __init__(self, ticks_per_quarter: int = 24) -> None:
        """`ticks_per_quarter`: on what onsets and releases are rounded, 1 to 960; 24 holds 32nds and their triplets.

        Raises:
            BadRecipe: it is none of these.
        """
        if not 1 <= ticks_per_quarter <= 960:
            raise BadRecipe(f"event_json: {ticks_per_quarter} ticks per quarter; choose 1 to 960")
        self._ticks = ticks_per_quarter

    @property
    def config(self) -> dict[str, Any]:
        """Options that build this representation again."""
        return {"ticks_per_quarter": self._ticks}

    def quantise(self, score: Score) -> tuple[Score, Losses]:
        """What the text stands for; see `quantise.quantise`."""
        return quantise(score, self._ticks)

    def write(self, score: Score, task: Task) -> str:
        """The text, one line without spaces."""
        return write(self.quantise(score)[0])

    def read(self, text: str, task: Task) -> Score:
        """The score of a text; see `text.read`."""
        return read(text)

    def syntax(self, task: Task) -> str:
        """A grammar for llguidance; see `syntax.syntax`."""
        return syntax(task, self._ticks)

    def faults(self, text: str, task: Task) -> tuple[str, ...]:
        """What syntax cannot count; see `faults.faults`."""
        try:
            return tuple(faults(read(text), task))
        except BadInput as error:
            return (str(error),)


__all__ = ["EventJson"]
