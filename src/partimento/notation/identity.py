"""Who is who after an edit: notes that were left alone keep their ids, so that bars can be locked or rewritten.

Parts are matched by name, program and content, bars by the notes they share (global alignment after Needleman and
Wunsch, 1970, gaps costing nothing), notes by pitch, place in the bar and length. Voice, staff, velocity, spelling,
lyrics and signs do not make another note: a notation program numbers, respells and drops them as it likes.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partimento.score import NO_NOTE, Records, Score

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Key = tuple[int, ...]

_NAME_WEIGHT, _PROGRAM_WEIGHT, _CONTENT_WEIGHT, _PLACE_WEIGHT = 1.0, 0.25, 2.0, 0.01
_EVIDENCE = 0.5
"""Parts that agree in less than this are two parts."""
_SAME_LENGTH, _SAME_BAR = 0.001, 0.5
"""What equal length adds to the shared notes of two bars, and equal content."""
_NONE = -1


@dataclass(frozen=True, slots=True)
class _Matched:
    """Two scores at one resolution, and what of the one is what of the other."""

    edited: Score
    original: Score
    parts: Ints
    """Part of the original for each part of the edited score, or −1."""
    measures: Ints
    """Measure of the original for each measure of the edited score, or −1."""


def keep_note_ids(edited: Score, original: Score) -> Score:
    """The edited score, its unchanged notes with their ids in the original, all others with ids above those.

    Unchanged is a note of the same pitch, place in the bar and length, in the bar and part that became its own,
    wherever these now stand. Where ties divide a note anew, its first piece keeps the id. If bars are drawn anew,
    notes are still known by their place in the piece.
    """
    matched = _match(edited, original)
    of_note: dict[int, int] = {}
    _pair_off(of_note, _written_keys(matched, by_bar=True))
    _pair_off(of_note, _sounding_keys(matched))
    _pair_off(of_note, _written_keys(matched, by_bar=False))
    return _renamed(edited, of_note, int(original.notes["note_id"].max(initial=_NONE)) + 1)


def unchanged_measures(edited: Score, original: Score) -> Ints:
    """Which bars of which parts are as they were, shape (measures, parts) of the edited score.

    Each entry is the index of the measure of the original in which the part's notes are the same, −1 where the bar
    is new or changed. `(unchanged_measures(edited, original) >= 0).all(axis=1)` tells which bars can be locked whole.
    """
    matched = _match(edited, original)
    new, old = _bar_contents(matched.edited), _bar_contents(matched.original)
    shape = len(edited.measures), len(edited.parts)
    same = np.full(shape, _NONE, np.int64)
    for bar, part in np.ndindex(shape):
        there = int(matched.measures[bar]), int(matched.parts[part])
        if _NONE in there or _length(matched.edited, bar) != _length(matched.original, there[0]):
            continue
        if new.get((bar, part)) == old.get(there):
            same[bar, part] = there[0]
    return same


# Parts and bars


def _match(edited: Score, original: Score) -> _Matched:
    resolution = math.lcm(edited.ticks_per_quarter, original.ticks_per_quarter)
    edited, original = edited.with_resolution(resolution), original.with_resolution(resolution)
    parts = _matched_parts(edited, original)
    return _Matched(edited, original, parts, _matched_measures(edited, original, parts))


def _matched_parts(edited: Score, original: Score) -> Ints:
    """Greedily, the pair that agrees best first."""
    new, old = _part_contents(edited), _part_contents(original)
    agreement: list[tuple[float, int, int]] = []
    for i, part in enumerate(edited.parts):
        for j, other in enumerate(original.parts):
            shared = (new[i] & old[j]).total() / max(new[i].total(), old[j].total(), 1)
            likeness = _NAME_WEIGHT * (part.name == other.name) + _PROGRAM_WEIGHT * (part.program == other.program)
            likeness += _CONTENT_WEIGHT * shared - _PLACE_WEIGHT * abs(i - j) / max(len(edited.parts), 1)
            agreement.append((likeness * (part.is_drums == other.is_drums), i, j))
    found, taken = np.full(len(edited.parts), _NONE, np.int64), set[int]()
    for likeness, i, j in sorted(agreement, key=lambda x: (-x[0], x[1], x[2])):
        if likeness >= _EVIDENCE and found[i] == _NONE and j not in taken:
            found[i] = j
            taken.add(j)
    return found


def _part_contents(score: Score) -> list[Counter[Key]]:
    """Pitch and place in the bar of every note, by part: what inserted bars leave alone."""
    contents = [Counter[Key]() for _ in score.parts]
    notes = score.notes
    columns = (notes["part"], notes["pitch"], notes["onset_tick"] - _bar_starts(score, notes), notes["duration_tick"])
    for part, *rest in zip(*(c.tolist() for c in columns), strict=True):
        contents[part][tuple(rest)] += 1
    return contents


def _matched_measures(edited: Score, original: Score, parts: Ints) -> Ints:
    likeness = _likeness(edited, original, parts)
    rows, columns = likeness.shape
    best = np.zeros((rows + 1, columns + 1))
    for row in range(rows):
        diagonal = np.maximum(best[row, 1:], best[row, :-1] + likeness[row])
        best[row + 1, 1:] = np.maximum.accumulate(diagonal)
    found = np.full(rows, _NONE, np.int64)
    row, column = rows, columns
    while row and column:
        if (
            likeness[row - 1, column - 1]
            and best[row, column] == best[row - 1, column - 1] + likeness[row - 1, column - 1]
        ):
            row, column = row - 1, column - 1
            found[row] = column
        elif best[row, column] == best[row - 1, column]:
            row -= 1
        else:
            column -= 1
    return found


def _likeness(edited: Score, original: Score, parts: Ints) -> Floats:
    """Notes that each pair of bars shares, and a little for equal length and for equal content."""
    new_lengths, old_lengths = edited.measures["duration_tick"], original.measures["duration_tick"]
    likeness = np.where(new_lengths[:, None] == old_lengths, _SAME_LENGTH, 0.0)
    new = _bars_of_keys(edited, parts)
    old = _bars_of_keys(original, np.arange(len(original.parts)))
    for key in new.keys() & old.keys():
        likeness[np.ix_(new[key], old[key])] += 1
    new_sizes, old_sizes = _bar_sizes(new, len(new_lengths)), _bar_sizes(old, len(old_lengths))
    shared = np.floor(likeness)
    return likeness + _SAME_BAR * ((shared == new_sizes[:, None]) & (shared == old_sizes) & (likeness > 0))


def _bars_of_keys(score: Score, parts: Ints) -> dict[Key, list[int]]:
    """Content of a note ▶ bars that have such a note; parts under their number in the original."""
    if not len(score.measures):
        return {}
    notes = score.notes[parts[score.notes["part"]] != _NONE]
    keys = _keys(notes, parts, notes["onset_tick"] - _bar_starts(score, notes))
    bars: defaultdict[Key, set[int]] = defaultdict(set)
    for key, bar in zip(keys, score.measure_at(notes["onset_tick"]).tolist(), strict=True):
        bars[key].add(bar)
    return {key: sorted(found) for key, found in bars.items()}


def _bar_sizes(bars: dict[Key, list[int]], count: int) -> Ints:
    flat = [bar for found in bars.values() for bar in found]
    return np.bincount(np.array(flat, np.int64), minlength=count)


def _bar_starts(score: Score, notes: Records) -> Ints:
    """Tick of the barline before each note; 0 where there are no bars."""
    if not len(score.measures):
        return np.zeros(len(notes), np.int64)
    return score.measures["onset_tick"][score.measure_at(notes["onset_tick"])]


def _bar_contents(score: Score) -> dict[tuple[int, int], Counter[Key]]:
    """(Measure, part) ▶ its notes as they are written."""
    contents: defaultdict[tuple[int, int], Counter[Key]] = defaultdict(Counter)
    notes = score.notes
    keys = _keys(notes, np.zeros(len(score.parts), np.int64), notes["onset_tick"] - _bar_starts(score, notes))
    bars = score.measure_at(notes["onset_tick"]).tolist() if len(score.measures) else []
    for bar, part, tied, key in zip(bars, notes["part"].tolist(), notes["tied"].tolist(), keys, strict=False):
        contents[bar, part][(*key, tied)] += 1
    return contents


def _length(score: Score, measure: int) -> int:
    return int(score.measures["duration_tick"][measure])


# Notes

_Named = list[tuple[Key, tuple[int, int], int]]
"""(What a note is, its staff and voice, its id) for each note."""


def _keys(notes: Records, parts: Ints, places: Ints) -> list[Key]:
    columns = (parts[notes["part"]], notes["pitch"], places, *(notes[n] for n in ("duration_tick", "grace", "cue")))
    return list(zip(*(np.asarray(c, np.int64).tolist() for c in columns), strict=True))


def _named(score: Score, notes: Records, parts: Ints, measures: Ints | None) -> _Named:
    """Notes by part, place and length; by their bar if it is known in both scores, else by their place in the piece."""
    is_known = parts[notes["part"]] != _NONE
    places, bars = notes["onset_tick"], np.zeros(len(notes), np.int64)
    if measures is not None and len(score.measures):
        places = places - _bar_starts(score, notes)
        bars = measures[score.measure_at(notes["onset_tick"])]
        is_known &= bars != _NONE
    keys = _keys(notes, parts, places)
    rows = zip(keys, *(notes[n].tolist() for n in ("staff", "voice", "note_id")), bars.tolist(), strict=True)
    return [
        ((*key, bar), (s, v), i) for (key, s, v, i, bar), known in zip(rows, is_known.tolist(), strict=True) if known
    ]


def _written_keys(matched: _Matched, by_bar: bool) -> tuple[_Named, _Named]:
    edited, original = matched.edited, matched.original
    every_part, every_bar = np.arange(len(original.parts)), np.arange(len(original.measures))
    return (
        _named(edited, edited.notes, matched.parts, matched.measures if by_bar else None),
        _named(original, original.notes, every_part, every_bar if by_bar else None),
    )


def _sounding_keys(matched: _Matched) -> tuple[_Named, _Named]:
    """Chains of ties as one note with the id of the first."""
    sounding = replace(matched, edited=matched.edited.sounding(), original=matched.original.sounding())
    return _written_keys(sounding, by_bar=True)


def _pair_off(of_note: dict[int, int], named: tuple[_Named, _Named]) -> None:
    """Give notes without an old id that of an equal note that is still free; those of the same voice go first."""
    new, old = named
    used = set(of_note.values())
    free: defaultdict[Key, dict[int, tuple[int, int]]] = defaultdict(dict)
    for key, voice, note_id in old:
        if note_id not in used:
            free[key][note_id] = voice
    waiting = [(key, voice, note_id) for key, voice, note_id in new if note_id not in of_note and key in free]
    for is_strict in (True, False):
        for key, voice, note_id in waiting:
            candidates = (i for i, v in free[key].items() if v == voice or not is_strict)
            if note_id not in of_note and (found := next(candidates, None)) is not None:
                of_note[note_id] = found
                del free[key][found]


def _renamed(score: Score, of_note: dict[int, int], next_id: int) -> Score:
    """The score with these ids, and new ones from `next_id` on for all other notes."""
    notes = score.notes.copy()
    ids = of_note | {NO_NOTE: NO_NOTE}
    for note_id in _others(notes["note_id"].tolist(), of_note):
        ids[note_id] = next_id
        next_id += 1
    notes["note_id"] = [ids[i] for i in notes["note_id"].tolist()]
    score = score.with_notes(score.notes)  # what hangs on no note would hang on another's new id
    return replace(
        score,
        notes=notes,
        lyrics=tuple(replace(x, note_id=ids[x.note_id]) for x in score.lyrics),
        marks=tuple(replace(x, note_id=ids[x.note_id]) for x in score.marks),
        spanners=tuple(replace(x, start_id=ids[x.start_id], end_id=ids[x.end_id]) for x in score.spanners),
    )


def _others(ids: Iterable[int], known: dict[int, int]) -> list[int]:
    return [note_id for note_id in ids if note_id not in known]
