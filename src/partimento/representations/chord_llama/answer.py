"""The second half of a Chord Llama row: measures alone, read and checked together with those that they follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from partimento.errors import BadInput
from partimento.io import musicxml
from partimento.io.yaml.rows import from_rows
from partimento.io.yaml.text import Data, Style, dump, load
from partimento.io.yaml.whole import SEPARATOR
from partimento.plan import Compose, Task
from partimento.representations.chord_llama import ChordLlama
from partimento.representations.chord_llama.quantise import settled
from partimento.representations.chord_llama.syntax import answer_syntax
from partimento.score import Score


class ChordLlamaAnswer(ChordLlama):
    """What a model writes that is asked to go on: a list of measures, of as many parts as the row has."""

    has_bars = True

    def __init__(self, row: Mapping[str, str], style: Style = "block") -> None:
        """Arguments.

        Args:
            row: `instruction`, the attributes, and `input`, the measures that stand.
            style: `block` or `flow`.

        Raises:
            BadInput: they are no such YAML.
        """
        super().__init__(style)
        self._style: Style = style
        self._row = {name: row.get(name, "") for name in ("instruction", "input")}
        head, given = (_data(self._row, name) for name in self._row)
        if not isinstance(head, dict) or not head:
            raise BadInput("the row: its instruction holds no attributes")
        self._parts = sum(key[:1] == "P" and key[1:].isdigit() for key in head) or 1
        measures = dump(given, style) if isinstance(given, list) and given else ""
        self._before = dump(head, style) + SEPARATOR + measures
        self._known = frozenset(super().faults_so_far(self._before, Compose())) if measures else frozenset[str]()

    def write(self, score: Score, task: Task) -> str:
        """The measures of a score."""
        return super().write(score, task).partition(SEPARATOR)[2]

    def musicxml(self, text: str) -> bytes:
        """What stood and what was written as one piece of MusicXML.

        Raises:
            BadFile: the text is no list of measures.
        """
        return from_rows([{**self._row, "output": text}], "the answer")

    def read(self, text: str, task: Task) -> Score:
        """The score of what stood and what was written; raises as `musicxml`."""
        return settled(musicxml.read(self.musicxml(text), "the answer")[0])

    def syntax(self, task: Task) -> str:
        """A grammar for llguidance; the plan's number of bars is that of the answer."""
        return answer_syntax(task, self._style, self._parts)

    def faults(self, text: str, task: Task) -> tuple[str, ...]:
        """What syntax cannot count and was not wrong before."""
        alone = replace(task, plan=replace(task.plan, bars=None))  # bars of the answer are counted by the grammar
        return self._new(super().faults(self._before + text, alone))

    def faults_so_far(self, text: str, task: Task) -> tuple[str, ...]:
        """Faults of complete measures that were not there before."""
        return self._new(super().faults_so_far(self._before + text, task))

    def _new(self, faults: Iterable[str]) -> tuple[str, ...]:
        return tuple(fault for fault in faults if fault not in self._known)


def _data(row: Mapping[str, str], name: str) -> Data:
    try:
        documents = load(row[name])
    except ValueError as error:
        raise BadInput(f"the row: {name}: {error}") from None
    return documents[0] if documents else None
