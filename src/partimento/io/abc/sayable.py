"""What ABC can say of a score.

Notes are cut at barlines, a part has as many voices as it has lines without overlaps, and a bar that holds a repeat
in its middle becomes two. Signs stand where the notes let them; velocities, controllers, bends, cue notes and MIDI
messages go, and so do signs that ABC has no name for.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from partimento.io.abc.clock import MAX_RESOLUTION, QUARTER, ROUNDED_RESOLUTION, free_meters
from partimento.io.abc.fields import parse_meter
from partimento.io.abc.midi import DRUM_CHANNEL
from partimento.io.abc.said_bars import said_repeats
from partimento.io.abc.said_notes import Bars, SaidNotes
from partimento.io.abc.said_signs import SaidSigns, said_text
from partimento.io.abc.vocabulary import KEY_SIGNATURE
from partimento.score import Part, PartGroup, Score

_BEGINNING = ("forward", "backward", "ending-start")
_CUTTING = (*_BEGINNING, "ending-stop", "ending-discontinue")
"""Signs that end a bar; without a meter only those that nothing takes away."""


def sayable(score: Score) -> Score:
    """The score as it is read again from ABC in which it was written.

    One without notes is no tune, and cannot be read again.
    """
    score = _rounded(score.with_notes(_said_rows(score)))
    meters = _meters(score)
    score = score if meters else replace(score, meters=[], measures=[])
    bars = bars_of(score)
    meters = _moved_meters(meters, bars)
    said = SaidNotes(score, bars)
    signs = SaidSigns(score, said.notes, bars, meters)
    programs, later_programs = signs.programs()
    chords, words = signs.chords()
    directions, jumps = signs.directions()
    tempos, tempo_texts = signs.tempos()
    repeats, barlines = said_repeats(score, bars, jumps)
    lines = said.spanners()
    return Score(
        score.ticks_per_quarter,
        tuple(
            _said_part(part, programs.get(index), signs.intervals[index][0]) for index, part in enumerate(score.parts)
        ),
        said.notes,
        measures=[(start, end - start) for start, end in bars] if meters else [],  # type: ignore[arg-type]
        meters=meters,  # type: ignore[arg-type]
        keys=signs.keys(),  # type: ignore[arg-type]
        tempos=list(tempos.items()),  # type: ignore[arg-type]
        clefs=signs.clefs(),  # type: ignore[arg-type]
        groups=_groups(score),
        programs=tuple(later_programs),
        transpositions=tuple(signs.transpositions()),
        chords=tuple(chords),
        tuplets=tuple(said.tuplets()),
        directions=tuple(_once([*directions, *words, *tempo_texts])),
        repeats=tuple(repeats),
        barlines=tuple(barlines),
        lyrics=tuple(said.lyrics()),
        marks=tuple(said.marks(lines)),
        spanners=tuple(lines),
        title=said_text(score.title),
        subtitle=said_text(score.subtitle),
        composer=said_text(score.composer),
        arranger=said_text(score.arranger),
        lyricist=said_text(score.lyricist),
        rights=said_text(score.rights),
        tags=tuple(tag for text in score.tags if (tag := said_text(text).lower())),
    )


def _once(directions: list[Any]) -> list[Any]:
    """Directions, what holds for a part or for all only once."""
    once = ("meter-sign", KEY_SIGNATURE)
    return [*dict.fromkeys(d for d in directions if d.kind in once), *(d for d in directions if d.kind not in once)]


# Notes and bars


def _said_rows(score: Score) -> Any:
    """Notes that sound for a time and have a MIDI number, and grace notes."""
    notes = score.notes
    is_said = ~notes["cue"] & (notes["pitch"] >= 0) & (notes["pitch"] <= 127)
    return notes[is_said & ((notes["duration_tick"] > 0) | (notes["grace"] > 0))]


def _rounded(score: Score) -> Score:
    """The score at a resolution that ABC's lengths can hold."""
    if score.ticks_per_quarter <= MAX_RESOLUTION and QUARTER % score.ticks_per_quarter == 0:
        return score
    half, whole = score.ticks_per_quarter, 2 * score.ticks_per_quarter

    def ticks(value: Any) -> Any:
        return (2 * value * ROUNDED_RESOLUTION + half) // whole

    ends = {name: ticks(_end(getattr(score, name))) for name in ("notes", "measures")}
    tuplets = [ticks(t.onset_tick + t.duration_tick) for t in score.tuplets]
    moved = score.map_ticks(ticks, lambda duration: duration)
    changes: dict[str, Any] = {}
    for name, end in ends.items():
        changes[name] = getattr(moved, name).copy()
        changes[name]["duration_tick"] = np.maximum(end - changes[name]["onset_tick"], 1)
    changes["notes"]["duration_tick"][changes["notes"]["grace"] > 0] = 0
    changes["tuplets"] = tuple(
        replace(t, duration_tick=end - t.onset_tick) for t, end in zip(moved.tuplets, tuplets, strict=True)
    )
    return replace(moved, ticks_per_quarter=ROUNDED_RESOLUTION, **changes)


def _end(records: Any) -> Any:
    return records["onset_tick"] + records["duration_tick"]


def _meters(score: Score) -> list[tuple[int, int, int]]:
    """The meters that ABC has, the first from the start."""
    found: list[tuple[int, int, int]] = []
    for tick, beats, beat_type in score.meters.tolist():
        try:
            parse_meter(f"{beats}/{beat_type}")
        except ValueError:
            continue
        found.append((tick if found else 0, beats, beat_type))
    return found


def bars_of(score: Score) -> Bars:
    """Start and end of each bar, cut at repeats inside; without a meter what is between repeats."""
    end = max(score.end_tick, 1)
    has_meter = bool(len(score.meters))
    edges = {x.onset_tick for x in score.repeats if x.kind in (_CUTTING if has_meter else _BEGINNING)} | {0, end}
    edges = {edge for edge in edges if 0 <= edge <= end}
    if has_meter:
        edges |= {tick for start, length in score.measures.tolist() for tick in (start, start + length)}
    elif free_meters([edge * (QUARTER // score.ticks_per_quarter) for edge in sorted(edges)]):
        edges = {0, end}  # bars so short would be read as measures
    ordered = sorted(edges)
    return list(pairwise(ordered))


def _moved_meters(meters: list[tuple[int, int, int]], bars: Bars) -> list[tuple[int, int, int]]:
    """Meters at the next barline, none twice."""
    starts = [start for start, _ in bars]
    found: dict[int, tuple[int, int, int]] = {}
    for tick, *meter in meters:
        index = int(np.searchsorted(starts, tick))
        if index < len(starts):
            found[starts[index]] = (starts[index], *meter)  # type: ignore[assignment]
    rows = list(found.values())
    return [row for index, row in enumerate(rows) if index == 0 or row[1:] != rows[index - 1][1:]]


# Parts


def _said_part(part: Part, program: int | None, transpose: Any) -> Part:
    name, abbreviation = said_text(part.name), said_text(part.abbreviation)
    channel = part.channel if part.channel and 1 <= part.channel <= 16 and part.channel != DRUM_CHANNEL else None
    return Part(
        name,
        min(max(part.program if program is None else program, 0), 127),
        part.is_drums,
        abbreviation if abbreviation != name else "",
        staves=max(part.staves, 1),
        transpose=transpose,
        volume=part.volume,
        pan=part.pan,
        channel=DRUM_CHANNEL if part.is_drums else channel,
    )


def _groups(score: Score) -> tuple[PartGroup, ...]:
    """Brackets, each inside another or apart from it; barlines go through where those of any group do."""
    spans = sorted({(g.first, g.last) for g in score.groups if g.symbol != "none"}, key=lambda s: (s[0], -s[1]))
    kept: list[tuple[int, int]] = []
    for first, last in spans:
        is_nested = all(last < a or first > b or (a <= first and last <= b) for a, b in kept)
        if 0 <= first <= last < len(score.parts) and is_nested:
            kept.append((first, last))
    through = {gap for g in score.groups if g.barline and (g.first, g.last) in kept for gap in range(g.first, g.last)}
    return tuple(
        PartGroup(first, last, barline=all(gap in through for gap in range(first, last))) for first, last in kept
    )
