"""Voices on a staff: what sounds together with another rhythm goes to another voice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partimento.notation.ties import cut
from partimento.score import Records

MAX_VOICES = 4
"""Voices on one staff; those of the second staff count on from 5."""


@dataclass(slots=True)
class _Chord:
    """Notes of equal onset and release."""

    onset: int
    release: int
    pitch: float
    """Mean."""
    notes: list[int]
    """Indices."""


@dataclass(slots=True)
class _Line:
    """A voice within a stretch of overlapping chords."""

    chords: list[_Chord]

    @property
    def release(self) -> int:
        return max(chord.release for chord in self.chords)

    @property
    def pitch(self) -> float:
        return self.chords[-1].pitch

    @property
    def mean_pitch(self) -> float:
        return sum(chord.pitch for chord in self.chords) / len(self.chords)


def separated(notes: Records) -> Records:
    """The notes of a part with a voice each: 1-4 on the first staff from the top, 5-8 on the second.

    Chords stay together, lines go on in their voice. Where more than four would be needed, the notes of one
    are cut into tied chords, so that nothing is lost.
    """
    notes, cuts = notes.copy(), dict[int, list[int]]()
    for staff in np.unique(notes["staff"]).tolist():
        at = np.flatnonzero((notes["staff"] == staff) & (notes["grace"] == 0))
        for stretch in _stretches(_chords(notes, at)):
            lines = sorted(_lines(stretch), key=lambda line: -line.mean_pitch)
            for voice, line in enumerate(lines, start=MAX_VOICES * (staff - 1) + 1):
                notes["voice"][[index for chord in line.chords for index in chord.notes]] = voice
                cuts |= _cuts(line)
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


def _lines(stretch: list[_Chord]) -> list[_Line]:
    """Chords dealt out to lines: each goes on where the nearest pitch has ended."""
    lines: list[_Line] = []
    for chord in stretch:
        free = [line for line in lines if line.release <= chord.onset]
        if not free and len(lines) < MAX_VOICES:
            lines.append(_Line([chord]))
        else:
            nearest = min(free or lines, key=lambda line: abs(line.pitch - chord.pitch))
            nearest.chords.append(chord)
    return lines


def _cuts(line: _Line) -> dict[int, list[int]]:
    """Where the notes of a line must be cut so that nothing in it overlaps."""
    if all(a.release <= b.onset for a, b in zip(line.chords, line.chords[1:], strict=False)):
        return {}
    edges = sorted({tick for chord in line.chords for tick in (chord.onset, chord.release)})
    cuts: dict[int, list[int]] = {}
    for chord in line.chords:
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
