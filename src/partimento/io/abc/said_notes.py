"""What ABC can say of a score's notes: lines without overlaps, cut at barlines, and what hangs on them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from partimento.io.abc.symbols import DECORATIONS, LINE_DECORATIONS
from partimento.io.abc.text import plain
from partimento.io.abc.vocabulary import DOTTED_SLUR, FINGERING, is_own_decoration
from partimento.score import NOTE, Lyric, Mark, Records, Score, Spanner, Tuplet
from partimento.theory import pitch
from partimento.theory.spelling import spell

FINEST_SPLIT = 64
"""Lengths down to a 64th are split into plain note values; what is finer (performances) stays as it is."""
LONGEST_QUARTERS = 128
MAX_VERSES = 99
MAX_TUPLET = 999

Bars = list[tuple[int, int]]


@dataclass(slots=True)
class Event:
    """Notes of a line that begin and end together, with the grace notes before them; an end at `onset`: only these."""

    onset: int
    end: int
    rows: list[int] = field(default_factory=list[int])
    graces: list[list[int]] = field(default_factory=list[list[int]])
    ids: list[list[int]] = field(default_factory=list[list[int]])
    """New ids of the notes, piece by piece; lowest first."""
    grace_ids: list[list[int]] = field(default_factory=list[list[int]])


@dataclass(slots=True)
class Line:
    """A voice without overlaps."""

    part: int
    staff: int
    voice: int
    """In the given score."""
    number: int = 0
    """In ABC: counted from 1 through all staves of the part."""
    events: list[Event] = field(default_factory=list[Event])


class SaidNotes:
    """The notes of a score as ABC says them, under new ids, and where to find the old ones."""

    def __init__(self, score: Score, bars: Bars) -> None:
        self._score, self._bars = score, bars
        self._starts = [start for start, _ in bars[1:]]
        self.lines = _lines(score)
        self._rows: list[tuple[int, ...]] = []
        self._event_of: dict[int, tuple[int, int, Event]] = {}
        """Old id ▶ number of the line, number of the event in it, event."""
        self._place_of: dict[int, int] = {}
        """Old id ▶ the new one of its first piece."""
        spelled = _spellings(score)
        for place, line in enumerate(self.lines):
            for index, event in enumerate(line.events):
                self._add(line, event, spelled)
                for row in (*event.rows, *(row for rows in event.graces for row in rows)):
                    self._event_of[int(score.notes["note_id"][row])] = place, index, event
        self._graces = set(score.notes["note_id"][score.notes["grace"] > 0].tolist())
        self.notes = self._settled()

    def _add(self, line: Line, event: Event, spelled: list[int]) -> None:
        old = self._score.notes
        for number, rows in enumerate(event.graces, 1):
            ids = [self._add_note(row, line, event.onset, 0, spelled, min(number, 127)) for row in rows]
            event.grace_ids.append(ids)
            self._place_of.update(zip(old["note_id"][rows].tolist(), ids, strict=True))
        for onset, end in self._pieces(event):
            is_last = end == event.end
            event.ids.append([
                self._add_note(row, line, onset, end - onset, spelled, 0, tied=not is_last or bool(old["tied"][row]))
                for row in event.rows
            ])  # fmt: skip
        for place, row in enumerate(event.rows):
            self._place_of[int(old["note_id"][row])] = event.ids[0][place]

    def _add_note(
        self, row: int, line: Line, onset: int, duration: int, spelled: list[int], grace: int, *, tied: bool = False
    ) -> int:
        number = int(self._score.notes["pitch"][row])
        self._rows.append((
            onset, duration, number, spelled[row], 0, line.part, line.number, line.staff, grace, tied,
            len(self._rows), False,
        ))  # fmt: skip
        return len(self._rows) - 1

    def _pieces(self, event: Event) -> Iterable[tuple[int, int]]:
        """The spans that a note is cut to: at barlines, and what was never notated also into plain values."""
        if event.end <= event.onset:
            return
        starts, whole = self._starts, 4 * self._score.ticks_per_quarter
        inner = starts[np.searchsorted(starts, event.onset, "right") : np.searchsorted(starts, event.end, "left")]
        is_raw = bool(len(self._score.meters)) and self._score.notes["voice"][event.rows[0]] == 0
        for start, end in zip([event.onset, *inner], [*inner, event.end], strict=True):
            lengths = plain_lengths(Fraction(end - start, whole)) if is_raw else [Fraction(end - start, whole)]
            for length in lengths:
                tick, stop = start, start + int(length * whole)
                while tick < stop:
                    step = min(stop - tick, LONGEST_QUARTERS * whole // 4)
                    yield tick, tick + step
                    tick += step
                start = stop

    def _settled(self) -> Records:
        """The notes, tied where a note goes on."""
        notes = np.array(self._rows, NOTE)
        is_main = notes["grace"] == 0
        heads = set(zip(*(notes[name][is_main].tolist() for name in ("part", "onset_tick", "pitch")), strict=True))
        ends = notes["onset_tick"] + notes["duration_tick"]
        reached = zip(notes["part"].tolist(), ends.tolist(), notes["pitch"].tolist(), strict=True)
        notes["tied"] &= np.array([place in heads for place in reached], bool)
        return notes

    # What hangs on notes

    def marks(self, lines: Iterable[Spanner]) -> Iterable[Mark]:
        """Fingerings on their notes, other decorations on the lowest note of a chord."""
        slurred = {x.start_id for x in lines if x.kind == "slur"}
        found: dict[Mark, None] = {}
        for mark in self._score.marks:
            if mark.note_id not in self._event_of:
                continue
            _, _, event = self._event_of[mark.note_id]
            place, kind = self._place_of[mark.note_id], _said_kind(mark.kind)
            graces = next((ids for ids in event.grace_ids if place in ids), None)
            if graces:
                place = event.grace_ids[0][0] if kind == "slash" else graces[0]
            elif kind == "slash":
                continue
            elif not kind.startswith(FINGERING):
                place = event.ids[0][0]
            if kind == DOTTED_SLUR and place not in slurred:
                continue
            if kind:
                found[Mark(place, kind)] = None
        return found

    def lyrics(self) -> Iterable[Lyric]:
        """Syllables under the lowest note, their hyphens as what stands before them has it."""
        sung: defaultdict[tuple[int, int], dict[int, Lyric]] = defaultdict(dict)
        for lyric in self._score.lyrics:
            is_sung = lyric.note_id in self._event_of and lyric.note_id not in self._graces
            if is_sung and plain(lyric.text) and 0 < lyric.verse <= MAX_VERSES:
                line, index, _ = self._event_of[lyric.note_id]
                sung[line, lyric.verse].setdefault(index, lyric)
        for (number, verse), words in sung.items():
            yield from self._verse(self.lines[number], verse, words)

    def _verse(self, line: Line, verse: int, words: dict[int, Lyric]) -> Iterable[Lyric]:
        notes = [(index, piece) for index, event in enumerate(line.events) for piece in range(len(event.ids))]
        is_inside = False
        for (index, piece), following in zip(notes, [*notes[1:], None], strict=True):
            if piece or index not in words:
                continue
            lyric, event = words[index], line.events[index]
            goes_on = lyric.syllabic in ("begin", "middle")
            syllabic = ("middle" if goes_on else "end") if is_inside else "begin" if goes_on else "single"
            is_free = following is not None and (following[1] > 0 or following[0] not in words)
            yield Lyric(event.ids[0][0], plain(lyric.text), syllabic, verse, lyric.extend and is_free)
            is_inside = goes_on

    def spanners(self) -> list[Spanner]:
        """Slurs and lines inside a voice, those that cross each other paired anew: what begins last ends first."""
        opened: defaultdict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
        closed: defaultdict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
        for spanner in self._score.spanners:
            start, end = self._stop(spanner.start_id, 0), self._stop(spanner.end_id, -1)
            kind = spanner.kind
            is_known = kind == "slur" or (kind in LINE_DECORATIONS and not self._graces & {*_ends(spanner)})
            is_whole = start is not None and end is not None and start[0] == end[0] and start[1] < end[1]
            if not is_known or not (is_whole or ((start is None) != (end is None) and -1 in _ends(spanner))):
                continue
            if start:
                opened[start[0], kind].append(start[1:])
            if end:
                closed[end[0], kind].append(end[1:])
        return [
            Spanner(key[1], *pair)
            for key in dict.fromkeys([*opened, *closed])
            for pair in _paired(sorted(opened[key]), sorted(closed[key]))
        ]

    def _stop(self, note_id: int, piece: int) -> tuple[int, int, int] | None:
        """Line, place in it, and the new id of the lowest note there (of its first or last piece)."""
        if note_id not in self._event_of:
            return None
        line, _, event = self._event_of[note_id]
        graces = next((ids for ids in event.grace_ids if self._place_of[note_id] in ids), None)
        new_id = graces[0] if graces else event.ids[piece][0]
        return line, new_id, new_id

    def tuplets(self) -> Iterable[Tuplet]:
        """Tuplets that follow one another and whose edges no note crosses, on each staff where they have notes."""
        last_end: dict[int, int] = {}
        for tuplet in self._score.tuplets:
            start, end = tuplet.onset_tick, tuplet.onset_tick + tuplet.duration_tick
            staves: set[int] = set()
            for place, line in enumerate(self.lines):
                if (line.part, line.voice) != (tuplet.part, tuplet.voice) or line.staff in staves:
                    continue
                inside = _inside(line, start, end)
                if not inside or any(e.onset < start or e.end > end for e in inside):
                    continue
                staves.add(line.staff)
                is_plain = 1 < tuplet.actual <= MAX_TUPLET and 0 < tuplet.normal <= MAX_TUPLET
                if is_plain and start >= last_end.get(place, 0) and end <= self._bars[-1][1]:
                    last_end[place] = end
                    yield replace(tuplet, voice=line.number, shown="number")


def _inside(line: Line, start: int, end: int) -> list[Event]:
    """The notes of a line that sound between two ticks."""
    first = bisect_right(line.events, start, key=lambda event: event.end)
    last = bisect_left(line.events, end, key=lambda event: event.onset)
    return [event for event in line.events[first:last] if event.end > event.onset]


def _ends(spanner: Spanner) -> tuple[int, int]:
    return spanner.start_id, spanner.end_id


def _paired(opened: list[tuple[int, int]], closed: list[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    stack: list[tuple[int, int]] = []
    stops = sorted([(*x, 1) for x in opened] + [(*x, 0) for x in closed])
    for place, note_id, is_open in stops:
        if is_open:
            stack.append((place, note_id))
        else:
            yield stack.pop()[1] if stack else -1, note_id
    yield from ((note_id, -1) for _, note_id in stack)


def _said_kind(kind: str) -> str:
    """The mark that ABC has for one, empty for none."""
    if kind in DECORATIONS or kind in ("slash", DOTTED_SLUR) or is_own_decoration(kind):
        return kind
    base = kind.partition(":")[0]
    return base if base in DECORATIONS else ""


# Lines


def _lines(score: Score) -> list[Line]:
    """Every part's staves, their voices, and of each voice as many lines as notes overlap in it."""
    notes = score.notes
    found: list[Line] = []
    staves = np.maximum(notes["staff"], 1)
    for part, player in enumerate(score.parts):
        number = 1
        count = max(player.staves, 1)
        for staff in range(1, count + 1):
            rows = np.flatnonzero((notes["part"] == part) & (np.minimum(staves, count) == staff))
            of_staff: list[Line] = []
            for voice in np.unique(notes["voice"][rows]).tolist():
                of_staff += _lines_of_voice(notes, rows[notes["voice"][rows] == voice].tolist(), part, staff, voice)
            for line in of_staff or [Line(part, staff, 0)]:
                line.number, number = number, number + 1
                found.append(line)
    return found


def _lines_of_voice(notes: Records, rows: list[int], part: int, staff: int, voice: int) -> list[Line]:
    lines: list[Line] = []
    for event in _events(notes, rows):
        line = next((line for line in lines if line.events[-1].end <= event.onset), None)
        if line is None:
            line = Line(part, staff, voice)
            lines.append(line)
        line.events.append(event)
    return lines


def _events(notes: Records, rows: list[int]) -> list[Event]:
    events: dict[tuple[int, int], Event] = {}
    graces: defaultdict[int, defaultdict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    pitch = notes["pitch"].tolist()  # chords are written upwards, whatever staves their notes were on
    columns = (notes[name][rows].tolist() for name in ("onset_tick", "duration_tick", "grace"))
    for row, onset, duration, grace in zip(rows, *columns, strict=True):
        if grace:
            graces[onset][grace].append(row)
        else:
            events.setdefault((onset, duration), Event(onset, onset + duration)).rows.append(row)
    by_onset = {event.onset: event for event in reversed(events.values())}
    for onset, groups in graces.items():
        event = by_onset.get(onset) or events.setdefault((onset, 0), Event(onset, onset))
        event.graces = [sorted(groups[number], key=pitch.__getitem__) for number in sorted(groups)]
    for event in events.values():
        event.rows.sort(key=pitch.__getitem__)
    return sorted(events.values(), key=lambda event: (event.onset, event.end))


def plain_lengths(length: Fraction) -> list[Fraction]:
    """A length as a sum of plain and dotted note values, longest first; unchanged if there is none."""
    if length.denominator > FINEST_SPLIT or length.denominator & (length.denominator - 1):
        return [length]
    result: list[Fraction] = []
    rest = length.numerator
    while rest:
        top = 1 << (rest.bit_length() - 1)
        best = max(value for value in (top * 7 // 4, top * 3 // 2, top) if value <= rest)
        result.append(Fraction(best, length.denominator))
        rest -= best
    return result


def _spellings(score: Score) -> list[int]:
    """Spelling of each note; those without one are spelled in the key of their part, or C major.

    None has more than two accidentals as it is written.
    """
    notes = score.notes
    result = notes["spelling"].astype(np.int64)
    for part, player in enumerate(score.parts):
        rows = np.flatnonzero(notes["part"] == part)
        keys = score.keys[(score.keys["part"] == -1) | (score.keys["part"] == part)]
        index = np.searchsorted(keys["onset_tick"], notes["onset_tick"][rows], "right") - 1
        fifths = np.where(index >= 0, np.append(keys["fifths"], 0)[index], 0)
        minor = np.where(index >= 0, np.append(keys["mode"], 0)[index] == 1, False)
        bare = result[rows] == pitch.UNSPELLED
        result[rows] = np.where(bare, spell(notes["pitch"][rows], fifths, minor), result[rows])
        shifts = [(0, player.transpose.fifths)]
        shifts += [(x.onset_tick, x.interval.fifths) for x in score.transpositions if x.part == part]
        reached = np.searchsorted([tick for tick, _ in shifts], notes["onset_tick"][rows], "right") - 1
        shift = np.array([fifths for _, fifths in shifts])[reached]
        written = result[rows] - shift
        while (np.abs(alters := np.asarray(pitch.alter_of(written))) > 2).any():  # type: ignore[arg-type]
            written = written - 12 * (alters > 2) + 12 * (alters < -2)
        result[rows] = written + shift
    return result.tolist()
