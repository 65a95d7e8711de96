"""How a piece ends: its last sonority is reached by the middle of the last bar, and held."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from partimento.score import Records, Score
from partimento.theory.instrument import instrument
from partimento.theory.key import MINOR_MODES
from partimento.theory.pitch import UNSPELLED, pitch_class

_THIRDS = (0, 3, 4)
"""Semitones above the root on which a tune may end: the root itself, and both thirds."""


def with_held_end(score: Score) -> Score:
    """The score without an upbeat that nothing follows: what sounds last in each part is held to the last barline.

    A part that strikes its last notes later than in the middle of the last bar strikes them there, or where the last
    chord begins if that is later, in place of what it had from there on; drums just stop. Tones of that chord, or of
    the tonic triad where there are no chord symbols, are preferred to others that sound last, which move to the nearest
    of them where there are none. The lowest note of all and the bass become the root, and the highest, unless it is the
    third. What is struck before the last chord keeps its pitch.
    """
    if not len(score.measures) or not len(score.notes):
        return score
    start, length = score.measures[-1].item()
    beat = round(float(score.meter_at(start).beat_quarter) * score.ticks_per_quarter)
    settled = score.chords[-1].onset_tick if score.chords else 0
    middle = max(start + length // 2 // beat * beat, settled)
    root, tones = _home(score, start)
    parts = [_held(score, part, middle, settled, tones) for part in range(len(score.parts))]
    notes = np.concatenate(parts)
    notes["note_id"] = np.arange(len(notes))
    held = replace(score.with_notes(notes), tuplets=())
    return held if root is None else _on_root(held, root, settled)


def _on_root(score: Score, root: int, settled: int) -> Score:
    """The score whose lowest last note, and that of its bass, is a root, and the highest a root or a third.

    Notes that begin before `settled`, a tick, stay as they are.
    """
    notes, last = score.notes.copy(), _sounding_last(score)
    last = last[notes["onset_tick"][last] >= settled]
    if not len(last):
        return score
    means = {part: notes["pitch"][notes["part"] == part].mean() for part in notes["part"][last].tolist()}
    of_bass = last[notes["part"][last] == min(means, key=means.__getitem__)]
    for some in (of_bass, last):
        lowest = int(some[notes["pitch"][some].argmin()])
        _to_root(score, notes, lowest, root, int(notes["pitch"][some[some != lowest]].min(initial=127)))
    highest = int(last[notes["pitch"][last].argmax()])
    if (notes["pitch"][highest] - root) % 12 not in _THIRDS:
        _to_root(score, notes, highest, root, 127)
    return score.with_notes(notes)


def _sounding_last(score: Score) -> NDArray[np.intp]:
    """Indices of the pitched notes that sound to the end."""
    is_last = score.notes["onset_tick"] + score.notes["duration_tick"] == sum(score.measures[-1].item())
    return np.flatnonzero(is_last & ~np.array([part.is_drums for part in score.parts], bool)[score.notes["part"]])


def _to_root(score: Score, notes: Records, index: int, root: int, most: int) -> None:
    """Move a note to the nearest root that its instrument has up to some pitch, if there is one."""
    spec, pitch = instrument(score.parts[notes["part"][index]].instrument), int(notes["pitch"][index])
    near = range(max(spec.lowest_pitch, pitch - 11), min(spec.highest_pitch, most, pitch + 11) + 1)
    moved = min((p for p in near if p % 12 == root), key=lambda p: abs(p - pitch), default=pitch)
    if moved != pitch:
        notes["pitch"][index], notes["spelling"][index] = moved, UNSPELLED


def _held(score: Score, part: int, middle: int, settled: int, tones: frozenset[int]) -> Records:
    """The notes of a part with a held end."""
    notes, start = score.notes[score.notes["part"] == part].copy(), int(score.measures["onset_tick"][-1])
    end = sum(score.measures[-1].item())
    onsets = notes["onset_tick"]
    if not (onsets >= start).any():
        notes = _struck_again(notes, start)
        onsets = notes["onset_tick"]
    inside = np.unique(onsets[onsets >= start])
    if not len(inside):
        return notes
    if score.parts[part].is_drums:
        return notes[onsets <= max(middle, inside[0])]
    last = _last(notes, inside, tones)
    final = notes[onsets == last].copy()
    final["onset_tick"] = min(last, middle)
    final["duration_tick"] = end - final["onset_tick"]
    before = notes[onsets < final["onset_tick"][0]]
    room = final["onset_tick"][0] - before["onset_tick"]
    # what rings into the end and belongs there rings on, unless it is struck again
    rings = (before["onset_tick"] >= start) & (before["duration_tick"] > room)
    rings &= np.isin(before["pitch"] % 12, list(tones)) & ~np.isin(before["pitch"], final["pitch"])
    before["duration_tick"] = np.where(rings, end - before["onset_tick"], np.minimum(before["duration_tick"], room))
    return np.concatenate([before, _in_tune(final, tones) if final["onset_tick"][0] >= settled else final])


def _in_tune(notes: Records, tones: frozenset[int]) -> Records:
    """Notes struck at once, those that are none of some tones moved to the nearest one; none comes twice."""
    pitches = [pitch if pitch % 12 in tones else _nearest(pitch, tones) for pitch in notes["pitch"].tolist()]
    notes["spelling"][notes["pitch"] != pitches] = UNSPELLED
    notes["pitch"] = pitches
    return notes[np.unique(pitches, return_index=True)[1]]


def _nearest(pitch: int, tones: frozenset[int]) -> int:
    """The nearest pitch of some tones, below rather than above."""
    return min(
        (p for p in range(max(pitch - 6, 0), min(pitch + 6, 127) + 1) if p % 12 in tones), key=lambda p: abs(p - pitch)
    )


def _struck_again(notes: Records, tick: int) -> Records:
    """Notes of which those that ring over a tick are struck there once more."""
    ends = notes["onset_tick"] + notes["duration_tick"]
    more = notes[ends > tick].copy()
    more["onset_tick"], more["duration_tick"] = tick, ends[ends > tick] - tick
    notes["duration_tick"] = np.minimum(ends, tick) - notes["onset_tick"]
    return np.concatenate([notes, more])


def _last(notes: Records, onsets: Records, tones: frozenset[int]) -> int:
    """The latest of some onsets at which all notes are of some tones, else the latest of all."""
    for onset in onsets[::-1].tolist():
        struck = notes["pitch"][notes["onset_tick"] == onset]
        if np.isin(struck % 12, list(tones)).all():
            return int(onset)
    return int(onsets[-1])


def _home(score: Score, tick: int) -> tuple[int | None, frozenset[int]]:
    """Pitch class on which the piece ends, if it is known, and those in which it may."""
    if score.chords and (symbol := score.chords[-1].symbol) is not None:
        return pitch_class(symbol.root if symbol.bass is None else symbol.bass), symbol.pitch_classes
    key = score.key_at(tick)
    if key is None:
        return None, frozenset(range(12))
    tonic, third = pitch_class(key.tonic), 3 if key.mode in MINOR_MODES else 4
    return tonic, frozenset((tonic + tone) % 12 for tone in (0, third, 7))
