"""Writes what hangs on notes: ties, tuplets, slurs and other lines, articulations, ornaments, lyrics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from partimento.io.musicxml.content import Element
from partimento.io.musicxml.elements import add, element
from partimento.io.musicxml.pieces import Head, Piece
from partimento.io.musicxml.vocabulary import (
    ARTICULATIONS,
    ELISION,
    LINES,
    MARKS_ON_NOTATIONS,
    ORNAMENTS,
    TECHNICAL,
    WITH_TEXT,
    WITH_TYPE,
)
from partimento.score import Lyric, Score

GROUPS = {"ornaments": ORNAMENTS, "technical": TECHNICAL, "articulations": ARTICULATIONS}
"""Group inside `<notations>` ▶ marks that stand in it."""
LAST_FRAGMENT_MARKS = frozenset(["fermata", "caesura", "breath-mark"])
"""Marks that belong to the end of a note cut at a barline."""
_MAX_LINES = 14
"""Numbers for lines open at the same time; MusicXML has 16."""
_LOOSE = {True: 16, False: 15}
"""Number of a line with only a start, or only a stop."""
_SHOW_NUMBER = {"ratio": "both", "bare": "none"}


class Attached:
    """What hangs on the notes of a score, by note id."""

    def __init__(self, score: Score) -> None:
        self.lyrics: dict[int, list[Lyric]] = defaultdict(list)
        self.marks: dict[int, list[str]] = defaultdict(list)
        self.lines: dict[int, list[tuple[int, str, bool]]] = defaultdict(list)
        """Note id ▶ (index of the line, kind, whether it begins here)."""
        self.loose: set[int] = set()
        """Indices of lines with one end."""
        ids = set(score.notes["note_id"].tolist())
        for lyric in score.lyrics:
            self.lyrics[lyric.note_id].append(lyric)
        for mark in score.marks:
            self.marks[mark.note_id].append(mark.kind)
        self.with_accidental = frozenset(m.note_id for m in score.marks if m.kind.startswith("accidental:"))
        """Notes whose accidental is shown though it goes without saying."""
        for index, line in enumerate(score.spanners):
            self.lines[line.end_id].append((index, line.kind, False))
            self.lines[line.start_id].append((index, line.kind, True))
            if line.start_id not in ids or line.end_id not in ids:
                self.loose.add(index)

    def __contains__(self, note_id: int) -> bool:
        return note_id in self.lyrics or note_id in self.marks or note_id in self.lines


class NotationWriter:
    """Writes the `<notations>` of one part."""

    def __init__(self, attached: Attached) -> None:
        self.attached = attached
        self._numbers: dict[int, tuple[str, int]] = {}

    def write(self, note: Element, piece: Piece, head: Head, marks: Sequence[str], *, in_chord: bool) -> None:
        """Append to a note what hangs on it."""
        notations = element("notations")
        for kind, is_tied in (("stop", head.tie_stop), ("start", head.tie_start)):
            if is_tied:
                add(notations, "tied", type=kind)
        if not in_chord:
            write_tuplets(notations, piece)
        for index, kind, begins in self.attached.lines.get(head.note_id, ()):
            if head.is_first if begins else head.is_last:
                parent = add(notations, LINES[kind]) if LINES[kind] else notations
                self._write_line(parent, index, kind, begins)
        if marks:
            is_at = {True: head.is_last, False: head.is_first}
            write_marks(notations, [m for m in marks if is_at[m.partition(":")[0] in LAST_FRAGMENT_MARKS]])
        if len(notations):
            note.append(notations)

    def _write_line(self, parent: Element, index: int, kind: str, begins: bool) -> None:
        """One end of a line, under a number that no other line has between the two ends as written."""
        if index in self.attached.loose:
            number = _LOOSE[begins]
        elif index in self._numbers:
            number = self._numbers.pop(index)[1]
        else:
            taken = {n for k, n in self._numbers.values() if k == kind}
            number = next((n for n in range(1, _MAX_LINES) if n not in taken), _MAX_LINES)
            self._numbers[index] = kind, number
        add(parent, kind, type="start" if begins else "stop", number=number)


def _group(notations: Element, groups: dict[str, Element], name: str) -> Element:
    """The element for ornaments, technical signs or articulations; `notations` itself for what needs none."""
    if not name:
        return notations
    if name not in groups:
        groups[name] = add(notations, name)
    return groups[name]


def _write_mark(notations: Element, groups: dict[str, Element], kind: str, *, is_ornamented: bool) -> None:
    tag, *rest = kind.split(":")
    is_direct = tag in MARKS_ON_NOTATIONS and not (tag == "accidental-mark" and is_ornamented)
    name = "" if is_direct else next((g for g, tags in GROUPS.items() if tag in tags), None)
    if name is None:  # a mark on the note itself: its head, its slash
        return
    mark = add(_group(notations, groups, name), tag)
    text = rest.pop(0) if tag in WITH_TEXT and rest else ""
    if tag in WITH_TYPE and (kind_of_sign := rest[0] if rest else WITH_TYPE[tag][1]):
        mark.set(WITH_TYPE[tag][0], kind_of_sign)
    if tag == "fermata":
        mark.set("type", "upright")
    if tag == "bend":
        alter, *inner = text.split()
        add(mark, "bend-alter", alter)
        for name in inner:
            add(mark, name)
    elif tag == "harmonic":
        for inner in text.split():
            add(mark, inner)
    elif text:
        mark.text = text


def write_marks(notations: Element, marks: Sequence[str]) -> None:
    """Marks, each in the group where it belongs."""
    groups: dict[str, Element] = {}
    is_ornamented = not ORNAMENTS.isdisjoint(mark.partition(":")[0] for mark in marks if "accidental" not in mark)
    for mark in marks:
        _write_mark(notations, groups, mark, is_ornamented=is_ornamented)


def write_tuplets(notations: Element, piece: Piece) -> None:
    """Begins and ends of the tuplets that are shown."""
    for number, span in sorted(piece.tuplet_starts, key=lambda start: start[0]):
        if span.shown == "nothing":
            continue
        bracket = "no" if piece.beams and span.shown == "number" else "yes"
        shown = _SHOW_NUMBER.get(span.shown)
        tuplet = add(notations, "tuplet", type="start", number=number, bracket=bracket, show_number=shown)
        if number > 1 or (piece.actual, piece.normal) != (span.actual, span.normal):
            for side, count in (("tuplet-actual", span.actual), ("tuplet-normal", span.normal)):
                add(add(tuplet, side), "tuplet-number", count)
    for number, span in sorted(piece.tuplet_stops, key=lambda stop: -stop[0]):
        if span.shown != "nothing":
            add(notations, "tuplet", type="stop", number=number)


def write_lyric(note: Element, lyric: Lyric) -> None:
    """A syllable, two syllables with an elision, or the end of an extender."""
    tag = add(note, "lyric", number=lyric.verse)
    if not lyric.text:
        add(tag, "extend", type="stop")
        return
    add(tag, "syllabic", lyric.syllabic)
    first, *others = lyric.text.split(ELISION)
    add(tag, "text", first)
    for text in others:
        add(tag, "elision", ELISION)
        add(tag, "text", text)
    if lyric.extend:
        add(tag, "extend")
