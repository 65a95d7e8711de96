"""What is given and what is to be written, when bars of some parts of a piece are to be filled in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from partimento.errors import InfeasibleTask
from partimento.plan import Infill
from partimento.representations.gridded.quantise import steps
from partimento.representations.gridded.vocabulary import KEYS, MAX_COUNTDOWN, METERS
from partimento.representations.infilling import chosen_parts, span
from partimento.representations.remi.pitches import chord_mask, class_mask
from partimento.representations.remi.state import Measure
from partimento.representations.remi.vocabulary import Vocabulary, chord_index
from partimento.score import Records, Score
from partimento.score.excerpts import played_programs
from partimento.theory.chord import ChordSymbol
from partimento.theory.pitch import pitch_class


@dataclass(frozen=True, slots=True)
class Gap:
    """Measures of some parts of a quantised piece that are to be filled in."""

    bars: range
    """The measures, from 0."""
    parts: tuple[int, ...]
    """The parts."""
    given: Score
    """The piece without their notes."""
    written: Score
    """These parts alone, with the notes that begin in these measures."""

    @property
    def programs(self) -> tuple[int, ...]:
        """What the parts play (128: drums)."""
        return tuple(part.instrument for part in self.written.parts)

    def measures(self, vocabulary: Vocabulary) -> tuple[Measure, ...]:
        """The measures, with what holds in each."""
        return tuple(_measure(self.given, bar, vocabulary) for bar in self.bars)

    def rests(self) -> tuple[int, ...]:
        """For how many measures each part has struck no note when the first one begins."""
        struck = [self.given.measure_at(notes["onset_tick"]).max(initial=-1) for notes in self._before()]
        return tuple(self.bars.start - 1 - int(measure) for measure in struck)

    def held(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """(pitch, release) of the notes that ring into the first measure in each part, in ticks from its barline."""
        start = self._start
        ringing = [notes[notes["onset_tick"] + notes["duration_tick"] > start] for notes in self._before()]
        return tuple(
            tuple(zip(n["pitch"].tolist(), (n["onset_tick"] + n["duration_tick"] - start).tolist(), strict=True))
            for n in ringing
        )

    @property
    def _start(self) -> int:
        return int(self.given.measures["onset_tick"][self.bars.start])

    def _before(self) -> list[Records]:
        """What each part plays before the first measure."""
        notes = self.given.notes[self.given.notes["onset_tick"] < self._start]
        return [notes[notes["part"] == part] for part in self.parts]


def _measure(score: Score, bar: int, vocabulary: Vocabulary) -> Measure:
    onset, duration = score.measures[bar].tolist()
    key = score.key_at(onset)
    left = min(len(score.measures) - 1 - bar, MAX_COUNTDOWN - 1)
    chords = [
        (-1 if c.onset_tick < onset else (c.onset_tick - onset) // vocabulary.unit, _tones(c.symbol))
        for c in score.chords
        if c.onset_tick < onset + duration
    ]
    running = [chord for chord in chords if chord[0] < 0]
    return Measure(
        vocabulary.first["Bar"] + left,
        duration // vocabulary.unit,
        METERS.index(score.meter_at(onset)),
        KEYS.index(key),
        (*running[-1:], *chords[len(running) :]),
    )


def _tones(symbol: ChordSymbol | None) -> int:
    """Mask of a chord's tones, its bass included."""
    bass = () if symbol is None or symbol.bass is None else (pitch_class(symbol.bass),)
    return chord_mask(chord_index(symbol)) | class_mask(frozenset(bass))


def gap(score: Score, quantised: Score, unit: int, task: Infill) -> Gap:
    """What a task leaves open in a piece, and in what `quantise` made of it.

    Raises:
        NeedsBeats: the piece has no bars.
        BadPlan: it has not these bars or parts.
        InfeasibleTask: the bars are too short to be said.
    """
    begin, end = (unit * steps(np.array(span(score, task)), score.ticks_per_quarter)).tolist()
    onsets = quantised.measures["onset_tick"]
    bars = range(*np.searchsorted(onsets, (begin, end)).tolist())
    if not bars:
        raise InfeasibleTask(f"bars {task.first + 1} to {task.last} are shorter than a step of the grid")
    origins = np.array([part for part, _ in played_programs(score.sounding())])
    parts = tuple(np.flatnonzero(np.isin(origins, chosen_parts(score, task))).tolist())
    notes = quantised.notes
    inside = np.isin(notes["part"], parts) & (notes["onset_tick"] >= begin) & (notes["onset_tick"] < end)
    written = notes[inside].copy()
    written["part"] = np.searchsorted(parts, written["part"])
    players = tuple(quantised.parts[part] for part in parts)
    return Gap(bars, parts, replace(quantised, notes=notes[~inside]), replace(quantised, parts=players, notes=written))
