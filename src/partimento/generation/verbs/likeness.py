"""What new bars are to have in common with those around them, as controls that the grammar keeps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from partimento.generation.verbs.seams import AROUND
from partimento.plan import Control
from partimento.score import Records, Score
from partimento.theory.instrument import instrument

_FEWER, _MORE = 0.6, 1.5
"""How much less, and more, than around may happen in a bar."""
_SLACK_SEMITONES, _LEAST_REACH = 3, 9
"""How far beyond the pitches around new ones may lie, and how far apart the outermost must lie to be asked for."""
_SHORTEST_QUARTER, _CHORD = 0.25, 3
"""Of new parts: the shortest notes, and how many more in a bar, so that there are chords."""
_MOSTLY = 0.75
"""Share of the bars around in which a part must play for it to have to play in the new ones."""


def controls_like(score: Score, bars: tuple[int, int], parts: Sequence[int]) -> tuple[Control, ...]:
    """For each part how busy it is, and how high, around some bars; for a new one how busy the others are in them.

    Args:
        score: an excerpt without changes of program, else nothing is asked for.
        bars: measures [first, last) that are to be written.
        parts: the parts to write.
    """
    if score.programs:
        return ()
    notes = score.sounding().notes
    notes = notes[notes["grace"] == 0]
    measure = score.measure_at(notes["onset_tick"])
    is_around = ((measure >= bars[0] - AROUND) & (measure < bars[0])) | (
        (measure >= bars[1]) & (measure < bars[1] + AROUND)
    )
    newcomers = _beside(score, notes[(measure >= bars[0]) & (measure < bars[1])], bars, parts)
    count = len(score.measures[max(bars[0] - AROUND, 0) : bars[1] + AROUND]) - (bars[1] - bars[0])
    return (*newcomers, *_controls(score, notes[is_around], measure[is_around], count, bars, parts))


def _beside(score: Score, notes: Records, bars: tuple[int, int], parts: Sequence[int]) -> tuple[Control, ...]:
    """For parts that play nowhere around: not much busier, and no shorter notes, than what the others play here."""
    others = notes[~np.isin(notes["part"], parts)]
    new = [part for part in parts if not (score.notes["part"] == part).any() and not score.parts[part].is_drums]
    if not len(others) or not new:
        return ()
    lengths = others["duration_tick"] / score.ticks_per_quarter
    shortest = max(float(np.percentile(lengths, 10)), _SHORTEST_QUARTER)
    strokes = len(np.unique(others["onset_tick"])) / (bars[1] - bars[0])
    most = float(np.ceil(_MORE * strokes) + _CHORD)
    return tuple(
        Control(parts=(part,), bars=bars, density=(1.0, most), note_length=(min(shortest, 1.0), 64.0)) for part in new
    )


def _controls(
    score: Score, notes: Records, measure: np.ndarray[tuple[int], np.dtype[np.int64]], bars_around: int,
    bars: tuple[int, int], parts: Sequence[int],
) -> Iterator[Control]:  # fmt: skip
    for part in parts:
        own, where = notes[notes["part"] == part], measure[notes["part"] == part]
        played = len(np.unique(where))
        if not played:
            continue
        strokes = len(np.unique(own["onset_tick"])) / played
        least = np.floor(_FEWER * strokes) if played >= _MOSTLY * bars_around else 0
        density = (float(least), float(np.ceil(_MORE * len(own) / played) + 1))
        yield Control(parts=(part,), bars=bars, density=density, register=_register(score, part, own))


def _register(score: Score, part: int, notes: Records) -> tuple[int, int] | None:
    """Pitches around, and a little beyond, as far as the instrument reaches; None for drums and what is too narrow."""
    if score.parts[part].is_drums:
        return None
    spec = instrument(score.parts[part].program)
    low, high = np.percentile(notes["pitch"], (3, 97)).tolist()
    low = max(int(low) - _SLACK_SEMITONES, spec.lowest_pitch)
    high = min(int(high) + _SLACK_SEMITONES, spec.highest_pitch)
    return (low, high) if high - low >= _LEAST_REACH else None
