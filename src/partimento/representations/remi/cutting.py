"""Windows of a piece as tokens, without making a score of each and encoding it again.

What a measure says depends on this measure alone, but for the countdown of bars, and for the first measure of a window:
there the header says meter, key and tempo, and the chord that goes on is said again. So the tokens of a window are a
stretch of the piece's tokens with these few put right. Notes end with their window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from partimento.plan import Compose
from partimento.representations.base import Encoded, Ints, Longs, Mask
from partimento.representations.cutting import Window, midway
from partimento.representations.gridded.encoding import countdown, opening_members
from partimento.representations.gridded.quantise import doubled
from partimento.representations.remi.encoding import chord_ids, encode_body, header_ids
from partimento.representations.remi.vocabulary import Vocabulary
from partimento.score import Score, in_order

Body = tuple[Ints, Longs]
"""Tokens, and the measure of each."""
Run = tuple[int, int]
"""Measures of a window: the first, and the one behind the last."""


def clipped(score: Score, body: Body, runs: Sequence[Run], vocabulary: Vocabulary) -> tuple[Score, Body]:
    """A quantised score whose notes end with the window in which they begin, and its tokens.

    Only the measures in which notes are clipped are encoded again; `body` is what `encode_body` gives of the score.
    """
    edges = np.append(score.measures["onset_tick"], _end(score))
    end_of = np.full(len(score.measures), edges[-1])
    for first, last in runs:
        end_of[first:last] = edges[last]
    notes = score.notes
    measure = score.measure_at(notes["onset_tick"])
    room = end_of[measure] - notes["onset_tick"]
    is_long = notes["duration_tick"] > room
    if not is_long.any():
        return score, body
    is_new = np.zeros(len(score.measures), bool)
    is_new[measure[is_long]] = True
    notes = notes.copy()
    notes["duration_tick"] = np.minimum(notes["duration_tick"], room)
    at_edge = np.flatnonzero(notes["duration_tick"] == room)
    twice = at_edge[doubled(notes.take(at_edge))]
    clipped = replace(score, notes=np.delete(notes, twice) if len(twice) else notes)
    notes = clipped.notes
    some = replace(clipped, notes=in_order(notes.take(np.flatnonzero(is_new[score.measure_at(notes["onset_tick"])]))))
    return clipped, _with_measures(body, encode_body(some, vocabulary), is_new)


def _with_measures(body: Body, other: Body, is_other: Mask) -> Body:
    """Tokens of a piece, those of some measures taken from others."""
    is_kept, is_taken = ~is_other[body[1]], is_other[other[1]]
    tokens = np.concatenate([body[0][is_kept], other[0][is_taken]])
    measure = np.concatenate([body[1][is_kept], other[1][is_taken]])
    order = np.argsort(measure, kind="stable")
    return tokens[order], measure[order]


def cut(score: Score, body: Body, runs: Sequence[Run], task: Compose, vocabulary: Vocabulary) -> Iterator[Window]:
    """The windows of a clipped score.

    Args:
        score: quantised.
        body: its tokens.
        runs: measures of the windows, in order.
        task: what the tokens are for.
        vocabulary: the ids.
    """
    tokens, measure = body
    count = len(score.measures)
    starts = np.searchsorted(measure, np.arange(count + 1)).tolist()
    notes = np.searchsorted(score.measure_at(score.notes["onset_tick"]), np.arange(count + 1)).tolist()
    onsets = np.append(score.measures["onset_tick"], _end(score)).tolist()
    opening, chords = opening_members(score), [chord.onset_tick for chord in score.chords]
    eos = np.array(vocabulary.span("EOS")[:1], np.int32)
    for first, last in runs:
        part = midway(task, first > 0, last < count)
        running = int(np.searchsorted(chords, onsets[first], "right"))  # chords that have begun
        has_chords = running > 0 or int(np.searchsorted(chords, onsets[last])) > 0
        header = header_ids(score, opening[first], last - first, has_chords, part, vocabulary)
        ids = tokens[starts[first] : starts[last]].copy()
        bars = np.array(starts[first:last]) - starts[first]
        ids[bars] = vocabulary.first["Bar"] + countdown(last - first, np.arange(last - first))
        if first:
            restated = running > 0 and chords[running - 1] < onsets[first]
            chord = chord_ids(score.chords[running - 1], vocabulary) if restated else []
            ids = _opened(ids, starts[first + 1] - starts[first], chord, vocabulary)
        yield Window(Encoded(header, np.concatenate([ids, eos])), notes[last] - notes[first])


def _opened(ids: Ints, length: int, chord: list[int], vocabulary: Vocabulary) -> Ints:
    """A window whose first measure, of so many tokens, leaves to the header what that says; then the running chord."""
    kept, behind = ids[:1].tolist(), 1
    for name in ("Meter", "Length", "Key", "Tempo"):
        low, high = vocabulary.span(name)
        if behind < length and low <= ids[behind] < high:
            kept += [int(ids[behind])] if name == "Length" else []
            behind += 1
    return np.concatenate([np.array([*kept, *chord], np.int32), ids[behind:]])


def _end(score: Score) -> int:
    return int(score.measures["onset_tick"][-1] + score.measures["duration_tick"][-1])
