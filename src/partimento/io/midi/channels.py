"""A MIDI channel for each part of a score."""

from __future__ import annotations

from itertools import count

from partimento.io.midi.signs import CHANNELS, DRUM_CHANNEL, is_drum_channel
from partimento.score import Score

MAX_CHANNEL = 128 * CHANNELS


def channels(score: Score) -> list[int]:
    """Channels from 1, those of the second port from 17.

    A channel that a part states is kept. Of the others, drums go to the tenth. Where the pitched ones are more
    than the channels that one port has left, those that sound alike share one, and what is still too much goes
    to further ports.
    """
    wanted = [_stated(score, index) for index in range(len(score.parts))]
    taken = {channel for channel in wanted if channel is not None}
    open_parts = [index for index, channel in enumerate(wanted) if channel is None]
    free = [channel for channel in range(1, CHANNELS + 1) if channel not in taken and not is_drum_channel(channel)]
    alike = _sounds(score) if len(open_parts) > len(free) else list[object](range(len(score.parts)))
    further = (c for c in count(1) if c not in taken and not is_drum_channel(c))
    given: dict[object, int] = {}
    for index in open_parts:
        if alike[index] not in given:
            given[alike[index]] = next(further)
        wanted[index] = given[alike[index]]
    return [channel or 1 for channel in wanted]


def _stated(score: Score, index: int) -> int | None:
    part = score.parts[index]
    if part.channel is not None and 0 < part.channel <= MAX_CHANNEL and is_drum_channel(part.channel) == part.is_drums:
        return part.channel
    return DRUM_CHANNEL + 1 if part.is_drums else None


def _sounds(score: Score) -> list[object]:
    """What the parts sound like; those with changes of their own are like no other."""
    changing = {change.part for change in score.programs}
    changing |= {*score.controls["part"].tolist(), *score.bends["part"].tolist()}
    return [
        index if index in changing else (part.program, part.volume, part.pan) for index, part in enumerate(score.parts)
    ]
