"""Writes a score as ABC 2.1: header, voices, then four bars of each voice at a time, one below the other.

Interleaved, it is one bar at a time, and a comment before it says which of how many it is: what models read and write.

Notes that cross a barline are tied. Voices of one part stand inside braces of `%%score`, so that `read` finds the
part again. A sign in the middle of a note stands over invisible rests of an overlay (`&`). What ABC cannot say is
left out: see `sayable`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from partimento.io.abc.credits import credit_line
from partimento.io.abc.layout import Lane, Piece, lanes, pieces
from partimento.io.abc.sayable import bars_of, sayable
from partimento.io.abc.signs import Hung, Signs, State, beat_ticks, meter_text
from partimento.io.abc.text import escape, quotable
from partimento.io.abc.vocabulary import (
    PARTS_ORDER,
    REFERENCE,
    SHARED_STAFF,
    VERSES,
    decoration_name,
    is_own_decoration,
)
from partimento.io.abc.words import verses
from partimento.score import Score
from partimento.theory import pitch

BARS_PER_LINE = 4
_UNITS = (Fraction(1, 8), Fraction(1, 4), Fraction(1, 16))
_ACCIDENTALS = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}
_UNSURE = 99
"""Stands for an accidental that readers may or may not take over from a tied note."""


def write(score: Score, *, interleaved: bool = False) -> bytes:
    """ABC of a score in UTF-8; interleaved, bar by bar, each behind a comment such as `% 3/16`."""
    said = sayable(score)
    bars = bars_of(said)
    signs, hung, unit = Signs(said, bars), Hung(said), _unit(said)
    found = lanes(said)
    writers = [_Writer(said, lane, bars, signs, hung, unit) for lane in found]
    lines = [*_header(said, found, signs, unit), *_instruments(said, found)]
    names = ["" if len(found) == 1 else f"[V:{lane.number}] " for lane in found]
    at_once = 1 if interleaved else BARS_PER_LINE
    for first in range(0, len(bars), at_once):
        lines += [f"% {first + 1}/{len(bars)}"] if interleaved else []
        for writer, name in zip(writers, names, strict=True):
            music, *words = writer.lines(range(first, min(first + at_once, len(bars))))
            lines += [name + music, *words]
    for direction in said.directions:
        if direction.kind == VERSES:
            lines += [_field("W", line) for line in direction.text.split("\n")]
    return ("\n".join(lines) + "\n").encode()


def _unit(score: Score) -> Fraction:
    """The unit length with which lengths take the least room."""
    durations = Counter(score.notes["duration_tick"].tolist())
    whole = 4 * score.ticks_per_quarter

    def room(unit: Fraction) -> int:
        return sum(count * len(length_text(Fraction(ticks, whole), unit)) for ticks, count in durations.items())

    return min(_UNITS, key=room)


# Header


def _header(score: Score, all_lanes: list[Lane], signs: Signs, unit: Fraction) -> list[str]:
    texts = {d.kind: d.text.split("\n") for d in score.directions if d.onset_tick == 0}
    titles = [score.title, score.subtitle] if score.subtitle else [score.title]
    credit = {"music": score.composer, "words": score.lyricist, "arranger": score.arranger, "copyright": score.rights}
    lines = ["X:1", *(_field("T", title) for title in titles)]
    lines += [_field("C", credit_line(label, text)) for label, text in credit.items() if text]
    for kind in sorted(kind for kind in texts if kind.startswith(REFERENCE)):
        lines += [_field(kind[-1], line) for line in texts[kind]]
    lines += [_field("R", tag) for tag in score.tags]
    lines += [_field("P", line) for line in texts.get(PARTS_ORDER, ())]
    lines += [f"M:{_first_meter(score)}", f"L:{unit}"]
    lines += [f"Q:{tempo}"] if (tempo := signs.tempo(0)) else []
    kinds = [mark.kind for mark in score.marks] + [d.kind.removeprefix("barline-") for d in score.directions]
    own = {decoration_name(kind) for kind in kinds if kind.startswith("other-") and is_own_decoration(kind)}
    lines += [f"%%deco {name} 3 - 0 0 0" for name in sorted(own)]
    is_plain = len(all_lanes) == len(score.parts) and not score.groups
    is_plain = is_plain and not any(d.kind == SHARED_STAFF for d in score.directions)
    lines += [] if is_plain else ["%%score " + _score_line(score, all_lanes)]
    lines += [line for lane in all_lanes if (line := _voice_line(score, all_lanes, lane, signs))]
    return [*lines, f"K:{signs.header_key}"]


def _field(letter: str, text: str) -> str:
    """A field; a space keeps it from looking like a barline."""
    return f"{letter}:{' ' if text.startswith(('|', ':', ']')) else ''}{escape(text)}"


def _first_meter(score: Score) -> str:
    if not len(score.meters):
        return "none"
    signs = {d.onset_tick: d.text for d in score.directions if d.kind == "meter-sign"}
    return meter_text(int(score.meters["beats"][0]), int(score.meters["beat_type"][0]), signs.get(0, ""))


def _score_line(score: Score, all_lanes: list[Lane]) -> str:
    """Voices in braces for each part, in brackets for groups, in parentheses on one staff, `|` where barlines go on."""
    shared = {d.part for d in score.directions if d.kind == SHARED_STAFF}
    through = {gap for group in score.groups if group.barline for gap in range(group.first, group.last)}
    text = ""
    for part in range(len(score.parts)):
        text += "[" * sum(group.first == part for group in score.groups)
        text += "(" if part + 1 in shared and part not in shared else ""
        text += _part_text([lane for lane in all_lanes if lane.part == part])
        text += ")" if part in shared and part + 1 not in shared else ""
        text += "]" * sum(group.last == part for group in score.groups)
        text += " | " if part in through else " "
    return text.strip()


def _part_text(of: list[Lane]) -> str:
    staves: defaultdict[int, list[str]] = defaultdict(list)
    for lane in of:
        staves[lane.staff].append(str(lane.number))
    inside = " ".join(f"({' '.join(ids)})" if len(ids) > 1 else ids[0] for ids in staves.values())
    return "{" + inside + "}" if " " in inside else inside


def _voice_line(score: Score, all_lanes: list[Lane], lane: Lane, signs: Signs) -> str:
    """What introduces a voice; empty for the only one of a tune about which there is nothing to say."""
    part = score.parts[lane.part]
    line = f"V:{lane.number}"
    if lane.number == 1 or all_lanes[lane.number - 2].part != lane.part:
        line += f' name="{quotable(part.name)}"' if part.name else ""
        line += f' snm="{quotable(part.abbreviation)}"' if part.abbreviation else ""
    line += f" clef={clef}" if (clef := signs.clef_name(lane, 0)) else ""
    line += f" transpose={part.transpose.semitones}" if part.transpose else ""
    return line if len(all_lanes) > 1 or line != "V:1" else ""


def _instruments(score: Score, all_lanes: list[Lane]) -> list[str]:
    """`%%MIDI` directives of every voice, where there is more to say than piano."""
    lines: list[str] = []
    for lane in all_lanes:
        part = score.parts[lane.part]
        said = [f"%%MIDI channel {part.channel}"] if part.channel else []
        said += [f"%%MIDI program {part.program}"] if part.program or part.name else []
        said += [f"%%MIDI control 7 {part.volume}"] if part.volume is not None else []
        said += [f"%%MIDI control 10 {part.pan}"] if part.pan is not None else []
        lines += ([f"V:{lane.number}", *said] if len(all_lanes) > 1 else said) if said else []
    return lines


# Notes


class _Writer:
    """Text of one lane."""

    def __init__(
        self, score: Score, lane: Lane, bars: list[tuple[int, int]], signs: Signs, hung: Hung, unit: Fraction
    ) -> None:
        self._score, self._lane, self._bars, self._signs, self._hung, self._unit = score, lane, bars, signs, hung, unit
        self._columns = {name: score.notes[name].tolist() for name in ("pitch", "spelling", "tied", "note_id")}
        self._is_first_of_part = lane.staff == 1 and lane.is_first
        self._texts = signs.texts(lane)
        states = signs.states(lane)
        self._state_ticks, self._states = [tick for tick, _ in states], [state for _, state in states]
        self._tuplets = {t.onset_tick: t for t in lane.tuplets}
        self._counts: dict[int, int] = defaultdict(int)
        self._pieces: list[list[Piece]] = [[] for _ in bars]
        self._accidentals: dict[tuple[int, int | None], int] = {}
        self._beam_open = False
        self._held: dict[int, bool] = {}
        self._rest_ticks: set[int] = set()
        self._done: set[int] = set()
        self._stated: set[int] = set()
        self._sort_pieces()

    def _sort_pieces(self) -> None:
        """Put each piece into its bar, and count those of each tuplet."""
        bar, starts = 0, sorted(self._tuplets)
        for piece in pieces(self._score, self._lane, self._bars, self._texts.ticks):
            while bar + 1 < len(self._bars) and piece.onset >= self._bars[bar][1]:
                bar += 1
            self._pieces[bar].append(piece)
            index = bisect_right(starts, piece.onset) - 1
            if piece.duration and index >= 0:
                tuplet = self._tuplets[starts[index]]
                self._counts[starts[index]] += piece.onset < tuplet.onset_tick + tuplet.duration_tick

    def lines(self, bars: range) -> list[str]:
        """Some bars, and below them the words of each verse."""
        music = " ".join(self._bar(bar) for bar in bars)
        ids = [self._columns["note_id"][p.rows[0]] for bar in bars for p in self._pieces[bar] if p.rows]
        return [music, *verses(ids, self._hung.lyrics, self._held)]

    def _bar(self, bar: int) -> str:
        start, end = self._bars[bar]
        self._beam_open = False
        text, beat = self._signs.before(bar, self._lane), beat_ticks(self._score, start)
        taken: set[int] = set()
        for piece in self._pieces[bar]:
            gap = "" if self._is_beamed(piece, start, beat) or not text else " "
            text += gap + self._piece(piece, taken)
        if bar == len(self._bars) - 1:
            last = self._fields(end) + self._texts.notes.get(end, "") + self._texts.rests.get(end, "")
            text += " " + last if last else ""
        text += self._overlay(start, end, taken)
        self._forget_accidentals(bar)
        return text + " " + self._signs.behind(bar, self._lane, self._is_first_of_part)

    def _overlay(self, start: int, end: int, taken: set[int]) -> str:
        """What stands in the middle of notes, over invisible rests."""
        texts = self._texts
        left: list[tuple[int, str]] = []
        for tick in sorted(tick for tick in texts.ticks if start <= tick < end):
            said = "" if tick in taken else self._fields(tick) + texts.notes.get(tick, "")
            said += texts.rests.get(tick, "")
            left += [(tick, said)] if said and (tick not in taken or tick not in self._rest_ticks) else []
        if not left:
            return ""
        edges = [start, *(tick for tick, _ in left), end]
        whole = 4 * self._score.ticks_per_quarter
        lengths = [length_text(Fraction(b - a, whole), self._unit) for a, b in pairwise(edges)]
        first = f"x{lengths[0]} " if left[0][0] > start else ""
        return " & " + first + " ".join(f"{said}x{length}" for (_, said), length in zip(left, lengths[1:], strict=True))

    def _forget_accidentals(self, bar: int) -> None:
        """At a barline; those of tied notes are taken over by some readers, and unsure from there on."""
        self._accidentals.clear()
        last = next((piece for piece in reversed(self._pieces[bar]) if piece.duration), None)
        for row in last.rows if last else ():
            if self._columns["tied"][row]:
                step, alter, octave = self._written(row, self._state(self._bars[bar][1] - 1))
                if alter != self._state(self._bars[bar][1]).alters[step]:
                    self._accidentals[step, octave] = self._accidentals[step, None] = _UNSURE

    def _is_beamed(self, piece: Piece, start: int, beat: Fraction) -> bool:
        """Whether a note joins the beam of the one before: both short, and within one beat."""
        was_open = self._beam_open
        self._beam_open = bool(piece.rows) and 0 < piece.duration < self._score.ticks_per_quarter
        if not (was_open and self._beam_open) or piece.onset in self._tuplets:
            return False
        return (piece.onset - start) * beat.denominator % beat.numerator != 0

    def _piece(self, piece: Piece, taken: set[int]) -> str:
        tick = piece.onset
        state = self._state(tick)
        fields = self._fields(tick)
        if not piece.duration:
            return fields + self._graces(piece, state)
        notes = "" if tick in taken else self._texts.notes.get(tick, "")
        text = fields + self._tuplet(piece) + self._graces(piece, state)
        taken.add(tick)
        length = length_text(piece.written, self._unit)
        if not piece.rows:
            self._rest_ticks.add(tick)
            return text + notes + self._texts.rests.get(tick, "") + ("z" if self._lane.is_first else "x") + length
        lowest = self._columns["note_id"][piece.rows[0]]
        text += self._hung.slurs_from(lowest) + notes + self._hung.decorations(lowest)
        return text + self._chord(piece.rows, length, state) + self._hung.slurs_to(lowest)

    def _fields(self, tick: int) -> str:
        """The fields at a tick, once."""
        fields = "" if tick in self._stated else self._texts.fields.get(tick, "")
        self._stated.add(tick)
        if fields and tick in self._texts.keys:
            self._accidentals.clear()
        return fields

    def _graces(self, piece: Piece, state: State) -> str:
        if not piece.graces:
            return ""
        ids = [self._columns["note_id"][rows[0]] for rows in piece.graces]
        text = "/" if "slash" in self._hung.marks[ids[0]] else ""
        for note_id, rows in zip(ids, piece.graces, strict=True):
            text += self._hung.slurs_from(note_id) + self._hung.decorations(note_id)
            text += self._chord(rows, "", state, is_grace=True) + self._hung.slurs_to(note_id)
        return "{" + text + "}"

    def _tuplet(self, piece: Piece) -> str:
        tuplet = self._tuplets.get(piece.onset)
        if tuplet is None or piece.onset in self._done:
            return ""
        self._done.add(piece.onset)
        count = self._counts[piece.onset]
        is_triplet = (tuplet.actual, tuplet.normal, count) == (3, 2, 3)
        return "(3" if is_triplet else f"({tuplet.actual}:{tuplet.normal}:{count}"

    def _chord(self, rows: list[int], length: str, state: State, *, is_grace: bool = False) -> str:
        ties = [self._columns["tied"][row] and not is_grace for row in rows]
        names = [self._note(row, state) for row in rows]
        if len(rows) == 1:
            return names[0] + length + "-" * ties[0]
        ids = [self._columns["note_id"][row] for row in rows]
        names = [names[0], *(self._hung.decorations(i) + name for i, name in zip(ids[1:], names[1:], strict=True))]
        if all(ties):
            return f"[{''.join(names)}]{length}-"
        return "[" + "".join(name + "-" * tie for name, tie in zip(names, ties, strict=True)) + "]" + length

    def _state(self, tick: int) -> State:
        return self._states[max(bisect_right(self._state_ticks, tick) - 1, 0)]

    def _written(self, row: int, state: State) -> tuple[int, int, int]:
        """Step, alteration and octave as they are written."""
        number = self._columns["pitch"][row] - state.interval.semitones
        spelling = self._columns["spelling"][row] - state.interval.fifths
        octave = pitch.octave_of(number, spelling) - state.octave
        return pitch.step_of(spelling), pitch.alter_of(spelling), octave

    def _note(self, row: int, state: State) -> str:
        """Accidentals are repeated in other octaves of a bar: programs disagree on how far one reaches."""
        step, alter, octave = self._written(row, state)
        in_force = {self._accidentals.get((step, place), state.alters[step]) for place in (octave, None)}
        sign = "" if in_force == {alter} else _ACCIDENTALS[alter]
        self._accidentals[step, octave] = self._accidentals[step, None] = alter
        letter = pitch.STEPS[step]
        return sign + (letter + "," * (4 - octave) if octave < 5 else letter.lower() + "'" * (octave - 5))


@lru_cache(maxsize=4096)
def length_text(written: Fraction, unit: Fraction) -> str:
    """A length in units: nothing, `3`, `/2`, `3/2`."""
    ratio = written / unit
    top = "" if ratio.numerator == 1 else str(ratio.numerator)
    return top if ratio.denominator == 1 else f"{top}/{ratio.denominator}"
