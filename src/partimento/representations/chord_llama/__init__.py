"""chord_llama: MusicXML condensed to YAML, for language models."""

from __future__ import annotations

from typing import Any

from partimento.errors import BadRecipe
from partimento.io import losses, musicxml
from partimento.io.yaml.rows import piece_of
from partimento.io.yaml.text import STYLES, Style
from partimento.io.yaml.whole import to_musicxml, write_piece
from partimento.plan import Task
from partimento.representations.base import Loss, Losses
from partimento.representations.chord_llama.faults import faults, faults_so_far, finished
from partimento.representations.chord_llama.quantise import bare, sayable, settled
from partimento.representations.chord_llama.syntax import syntax
from partimento.score import Score


class ChordLlama:
    """The attributes a piece begins with and the list of its measures, as `partimento.io.yaml` has them."""

    name = "chord_llama"
    suffix = ".yaml"
    is_notation = True

    def __init__(self, style: Style = "block") -> None:
        """`style`: `block` as Chord Llama's rows are published, or `flow`, which takes fewer characters."""
        if style not in STYLES:
            raise BadRecipe(f"chord_llama: style {style!r}; choose from {', '.join(STYLES)}")
        self._style: Style = style

    @property
    def config(self) -> dict[str, Any]:
        """Options that build this representation again."""
        return {"style": self._style}

    def quantise(self, score: Score) -> tuple[Score, Losses]:
        """What the text can say of a score."""
        said = sayable(score)
        return said, tuple(Loss(kind) for kind, count in losses(score, said).items() for _ in range(count))

    def write(self, score: Score, task: Task) -> str:
        """The attributes and, behind `---`, the measures."""
        return write_piece(piece_of(bare(sayable(score))), self._style)

    def read(self, text: str, task: Task) -> Score:
        """The score of a text.

        Raises:
            BadInput: it is no such text; says where and why.
        """
        return settled(musicxml.read(to_musicxml(text), "the YAML text")[0])

    def faults(self, text: str, task: Task) -> tuple[str, ...]:
        """What the syntax cannot count; see `faults.faults`."""
        return faults(text, task)

    def finished(self, text: str) -> int:
        """Characters of complete measures in a text that is being written."""
        return finished(text)

    def faults_so_far(self, text: str, task: Task) -> tuple[str, ...]:
        """Faults of complete measures."""
        return faults_so_far(text, task)

    def syntax(self, task: Task) -> str:
        """A grammar for llguidance; see `syntax.syntax`."""
        return syntax(task, self._style)


__all__ = ["ChordLlama"]
