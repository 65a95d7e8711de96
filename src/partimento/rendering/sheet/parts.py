"""Parts out of a score, and how they are written: at their own pitch or as they sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from partimento.score import Direction, Part, Score
from partimento.theory.interval import Interval

_FOR_ALL = frozenset(["tempo", "metronome", "rehearsal", "barline-fermata", "meter-sign"])
"""Kinds of directions that every player needs, whosever staff they stand at."""


def part_of(score: Score, index: int) -> Score:
    """What one player reads: the part's own notes and signs, and what holds for all."""
    notes = score.notes[score.notes["part"] == index].copy()
    notes["part"] = 0
    changes = {
        name: tuple(replace(event, part=0) for event in getattr(score, name) if event.part == index)
        for name in ("programs", "transpositions", "tuplets", "chords")
    }
    for name in ("keys", "clefs", "controls", "bends"):
        rows = getattr(score, name)
        rows = rows[np.isin(rows["part"], (-1, index))].copy()
        rows["part"] = np.minimum(rows["part"], 0)
        changes[name] = rows
    own = score.with_notes(score.notes[score.notes["part"] == index])
    return replace(
        own, parts=(score.parts[index],), notes=notes, groups=(), messages=(),
        directions=tuple(_signs(score, index)), **changes,
    )  # fmt: skip


def _signs(score: Score, index: int) -> Iterator[Direction]:
    """The part's own, and those for all that do not say again what an own one says."""
    own = [sign for sign in score.directions if sign.part == index]
    for_all = [sign for sign in score.directions if sign.part != index and sign.kind in _FOR_ALL]
    said = {(sign.onset_tick, sign.text or sign.kind) for sign in for_all}
    yield from (replace(sign, part=0, staff=1) for sign in for_all)
    yield from (replace(sign, part=0) for sign in own if (sign.onset_tick, sign.text or sign.kind) not in said)


def at_concert_pitch(score: Score) -> Score:
    """The score with every part written as it sounds; octave transpositions (double bass, piccolo) stay."""
    parts = tuple(replace(part, transpose=_octaves(part.transpose)) for part in score.parts)
    changes = tuple(replace(change, interval=_octaves(change.interval)) for change in score.transpositions)
    return replace(score, parts=parts, transpositions=changes)


def _octaves(interval: Interval) -> Interval:
    octaves = round(interval.diatonic / 7)
    return Interval(12 * octaves, 7 * octaves)


def part_names(parts: tuple[Part, ...]) -> list[str]:
    """A name for each part's file; equal ones are numbered, and no character of them is special to a file system."""
    names = ["_".join("".join(c if c.isalnum() or c in "-.♭♯" else " " for c in p.name).split()) for p in parts]
    names = [name.strip(".") or f"Part_{number}" for number, name in enumerate(names, 1)]
    lower = [name.lower() for name in names]
    return [
        f"{name}_{lower[: index + 1].count(lower[index])}" if lower.count(lower[index]) > 1 else name
        for index, name in enumerate(names)
    ]
