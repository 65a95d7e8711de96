"""Ornaments written out: trills, mordents, turns, slides, tremolos and glissandi as the notes that are played.

Sources: C.P.E. Bach, Versuch über die wahre Art das Clavier zu spielen (1753), I.2, for the notes of each ornament,
and for the trill that begins on its upper note; Hummel, Anweisung zum Piano-Forte-Spiel (1828), for the trill that
begins on its main note, which is usual since then. The names are MusicXML's: a mordent goes down, an inverted one
up. Auxiliary notes are those of the key, altered by an accidental mark or by an earlier accidental in the bar.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from partimento.rendering.marks import Ints, Marks
from partimento.rendering.timing import ticks_of
from partimento.score import NOTE, Records, Score
from partimento.theory import pitch as p
from partimento.theory.spelling import spell

_FAST_SECOND = 0.075  # one note of a trill, mordent or turn
_LEAST_TREMOLO_SECOND = 0.045
_TURN_SHARE = 0.5
_GLISSANDO_SHARE, _LEAST_GLISSANDO_SECOND = 0.5, 0.03
_WHITE = frozenset((0, 2, 4, 5, 7, 9, 11))
_KEYBOARDS = frozenset((*range(9), *range(9, 15), *range(16, 24), 46))
_UPPER_FIRST = re.compile(
    r"\b(bach|handel|händel|haydn|mozart|scarlatti|couperin|rameau|telemann|vivaldi|corelli|purcell|quantz|gluck|"
    r"pergolesi|graun|benda|stamitz|boccherini|clementi|cimarosa|dittersdorf|froberger|buxtehude|pachelbel|muffat|"
    r"byrd|sweelinck|lully|albinoni|tartini|geminiani|galuppi|soler|paisiello|salieri|arne|boyce)\b",
    re.IGNORECASE,
)
"""Composers whose trills begin on the upper note."""
_ACCIDENTALS = {"sharp": 1, "flat": -1, "natural": 0, "double-sharp": 2, "sharp-sharp": 2, "flat-flat": -2,
                "double-flat": -2, "natural-sharp": 1, "natural-flat": -1}  # fmt: skip
_TRILLS = ("trill-mark", "shake")
_PATTERNS = {
    "mordent": (0, -1, 0), "inverted-mordent": (0, 1, 0), "turn": (1, 0, -1, 0), "vertical-turn": (1, 0, -1, 0),
    "haydn": (1, 0, -1, 0), "inverted-turn": (-1, 0, 1, 0), "inverted-vertical-turn": (-1, 0, 1, 0),
    "schleifer": (-2, -1, 0), "delayed-turn": (1, 0, -1, 0), "delayed-inverted-turn": (-1, 0, 1, 0),
}  # fmt: skip
"""Ornament ▶ its notes, in steps of the scale from the main note."""
ORNAMENTS = frozenset((*_TRILLS, *_PATTERNS, "tremolo", "accidental-mark"))

_Row = tuple[int, int, int]
"""Onset, duration and pitch of a note that is played."""


@dataclass(slots=True)
class _Played:
    """What is played instead of written notes."""

    rows: dict[int, list[_Row]] = field(default_factory=dict[int, list[_Row]])
    """Row of the written note ▶ notes."""

    def notes(self, notes: Records, stride: int) -> Records:
        """All notes, those replaced by their own; a note's id plus a multiple of `stride` is that of each of its."""
        if not self.rows:
            return notes
        kept = np.delete(notes, list(self.rows))
        times = defaultdict[int, int](int)
        for note_id in notes["note_id"].tolist():
            times[note_id % stride] = max(times[note_id % stride], note_id // stride)
        new = [self._written(notes[row], played, times, stride) for row, played in self.rows.items()]
        return np.concatenate([kept, *new])

    def _written(self, note: np.void, played: list[_Row], times: dict[int, int], stride: int) -> Records:
        copies = np.repeat(np.array([note], NOTE), len(played))
        for name, column in zip(("onset_tick", "duration_tick", "pitch"), zip(*played, strict=True), strict=True):
            copies[name] = column
        copies["spelling"][copies["pitch"] != note["pitch"]] = p.UNSPELLED
        written = int(note["note_id"]) % stride
        copies["note_id"][1:] = written + (times[written] + 1 + np.arange(len(played) - 1)) * stride
        times[written] += len(played) - 1
        return copies


def realise(score: Score, notes: Records, marks: Marks, stride: int) -> Records:
    """The notes with ornaments, tremolos and glissandi written out.

    Args:
        score: the piece, for keys, bars, tempo and glissando lines.
        notes: its notes in the same order, with their times as played and no grace notes left.
        marks: the marks on `notes`.
        stride: what the ids of the notes of an ornament differ by.
    """
    played = _Played()
    neighbours = _Neighbours(score, marks)
    _tremolos(score, notes, marks, played)
    waved = {line.start_id for line in score.spanners if line.kind == "wavy-line"}
    trilled = {row for kind in _TRILLS for row in marks.on_note.get(kind, ())}
    trilled |= set(np.flatnonzero(np.isin(notes["note_id"], list(waved))).tolist()) if waved else set()
    for row in _tops(notes, marks, trilled) - played.rows.keys():
        played.rows[row] = _trill(score, notes, row, neighbours)
    for kind, pattern in _PATTERNS.items():
        for row in _tops(notes, marks, set(marks.on_note.get(kind, ()))) - played.rows.keys():
            played.rows[row] = _figure(score, notes, row, neighbours, kind, pattern)
    _glissandi(score, notes, played)
    return played.notes(notes, stride)


def _tops(notes: Records, marks: Marks, rows: set[int]) -> set[int]:
    """Of chords, the highest note, which bears the ornament; nothing without time to play it."""
    found: set[int] = set()
    for row in rows:
        chord = np.flatnonzero(marks.chord == marks.chord[row])
        found.add(int(chord[notes["pitch"][chord].argmax()]))
    return {row for row in found if notes["duration_tick"][row] > 3}


class _Neighbours:
    """The notes of the scale beside a note."""

    def __init__(self, score: Score, marks: Marks) -> None:
        self._score = score
        self._accidentals = {
            row: [_ACCIDENTALS[word] for word in text.split() if word in _ACCIDENTALS]
            for row, text in marks.on_note.get("accidental-mark", {}).items()
        }
        self._spelled = self._altered_in_bars() if ORNAMENTS & marks.on_note.keys() else {}

    def _altered_in_bars(self) -> dict[tuple[int, int], tuple[list[int], list[int]]]:
        """Part and diatonic place (7 · octave + step) ▶ onsets of its notes, and their alterations."""
        found: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
        rows = self._score.notes[["onset_tick", "part", "pitch", "spelling"]]
        for onset, part, pitch, spelling in rows[np.argsort(rows["onset_tick"], kind="stable")].tolist():
            if spelling != p.UNSPELLED:
                place = 7 * p.octave_of(pitch, spelling) + p.step_of(spelling)
                onsets, alters = found.setdefault((part, place), ([], []))
                onsets.append(onset)
                alters.append(p.alter_of(spelling))
        return found

    def pitch(self, notes: Records, row: int, steps: int, kind: str) -> int:
        """MIDI number of the note so many steps of the scale above (below: negative) a note."""
        note = notes[row]
        main = int(note["pitch"])
        if not steps or self._score.parts[int(note["part"])].is_drums:
            return main
        onset, part = int(self._score.notes["onset_tick"][row]), int(note["part"])
        key = self._score.key_at(onset, part)
        fifths = key.fifths if key else 0
        spelling = int(note["spelling"])
        if spelling == p.UNSPELLED:
            spelling = int(spell(np.array([main]), fifths, key is not None and key.mode == "minor")[0])
        octave, step = divmod(7 * p.octave_of(main, spelling) + p.step_of(spelling) + steps, 7)
        alter = self._marked(row, steps, kind)
        if alter is None:
            alter = self._accidental(part, 7 * octave + step, onset)
        if alter is None:
            alter = next(p.alter_of(f) for f in range(fifths - 1, fifths + 6) if p.step_of(f) == step)
        found = p.midi_pitch(step, alter, octave)
        up = 1 if steps > 0 else -1
        return min(max(found if 0 < (found - main) * up <= 5 else main + 2 * up, 0), 127)

    def _marked(self, row: int, steps: int, kind: str) -> int | None:
        """What an accidental mark says; a single one beside a turn is for the lower note where it is a sharp."""
        alters = self._accidentals.get(row, [])
        if not alters or abs(steps) > 1:
            return None
        if "turn" not in kind and kind != "haydn":
            return alters[0]
        if len(alters) > 1:
            return alters[0] if steps > 0 else alters[1]
        return alters[0] if (alters[0] > 0) == (steps < 0) else None

    def _accidental(self, part: int, place: int, onset: int) -> int | None:
        """The alteration that a note has kept since an earlier note of its bar."""
        onsets, alters = self._spelled.get((part, place), ([], []))
        index = bisect_left(onsets, onset) - 1
        if index < 0 or not len(self._score.measures):
            return None
        bar = int(self._score.measures["onset_tick"][int(self._score.measure_at(onset))])
        return alters[index] if onsets[index] >= bar else None


def _even(onset: int, length: int, pitches: list[int]) -> list[_Row]:
    """Notes of equal length that fill a span."""
    edges = np.linspace(onset, onset + length, len(pitches) + 1).astype(np.int64).tolist()
    return [(edges[i], max(edges[i + 1] - edges[i], 1), pitch) for i, pitch in enumerate(pitches)]


def _trill(score: Score, notes: Records, row: int, neighbours: _Neighbours) -> list[_Row]:
    """Main note and upper neighbour in turn; the last is the main note."""
    onset, length, main = _times(notes, row)
    upper = neighbours.pitch(notes, row, 1, "trill-mark")
    first_upper = bool(_UPPER_FIRST.search(score.composer))
    count = max(int(length / float(ticks_of(score, _FAST_SECOND, onset))), 3)
    count = min(count, length) - ((count % 2 == 1) == first_upper)
    first, second = (upper, main) if first_upper else (main, upper)
    pitches = [second if i % 2 else first for i in range(max(count, 2))]
    return _even(onset, length, [*pitches[:-1], main])


def _figure(
    score: Score, notes: Records, row: int, neighbours: _Neighbours, kind: str, pattern: tuple[int, ...]
) -> list[_Row]:
    """A few quick notes and a long one; those of a delayed turn come in the second half of the main note."""
    onset, length, main = _times(notes, row)
    pitches = [neighbours.pitch(notes, row, steps, kind) for steps in pattern]
    quick = min(float(ticks_of(score, _FAST_SECOND, onset)), length / (len(pattern) + 1))
    if kind.startswith("delayed"):
        quick = min(quick * 1.5, length * _TURN_SHARE / len(pattern))
        start = onset + length - round(quick * len(pattern))
        return [(onset, start - onset, main), *_even(start, onset + length - start, pitches)]
    ahead = max(round(quick * (len(pattern) - 1)), len(pattern) - 1)
    return [*_even(onset, ahead, pitches[:-1]), (onset + ahead, max(length - ahead, 1), pitches[-1])]


def _times(notes: Records, row: int) -> tuple[int, int, int]:
    note = notes[row]
    return int(note["onset_tick"]), int(note["duration_tick"]), int(note["pitch"])


# Tremolos


def _tremolos(score: Score, notes: Records, marks: Marks, played: _Played) -> None:
    signs = marks.on_note.get("tremolo", {})
    starts: dict[tuple[int, int, int], Ints] = {}
    for row in sorted(signs, key=lambda row: int(notes["onset_tick"][row])):
        chord = np.flatnonzero(marks.chord == marks.chord[row])
        voice = (int(notes["part"][row]), int(notes["voice"][row]), int(notes["staff"][row]))
        slashes, _, side = signs[row].partition(":")
        if side == "start":
            starts[voice] = chord
        elif side == "stop" and voice in starts:
            _alternate(score, notes, (starts.pop(voice), chord), slashes, played)
        elif side not in ("start", "stop"):
            for note in chord.tolist():
                played.rows.setdefault(note, _repeated(score, notes, note, slashes))


def _repeated(score: Score, notes: Records, row: int, slashes: str) -> list[_Row]:
    """A note again and again: each stroke through its stem, like a beam, halves the value."""
    onset, length, main = _times(notes, row)
    return _even(onset, length, [main] * _strokes(score, onset, length, slashes))


def _strokes(score: Score, onset: int, length: int, slashes: str) -> int:
    """How many notes of a tremolo fill a length; without a number of strokes as fast as is customary, three."""
    strokes = int(slashes) if slashes.isdecimal() and 0 < int(slashes) <= 5 else 3
    beams = max(int(np.ceil(np.log2(score.ticks_per_quarter / max(length, 1)))), 0)
    unit = max(score.ticks_per_quarter / 2 ** (strokes + beams), float(ticks_of(score, _LEAST_TREMOLO_SECOND, onset)))
    return min(max(round(length / unit), 1), length)


def _alternate(score: Score, notes: Records, chords: tuple[Ints, Ints], slashes: str, played: _Played) -> None:
    """Two chords in turn over the time of both."""
    first, second = chords
    onset = int(notes["onset_tick"][first[0]])
    length = int(notes["onset_tick"][second[0]] + notes["duration_tick"][second[0]]) - onset
    if length < 4 or notes["onset_tick"][second[0]] <= onset:
        return
    count = max(_strokes(score, onset, length, slashes) // 2 * 2, 2)
    for turn, chord in enumerate((first, second)):
        for row in chord.tolist():
            played.rows[row] = _even(onset, length, [int(notes["pitch"][row])] * count)[turn::2]


# Glissandi


def _glissandi(score: Score, notes: Records, played: _Played) -> None:
    """The way from note to note in the second half of the first: white keys on keyboards and harp, else semitones."""
    row_of = {int(note_id): row for row, note_id in enumerate(notes["note_id"])} if score.spanners else {}
    for line in (s for s in score.spanners if s.kind in ("glissando", "slide")):
        first, last = row_of.get(line.start_id), row_of.get(line.end_id)
        if first is None or last is None or first in played.rows:
            continue
        between = _between(int(notes["pitch"][first]), int(notes["pitch"][last]), _is_keyboard(score, notes, first))
        onset, length, main = _times(notes, first)
        held = length - int(length * _GLISSANDO_SHARE)
        most = int((length - held) / float(ticks_of(score, _LEAST_GLISSANDO_SECOND, onset)))
        if between and most and held:
            chosen = np.unique(np.linspace(0, len(between) - 1, min(most, len(between))).astype(int))
            run = _even(onset + held, length - held, [between[i] for i in chosen.tolist()])
            played.rows[first] = [(onset, held, main), *run]


def _is_keyboard(score: Score, notes: Records, row: int) -> bool:
    return score.parts[int(notes["part"][row])].program in _KEYBOARDS


def _between(start: int, stop: int, white: bool) -> list[int]:
    way = range(start + 1, stop) if stop > start else range(start - 1, stop, -1)
    return [pitch for pitch in way if not white or pitch % 12 in _WHITE]
