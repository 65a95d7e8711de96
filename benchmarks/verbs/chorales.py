"""What four-part writing is measured by, the same for Bach and for `harmonise`.

Looked at are the beats of a chorale, and the four notes that sound when a beat begins.

- four parts: beats on which four voices sound and make a triad or a chord of the seventh (three tones of one at least).
- ranges: notes of alto, tenor and bass within the usual ranges of these voices.
- crossings: beats on which a voice lies above its upper neighbour.
- parallels: pairs of voices that go from a fifth to a fifth, or from an octave (or unison) to one, both moving, for 100
  changes of chord between neighbouring beats; beats behind a fermata count, as in the source.
- roots: beats whose chord, as `analysis.chords` hears it, has Bach's root.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np

from partimento.analysis.chords import chord_path
from partimento.analysis.heard import beats_of, heard
from partimento.generation.verbs.voicing import ALTO, BASS, TENOR
from partimento.score import Score
from partimento.theory.chord import KINDS

CHORDS = {
    frozenset((root + tone) % 12 for tone in KINDS[kind][0])
    for root in range(12)
    for kind in ("major", "minor", "dominant", "major-seventh", "minor-seventh", "diminished", "half-diminished",
                 "diminished-seventh", "augmented")
}  # fmt: skip


def soprano_alone(score: Score) -> Score:
    """The first part of a score, as somebody would give it: notes, bars, keys, signs."""
    own = score.with_notes(score.notes[score.notes["part"] == 0])
    return replace(
        own, parts=score.parts[:1], keys=score.keys[score.keys["part"] <= 0],
        clefs=score.clefs[score.clefs["part"] == 0],
        controls=score.controls[score.controls["part"] == 0], bends=score.bends[score.bends["part"] == 0],
        directions=tuple(d for d in score.directions if d.part == 0), groups=(), programs=(), transpositions=(),
        tuplets=tuple(t for t in score.tuplets if t.part == 0), chords=(),
        messages=tuple(m for m in score.messages if m.part <= 0),
    )  # fmt: skip


def verticals(score: Score) -> np.ndarray:
    """Pitch of each of four voices at each beat, −1 where it rests, shape (beats, 4)."""
    beats, sounding = beats_of(score), score.sounding()
    ticks = np.rint(beats.edges[:-1] * score.ticks_per_quarter).astype(np.int64)
    found = np.full((len(ticks), 4), -1)
    for part in range(4):
        notes = sounding.notes[(sounding.notes["part"] == part) & (sounding.notes["grace"] == 0)]
        if not len(notes):
            continue
        at = np.searchsorted(notes["onset_tick"], ticks, "right") - 1
        note = notes[np.maximum(at, 0)]
        is_on = (at >= 0) & (note["onset_tick"] + note["duration_tick"] > ticks)
        found[is_on, part] = note["pitch"][is_on]
    return found


def measured(score: Score) -> dict[str, tuple[float, float]]:
    """(Count, of how many) of each measure."""
    rows = verticals(score)
    sung = rows[rows[:, 0] >= 0]
    full = sung[(sung >= 0).all(axis=1)]
    whole = sum(_is_chord(row) for row in full)
    lower = score.notes[np.isin(score.notes["part"], (1, 2, 3)) & (score.notes["grace"] == 0)]
    spans = np.array([(0, 127), ALTO, TENOR, BASS])[lower["part"]]
    inside = ((lower["pitch"] >= spans[:, 0]) & (lower["pitch"] <= spans[:, 1])).sum()
    crossed = ((full[:, :-1] - full[:, 1:]) < 0).any(axis=1).sum()
    parallels, changes = _parallels(full)
    return {
        "four_parts": (whole, len(sung)), "in_range": (int(inside), len(lower)), "crossings": (int(crossed), len(full)),
        "parallels_per_100": (100 * parallels, changes),
    }  # fmt: skip


def _is_chord(row: np.ndarray) -> bool:
    tones = frozenset((row % 12).tolist())
    return len(tones) >= 3 and any(tones <= chord for chord in CHORDS)


def _parallels(rows: np.ndarray) -> tuple[int, int]:
    """Parallel fifths and octaves, and changes of chord."""
    count = changes = 0
    for before, after in pairwise(rows):
        changes += set((before % 12).tolist()) != set((after % 12).tolist())
        for high, low in combinations(range(4), 2):
            is_moving = before[high] != after[high] and before[low] != after[low]
            old, new = (before[high] - before[low]) % 12, (after[high] - after[low]) % 12
            count += is_moving and old == new and new in (0, 7)
    return count, changes


def same_roots(score: Score, other: Score) -> tuple[float, float]:
    """Beats with the same root, and beats."""
    paths = [chord_path(heard(s).pitched, beats_of(s), "beat") for s in (score, other)]
    length = min(map(len, paths))
    one, two = (path[:length] % 12 for path in paths)
    return float((one == two).sum()), float(length)
