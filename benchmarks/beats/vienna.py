"""The Vienna 4x22 performances: do beats fall where the score has them, and do 22 pianists get the same bars?

The files hold no beats. Two truths are used. The openings of the three excerpts are written out below from the
published scores, melody only, and found in each performance by their pitches. Beyond them, the performances of an
excerpt judge one another: they are aligned note by note, and a stroke is agreed to be a beat (or downbeat) if it is
one in more than half of them.
"""

from collections import defaultdict
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from partimento.score import Score

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Opening:
    """A melody from its published score."""

    name: str
    unit_beats: float
    """Length of a unit in beats."""
    beats_per_bar: int
    pickup: int
    """Units before the first barline."""
    melody: str
    """`pitch*units`, or `~*units` for a rest or a tie."""


OPENINGS = (
    Opening(
        "Mozart_K331_1st-mov", 1 / 6, 2, 0,
        "73*3 74*1 73*2 76*4 76*2 71*3 73*1 71*2 74*4 74*2 69*4 69*2 71*4 71*2 73*4 76*1 74*1 73*4 71*2 "
        "73*3 74*1 73*2 76*4 76*2 71*3 73*1 71*2 74*4 74*2 69*4 71*2 73*4 74*2 73*4 71*2 69*6",
    ),
    Opening(
        "Chopin_op38", 1 / 6, 2, 8,
        "72*2 72*4 72*2 72*4 72*2 72*4 72*2 72*4 72*2 72*4 72*2 76*3 74*1 72*2 77*4 74*2 72*4 69*2 65*4 67*2 "
        "67*6 69*4 70*2 69*4 65*2 69*4 70*2 69*3 67*1 65*2 69*4 70*2 69*3 67*1 65*2 67*6 65*6",
    ),
    # the metronome mark is for eighths, so these are the beats
    Opening(
        "Chopin_op10_no3", 1 / 2, 4, 2,
        "59*2 64*2 63*1 64*1 66*4 ~*1 68*1 68*1 66*1 68*4 ~*1 69*1 69*1 68*1 73*1 69*2 71*1 69*1",
    ),
)  # fmt: skip
_MOST_STRETCH = 2.5
"""Times as long or short as expected that an interval may be before a melody counts as not found."""


def opening_beats(score: Score, opening: Opening) -> tuple[Floats, Floats] | None:
    """Seconds of the beats and downbeats of an opening, None where its melody is not found note by note."""
    places, pitches = _melody(opening)
    order = np.argsort(score.notes["onset_tick"], kind="stable")
    played = score.notes["pitch"][order].tolist()
    seconds = score.seconds_at(score.notes["onset_tick"][order])
    found, at = [], 0
    for pitch in pitches:
        if pitch not in played[at:]:
            return None
        at = played.index(pitch, at) + 1
        found.append(float(seconds[at - 1]))
    pace = np.diff(found) / np.diff(places)
    if (np.maximum(pace / np.median(pace), np.median(pace) / pace) > _MOST_STRETCH).any():
        return None
    first = np.ceil(places[0])
    beats = np.arange(first, places[-1] + 1e-6)
    is_down = np.rint(beats) % opening.beats_per_bar == 0
    beat_seconds = np.interp(beats, places, found)
    return beat_seconds, beat_seconds[is_down]


def _melody(opening: Opening) -> tuple[Floats, list[int]]:
    """Places in beats after the first barline, and pitches."""
    at, places, pitches = -opening.pickup, [], []
    for word in opening.melody.split():
        pitch, units = word.split("*")
        if pitch != "~":
            places.append(at * opening.unit_beats)
            pitches.append(int(pitch))
        at += int(units)
    return np.array(places), pitches


def agreement(performances: list[tuple[Score, Floats]]) -> float:
    """Mean F-measure of each performance's marks against what the majority marks, over the notes they share.

    Args:
        performances: scores as played, and seconds of their beats or downbeats.
    """
    sequences = [_sequence(score) for score, _ in performances]
    marks = [_marked(seconds, beats) for (_, seconds), (_, beats) in zip(sequences, performances, strict=True)]
    common = sequences[0][0]
    votes: defaultdict[int, list[bool]] = defaultdict(list)
    own: list[dict[int, bool]] = []
    for (pitches, _), marked in zip(sequences, marks, strict=True):
        blocks = SequenceMatcher(None, common, pitches, autojunk=False).get_matching_blocks()
        own.append({b.a + k: bool(marked[b.b + k]) for b in blocks for k in range(b.size)})
        for note, mark in own[-1].items():
            votes[note].append(mark)
    agreed = {note: sum(found) > len(found) / 2 for note, found in votes.items()}
    return float(np.mean([_f_measure(found, agreed) for found in own]))


def _f_measure(found: dict[int, bool], agreed: dict[int, bool]) -> float:
    hits = sum(mark and agreed[note] for note, mark in found.items())
    return 2 * hits / max(sum(found.values()) + sum(agreed[note] for note in found), 1)


def _sequence(score: Score) -> tuple[list[int], Floats]:
    """Pitches in the order of time, those within 70 ms from low to high, and their seconds."""
    seconds = score.seconds_at(score.notes["onset_tick"])
    order = np.argsort(seconds, kind="stable")
    group = np.zeros(len(order), np.int64)
    first = seconds[order[0]]
    for index, second in enumerate(seconds[order].tolist()):
        is_new = second - first > 0.07
        first = second if is_new else first
        group[index] = (group[index - 1] if index else 0) + is_new
    order = order[np.lexsort((score.notes["pitch"][order], group))]
    return score.notes["pitch"][order].tolist(), seconds[order]


def _marked(seconds: Floats, beats: Floats) -> NDArray[np.bool_]:
    return np.abs(seconds[:, None] - beats[None]).min(axis=1) < 0.07


def files(corpus: Path, name: str) -> list[Path]:
    """The performances of an excerpt."""
    return sorted((corpus / "A_vienna4x22-performance").glob(f"{name}_p*.mid"))
