"""What changes in the attributes of a part: keys, meters, clefs, transpositions, in layout ticks."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from partimento.io.musicxml.prepare import Prepared, written_fifths
from partimento.score import Direction
from partimento.theory.interval import Interval
from partimento.theory.key import Key
from partimento.theory.meter import Meter

_GUITARS, _BASSES, _VIOLA = range(24, 32), range(32, 40), 41
_LOW_PITCH = 57
"""Staves whose middle written pitch lies lower get a bass clef."""

Clef = tuple[int, str, int, int]
"""Staff, sign, line, octave change."""


class StaffSigns:
    """Signs of the part `index` of a prepared score."""

    def __init__(self, prepared: Prepared, index: int) -> None:
        self.prepared, self.index = prepared, index
        self.score, self.part, self.scale = prepared.score, prepared.score.parts[index], prepared.scale
        self.transpositions: list[tuple[int, Interval]] = [(0, self.part.transpose)]
        self.transpositions += [
            (c.onset_tick * self.scale, c.interval) for c in self.score.transpositions if c.part == index
        ]
        self.keys = self._written_keys()
        self.clefs = self._clefs()
        signs = {d.onset_tick: d.text for d in self.score.directions if d.kind == "meter-sign"}
        self.meters = [
            (int(t) * self.scale, Meter(int(b), int(k)), signs.get(int(t), ""))
            for t, b, k in self.score.meters.tolist()
        ]
        self.staff_lines: list[tuple[int, Direction]] = [
            (d.onset_tick * self.scale, d) for d in self.score.directions if d.kind == "staff-lines" and d.part == index
        ]

    def transpose_at(self, tick: int) -> Interval:
        """From written to sounding pitch, at a layout tick."""
        return self.transpositions[bisect_right(self.transpositions, tick, key=lambda change: change[0]) - 1][1]

    def respelled(self, tick: int, spelling: int) -> int:
        """How a note laid out at a layout tick sounds by the written key: both may be respelled enharmonically."""
        transpose = self.transpose_at(tick)
        row = bisect_right(self.keys, tick, key=lambda key: key[0]) - 1
        written = self.keys[row][1] if row >= 0 else 0
        return spelling + Key(written).transposed(transpose).fifths - written - transpose.fifths

    def fifths_at(self, tick: int) -> int:
        """The written key signature in force at a layout tick."""
        row = bisect_right(self.keys, tick, key=lambda key: key[0]) - 1
        return self.keys[max(row, 0)][1] if self.keys else 0

    def _written_keys(self) -> list[tuple[int, int, int]]:
        """(layout tick, written fifths, mode id) of each key change; a new transposition restates the key."""
        if self.part.is_drums:
            return []
        rows = {t: (f, m) for t, p, f, m in self.score.keys.tolist() if p in (-1, self.index)}
        for tick in [tick // self.scale for tick, _ in self.transpositions[1:]]:
            earlier = max((t for t in rows if t <= tick), default=None)
            if earlier is not None:
                rows.setdefault(tick, rows[earlier])
        return [
            (t * self.scale, written_fifths(f, self.transpose_at(t * self.scale).fifths), m)
            for t, (f, m) in sorted(rows.items())
        ]

    def _clefs(self) -> list[tuple[int, Clef]]:
        rows = self.score.clefs[self.score.clefs["part"] == self.index].tolist()
        found = [(t * self.scale, (s, g, n, o)) for t, _, s, g, n, o in rows if 1 <= s <= self.part.staves]
        first = {clef[0] for tick, clef in found if tick == 0}
        return [(0, self._default_clef(s)) for s in range(1, self.part.staves + 1) if s not in first] + found

    def _default_clef(self, staff: int) -> Clef:
        notes = self.prepared.notes[self.index]
        pitches = notes["pitch"][notes["staff"] == staff] - self.part.transpose.semitones
        program = self.part.program
        if self.part.is_drums:
            return staff, "percussion", 3, 0
        if self.part.staves > 1:
            middle = float(np.median(pitches)) if len(pitches) else 0.0
            is_low = middle < _LOW_PITCH if len(pitches) else staff > 1
            return (staff, "F", 4, 0) if is_low else (staff, "G", 2, 0)
        if program in _GUITARS and not self.part.transpose:
            return staff, "G", 2, -1
        if program in _BASSES and not self.part.transpose:
            return staff, "F", 4, -1
        if program == _VIOLA:
            return staff, "C", 3, 0
        return (staff, "F", 4, 0) if len(pitches) and np.median(pitches) < _LOW_PITCH else (staff, "G", 2, 0)
