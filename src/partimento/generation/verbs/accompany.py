"""`accompany`: further parts to a piece, which itself stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from partimento.errors import BadPlan
from partimento.generation.compose import Composer
from partimento.generation.sampling import Sampling
from partimento.generation.verbs.bars import in_bars
from partimento.generation.verbs.filling import filled
from partimento.generation.verbs.pen import Pen
from partimento.generation.writer import Writer, never
from partimento.plan import Infill
from partimento.score import KEY, Part, Score
from partimento.theory.instrument import DRUMS

MAX_PARTS = 64
"""Most parts that the piece may have in the end."""


def accompany(
    score: Score,
    instruments: Sequence[int],
    *,
    writer: Writer | Composer,
    seed: int = 0,
    sampling: Sampling | None = None,
    stop: Callable[[], bool] = never,
) -> Score:
    """The piece with further parts below those that it has; all its notes are the same, ids included.

    Args:
        score: any piece; one without bars gets some to write in, and is given back as it was.
        instruments: General MIDI programs (128: drums), one for each new part.
        writer: a model that fills in bars.
        seed: of the choices.
        sampling: how bold.
        stop: asked before every step of the model; when it says so, `Cancelled` is raised.

    Raises:
        BadRecipe: the model does not fill in bars.
        BadPlan: no instrument is given, or the parts become too many.
        NeedsBeats: the piece has no bars, and none can be heard.
    """
    barred = in_bars(score)
    pen = Pen.of(writer, seed, sampling, stop)
    pen.must_fill()
    larger = with_parts(barred.score, instruments)
    new = tuple(range(len(score.parts), len(larger.parts)))
    return barred.restored(filled(larger, Infill(0, len(larger.measures), new), pen))


def with_parts(score: Score, instruments: Sequence[int]) -> Score:
    """The piece with empty parts behind its own, which read the keys that all others read.

    Raises:
        BadPlan: there are none, or too many.
    """
    if not instruments:
        raise BadPlan("nobody is to accompany; name instruments, such as piano, bass, drums")
    if len(score.parts) + len(instruments) > MAX_PARTS:
        raise BadPlan(f"{len(score.parts)} parts and {len(instruments)} more: a piece has at most {MAX_PARTS}")
    parts = (*score.parts, *_named(instruments, [part.name for part in score.parts]))
    keys = score.keys
    if len(keys) and keys["part"].min() >= 0:
        own = keys[keys["part"] == keys["part"].min()]
        copies = [own.copy() for _ in instruments]
        for index, copy in enumerate(copies):
            copy["part"] = len(score.parts) + index
        keys = np.concatenate([keys, *copies]).astype(KEY)
    return replace(score, parts=parts, keys=keys)


def _named(instruments: Sequence[int], taken: list[str]) -> list[Part]:
    """Parts that play these, numbered where another is called the same."""
    found: list[Part] = []
    for program in instruments:
        part = Part.playing(program)
        names = [*taken, *(other.name for other in found)]
        name, number = part.name, 1
        while name in names:
            number += 1
            name = f"{part.name} {number}"
        found.append(replace(part, name=name, channel=None if program != DRUMS else part.channel))
    return found
