"""abc as text: ABC notation for language models, voices interleaved bar by bar."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from partimento.io import abc, losses
from partimento.io.abc.symbols import parse_chord
from partimento.plan import Task
from partimento.representations.abc_text.faults import faults, faults_so_far, finished
from partimento.representations.abc_text.syntax import syntax
from partimento.representations.base import Loss, Losses
from partimento.score import Score
from partimento.theory.chord import ChordSymbol


class AbcText:
    """ABC as `partimento.io.abc` writes and reads it."""

    name = "abc"
    suffix = ".abc"
    is_notation = True

    def __init__(self, interleaved: bool = True, words: bool = True, counted: bool = False) -> None:
        """Options.

        Args:
            interleaved: one bar of all voices at a time, each behind a comment such as `% 3/16`.
            words: whether lyrics, credits, directions and signs on notes are written too, not the notes alone.
            counted: whether the syntax itself keeps bars full where a plan states the meter; see `counted`.
        """
        self._interleaved, self._words, self._counted = interleaved, words, counted

    @property
    def config(self) -> dict[str, Any]:
        """Options that build this representation again."""
        return {"interleaved": self._interleaved, "words": self._words, "counted": self._counted}

    def quantise(self, score: Score) -> tuple[Score, Losses]:
        """What ABC can say of a score; see `partimento.io.abc.sayable`."""
        said = abc.sayable(score if self._words else _without_words(score))
        return said, tuple(Loss(kind) for kind, count in losses(score, said).items() for _ in range(count))

    def write(self, score: Score, task: Task) -> str:
        """A tune of its own, from `X:1` to the last barline."""
        return abc.write(score if self._words else _without_words(score), interleaved=self._interleaved).decode()

    def read(self, text: str, task: Task) -> Score:
        """The first tune in a text.

        Raises:
            BadInput: there is none, or an absurdly long one.
        """
        return abc.read(text.encode("utf-8", "replace"), "the ABC text")[0]

    def syntax(self, task: Task) -> str:
        """A grammar for llguidance; see `syntax.syntax`."""
        return syntax(task, interleaved=self._interleaved, words=self._words, counted=self._counted)

    def faults(self, text: str, task: Task) -> tuple[str, ...]:
        """What the syntax cannot count; see `faults.faults`."""
        return faults(text, task)

    @property
    def has_bars(self) -> bool:
        """Whether a text can be checked bar by bar while it is being written."""
        return self._interleaved

    def finished(self, text: str) -> int:
        """Characters of complete bars in a text that is being written."""
        return finished(text)

    def faults_so_far(self, text: str, task: Task) -> tuple[str, ...]:
        """Faults of complete bars."""
        return faults_so_far(text, task)


def _without_words(score: Score) -> Score:
    """Notes, chord symbols that are no mere words, and what orders them; the title stays."""
    chords = tuple(replace(chord, text="", symbol=_chord(chord.symbol)) for chord in score.chords)
    bare = replace(score, chords=chords, directions=(), lyrics=(), marks=(), spanners=())
    return replace(bare, subtitle="", composer="", arranger="", lyricist="", rights="")


def _chord(symbol: ChordSymbol | None) -> ChordSymbol | None:
    """The chord as ABC says it, or the nearest."""
    return symbol and (parse_chord(str(symbol)) or parse_chord(str(symbol.plain)))


__all__ = ["AbcText"]
