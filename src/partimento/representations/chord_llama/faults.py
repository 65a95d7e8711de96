"""What is wrong with a text that its syntax allows: bars that are not full, chords on nothing, a plan not kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from partimento.errors import BadInput
from partimento.io import musicxml
from partimento.io.musicxml.content import Element
from partimento.io.yaml.piece import PartMusic, Piece
from partimento.io.yaml.restoring import restored
from partimento.io.yaml.text import Data
from partimento.io.yaml.time import Clock, placed_notes
from partimento.io.yaml.tree import expand, place_key
from partimento.io.yaml.whole import read_piece
from partimento.plan import Plan, Task
from partimento.theory.instrument import DRUMS, instrument_name
from partimento.theory.key import Key
from partimento.theory.meter import Meter

MOST_FAULTS = 100
_ITEM = re.compile(r"^- ", re.MULTILINE)


def faults(text: str, task: Task) -> tuple[str, ...]:
    """Faults of a text, one line each, at most a hundred.

    A bar is as long as its meter in every part; unless the task asks for a steady piece, the first and the last may
    be shorter, and so may two neighbours that together make one (at a repeat). Voices do not reach behind it, nor
    backups before it; notes of chords follow one of equal length; divisions are stated; children are numbered.
    """
    try:
        piece = read_piece(text)
    except ValueError as error:
        return (str(error),)
    found = [*_plan(piece, task.plan), *_parts(piece, steady=task.constraints.steady, is_whole=True)]
    return tuple(found[:MOST_FAULTS])


def faults_so_far(text: str, task: Task) -> tuple[str, ...]:
    """Faults of a text cut behind a complete measure, which nothing behind it mends."""
    try:
        piece = read_piece(text)
    except ValueError as error:
        return (str(error),)
    return tuple(_parts(piece, steady=task.constraints.steady, is_whole=False))[:MOST_FAULTS]


def finished(text: str) -> int:
    """How many characters of a text that is being written belong to measures that are complete."""
    places = [match.start() for match in _ITEM.finditer(text)]
    return places[-1] if len(places) > 1 else 0


def _plan(piece: Piece, plan: Plan) -> Iterator[str]:
    try:
        (score,) = musicxml.read(restored(piece), "the YAML text")
    except (ValueError, BadInput) as error:
        yield str(error)
        return
    keys = {Key.from_ids(*row) for row in score.keys[["fifths", "mode"]].tolist()}
    meters = {Meter(*row) for row in score.meters[["beats", "beat_type"]].tolist()}
    programs = tuple(DRUMS if part.is_drums else part.program for part in score.parts)
    if plan.key is not None and keys != {plan.key}:
        yield f"key {_listed(keys)}, and {plan.key} was asked for"
    if plan.meter is not None and meters != {plan.meter}:
        yield f"meter {_listed(meters)}, and {plan.meter} was asked for"
    if plan.bars is not None and len(score.measures) != plan.bars:
        yield f"{len(score.measures)} bars, and {plan.bars} were asked for"
    wanted = plan.instruments
    if wanted is not None and (
        len(programs) != len(wanted) if 1 in (len(programs), len(wanted)) else programs != wanted
    ):
        asked, found = (", ".join(map(instrument_name, some)) for some in (wanted, programs))
        yield f"for {found}, and {asked} were asked for"


def _listed(values: Iterable[object]) -> str:
    return ", ".join(sorted(map(str, values))) or "none"


def _parts(piece: Piece, *, steady: bool, is_whole: bool) -> Iterator[str]:
    for number, part in enumerate(piece, 1):
        label = f"part P{number}, " if len(piece) > 1 else ""
        bars = _Bars()
        for index, measure in enumerate(part.measures):
            try:
                yield from (f"{label}measure {index + 1}: {fault}" for fault in bars.add(part, index, measure))
            except ValueError as error:
                yield f"{label}measure {index + 1}: {error}"
                bars.lengths.append((Fraction(0), Fraction(0)))
        yield from (f"{label}{fault}" for fault in bars.unfilled(steady=steady, is_whole=is_whole))


@dataclass(slots=True)
class _Bars:
    """The measures of one part as they go by."""

    clock: Clock = field(default_factory=Clock)
    lengths: list[tuple[Fraction, Fraction]] = field(default_factory=list[tuple[Fraction, Fraction]])
    """Of each measure as it is and as its meter has it, 0 where it has none; in quarters."""

    def add(self, part: PartMusic, index: int, measure: Data) -> Iterator[str]:
        """What is wrong inside a measure.

        Raises:
            ValueError: a value is impossible or missing.
        """
        yield from _misnumbered(measure)
        made = expand("measure", measure)
        if index == 0 and part.attributes:
            made.insert(0, expand("attributes", part.attributes))
        if index == 0 and made.find("attributes/divisions") is None:
            yield "no divisions"
        yield from _misplaced(made)
        reached = max((note.end for note in placed_notes(made, self.clock)), default=Fraction(0))
        self.lengths.append((reached, self.clock.bar))

    def unfilled(self, *, steady: bool, is_whole: bool) -> Iterator[str]:
        """Measures that are not as long as their meters; one that comes may still complete the last."""
        odd = [bar > 0 and length != bar for length, bar in self.lengths]
        for index in () if steady else {0, len(odd) - 1}:
            odd[index] = odd[index] and self.lengths[index][0] > self.lengths[index][1]
        for index, ((length, bar), (following, _)) in enumerate(() if steady else pairwise(self.lengths)):
            if length + following == bar:
                odd[index] = odd[index + 1] = False
        for index, ((length, bar), is_odd) in enumerate(zip(self.lengths, odd, strict=True)):
            if is_odd and (is_whole or steady or index < len(odd) - 1):
                yield f"measure {index + 1}: lasts {length} quarters, and its meter {bar}"


def _misnumbered(measure: Data) -> Iterator[str]:
    """Children that do not count from a00 on."""
    keys = [key for key in measure if key != "attributes"] if isinstance(measure, dict) else []
    for index, key in enumerate(keys):
        if re.sub(r"_.*", "_", key) != place_key(index, ""):
            yield f"{key[:40]} is child number {index}, {place_key(index, '')}…"
            return


def _misplaced(measure: Element) -> Iterator[str]:
    """Notes of chords that follow no note of their length, and backups beyond the start."""
    position, before = Fraction(0), None
    for child in measure.iterchildren("note", "backup", "forward"):
        said = child.findtext("duration") or "0"
        duration = Fraction(said)
        if child.find("chord") is not None:
            if before is None or child.find("rest") is not None:
                yield "a note of a chord follows no note"
            elif before != said:
                yield f"a note of a chord lasts {said}, the one before {before}"
            continue
        before = said if child.tag == "note" and child.find("rest") is None else None
        position += -duration if child.tag == "backup" else duration
        if position < 0:
            yield "a backup goes beyond the start"
            position = Fraction(0)
