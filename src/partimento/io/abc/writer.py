"""Writes a score as ABC 2.1: one voice to a line of notes, four bars to a line of text.

Sounding pitches are written. Notes that ABC has no plain value for, or that cross a barline, are tied.
Voices of one part stand inside braces of `%%score`, so that `read` finds the part again. What ABC cannot say
(velocities, pedals, bends, free positions of directions) goes, with one warning that lists it.
"""

from __future__ import annotations

import logging
import re
from bisect import bisect_right
from collections import defaultdict
from fractions import Fraction
from functools import lru_cache

from partimento.io.abc.fields import signature
from partimento.io.abc.lanes import Lane, Piece, lanes, pieces, spellings
from partimento.io.abc.signs import Signs, Texts, clef_name, key_name
from partimento.score import Score
from partimento.theory import pitch
from partimento.theory.key import Key

_log = logging.getLogger("partimento.io")
UNIT = Fraction(1, 8)
BARS_PER_LINE = 4
_ACCIDENTALS = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}


def write(score: Score) -> bytes:
    """ABC of a score in UTF-8."""
    bars = _bars(score)
    all_lanes = lanes(score)
    signs = Signs(score, bars)
    spelled = spellings(score)
    lines = _header(score, all_lanes, signs)
    for number, lane in enumerate(all_lanes, 1):
        lines += _voice_lines(score, all_lanes, number)
        lines += _Writer(score, lane, bars, signs, spelled, is_leader=number == 1).lines()
    if signs.lost:
        _log.warning("%s: ABC cannot say: %s", score.title or "score", ", ".join(sorted(signs.lost)))
    return ("\n".join(lines) + "\n").encode()


def _bars(score: Score) -> list[tuple[int, int]]:
    bars = [(start, start + length) for start, length in score.measures.tolist()]
    end = max(score.end_tick, 1)
    if not bars:
        return [(0, end)]
    return bars if bars[-1][1] >= end else [*bars, (bars[-1][1], end)]


# Header


def _header(score: Score, all_lanes: list[Lane], signs: Signs) -> list[str]:
    credit = [("", score.composer), ("Words: ", score.lyricist), ("copyright: ", score.rights)]
    lines = ["X:1", f"T:{escape(score.title)}"]
    lines += [f"C:{label}{escape(text)}" for label, text in credit if text]
    lines += [f"R:{escape(tag)}" for tag in score.tags[:1]]
    lines += [f"M:{score.meter_at(0) if len(score.meters) else 'none'}", f"L:{UNIT}"]
    lines += [f"Q:{signs.first_tempo}"] if signs.first_tempo else []
    lines += [_score_line(all_lanes)] if len(all_lanes) > len(score.parts) else []
    return [*lines, f"K:{key_name(signs.header_key)}"]


def _score_line(all_lanes: list[Lane]) -> str:
    numbers: defaultdict[int, defaultdict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for number, lane in enumerate(all_lanes, 1):
        numbers[lane.part][lane.staff].append(str(number))
    texts: list[str] = []
    for staves in numbers.values():
        inside = " ".join(f"({' '.join(ids)})" if len(ids) > 1 else ids[0] for ids in staves.values())
        texts.append("{" + inside + "}" if " " in inside else inside)
    return "%%score " + " ".join(texts)


def _voice_lines(score: Score, all_lanes: list[Lane], number: int) -> list[str]:
    """What introduces a voice; nothing for a tune without instrument."""
    lane = all_lanes[number - 1]
    part = score.parts[lane.part]
    is_first = number == 1 or all_lanes[number - 2].part != lane.part
    voice = f"V:{number}"
    if is_first:
        voice += f' name="{_quoted(part.name)}"' if part.name else ""
        voice += f' snm="{_quoted(part.abbreviation)}"' if part.abbreviation else ""
    voice += f" clef={clef}" if (clef := clef_name(score, lane)) else ""
    midi = ["%%MIDI channel 10"] if part.is_drums else []
    midi += [f"%%MIDI program {part.program}"] if part.program or part.name else []
    for control, value in ((7, part.volume), (10, part.pan)):
        midi += [f"%%MIDI control {control} {value}"] if value is not None else []
    return [*([voice] if len(all_lanes) > 1 or voice != "V:1" else []), *midi]


def escape(text: str) -> str:
    """Text for a field: one line, no comment sign."""
    return re.sub(r"\s+", " ", text).replace("\\", "\\\\").replace("%", "\\%")


def _quoted(text: str) -> str:
    return escape(text).replace('"', "'")


# Notes


class _Writer:
    """Text of one lane."""

    def __init__(
        self,
        score: Score,
        lane: Lane,
        bars: list[tuple[int, int]],
        signs: Signs,
        spelled: list[int],
        is_leader: bool,
    ) -> None:
        self._score, self._lane, self._bars, self._signs = score, lane, bars, signs
        self._beam_open = False
        self._spelled = spelled
        self._columns = {name: score.notes[name].tolist() for name in ("pitch", "tied", "note_id")}
        self._texts: Texts = signs.texts(lane, is_leader)
        self._pieces: list[list[Piece]] = [[] for _ in bars]
        self._tuplets = {t.onset_tick: t for t in lane.tuplets}
        self._counts: dict[int, int] = defaultdict(int)
        self._slurs = signs.slurs(lane)
        self._key: Key | None = signs.header_key
        self._accidentals: dict[tuple[int, int | None], int] = {}
        starts = [tuplet.onset_tick for tuplet in lane.tuplets]
        bar = 0
        for piece in pieces(score, lane, bars, self._texts.cuts, self._texts.rest_cuts):
            while bar + 1 < len(bars) and piece.onset >= bars[bar][1]:
                bar += 1
            self._pieces[bar].append(piece)
            index = bisect_right(starts, piece.onset) - 1
            if piece.duration and index >= 0 and piece.onset < starts[index] + lane.tuplets[index].duration_tick:
                self._counts[starts[index]] += 1

    def lines(self) -> list[str]:
        """All bars, and below each line of them its `w:` lines."""
        lines: list[str] = []
        for first in range(0, len(self._bars), BARS_PER_LINE):
            bars = range(first, min(first + BARS_PER_LINE, len(self._bars)))
            texts = [self._bar(bar) for bar in bars]
            heads = [
                p.event.notes if p.is_first else [] for b in bars for p in self._pieces[b] if p.event and p.event.notes
            ]
            ids = [[self._columns["note_id"][row] for row in rows] for rows in heads]
            lines += [" ".join(texts), *self._signs.words(ids)]
        return lines

    def _bar(self, bar: int) -> str:
        self._accidentals.clear()
        before, after = self._signs.barline(bar, self._texts.is_leader)
        text, beat = before, self._beat_ticks(self._bars[bar][0])
        for piece in self._pieces[bar]:
            text += ("" if self._is_beamed(piece, bar, beat) or not text else " ") + self._piece(piece)
        return text + " " + after

    def _is_beamed(self, piece: Piece, bar: int, beat: Fraction) -> bool:
        """Whether a note joins the beam of the one before: both short, and within one beat."""
        was_open = self._beam_open
        self._beam_open = piece.event is not None and 0 < piece.duration < self._score.ticks_per_quarter
        if not (was_open and self._beam_open) or piece.onset in self._tuplets:
            return False
        return (piece.onset - self._bars[bar][0]) * beat.denominator % beat.numerator != 0

    def _beat_ticks(self, tick: int) -> Fraction:
        if not len(self._score.meters):
            return Fraction(self._score.ticks_per_quarter)
        meter = self._score.meter_at(tick)
        is_binary = meter.beats % 2 == 0 and meter.beat_type <= 4
        return meter.beat_quarter * self._score.ticks_per_quarter * (2 if is_binary and meter.beat_type == 4 else 1)

    def _piece(self, piece: Piece) -> str:
        fields, annotations, key = self._texts.take(piece.onset)
        if key is not None:
            self._key = key
            self._accidentals.clear()
        text = fields + self._tuplet(piece)
        event = piece.event
        if event is None:
            return text + annotations + ("z" if self._lane.is_first else "x") + length_text(piece.written)
        opened, closed = self._slurs.get(event.notes[0], (0, 0)) if event.notes else (0, 0)
        text += "(" * opened * piece.is_first
        if event.graces and piece.is_first:
            text += "{" + "".join(self._chord(rows, "") for rows in event.graces) + "}"
        if not event.notes:
            return text + annotations
        if piece.is_first:
            annotations += self._signs.marks([self._columns["note_id"][row] for row in event.notes])
        text += annotations + self._chord(event.notes, length_text(piece.written), piece)
        return text + ")" * closed * piece.is_last

    def _tuplet(self, piece: Piece) -> str:
        tuplet = self._tuplets.get(piece.onset)
        if tuplet is None or not piece.duration:
            return ""
        count = self._counts[piece.onset]
        is_triplet = (tuplet.actual, tuplet.normal, count) == (3, 2, 3)
        return "(3" if is_triplet else f"({tuplet.actual}:{tuplet.normal}:{count}"

    def _chord(self, rows: list[int], length: str, piece: Piece | None = None) -> str:
        ties = [piece is not None and (not piece.is_last or self._columns["tied"][row]) for row in rows]
        names = [self._note(row) for row in rows]
        if len(rows) == 1:
            return names[0] + length + "-" * ties[0]
        if all(ties):
            return f"[{''.join(names)}]{length}-"
        return "[" + "".join(name + "-" * tie for name, tie in zip(names, ties, strict=True)) + "]" + length

    def _note(self, row: int) -> str:
        """Accidentals are repeated in other octaves of a bar: programs disagree on how far one reaches."""
        number, spelling = self._columns["pitch"][row], self._spelled[row]
        step, alter, octave = (
            pitch.step_of(spelling),
            pitch.alter_of(spelling),
            pitch.octave_of(number, spelling),
        )
        usual = signature(self._key.fifths if self._key else 0)[step]
        in_force = {self._accidentals.get((step, place), usual) for place in (octave, None)}
        sign = "" if in_force == {alter} else _ACCIDENTALS[alter]
        self._accidentals[step, octave] = self._accidentals[step, None] = alter
        letter = pitch.STEPS[step]
        return sign + (letter + "," * (4 - octave) if octave < 5 else letter.lower() + "'" * (octave - 5))


@lru_cache(maxsize=4096)
def length_text(written: Fraction) -> str:
    """A length in units: nothing, `3`, `/2`, `3/2`."""
    ratio = written / UNIT
    top = "" if ratio.numerator == 1 else str(ratio.numerator)
    return top if ratio.denominator == 1 else f"{top}/{ratio.denominator}"
