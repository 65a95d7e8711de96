"""One metronome mark where a tempo map follows a player from beat to beat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from partimento.score import Direction, Score
from partimento.theory.meter import Meter

_MOST_PER_BAR = 0.3
"""More changes than this are a performance, which no one would print."""
_SHOWN = ("metronome", "tempo")


def with_one_mark(score: Score) -> Score:
    """The score with its usual tempo as the only mark on the page if it changes all the time; it sounds as before."""
    tempos = score.tempos
    is_played = len(tempos) > max(_MOST_PER_BAR * len(score.measures), 2)
    if not is_played or any(d.kind in _SHOWN for d in score.directions):
        return score
    ends = np.append(tempos["onset_tick"][1:], max(score.end_tick, int(tempos["onset_tick"][-1]) + 1))
    lengths = (ends - tempos["onset_tick"]) / tempos["tempo_bpm"]
    order = np.argsort(tempos["tempo_bpm"])
    middle = np.searchsorted(np.cumsum(lengths[order]), lengths.sum() / 2)
    usual = float(tempos["tempo_bpm"][order[middle]])
    mark = Direction(0, "metronome", _mark(usual, score.meter_at(0)), placement="above")
    return replace(score, directions=(mark, *score.directions))


def _mark(tempo_bpm: float, meter: Meter) -> str:
    """`quarter=96`, `quarter.=60`, `half=54`: in the beats of the meter."""
    if meter.is_compound and meter.beat_type == 8:
        return f"quarter.={round(tempo_bpm / 1.5)}"
    return f"half={round(tempo_bpm / 2)}" if meter.beat_type == 2 else f"quarter={round(tempo_bpm)}"
