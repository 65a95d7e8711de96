"""Voices on a staff: what sounds together with another rhythm goes to another voice.

Chords are dealt out to voices at the least cost, as in Cambouropoulos 2008, "Voice and stream" (chords belong to one
stream), and in the cost model of Temperley 2001, "The cognition of basic musical structures", ch. 4: voices move by
small steps, do not cross, do not rest without need, and are few. The cheapest way through each stretch of overlapping
chords is found by beam search.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from partimento.notation.ties import cut
from partimento.score import Records

MAX_VOICES = 4
"""Voices on one staff; those of the second staff count on from 5."""

_BEAM = 24
_STEP_COST, _REST_COST, _CROSSING_COST, _ENTRY_COST, _LOWER_COST = 0.11, 0.3, 3.6, 3.4, 0.55
_OVERLAP_COST = 100.0
_LONGEST_REST_QUARTER = 2.0


@dataclass(slots=True)
class _Chord:
    """Notes of equal onset and release."""

    onset: int
    release: int
    pitch: float
    """Mean."""
    notes: list[int]
    """Indices."""


@dataclass(frozen=True, slots=True)
class _Line:
    """Where a voice stands."""

    release: int
    pitch: float


_Lines = tuple[_Line | None, ...]
"""The voices of a staff, None for those that have not played for a while."""


@dataclass(frozen=True, slots=True)
class _Way:
    """Chords dealt out so far."""

    cost: float
    lines: _Lines
    voices: tuple[int, ...]
    """Voice of each chord, from 0."""


def separated(notes: Records, ticks_per_quarter: int) -> Records:
    """The notes of a part with a voice each: 1-4 on the first staff from the top, 5-8 on the second.

    Chords stay together, lines go on in their voice. Where more than four would be needed, the notes of one
    are cut into tied chords, so that nothing is lost.
    """
    notes, cuts = notes.copy(), dict[int, list[int]]()
    for staff in np.unique(notes["staff"]).tolist():
        at = np.flatnonzero((notes["staff"] == staff) & (notes["grace"] == 0))
        first = MAX_VOICES * (staff - 1) + 1
        lines: _Lines = (None,) * MAX_VOICES
        for stretch in _stretches(_chords(notes, at)):
            voices, lines = _dealt(stretch, lines, ticks_per_quarter)
            for chord, voice in zip(stretch, voices, strict=True):
                notes["voice"][chord.notes] = first + voice
            cuts |= _cuts(stretch, voices)
        _join_graces(notes, staff)
    return cut(notes, cuts)


def _chords(notes: Records, at: NDArray[np.int64]) -> list[_Chord]:
    groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    releases = (notes["onset_tick"] + notes["duration_tick"])[at].tolist()
    for index, onset, release in zip(at.tolist(), notes["onset_tick"][at].tolist(), releases, strict=True):
        groups[onset, release].append(index)
    chords = [_Chord(*key, float(notes["pitch"][members].mean()), members) for key, members in groups.items()]
    return sorted(chords, key=lambda chord: (chord.onset, -chord.pitch))


def _stretches(chords: list[_Chord]) -> Iterator[list[_Chord]]:
    """Runs of chords, cut wherever none sounds on."""
    stretch: list[_Chord] = []
    release = 0
    for chord in chords:
        if stretch and chord.onset >= release:
            yield stretch
            stretch = []
        stretch.append(chord)
        release = max(release, chord.release)
    if stretch:
        yield stretch


def _dealt(stretch: list[_Chord], lines: _Lines, quarter: int) -> tuple[tuple[int, ...], _Lines]:
    """The voice of each chord, and where the voices stand afterwards; a chord alone is the first voice's."""
    if len(stretch) == 1:
        alone = _Line(stretch[0].release, stretch[0].pitch)
        return (0,), (alone, *(None,) * (MAX_VOICES - 1))
    ways = [_Way(0.0, lines, ())]
    for chord in stretch:
        going_on = [_extended(way, chord, voice, quarter) for way in ways for voice in _usable(way)]
        ways = sorted(going_on, key=lambda way: way.cost)[:_BEAM]
    return ways[0].voices, ways[0].lines


def _usable(way: _Way) -> range:
    """Voices that are in use, and the next two: what begins below may get company above."""
    used = max((i + 1 for i, line in enumerate(way.lines) if line is not None), default=0)
    return range(min(used + 2, MAX_VOICES))


def _extended(way: _Way, chord: _Chord, voice: int, quarter: int) -> _Way:
    line = way.lines[voice]
    cost = way.cost + _LOWER_COST * voice * (voice > 0)
    if line is None:
        cost += _ENTRY_COST if voice else 0.0
    else:
        overlap = max(line.release - chord.onset, 0) / quarter
        rest = min(max(chord.onset - line.release, 0) / quarter, _LONGEST_REST_QUARTER)
        cost += _STEP_COST * abs(chord.pitch - line.pitch) + _REST_COST * rest + _OVERLAP_COST * (overlap > 0)
    cost += _CROSSING_COST * _crossings(way.lines, chord, voice)
    lines = (*way.lines[:voice], _Line(chord.release, chord.pitch), *way.lines[voice + 1 :])
    return _Way(cost, lines, (*way.voices, voice))


def _crossings(lines: _Lines, chord: _Chord, voice: int) -> int:
    """Voices that sound at the wrong side of a chord."""
    return sum(
        (other.pitch < chord.pitch) if index < voice else (other.pitch > chord.pitch)
        for index, other in enumerate(lines)
        if index != voice and other is not None and other.release > chord.onset
    )


def _cuts(stretch: list[_Chord], voices: tuple[int, ...]) -> dict[int, list[int]]:
    """Where notes must be cut so that nothing overlaps in a voice."""
    cuts: dict[int, list[int]] = {}
    for voice in set(voices):
        chords = [chord for chord, v in zip(stretch, voices, strict=True) if v == voice]
        if all(a.release <= b.onset for a, b in pairwise(chords)):
            continue
        edges = sorted({tick for chord in chords for tick in (chord.onset, chord.release)})
        for chord in chords:
            if inner := [edge for edge in edges if chord.onset < edge < chord.release]:
                cuts |= dict.fromkeys(chord.notes, inner)
    return cuts


def _join_graces(notes: Records, staff: int) -> None:
    """Grace notes join the voice that strikes with them, nearest in pitch, or the first."""
    on_staff = notes["staff"] == staff
    for index in np.flatnonzero(on_staff & (notes["grace"] > 0)):
        main = np.flatnonzero(on_staff & (notes["grace"] == 0) & (notes["onset_tick"] == notes["onset_tick"][index]))
        distance = np.abs(notes["pitch"][main].astype(np.int64) - notes["pitch"][index])
        first = MAX_VOICES * (staff - 1) + 1
        notes["voice"][index] = notes["voice"][main[distance.argmin()]] if len(main) else first
