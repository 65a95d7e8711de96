"""How a score is played: from notation to what is heard, and from there to events for a synthesiser.

Where the source says how it was played (velocities, pedal, bends, pan), that is kept. Where it says nothing, its
signs do, each by a published practice that the module of its name cites: `dynamics`, `tempi`, `timing`,
`ornaments`, `techniques`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from partimento.rendering.dynamics import velocities
from partimento.rendering.marks import marks_of
from partimento.rendering.ornaments import realise
from partimento.rendering.techniques import with_techniques
from partimento.rendering.tempi import with_tempi
from partimento.rendering.timing import articulate, place_graces, roll_arpeggios, swing_eighths
from partimento.score import Records, Score
from partimento.score.controllers import PEDAL, SOSTENUTO, held_by_pedals, sharing_channel

DEFAULT_VOLUME = 100
RESOLUTION = 960
"""Ticks per quarter that a performance has at least, so that the notes of a trill find their places."""
_REALISED = frozenset(("dynamics", "crescendo", "diminuendo", "wedge-stop", "words", "tempo", "pedal", "fermata",
                       "barline-fermata", "octave-shift", "dashes", "bracket"))  # fmt: skip
_VOLUME, _PAN = 7, 10
_STROKE_SECOND = 0.02  # how long notes without a length, as some files have drums, are held
_NOT_SENT = {0, 32, PEDAL, SOSTENUTO} | set(range(120, 128))  # banks, pedals (played here), channel modes
_PARAMETER_FIRST = {101: 0, 100: 1, 99: 0, 98: 1}  # a parameter is chosen before its value (CC 6) comes


def performed(score: Score, *, swing: bool | None = None, as_written: bool = False) -> Score:
    """A score as it is heard, so that every format and instrument that plays notes one by one plays it.

    Repeats are unfolded, ties merged, cue notes silent, grace notes and ornaments have their own times and pitches,
    articulations their lengths; dynamics and accents are velocities, tempo words and fermatas are in the tempo
    map, pedal signs are controller 64, pizzicato is a program. What is realised is no longer there as a sign. An
    explicit performance, such as a MIDI file, comes back as it is.

    Args:
        score: with or without bars.
        swing: True and False swing all eighths or none; None asks the words and tags of the score.
        as_written: only merge ties, give grace notes time and dynamics velocities; no repeat, no ornament.

    Returns:
        A score whose notes all have a velocity and a length and no tie. `note_id % stride`, where `stride` is one
        more than the greatest id of `score`, is the id of the written note.
    """
    if is_performance(score) and not swing:
        return score
    stride = int(score.notes["note_id"].max(initial=-1)) + 1
    fine = score.with_resolution(score.ticks_per_quarter * -(-RESOLUTION // score.ticks_per_quarter))
    loud = replace(fine, notes=_with_column(fine.notes, "velocity", velocities(fine)))
    merged = (loud if as_written else with_tempi(with_techniques(loud)).unfolded()).sounding()
    notes = _plain_notes(merged) if as_written else _played_notes(merged, max(stride, 1), swing)
    directions = tuple(d for d in merged.directions if d.kind not in _REALISED)
    ids = set(notes["note_id"].tolist())
    lyrics = tuple(lyric for lyric in merged.lyrics if lyric.note_id in ids)
    return replace(
        merged, notes=notes, directions=directions, lyrics=lyrics, repeats=(), marks=(), spanners=(), tuplets=()
    )


def is_performance(score: Score) -> bool:
    """Whether nothing is left to a player: all notes have velocities, and there are no signs of notation."""
    notes = score.notes
    is_open = (notes["velocity"] == 0) | (notes["grace"] > 0) | notes["tied"] | notes["cue"]
    return not (is_open.any() or score.marks or score.spanners or score.repeats or _signs(score))


def _signs(score: Score) -> bool:
    return any(d.kind in _REALISED - {"words", "tempo"} for d in score.directions)


def _played_notes(score: Score, stride: int, swing: bool | None) -> Records:
    marks, notes = marks_of(score), score.notes.copy()
    swing_eighths(score, notes, swing)
    articulate(notes, marks)
    place_graces(score, notes, marks)
    roll_arpeggios(score, notes, marks)
    return realise(score, notes, marks, stride)


def _plain_notes(score: Score) -> Records:
    notes = score.notes.copy()
    place_graces(score, notes, marks_of(score))
    return notes


def _with_column(notes: Records, name: str, values: NDArray[np.int64]) -> Records:
    changed = notes.copy()
    changed[name] = values
    return changed


# Events


class Event(NamedTuple):
    """One message to one channel; events sort in the order in which they are to be sent."""

    second: float
    order: int
    channel: int
    """Index of the part."""
    kind: str
    """control, program, bend, off or on."""
    number: int
    """Controller, program or pitch."""
    value: int
    """Controller value, bend (−8192 … 8191) or velocity."""


def perform(score: Score) -> list[Event]:
    """Everything a synthesiser is to be sent to play a score as it is heard, in order."""
    score = performed(score)
    on, off = _note_times(score)
    columns = (score.notes[name].tolist() for name in ("part", "pitch", "velocity"))
    events = _settings(score) + _controls(score)
    for onset, release, part, pitch, velocity in zip(on.tolist(), off.tolist(), *columns, strict=True):
        if release > onset:
            events += [Event(release, 6, part, "off", pitch, 0), Event(onset, 7, part, "on", pitch, velocity)]
    return sorted(events)


def _settings(score: Score) -> list[Event]:
    """Volume and place of each part; players who are given no place sit in a row from left to right."""
    events: list[Event] = []
    for index, part in enumerate(score.parts):
        spread = 40 * (index / (len(score.parts) - 1) - 0.5) if len(score.parts) > 1 and not part.is_drums else 0
        sharing = [part, *(score.parts[other] for other in sharing_channel(score)[index])]
        pan = next((p.pan for p in sharing if p.pan is not None), round(64 + spread))
        volume = next((p.volume for p in sharing if p.volume is not None), DEFAULT_VOLUME)
        events += [
            Event(0.0, 0, index, "control", _VOLUME, volume),
            Event(0.0, 0, index, "control", _PAN, pan),
        ]
    return events


def _controls(score: Score) -> list[Event]:
    sharing = sharing_channel(score)
    events: list[Event] = []
    for second, part, number, value in _timed(score, score.controls, "part", "number", "value"):
        if number not in _NOT_SENT:
            order = 1 + _PARAMETER_FIRST.get(number, 2)
            events += [Event(second, order, other, "control", number, value) for other in sharing[part]]
    for second, part, value in _timed(score, score.bends, "part", "value"):
        events += [Event(second, 5, other, "bend", 0, value) for other in sharing[part]]
    for change in score.programs:
        events.append(Event(float(score.seconds_at(change.onset_tick)), 4, change.part, "program", change.program, 0))
    return events


def _timed(score: Score, records: Records, *columns: str) -> Iterator[Any]:
    """Second and columns of each record."""
    seconds = score.seconds_at(records["onset_tick"]).tolist()
    return zip(seconds, *(records[name].tolist() for name in columns), strict=True)


# When notes sound


def _note_times(score: Score) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Onset and release of each note in seconds; a note struck again while it sounds is released then."""
    notes = score.notes
    on = score.seconds_at(notes["onset_tick"])
    off = score.seconds_at(notes["onset_tick"] + notes["duration_tick"])
    off[notes["duration_tick"] == 0] += _STROKE_SECOND
    off = held_by_pedals(score, on, off)
    _release_before_restrike(notes, on, off)
    return on, off


def _release_before_restrike(notes: Records, on: NDArray[np.float64], off: NDArray[np.float64]) -> None:
    """Let each key of a part sound once at a time, the last of overlapping notes the longest (in place)."""
    order = np.lexsort((off, on, notes["pitch"], notes["part"]))
    same = np.diff(notes["pitch"][order].astype(int)) | np.diff(notes["part"][order].astype(int))
    for before, after, other_key in zip(order[:-1].tolist(), order[1:].tolist(), same.tolist(), strict=True):
        if not other_key and off[before] > on[after]:
            off[after] = max(off[after], off[before])
            off[before] = on[after]
