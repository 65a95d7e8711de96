"""How a score is played: from notation to timed events for a synthesiser.

Where the source says how it was played (velocities, pedal, bends, pan), that is kept. Where it says nothing,
dynamics, accents and the weight of the beats give velocities, staccato shortens, and parts sit side by side.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from partimento.score import Records, Score
from partimento.theory.meter import Meter

DEFAULT_VELOCITY, DEFAULT_VOLUME = 80, 100
_DOWNBEAT, _BEAT, _OFFBEAT = 8, 3, -4
_LEVELS = {
    "pppp": 20,
    "ppp": 28,
    "pp": 40,
    "p": 54,
    "mp": 68,
    "mf": 80,
    "f": 96,
    "ff": 110,
    "fff": 120,
    "ffff": 127,
    "fp": 54,
}
_STRESSES = {"sf", "sfz", "sffz", "fz", "rf", "rfz", "sfp", "fp"}
_STRESS = 18
_ACCENTS = {"accent": 14, "strong-accent": 20}
_SHORTENED = {"staccato": 0.5, "staccatissimo": 0.3, "spiccato": 0.4}
_GRACE_SECOND, _GRACES_SECOND = 0.09, 0.3  # one grace note, and at most a group of them
_VOLUME, _PAN, _PEDAL = 7, 10, 64
_NOT_SENT = {0, 32, _PEDAL, 66} | set(range(120, 128))  # banks, pedals (played here), channel modes
_PARAMETER_FIRST = {101: 0, 100: 1, 99: 0, 98: 1}  # a parameter is chosen before its value (CC 6) comes


class Event(NamedTuple):
    """One message to one channel; events sort in the order in which they are to be sent."""

    second: float
    order: int
    channel: int
    """Index of the part."""
    kind: str
    """control, bend, off or on."""
    number: int
    """Controller or pitch."""
    value: int
    """Controller value, bend (−8192 … 8191) or velocity."""


def perform(score: Score) -> list[Event]:
    """Everything a synthesiser is to be sent, in order; the first event is never before second 0."""
    score = score.sounding()
    on, off = _note_times(score)
    lead = max(-float(on.min()), 0.0) if len(on) else 0.0  # grace notes before the first beat
    notes = zip(on + lead, off + lead, score.notes["part"].tolist(), score.notes["pitch"].tolist(),
                _velocities(score).tolist(), strict=True)  # fmt: skip
    events = _settings(score) + _controls(score, lead)
    for onset, release, part, pitch, velocity in notes:
        if release > onset:
            events += [Event(release, 5, part, "off", pitch, 0), Event(onset, 6, part, "on", pitch, velocity)]
    return sorted(events)


def _settings(score: Score) -> list[Event]:
    """Volume and place of each part; players who are given no place sit in a row from left to right."""
    events: list[Event] = []
    for index, part in enumerate(score.parts):
        spread = 40 * (index / (len(score.parts) - 1) - 0.5) if len(score.parts) > 1 and not part.is_drums else 0
        pan = round(64 + spread) if part.pan is None else part.pan
        volume = DEFAULT_VOLUME if part.volume is None else part.volume
        events += [
            Event(0.0, 0, index, "control", _VOLUME, volume),
            Event(0.0, 0, index, "control", _PAN, pan),
        ]
    return events


def _controls(score: Score, lead: float) -> list[Event]:
    controls, bends = score.controls, score.bends
    seconds = score.seconds_at(controls["onset_tick"]) + lead
    columns = (controls[name].tolist() for name in ("part", "number", "value"))
    rows = zip(seconds, *columns, strict=True)
    bent = zip(
        score.seconds_at(bends["onset_tick"]) + lead,
        bends["part"].tolist(),
        bends["value"].tolist(),
        strict=True,
    )
    return [
        Event(second, 1 + _PARAMETER_FIRST.get(number, 2), part, "control", number, value)
        for second, part, number, value in rows
        if number not in _NOT_SENT
    ] + [Event(second, 4, part, "bend", 0, value) for second, part, value in bent]


# When notes sound


def _note_times(score: Score) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Onset and release of each note in seconds; a note struck again while it sounds is released then."""
    notes = score.notes
    on = score.seconds_at(notes["onset_tick"])
    off = score.seconds_at(notes["onset_tick"] + notes["duration_tick"])
    off = on + (off - on) * _by_mark(score, _SHORTENED, 1.0)
    _place_graces(notes, on, off)
    for part in np.unique(score.controls["part"][score.controls["number"] == _PEDAL]):
        _hold_with_pedal(score, int(part), off)
    _release_before_restrike(notes, on, off)
    return on, off


def _place_graces(notes: Records, on: NDArray[np.float64], off: NDArray[np.float64]) -> None:
    """Play grace notes just before the beat (in place)."""
    rows = np.flatnonzero(notes["grace"])
    groups = [tuple(notes[["part", "voice", "onset_tick"]][row]) for row in rows]
    sizes: dict[tuple[int, ...], int] = {}
    for row, group in zip(rows, groups, strict=True):
        sizes[group] = max(sizes.get(group, 0), int(notes["grace"][row]))
    for row, group in zip(rows, groups, strict=True):
        step = min(_GRACE_SECOND, _GRACES_SECOND / sizes[group])
        on[row] -= (sizes[group] - int(notes["grace"][row]) + 1) * step
        off[row] = on[row] + step


def _hold_with_pedal(score: Score, part: int, off: NDArray[np.float64]) -> None:
    """Let notes of a part that end while the pedal is down sound until it comes up (in place)."""
    rows = score.controls[(score.controls["part"] == part) & (score.controls["number"] == _PEDAL)]
    second = score.seconds_at(rows["onset_tick"])
    is_down = rows["value"] >= 64
    lifted = np.full(len(rows) + 1, max(float(off.max(initial=0.0)), float(second[-1])))
    for index in range(len(rows) - 1, -1, -1):
        lifted[index] = lifted[index + 1] if is_down[index] else second[index]
    own = np.flatnonzero(score.notes["part"] == part)
    last = np.searchsorted(second, off[own], "right") - 1
    held = (last >= 0) & is_down[last]
    off[own[held]] = lifted[last[held]]


def _release_before_restrike(notes: Records, on: NDArray[np.float64], off: NDArray[np.float64]) -> None:
    """Let each key of a part sound once at a time, the last of overlapping notes the longest (in place)."""
    order = np.lexsort((off, on, notes["pitch"], notes["part"]))
    same = np.diff(notes["pitch"][order].astype(int)) | np.diff(notes["part"][order].astype(int))
    for before, after, other_key in zip(order[:-1].tolist(), order[1:].tolist(), same.tolist(), strict=True):
        if not other_key and off[before] > on[after]:
            off[after] = max(off[after], off[before])
            off[before] = on[after]


# How loud


def _velocities(score: Score) -> NDArray[np.int64]:
    """Velocity of each note, 1-127: the source's own, else by dynamics, accents and the place in the bar."""
    notes = score.notes
    shaped = _levels(score) + _metrical_weights(score) + _by_mark(score, _ACCENTS, 0.0)
    return np.clip(np.where(notes["velocity"] > 0, notes["velocity"], np.rint(shaped)), 1, 127).astype(np.int64)


def _levels(score: Score) -> NDArray[np.float64]:
    """The dynamic in force at each note, with the stress of an sf on the notes at its place."""
    notes = score.notes
    levels = np.full(len(notes), float(DEFAULT_VELOCITY))
    dynamics = [d for d in score.directions if d.kind == "dynamics"]
    for part in {d.part for d in dynamics}:
        own = notes["part"] == part
        for direction in (d for d in dynamics if d.part == part):
            if direction.text in _LEVELS:
                levels[own & (notes["onset_tick"] >= direction.onset_tick)] = _LEVELS[direction.text]
        for direction in (d for d in dynamics if d.part == part and d.text in _STRESSES):
            levels[own & (notes["onset_tick"] == direction.onset_tick)] += _STRESS
    return levels


def _metrical_weights(score: Score) -> NDArray[np.int64]:
    """A little more on the first beat, a little less between the beats; nothing where there are no bars."""
    onset = score.notes["onset_tick"]
    weights = np.zeros(len(onset), np.int64)
    if not len(score.measures):
        return weights
    bar = score.measure_at(onset)
    place = onset - score.measures["onset_tick"][bar]
    for index, row in enumerate(score.meters):
        meter = Meter(int(row["beats"]), int(row["beat_type"]))
        beat, full = (
            meter.beat_quarter * score.ticks_per_quarter,
            meter.duration_quarter * score.ticks_per_quarter,
        )
        here = (onset >= row["onset_tick"]) | (index == 0)
        from_bar = np.where(
            (bar == 0) & score.has_pickup, place + int(full) - int(score.measures["duration_tick"][0]), place
        )
        on_beat = from_bar * beat.denominator % beat.numerator == 0
        weights[here] = np.where(from_bar == 0, _DOWNBEAT, np.where(on_beat, _BEAT, _OFFBEAT))[here]
    return weights


def _by_mark(score: Score, values: dict[str, float] | dict[str, int], default: float) -> NDArray[np.float64]:
    """For each note the value of the mark it bears."""
    by_id = {mark.note_id: values[mark.kind] for mark in score.marks if mark.kind in values}
    if not by_id:
        return np.full(len(score.notes), default)
    return np.array([by_id.get(note_id, default) for note_id in score.notes["note_id"].tolist()], float)
