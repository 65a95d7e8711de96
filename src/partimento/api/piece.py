"""Piece: music with what was asked for, ready to be heard, seen, saved and changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partimento.api import notebook, saving
from partimento.io import load_score
from partimento.plan import Plan
from partimento.plan.parse import Understood
from partimento.score import Score

if TYPE_CHECKING:
    from partimento.api.generator import Generator
    from partimento.evaluation.checking import CheckReport


@dataclass(frozen=True)
class Piece:
    """A piece of music.

    What changes it (`continue_`, `infill`, `accompany`, `vary`, `harmonise`) gives a new piece, whose other notes are
    those of this one. In a notebook it shows its pages and a player.
    """

    score: Score
    plan: Plan = field(default_factory=Plan)
    """What was asked for."""
    understood: Understood | None = None
    """Where in the user's words each wish was found."""
    seed: int | None = None
    """With which the model drew; None where no model did."""
    generator: Generator | None = field(default=None, repr=False, compare=False)
    """What wrote it, and what changes it; None: the model that comes with the package."""

    @classmethod
    def load(cls, path: Path | str, *, generator: Generator | None = None) -> Piece:
        """The first piece of a MIDI, MusicXML or ABC file.

        Raises:
            BadFile: the file cannot be read.
        """
        return cls(load_score(path), generator=generator)

    def save(self, path: Path | str) -> list[Path]:
        """Write it as the path's ending says.

        Args:
            path: .musicxml .mxl .abc .mid, .wav .flac .ogg .mp3, .pdf .svg .png; pictures of several pages are
                numbered.

        Returns:
            The files.

        Raises:
            BadFile: the ending is another, or the place cannot be written to; nothing is left there.
        """
        return saving.save(self.score, path)

    def play(self) -> Any:
        """Play it: in a notebook an audio element that plays at once, elsewhere through the loudspeakers to its end.

        Raises:
            BadInput: nothing on this machine plays sound.
        """
        if notebook.is_notebook():
            from IPython.display import HTML  # pyright: ignore[reportMissingImports]

            return HTML(notebook.player(self.score, autoplay=True))
        from partimento.rendering import aloud, audio

        return aloud.play(audio.render(self.score))

    @cached_property
    def report(self) -> CheckReport:
        """What became of each wish, measured on the notes, and what is shared with the model's training music."""
        from partimento.evaluation.checking import report
        from partimento.evaluation.copy_index import hashes_of

        hashes = hashes_of(self._generator.model)
        return report(self.plan, self.understood, self.score, hashes.check(self.score) if hashes else None)

    def continue_(self, bars: int = 8, **how: Any) -> Piece:
        """The piece with some bars more; see `Generator.continue_`."""
        return self._generator.continue_(self, bars, **how)

    def infill(self, bars: int | tuple[int, int], parts: Sequence[str | int] | None = None, **how: Any) -> Piece:
        """The piece with some bars of some parts written anew; see `Generator.infill`."""
        return self._generator.infill(self, bars, parts, **how)

    def accompany(self, instruments: str | Sequence[int], **how: Any) -> Piece:
        """The piece with further parts; see `Generator.accompany`."""
        return self._generator.accompany(self, instruments, **how)

    def vary(self, amount: float = 0.3, **how: Any) -> Piece:
        """The piece with about a share of its notes written anew; see `Generator.vary`."""
        return self._generator.vary(self, amount, **how)

    def harmonise(self, **how: Any) -> Piece:
        """The melody with chords and three parts below it; see `Generator.harmonise`."""
        return self._generator.harmonise(self, **how)

    def changed(self, score: Score, seed: int, generator: Generator) -> Piece:
        """This piece with other notes; a plan it no longer has to keep is dropped."""
        return replace(self, score=score, plan=Plan(), understood=None, seed=seed, generator=generator)

    @property
    def _generator(self) -> Generator:
        from partimento.api.generator import generator

        return self.generator or generator()

    def __str__(self) -> str:
        parts = ", ".join(part.name or f"part {index + 1}" for index, part in enumerate(self.score.parts))
        return f"{self.score.title or 'Untitled'}: {len(self.score.measures)} bars, {parts or 'no parts'}"

    def _repr_html_(self) -> str:
        return notebook.shown(self.score)
