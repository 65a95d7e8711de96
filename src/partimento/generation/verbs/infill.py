"""`infill`: some bars of some parts once more, all the rest as it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from partimento.errors import BadPlan
from partimento.generation.compose import Composer
from partimento.generation.sampling import Sampling
from partimento.generation.verbs.bars import bar_range, in_bars
from partimento.generation.verbs.filling import filled
from partimento.generation.verbs.pen import Pen
from partimento.generation.writer import Writer, never
from partimento.plan import Infill
from partimento.score import Score


def infill(
    score: Score,
    bars: tuple[int, int],
    parts: Sequence[int | str] | None = None,
    *,
    writer: Writer | Composer,
    seed: int = 0,
    sampling: Sampling | None = None,
    stop: Callable[[], bool] = never,
) -> Score:
    """The piece with some bars written anew; all other notes are the same, ids included.

    Args:
        score: any piece; one without bars gets some to write in, and is given back as it was.
        bars: first and last as musicians number them, from 1, both included; a pickup is bar 0.
        parts: indices or names of the parts to write; all by default.
        writer: a model that fills in bars.
        seed: of the choices.
        sampling: how bold.
        stop: asked before every step of the model; when it says so, `Cancelled` is raised.

    Raises:
        BadRecipe: the model does not fill in bars.
        BadPlan: the piece has not these bars or parts.
        NeedsBeats: the piece has no bars, and none can be heard.
    """
    barred = in_bars(score)
    first, last = bar_range(barred.score, *bars)
    task = Infill(first, last, None if parts is None else parts_called(score, parts))
    return barred.restored(filled(barred.score, task, Pen.of(writer, seed, sampling, stop)))


def parts_called(score: Score, wanted: Sequence[int | str]) -> tuple[int, ...]:
    """Indices of parts given by index, or by (the beginning of) a name, in any case; a name may fit several.

    Raises:
        BadPlan: there is no such part; lists them.
    """
    found: list[int] = []
    for name in wanted:
        if isinstance(name, int):
            fitting = [name] if 0 <= name < len(score.parts) else []
        else:
            text = name.strip().lower()
            names = [part.name.strip().lower() for part in score.parts]
            exact = [index for index, other in enumerate(names) if other == text]
            fitting = exact or [index for index, other in enumerate(names) if text and other.startswith(text)]
        if not fitting:
            there = ", ".join(part.name or f"part {index + 1}" for index, part in enumerate(score.parts))
            raise BadPlan(f"there is no part {name!r}; the piece has {there}")
        found += fitting
    return tuple(sorted(set(found)))
