"""Where the numbers of `partimento.generation.verbs.harmony_weights` come from.

    PARTIMENTO_DATA=FOLDER python benchmarks/verbs/fit_harmony.py > src/partimento/generation/verbs/harmony_weights.py

Counted on every second of Bach's four-part chorales (even places; `bench.py harmonise` measures the others): which
chord comes on a beat, which follows which, which tones of a melody stand over which chord, and where chords change.
Chords are those that `analysis.chords` hears, beat by beat, as degrees of the chorale's key.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from partimento.analysis.chord_weights import KINDS
from partimento.analysis.chords import chord_path
from partimento.analysis.heard import beats_of, heard
from partimento.io import load_score
from partimento.score import Score

FOLDER = "B_bach-chorales-music21"
MODES = ("major", "minor")
TOLD = ("major", "minor", "dominant", "minor-seventh", "diminished", "half-diminished", "diminished-seventh")
PLAIN = {"major-seventh": "major", "major-sixth": "major", "suspended-fourth": "major", "suspended-second": "major",
         "augmented": "major"}  # fmt: skip
COVERED, FEWEST = 0.993, 3
"""Share of the beats whose chords get a place of their own, and how often the rarest of them come at least."""
Row = tuple[int, str, int, int, bool]
"""Of a beat: degree and kind of the chord, degree of the melody (−1: it rests), place in the bar, end of a phrase."""
HEAD = '''"""How chords follow one another under a melody: what `benchmarks/verbs/fit_harmony.py` has counted.

Every second of Bach's four-part chorales; log probabilities in tenths. Degrees are semitones above the tonic.
"""

# fmt: off
# ruff: noqa: E501

from typing import NamedTuple


class Habits(NamedTuple):
    """What a mode does."""

    chords: tuple[tuple[int, str], ...]
    first: tuple[int, ...]
    last: tuple[int, ...]
    at_end: tuple[int, ...]
    beat: tuple[int, ...]
    then: tuple[tuple[int, ...], ...]


HABITS = {'''
BETWEEN = '''}
"""Chords as (degree, kind); of each how often it is the first, the last, at the end of a phrase, on any
beat; and after each chord, if it changes, the next."""

UNDER = {'''


def chorales() -> list[Path]:
    """All files, in order."""
    return sorted(Path(os.environ["PARTIMENTO_DATA"], FOLDER).glob("*.mxl"))


def soprano(score: Score) -> np.ndarray:
    """The notes of the first part, ties as one."""
    notes = score.sounding().notes
    return notes[(notes["part"] == 0) & (notes["grace"] == 0)]


def rows_of(score: Score) -> tuple[str, list[Row]]:
    """Mode and beats."""
    (mode, tonic), beats = home(score), beats_of(score)
    path = chord_path(heard(score).pitched, beats, "beat")
    melody, quarter = soprano(score), score.ticks_per_quarter
    fermatas = {mark.note_id for mark in score.marks if mark.kind.startswith("fermata")}
    rows = list[Row]()
    for beat, chord in enumerate(path.tolist()):
        inside = np.flatnonzero(
            (melody["onset_tick"] < beats.edges[beat + 1] * quarter - 1e-6)
            & (melody["onset_tick"] + melody["duration_tick"] > beats.edges[beat] * quarter + 1e-6)
        )
        if chord < 0:
            continue
        kind, root = divmod(chord, 12)
        note = melody[inside[0]] if len(inside) else None
        tone = -1 if note is None else (int(note["pitch"]) - tonic) % 12
        is_end = note is not None and int(note["note_id"]) in fermatas
        name = str(PLAIN.get(KINDS[kind], KINDS[kind]))
        rows.append(((root - tonic) % 12, name, tone, int(beats.place[beat]), is_end))
    return mode, rows


def home(score: Score) -> tuple[str, int]:
    """Mode and tonic, a pitch class: the last note of the bass, and the third above it in the signature."""
    bass = score.notes[score.notes["part"] == score.notes["part"].max()]
    tonic = int(bass["pitch"][-1]) % 12
    signature = score.key_at(0)
    scale = signature.pitch_classes if signature else frozenset[int]()
    return ("minor" if (tonic + 3) % 12 in scale and (tonic + 4) % 12 not in scale else "major"), tonic


def logs(counts: np.ndarray, smooth: float) -> np.ndarray:
    """Log probabilities along the last axis, in tenths, as whole numbers."""
    shares = counts + smooth
    return np.rint(10 * np.log(shares / shares.sum(axis=-1, keepdims=True))).astype(int)


class Counts:
    """What happens in the pieces of one mode."""

    def __init__(self, pieces: list[list[Row]]) -> None:
        count = Counter((degree, kind) for rows in pieces for degree, kind, *_ in rows)
        self.beats = sum(count.values())
        self.chords = list[tuple[int, str]]()
        for chord, number in count.most_common():
            if sum(count[c] for c in self.chords) < COVERED * self.beats and number > FEWEST and chord[1] in TOLD:
                self.chords.append(chord)
        size = len(self.chords)
        self.first, self.last, self.ends, self.beat = (np.zeros(size) for _ in range(4))
        self.then = np.zeros((size, size))
        for rows in pieces:
            self._take(rows)

    def _take(self, rows: list[Row]) -> None:
        states = [self.chords.index(row[:2]) if row[:2] in self.chords else -1 for row in rows]
        for place, (state, row) in enumerate(zip(states, rows, strict=True)):
            if state >= 0:
                self.beat[state] += 1
                self.first[state] += place == 0
                self.last[state] += place == len(rows) - 1
                self.ends[state] += row[4]
                if place and states[place - 1] >= 0 and states[place - 1] != state:
                    self.then[states[place - 1], state] += 1


def under_and_changes(pieces: list[list[Row]]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Tones of the melody above each kind's root, and how often chords stay and change by the place in the bar."""
    under, changes = {kind: np.zeros(12) for kind in TOLD}, np.zeros((3, 2))
    for rows in pieces:
        for place, (degree, kind, tone, where, _) in enumerate(rows):
            if kind in under and tone >= 0:
                under[kind][(tone - degree) % 12] += 1
            if place:
                strength = 0 if where == 0 else 1 if where % 2 == 0 else 2
                changes[strength, int(rows[place - 1][:2] != (degree, kind))] += 1
    return under, changes


def habits(mode: str, counts: Counts) -> Iterator[str]:
    """The lines that say what a mode does."""
    yield f'    "{mode}": Habits('
    yield f"        {tuple(counts.chords)},"
    for table in (counts.first, counts.last, counts.ends, counts.beat):
        yield f"        {tuple(logs(table, 0.2).tolist())},"
    yield "        ("
    yield from (f"            {tuple(row)}," for row in logs(counts.then, 0.3).tolist())
    yield "        ),\n    ),"


def main() -> None:
    """Count, and print the module."""
    pieces: dict[str, list[list[Row]]] = {mode: [] for mode in MODES}
    for path in chorales()[::2]:
        score = load_score(path)
        if len(score.parts) == 4 and len(score.measures):
            mode, rows = rows_of(score)
            pieces[mode].append(rows)
    print(HEAD)
    for mode in MODES:
        counts = Counts(pieces[mode])
        print(*habits(mode, counts), sep="\n")
        said = f"{mode}: {len(pieces[mode])} chorales, {counts.beats} beats, {len(counts.chords)} chords"
        print(said, file=sys.stderr)
    print(BETWEEN)
    under, changes = under_and_changes([rows for mode in MODES for rows in pieces[mode]])
    print(*(f'    "{kind}": {tuple(logs(table, 0.5).tolist())},' for kind, table in under.items()), sep="\n")
    print('}\n"""How often a melody stands on each tone above the root."""\n')
    print(f"CHANGES = {tuple(map(tuple, logs(changes, 1).tolist()))}")
    print('"""Whether a chord stays, or changes: with the barline, on every second beat, elsewhere."""')


if __name__ == "__main__":
    main()
