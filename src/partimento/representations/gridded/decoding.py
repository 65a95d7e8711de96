"""From tokens to what is no note: parts, style, measures, meters, keys and tempi."""

from __future__ import annotations

import numpy as np

from partimento.representations.base import Ints, Longs
from partimento.representations.gridded.vocabulary import KEYS, LENGTHS, METERS, STYLES, TEMPOS_BPM, Vocabulary
from partimento.score import KEY, MEASURE, METER, TEMPO, Part, Records, Score


def frame(header: Ints, body: Ints, measure: Longs, vocabulary: Vocabulary) -> Score:
    """The score of a sequence without its notes and chords.

    Args:
        header: tokens before the first measure.
        body: tokens of the measures, at least those of barlines and changes, shape (t,).
        measure: measure of each of these, shape (t,).
        vocabulary: the ids.
    """
    parts = tuple(Part.playing(program) for program in vocabulary.members(header, "Instrument").tolist())
    style = vocabulary.members(header, "Style")
    tags = (STYLES[style[0]],) if len(style) and style[0] else ()
    if not len(body):
        return Score(vocabulary.ticks_per_quarter, parts, tags=tags)
    meters, keys, tempos = (_stated(header, body, measure, block, vocabulary) for block in ("Meter", "Key", "Tempo"))
    measures = _measures(body, measure, meters, vocabulary)
    starts = measures["onset_tick"]
    return Score(
        vocabulary.ticks_per_quarter,
        parts,
        measures=measures,
        meters=np.array([(starts[at], METERS[m].beats, METERS[m].beat_type) for at, m in meters], METER),
        keys=np.array([(starts[at], -1, k.fifths, k.mode_id) for at, i in keys if (k := KEYS[i])], KEY),
        tempos=np.array([(starts[at], TEMPOS_BPM[t]) for at, t in tempos if t], TEMPO),
        tags=tags,
    )


def _stated(header: Ints, body: Ints, measure: Longs, block: str, vocabulary: Vocabulary) -> list[tuple[int, int]]:
    """(measure, member) of a block's tokens: the header's counts from measure 0."""
    changed = measure[vocabulary.inside(body, block)].tolist()
    changes = zip(changed, vocabulary.members(body, block).tolist(), strict=True)
    return [(0, member) for member in vocabulary.members(header, block).tolist()] + list(changes)


def _measures(body: Ints, measure: Longs, meters: list[tuple[int, int]], vocabulary: Vocabulary) -> Records:
    durations = np.zeros(measure[-1] + 1, np.int64)
    for at, meter in meters:
        durations[at:] = LENGTHS[meter]
    durations[measure[vocabulary.inside(body, "Length")]] = vocabulary.members(body, "Length") + 1
    durations *= vocabulary.unit
    measures = np.zeros(len(durations), MEASURE)
    measures["duration_tick"] = durations
    measures["onset_tick"] = np.cumsum(durations) - durations
    return measures
