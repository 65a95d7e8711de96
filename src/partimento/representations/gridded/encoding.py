"""Tokens put in order, and those of meters, lengths, keys and tempi."""

from __future__ import annotations

import numpy as np

from partimento.representations.base import Ints, Longs
from partimento.representations.gridded.vocabulary import KEYS, LENGTHS, MAX_COUNTDOWN, METERS, TEMPOS_BPM, Vocabulary
from partimento.score import Score

CHORDS = 5
"""Rank of a measure's first chord, behind its changes."""
_METER_INDEX = {(meter.beats, meter.beat_type): index for index, meter in enumerate(METERS)}
_KEY_INDEX = {None if key is None else (key.fifths, key.mode_id): index for index, key in enumerate(KEYS)}
_TEMPO_INDEX = {tempo: index for index, tempo in enumerate(TEMPOS_BPM)}
_LENGTHS = np.array(LENGTHS)

Opening = tuple[int, int, int]
"""Meter, key and tempo, as members of their blocks."""


class Stream:
    """Tokens gathered in any order, each with its place: measure, and rank in it, below 2⁴⁴."""

    def __init__(self) -> None:
        self._keys: list[Longs] = []
        self._tokens: list[Longs] = []

    def put(self, measure: Longs, rank: Longs | int, token: Longs | int) -> None:
        """Add a token for each of some measures."""
        self._keys.append((measure << 44) + rank)
        self._tokens.append(token if isinstance(token, np.ndarray) else np.full(len(measure), token))

    def sorted(self) -> tuple[Ints, Longs]:
        """All tokens in order, and the measure of each."""
        keys = np.concatenate(self._keys)
        order = np.argsort(keys, kind="stable")
        return np.concatenate(self._tokens)[order].astype(np.int32), keys[order] >> 44


def opening_members(score: Score) -> list[Opening]:
    """What holds at the beginning of each measure of a quantised score."""
    members = _members(score)
    columns = list[list[int]]()
    for events, values in ((score.meters, members[0]), (score.keys, members[1]), (score.tempos, members[2])):
        at = np.searchsorted(events["onset_tick"], score.measures["onset_tick"], "right") - 1
        columns.append(values[at].tolist() if len(values) else [0] * len(score.measures))
    return list(zip(*columns, strict=True))


def _members(score: Score) -> tuple[Longs, Longs, Longs]:
    """Meters, keys and tempi as members of their blocks."""
    return (
        np.array([_METER_INDEX[row] for row in score.meters[["beats", "beat_type"]].tolist()], np.int64),
        np.array([_KEY_INDEX[row] for row in score.keys[["fifths", "mode"]].tolist()], np.int64),
        np.array([_TEMPO_INDEX[int(t)] for t in score.tempos["tempo_bpm"].tolist()], np.int64),
    )


def countdown(bars: int, index: Longs) -> Longs:
    """How many measures follow each, as members of the block `Bar`."""
    return np.minimum(bars - 1 - index, MAX_COUNTDOWN - 1)


def put_changes(stream: Stream, score: Score, vocabulary: Vocabulary) -> None:
    """Meter, length, key and tempo of the measures of a quantised score in which they change, with ranks 1 to 4."""
    first, measures = vocabulary.first, score.measures
    meters, keys, tempos = _members(score)
    changes = (("Meter", score.meters, meters), ("Key", score.keys, keys), ("Tempo", score.tempos, tempos))
    for rank, (block, events, values) in zip((1, 3, 4), changes, strict=True):
        if len(values) > 1:
            at = np.searchsorted(measures["onset_tick"], events["onset_tick"][1:])
            stream.put(at, rank, first[block] + values[1:])
    nominal = _LENGTHS[meters[np.searchsorted(score.meters["onset_tick"], measures["onset_tick"], "right") - 1]]
    steps = measures["duration_tick"] // vocabulary.unit
    odd = np.flatnonzero(nominal != steps)
    stream.put(odd, 2, first["Length"] + steps[odd] - 1)
