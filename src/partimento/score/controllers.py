"""What MIDI controllers do to the notes of a score: pedals, and which parts they hold for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from partimento.score.score import Score

PEDAL = 64
SOSTENUTO = 66


def sharing_channel(score: Score) -> list[list[int]]:
    """For each part those on the same MIDI channel, itself included: what one is sent all are."""
    channels = [part.channel for part in score.parts]
    by_channel: dict[int | None, list[int]] = {}
    for index, channel in enumerate(channels):
        by_channel.setdefault(channel, []).append(index)
    return [[index] if channel is None else by_channel[channel] for index, channel in enumerate(channels)]


def held_by_pedals(score: Score, on: NDArray[np.float64], off: NDArray[np.float64]) -> NDArray[np.float64]:
    """Until when notes sound whose keys are struck and let go at some seconds, shape (notes,) all of them."""
    off, sharing = off.copy(), sharing_channel(score)
    for part in np.unique(score.controls["part"]).tolist():
        is_held = np.isin(score.notes["part"], sharing[part])
        _hold_with_sostenuto(score, part, is_held, on, off)
        _hold_with_pedal(score, part, is_held, off)
    return off


def _hold_with_pedal(score: Score, part: int, is_held: NDArray[np.bool_], off: NDArray[np.float64]) -> None:
    """Let notes that end while the pedal of a part is down sound until it comes up (in place)."""
    second, is_down = _pedal(score, part, PEDAL)
    if not len(second):
        return
    lifted = np.full(len(second) + 1, max(float(off.max(initial=0.0)), float(second[-1])))
    for index in range(len(second) - 1, -1, -1):
        lifted[index] = lifted[index + 1] if is_down[index] else second[index]
    own = np.flatnonzero(is_held)
    last = np.searchsorted(second, off[own], "right") - 1
    held = (last >= 0) & is_down[last]
    off[own[held]] = lifted[last[held]]


def _hold_with_sostenuto(
    score: Score, part: int, is_held: NDArray[np.bool_], on: NDArray[np.float64], off: NDArray[np.float64]
) -> None:
    """Let notes that sound when the sostenuto pedal goes down sound until it comes up (in place)."""
    second, is_down = _pedal(score, part, SOSTENUTO)
    presses = np.flatnonzero(is_down & ~np.r_[False, is_down[:-1]])
    for press in presses.tolist():
        lifts = np.flatnonzero(~is_down[press:])
        lift = second[press + int(lifts[0])] if len(lifts) else float(off.max(initial=0.0))
        caught = is_held & (on <= second[press]) & (off > second[press])
        off[caught] = np.maximum(off[caught], lift)


def _pedal(score: Score, part: int, number: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Seconds at which a pedal of a part moves, and whether it is down from there."""
    rows = score.controls[(score.controls["part"] == part) & (score.controls["number"] == number)]
    return score.seconds_at(rows["onset_tick"]), rows["value"] >= 64
