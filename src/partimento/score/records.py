"""What is frequent in a score, as NumPy records: notes, measures, meters, keys, tempos, clefs, controllers, bends."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from partimento.theory.meter import Meter
from partimento.theory.pitch import UNSPELLED

Records = NDArray[np.void]

NOTE = np.dtype(
    [
        ("onset_tick", np.int64),
        ("duration_tick", np.int64),  # 0 for grace notes
        ("pitch", np.int16),  # sounding MIDI number; for drums the General MIDI percussion key
        ("spelling", np.int8),  # sounding pitch on the line of fifths, UNSPELLED if unknown
        ("velocity", np.uint8),  # 1-127, 0 if the source does not say
        ("part", np.int16),  # index into Score.parts
        ("voice", np.int16),  # from 1 within the part, 0 if unknown
        ("staff", np.int8),  # from 1 within the part, 0 if unknown
        ("grace", np.int8),  # 0, or 1, 2 … in the order in which grace notes precede their main note
        ("tied", np.bool_),  # tied to the next note of this pitch in its part
        ("note_id", np.int64),
        ("cue", np.bool_),  # a small note that shows what others play; it does not sound
    ]
)
MEASURE = np.dtype([("onset_tick", np.int64), ("duration_tick", np.int64)])
METER = np.dtype([("onset_tick", np.int64), ("beats", np.int16), ("beat_type", np.int16)])
KEY = np.dtype([("onset_tick", np.int64), ("part", np.int16), ("fifths", np.int8), ("mode", np.int8)])  # part −1: all
TEMPO = np.dtype([("onset_tick", np.int64), ("tempo_bpm", np.float64)])  # quarters per minute
CLEF = np.dtype(
    [
        ("onset_tick", np.int64),
        ("part", np.int16),
        ("staff", np.int8),
        ("sign", "U10"),
        ("line", np.int8),
        ("octave_change", np.int8),
    ]
)
CONTROL = np.dtype([("onset_tick", np.int64), ("part", np.int16), ("number", np.uint8), ("value", np.uint8)])
BEND = np.dtype([("onset_tick", np.int64), ("part", np.int16), ("value", np.int16)])  # −8192 … 8191

_WITHIN: dict[np.dtype[np.void], tuple[str, ...]] = {
    METER: (), KEY: ("part",), TEMPO: (), CLEF: ("part", "staff"), CONTROL: ("part", "number"), BEND: ("part",),
}  # fmt: skip
"""Records that stay in force, and the columns within which one replaces another."""

_CONTROL_RANK = np.arange(256)
"""Controllers of one tick are sorted by number, but for those that select and set a parameter (RPN, NRPN): these
only mean something in the order in which they are given."""
_CONTROL_RANK[[6, 38, 96, 97, 98, 99, 100, 101]] = 101


_MADE: WeakValueDictionary[int, Records] = WeakValueDictionary()
"""Arrays that `canonical` has made, by their identity: changed copies of a score share what they do not change."""


def canonical(array: Any, dtype: np.dtype[np.void]) -> Records:
    """A sorted, read-only copy; what was made here before comes back as it is."""
    if _MADE.get(id(array)) is array and not array.flags.writeable and array.dtype == dtype:
        return array
    array = np.asarray(array, dtype=dtype)
    if not len(array):
        return array
    order = _order(array)
    return in_order(array.copy() if order is None else array.take(order))  # twenty times as fast as indexing


def in_order(array: Records) -> Records:
    """The array itself, from now on read-only, whose maker has put it in the order of a score."""
    array.flags.writeable = False
    _MADE[id(array)] = array
    return array


def _order(array: Records) -> NDArray[np.int64] | None:
    """How to sort an array, None where it is sorted, as those of changed copies mostly are."""
    key = array["onset_tick"]
    if array.dtype == NOTE:
        return _order_of_notes(array)
    if (key[1:] > key[:-1]).all():
        return None
    columns = [_CONTROL_RANK[array["number"]]] if array.dtype == CONTROL else []
    return np.lexsort(columns + [array[n] for n in ("staff", "part", "onset_tick") if n in (array.dtype.names or ())])


def _order_of_notes(notes: Records) -> NDArray[np.int64] | None:
    """One key sorts quicker than several, and mostly there are neither voices nor equal notes."""
    onset, part, grace = notes["onset_tick"], notes["part"].astype(np.int64), notes["grace"]
    last = [notes["note_id"], notes["duration_tick"]]
    if any(notes[name].any() for name in ("voice", "staff", "grace")) or int(onset.max()) >> 32:
        last += [notes["pitch"], *([grace, grace == 0] if grace.any() else [])]
        columns = (notes["voice"], notes["staff"], part, onset)
        return np.lexsort(last + [column for column in columns if column.any()])  # each costs a sort
    key = (onset << 30) + (part << 15) + notes["pitch"]
    if (key[1:] > key[:-1]).all():
        return None
    order = np.argsort(key, kind="stable")
    is_told = key[order[1:]] > key[order[:-1]]
    return order if is_told.all() else np.lexsort([*last, key])


def restated(array: Records, start: int, end: int) -> Records:
    """The records in [start, end), and at `start` those still in force there."""
    onset = array["onset_tick"]
    earlier, inside = array[onset <= start][::-1], array[(onset > start) & (onset < end)]
    columns = _WITHIN[array.dtype]
    if len(earlier) and columns:
        groups = np.stack([earlier[name].astype(np.int64) for name in columns], axis=1)
        earlier = earlier[np.sort(np.unique(groups, axis=0, return_index=True)[1])]
    kept = earlier[: None if columns else 1].copy()
    kept["onset_tick"] = start
    return np.concatenate([kept, inside])


def without_repetitions(array: Records) -> Records:
    """Records that stay in force, less those that state again what is in force."""
    columns = _WITHIN[array.dtype]
    values = [name for name in array.dtype.names or () if name not in ("onset_tick", *columns)]
    groups = [np.asarray(array[name], np.int64) for name in columns]
    order = np.lexsort([array["onset_tick"], *groups])
    is_same = np.ones(max(len(array) - 1, 0), bool)
    for column in (*groups, *(array[name] for name in values)):
        is_same &= column[order][1:] == column[order][:-1]
    return np.delete(array, order[1:][is_same])


def notes_array(rows: Iterable[dict[str, Any]]) -> Records:
    """Notes from dictionaries; what a row leaves out is unknown or zero, and ids count up from 0."""
    rows = list(rows)
    array = np.zeros(len(rows), NOTE)
    array["spelling"] = UNSPELLED
    array["note_id"] = np.arange(len(rows))
    for index, row in enumerate(rows):
        for name, value in row.items():
            array[name][index] = value
    return array


def measures_from_meters(meters: Records, ticks_per_quarter: int, end_tick: int, pickup_tick: int = 0) -> Records:
    """Barlines that follow from the meters: full bars from tick 0 (or after a pickup) that cover `end_tick`.

    A change of meter inside a bar cuts that bar short.

    Args:
        meters: METER records; the first counts from tick 0.
        ticks_per_quarter: resolution of all ticks.
        end_tick: last tick to cover; at least one measure is returned.
        pickup_tick: length of an incomplete first measure, 0 for none.
    """
    starts: list[NDArray[np.int64]] = [np.zeros(1, np.int64)] if pickup_tick else []
    onsets = meters["onset_tick"].tolist()
    length = 1
    for index, row in enumerate(meters):
        duration = Meter(int(row["beats"]), int(row["beat_type"])).duration_quarter * ticks_per_quarter
        length = max(math.ceil(duration), 1)
        start = pickup_tick if index == 0 else onsets[index]
        stop = onsets[index + 1] if index + 1 < len(onsets) else max(end_tick, start + 1)
        starts.append(np.arange(start, max(stop, start), length, dtype=np.int64))
    flat = np.unique(np.concatenate(starts)) if len(starts) > 1 else starts[0]
    last_start = int(flat[-1])
    measures = np.zeros(len(flat), MEASURE)
    measures["onset_tick"] = flat
    measures["duration_tick"] = np.diff(np.concatenate((flat, [last_start + length])))
    return measures
