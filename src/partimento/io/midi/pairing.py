"""Notes from note-ons and note-offs.

Of several notes of one key that sound together on a channel of a track, the first that began is the first to
end (symusic and most sequencers do the same). A note without an end lasts until its track ends; an end without
a note says nothing. A note whose end stands at the tick of its onset lasts one tick: there is no note of no length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from partimento.io.midi.decode import Bytes, Decoded, Ints, Mask
from partimento.io.midi.signs import CHANNELS, KEY_PRESSURE, NOTE_ON


@dataclass(frozen=True, slots=True)
class Notes:
    """Notes in the order of their onsets in the file; columns are parallel."""

    source: Ints
    """16 times the track plus the channel, both from 0."""
    onset_tick: Ints
    duration_tick: Ints
    pitch: Bytes
    velocity: Bytes
    hanging: int
    """How many of them have no end."""


def pair(decoded: Decoded) -> Notes:
    """The notes of a file."""
    events = decoded.events
    at = np.flatnonzero(events.status < KEY_PRESSURE)
    status = events.status[at]
    source = events.track[at] * CHANNELS + (status & 0x0F)
    is_on = (status >= NOTE_ON) & (events.second[at] > 0)
    key = source * 128 + events.first[at]
    order = np.argsort(key.astype(np.uint16) if len(decoded.ends) <= 32 else key, kind="stable")
    tick = events.tick[at]
    end = np.zeros(len(at), np.int64)
    hanging = 0
    on_rank, off_rank = np.flatnonzero(is_on[order]), np.flatnonzero(~is_on[order])
    ons, offs = order[on_rank], order[off_rank]
    if len(ons) == len(offs) and (on_rank < off_rank).all() and (key[ons] == key[offs]).all():
        end[ons] = tick[offs]  # each note has its end, as in most files
    else:
        hanging = _set_ends(end, tick, decoded.ends[source // CHANNELS], key, is_on, order)
    ons = np.flatnonzero(is_on)
    onset, place = tick[ons], at[ons]
    duration = np.maximum(end[ons] - onset, 1)
    return Notes(source[ons], onset, duration, events.first[place], events.second[place], hanging)


def _set_ends(end: Ints, tick: Ints, track_end: Ints, key: Ints, is_on: Mask, order: Ints) -> int:
    """Set at each on the tick at which its note ends; gives the number of notes that end with their track."""
    key, is_on = key[order], is_on[order]
    group = np.cumsum(np.concatenate(([False], key[1:] != key[:-1])))
    kept = ~_strays(group, is_on)
    if not kept.all():
        order, is_on, group = order[kept], is_on[kept], group[kept]
    ons, offs = order[is_on], order[~is_on]
    end[ons], hanging = _ends(group[is_on], group[~is_on], tick[offs], track_end[ons])
    return hanging


def _strays(group: Ints, is_on: Mask) -> Mask:
    """Which events are ends of no note: where the number of sounding notes would fall below 0."""
    sounding = np.cumsum(np.where(is_on, 1, -1))
    first = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1]))) if len(group) else group
    before = sounding[first] - np.where(is_on[first], 1, -1)
    sounding -= before[group]
    if not len(group) or sounding.min() >= 0:
        return np.zeros(len(group), bool)
    depth = sounding - group * (2 * len(group) + 1)  # each group lies below the one before, so one minimum serves all
    lowest = np.minimum.accumulate(np.minimum(depth, -group * (2 * len(group) + 1)))
    earlier = np.concatenate(([0], lowest[:-1]))
    earlier[first] = -group[first] * (2 * len(group) + 1)
    return ~is_on & (depth < earlier)


def _ends(on_group: Ints, off_group: Ints, off_tick: Ints, track_end: Ints) -> tuple[Ints, int]:
    """Tick at which each note ends: the n-th note of a key at its n-th end, without one with its track."""
    groups = int(on_group.max(initial=-1)) + 1
    counts = np.bincount(off_group, minlength=groups)
    starts = np.searchsorted(on_group, np.arange(groups))
    rank = np.arange(len(on_group)) - starts[on_group]
    has_end = rank < counts[on_group]
    at = np.where(has_end, (np.cumsum(counts) - counts)[on_group] + rank, 0)
    ends = np.where(has_end, off_tick[at] if len(off_tick) else 0, track_end)
    return ends, int((~has_end).sum())
