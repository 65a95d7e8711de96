"""What MusicXML can say of a score: the music as it is laid out on paper, without what has no element.

Shares with the writer how music is laid out (`prepare`, `StaffSigns`), and neither writes nor reads XML.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from partimento.io.musicxml.engraving import usual_grace_type
from partimento.io.musicxml.pieces import Head, Piece
from partimento.io.musicxml.prepare import Prepared, prepare
from partimento.io.musicxml.staff_signs import StaffSigns
from partimento.io.musicxml.vocabulary import CLEF_LINES, TYPE_UNITS
from partimento.score import BEND, CLEF, KEY, NOTE, Lyric, Mark, Score, Spanner, Transposition, Tuplet
from partimento.theory.key import Key
from partimento.theory.pitch import UNSPELLED

_ON_ALL_HEADS = frozenset(["hidden", "unpitched", "notehead", "display", "slash"])
_ON_LAST_HEAD = frozenset(["fermata", "caesura", "breath-mark"])


def sayable(score: Score) -> Score:
    """The score reduced to what MusicXML can say: `read(write(score)) == sayable(score)`.

    Notes are cut at barlines and tied, have voices, staves and spellings. Bends, other controllers than pedals
    and MIDI messages are gone.

    Raises:
        BadInput: the music is absurdly long.
    """
    return sayable_prepared(prepare(score))


def sayable_prepared(prepared: Prepared) -> Score:
    """`sayable` of a score that has been laid out."""
    laid, scale, tick = prepared.score, prepared.scale, prepared.tick
    signs = [StaffSigns(prepared, index) for index in range(len(laid.parts))]
    paper = _Paper(prepared, signs)

    def ticks(value: Any) -> Any:
        return value * scale // tick

    return replace(
        laid.map_ticks(ticks, ticks),
        ticks_per_quarter=prepared.bars.quarter // tick,
        notes=np.array(paper.rows, NOTE),
        tuplets=tuple(paper.tuplets),
        marks=tuple(paper.marks()),
        lyrics=tuple(paper.lyrics()),
        spanners=tuple(paper.spanners()),
        keys=np.array(_keys(prepared, signs), KEY),
        clefs=np.array(_clefs(prepared, signs), CLEF),
        transpositions=tuple(t for sign in signs for t in _transpositions(prepared, sign)),
        bends=np.empty(0, BEND),
        messages=(),
    )


class _Paper:
    """Noteheads in the order in which they stand in the document, and what hangs on them."""

    def __init__(self, prepared: Prepared, signs: list[StaffSigns]) -> None:
        self.prepared, self.score, self.tick = prepared, prepared.score, prepared.tick
        self.rows: list[tuple[Any, ...]] = []
        self.tuplets: list[Tuplet] = []
        self.pieces_of: defaultdict[int, list[int]] = defaultdict(list)
        """Note id of the score ▶ ids of its noteheads."""
        self.grace_marks: list[Mark] = []
        self._stated = {
            m.note_id: m.kind[6:] for m in self.score.marks if m.kind[:6] == "grace:" and m.kind[6:] in TYPE_UNITS
        }
        self._graces: Counter[tuple[int, int, int]] = Counter()
        for part, measures in enumerate(prepared.streams):
            for index, streams in enumerate(measures):
                base, end = prepared.bars.starts[index : index + 2]
                for stream in streams:
                    group = Counter(p.start for p in stream.pieces if p.is_grace)
                    for piece in stream.pieces:
                        self._add(piece, part, stream.voice, base, end - base, group[piece.start], signs[part])

    def _add(self, piece: Piece, part: int, voice: int, base: int, length: int, graces: int, signs: StaffSigns) -> None:
        onset, duration = (base + piece.start) // self.tick, (piece.end - piece.start) // self.tick
        for _, span in piece.tuplet_starts:
            place, lasting = (base + span.start) // self.tick, (span.end - span.start) // self.tick
            self.tuplets.append(Tuplet(place, lasting, part, voice, span.actual, span.normal, span.shown))
        if piece.is_grace:
            self._graces[part, voice, onset] += 1
        place = base + min(piece.start, length - 1)  # grace notes at a barline belong before it
        for head in piece.heads:
            self._add_head(head, piece, part, voice, onset, duration, signs.respelled(place, head.spelling))
            if piece.is_grace:
                usual = usual_grace_type(graces)
                stated = self._stated.get(piece.heads[0].note_id, usual)
                is_after = piece.start == length
                kinds = [f"grace:{stated}"] * (stated != usual) + ["grace:after"] * is_after
                self.grace_marks += (Mark(len(self.rows) - 1, kind) for kind in kinds)

    def _add_head(
        self, head: Head, piece: Piece, part: int, voice: int, onset: int, duration: int, spelling: int
    ) -> None:
        note_id = len(self.rows)
        self.pieces_of[head.note_id].append(note_id)
        spelling = UNSPELLED if self.score.parts[part].is_drums else spelling
        grace = min(self._graces[part, voice, onset], 127) if piece.is_grace else 0
        tail = (grace, head.tie_start, note_id, head.is_cue)
        self.rows.append((onset, duration, head.pitch, spelling, head.velocity, part, voice, head.staff, *tail))

    def marks(self) -> Iterable[Mark]:
        """Marks, on the first or last of the noteheads into which a note was cut, or on all of them."""
        for mark in self.score.marks:
            heads, tag = self.pieces_of.get(mark.note_id, []), mark.kind.partition(":")[0]
            if tag != "grace":
                where = heads if tag in _ON_ALL_HEADS else heads[-1:] if tag in _ON_LAST_HEAD else heads[:1]
                yield from (Mark(note_id, mark.kind) for note_id in where)
        yield from self.grace_marks

    def lyrics(self) -> Iterable[Lyric]:
        """Syllables, under the first notehead."""
        return (replace(x, note_id=self.pieces_of[x.note_id][0]) for x in self.score.lyrics)

    def spanners(self) -> Iterable[Spanner]:
        """Lines, from the first notehead of their first note to the last one of their last note."""
        for line in self.score.spanners:
            start, end = self.pieces_of.get(line.start_id, [-1])[0], self.pieces_of.get(line.end_id, [-1])[-1]
            yield Spanner(line.kind, start, end)


def _keys(prepared: Prepared, signs: list[StaffSigns]) -> list[tuple[int, int, int, int]]:
    """Sounding keys of the pitched parts, as one where they agree."""
    end, tick = prepared.bars.starts[-1], prepared.tick
    rows = {
        s.index: [(t // tick, Key(f).transposed(s.transpose_at(t)).fifths, m) for t, f, m in s.keys if t <= end]
        for s in signs
        if not s.part.is_drums
    }
    shared = next(iter(rows.values()), [])
    if all(own == shared for own in rows.values()):
        return [(t, -1, fifths, mode) for t, fifths, mode in shared]
    return [(t, index, fifths, mode) for index, own in rows.items() for t, fifths, mode in own]


def _clefs(prepared: Prepared, signs: list[StaffSigns]) -> list[tuple[int, int, int, str, int, int]]:
    end, tick = prepared.bars.starts[-1], prepared.tick
    found = {
        (t // tick, s.index, staff): (sign or "G", line or CLEF_LINES.get(sign or "G", 0), octave)
        for s in signs
        for t, (staff, sign, line, octave) in s.clefs
        if t <= end
    }
    return [(*place, *clef) for place, clef in found.items()]


def _transpositions(prepared: Prepared, signs: StaffSigns) -> list[Transposition]:
    end, tick = prepared.bars.starts[-1], prepared.tick
    changes = [change for change in signs.transpositions if change[0] <= end]
    return [
        Transposition(t // tick, signs.index, interval)
        for (_, before), (t, interval) in pairwise(changes)
        if interval != before
    ]
