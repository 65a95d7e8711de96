"""Generator: a loaded model that composes, and changes what exists."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from partimento.api.piece import Piece
from partimento.errors import BadPlan
from partimento.generation import Composer, Sampling
from partimento.generation.writer import STARTER
from partimento.io import load_score
from partimento.plan import Plan
from partimento.plan.parse import Understood, parse_instruments, parse_prompt
from partimento.score import Score

Music = Piece | Score | Path | str
"""Music that exists: a piece, a score, or the path of a file."""
Wish = str | Plan
"""What is wished for: a sentence or a plan; "" leaves everything to the model."""
MOST_PIECES = 1_000


class Generator:
    """A model that stays loaded.

    >>> generator = Generator()
    >>> hymn = generator.compose("a hymn in F major, 8 bars", seed=2)
    >>> longer = generator.continue_(hymn, bars=4)

    Wherever a `seed` may be given, the same seed, wish and model give the same piece; without one it is drawn by lot
    and stands in `Piece.seed`. Further keywords are those of `Sampling`: `temperature`, `top_p`, `top_k`, `min_p`,
    `repetition`.
    """

    def __init__(self, model: Path | str | None = None) -> None:
        """Load a model folder or a GGUF file, by default the model that comes with the package.

        Raises:
            BadRecipe: it is no model folder, or a damaged one.
        """
        self.model = Path(model) if model else STARTER
        """The folder or file."""
        self.composer = Composer(self.model)
        """What composes, in terms of scores."""

    def compose(self, wish: Wish = "", *, seed: int | None = None, **sampling: Any) -> Piece:
        """A new piece.

        Raises:
            BadPlan: the wish cannot be understood, or a setting is out of range.
            InfeasibleTask: no piece can hold all that is wished for.
        """
        return self.samples(wish, 1, seed=seed, **sampling)[0]

    def samples(self, wish: Wish = "", number: int = 4, *, seed: int | None = None, **sampling: Any) -> list[Piece]:
        """Several pieces for one wish, with seeds that follow each other; errors as for `compose`."""
        if not 1 <= number <= MOST_PIECES:
            raise BadPlan(f"{number} pieces: choose from 1 to {MOST_PIECES}")
        plan, understood, text = _understood(wish)
        first, how = _seed(seed), Sampling(**sampling)
        return [
            Piece(self.composer.compose(plan, text=text, seed=one, sampling=how), plan, understood, one, self)
            for one in range(first, first + number)
        ]

    def stream(self, wish: Wish = "", *, seed: int | None = None, **sampling: Any) -> Iterator[Piece]:
        """A new piece while it is written: once more after each bar, the whole of it last.

        To stop early, leave the loop or close the iterator. Errors as for `compose`.
        """
        plan, understood, text = _understood(wish)
        chosen, how = _seed(seed), Sampling(**sampling)
        for score in self.composer.stream(plan, text=text, seed=chosen, sampling=how):
            yield Piece(score, plan, understood, chosen, self)

    def continue_(self, music: Music, bars: int = 8, *, seed: int | None = None, **sampling: Any) -> Piece:
        """The music with some bars more, which end it.

        Raises:
            BadFile, BadInput, BadPlan: the music cannot be read, or not be continued by so much.
        """
        from partimento.generation.verbs import continue_

        return self._changed(music, continue_, seed, sampling, bars)

    def infill(
        self,
        music: Music,
        bars: int | tuple[int, int],
        parts: Sequence[str | int] | None = None,
        *,
        seed: int | None = None,
        **sampling: Any,
    ) -> Piece:
        """The music with some bars written anew.

        Args:
            music: what is changed.
            bars: one, or the first and the last, as musicians number them, from 1; a pickup is bar 0.
            parts: names or indices; by default all.
            seed: of the choices.
            sampling: as above.

        Raises:
            BadFile, BadInput, BadPlan: the music cannot be read, or has no such bars or parts.
        """
        from partimento.generation.verbs import infill

        span = (bars, bars) if isinstance(bars, int) else bars
        return self._changed(music, infill, seed, sampling, span, parts)

    def accompany(
        self, music: Music, instruments: str | Sequence[int], *, seed: int | None = None, **sampling: Any
    ) -> Piece:
        """The music with further parts, for instruments such as "piano, bass and drums".

        Raises:
            BadFile, BadInput, BadPlan: the music cannot be read, or these are no instruments.
        """
        from partimento.generation.verbs import accompany

        programs = parse_instruments(instruments) if isinstance(instruments, str) else tuple(instruments)
        return self._changed(music, accompany, seed, sampling, programs)

    def vary(self, music: Music, amount: float = 0.3, *, seed: int | None = None, **sampling: Any) -> Piece:
        """The music with about a share of its notes, from 0 to 1, written anew.

        Raises:
            BadFile, BadInput, BadPlan: the music cannot be read, or the amount is no share.
        """
        from partimento.generation.verbs import vary

        return self._changed(music, vary, seed, sampling, amount)

    def harmonise(self, music: Music, *, seed: int | None = None, **sampling: Any) -> Piece:
        """A melody with chords and three parts below it; found by the rules of strict writing, without the model.

        Raises:
            BadFile, BadInput: the music cannot be read, or is no melody.
        """
        from partimento.generation.verbs import harmonise

        piece, chosen = _piece(music), _seed(seed)
        return piece.changed(harmonise(piece.score, seed=chosen, sampling=Sampling(**sampling)), chosen, self)

    def _changed(self, music: Music, verb: Any, seed: int | None, sampling: dict[str, Any], *arguments: Any) -> Piece:
        piece, chosen, how = _piece(music), _seed(seed), Sampling(**sampling) if sampling else None
        score = verb(piece.score, *arguments, writer=self.composer, seed=chosen, sampling=how)
        return piece.changed(score, chosen, self)


@lru_cache(maxsize=2)
def generator(model: Path | str | None = None) -> Generator:
    """A generator that is kept for the next call with the same model."""
    return Generator(model)


def _piece(music: Music) -> Piece:
    if isinstance(music, Piece):
        return music
    return Piece(music if isinstance(music, Score) else load_score(music))


def _seed(seed: int | None) -> int:
    if seed is not None and seed < 0:
        raise BadPlan(f"seed {seed}: a seed is 0 or more")
    return secrets.randbelow(2**31) if seed is None else seed


def _understood(wish: Wish) -> tuple[Plan, Understood | None, str]:
    """Plan, where its wishes were found, and the words."""
    if isinstance(wish, Plan):
        return wish, None, ""
    understood = parse_prompt(wish) if wish.strip() else None
    return (understood.plan if understood else Plan()), understood, wish
