"""What Chord Llama's YAML can say of a score: what MusicXML can say of it, without what the cleaning drops.

Shares with writing how a score is laid out on paper, and neither writes nor reads YAML or XML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from partimento.io.musicxml.layout import Stream
from partimento.io.musicxml.notation_writer import Attached
from partimento.io.musicxml.note_writer import head_order
from partimento.io.musicxml.pieces import Piece
from partimento.io.musicxml.prepare import prepare
from partimento.io.musicxml.sayable import sayable_prepared
from partimento.io.musicxml.values import TupletSpan
from partimento.io.musicxml.vocabulary import DRUM_AT, DRUM_STAFF, OTHER_DRUM
from partimento.io.yaml.voices import Span, TupletFinder, Value, VoiceFinder
from partimento.score import BEND, CONTROL, Mark, Part, Records, Score

TEMPO_DECIMALS = 2

_SNARE = 38
_MOST_ROUNDS = 8


def sayable(score: Score) -> Score:
    """A score reduced to what a text can say.

    Raises:
        BadInput: the music is absurdly long.
    """
    return settled(_on_paper(score))


def settled(said: Score) -> Score:
    """What stays of a score from a text, however often it is written and read.

    Rests under brackets that a reader finds anew may be written anew, and then other brackets are found. Mostly this
    comes to rest at once; where it goes round in a circle, one score of the circle stands for all.
    """
    seen = list[Score]()
    while said.tuplets and said not in seen and len(seen) < _MOST_ROUNDS:
        seen.append(said)
        said = _on_paper(said)
    circle = seen[seen.index(said) :] if said in seen else [said]
    return min(circle, key=lambda score: [(t.onset_tick, t.part, t.voice, t.duration_tick) for t in score.tuplets])


def _on_paper(score: Score) -> Score:
    """What a reader finds of a score as it is laid out."""
    prepared = prepare(bare(score))
    attached, bars = Attached(prepared.score), prepared.bars
    lengths = [end - start for start, end in pairwise(bars.starts)]
    beats = [int(meter.beat_quarter * bars.quarter) for meter in bars.meters]
    for measures in prepared.streams:
        for streams, length, beat in zip(measures, lengths, beats, strict=True):
            _find_voices(streams, attached, length, beat)
    said = sayable_prepared(prepared)
    notes, clefs = said.notes.copy(), said.clefs.copy()
    clefs["octave_change"] = 0
    notes["tied"] &= ~notes["cue"]
    return replace(said, notes=notes, clefs=clefs, marks=(*said.marks, *_noteheads(said)))


def bare(score: Score) -> Score:
    """A score without what the cleaning drops, ready to be written."""
    score = score if score.parts else replace(score, parts=(Part(),))
    notes, tempos = score.notes.copy(), score.tempos.copy()
    tempos["tempo_bpm"] = np.round(tempos["tempo_bpm"], TEMPO_DECIMALS)
    notes["velocity"] = 0
    notes["pitch"] = _placed(score, notes)
    kinds = ("slash", "unpitched", "grace")
    return replace(
        score,
        parts=_parts(score),
        notes=notes,
        tempos=tempos,
        marks=tuple(mark for mark in score.marks if mark.kind.partition(":")[0] in kinds),
        directions=tuple(event for event in score.directions if event.kind == "meter-sign"),
        controls=np.empty(0, CONTROL),
        bends=np.empty(0, BEND),
        **dict.fromkeys(("groups", "programs", "repeats", "barlines", "lyrics", "spanners", "messages", "tags"), ()),
        **dict.fromkeys(("title", "subtitle", "composer", "arranger", "lyricist", "rights"), ""),
    )


def _parts(score: Score) -> tuple[Part, ...]:
    """Parts by name and program where there are several; a single one has neither."""
    if len(score.parts) > 1:
        return tuple(Part(p.name, p.program, p.is_drums, staves=p.staves, transpose=p.transpose) for p in score.parts)
    part = next(iter(score.parts))
    clefs = score.clefs[score.clefs["onset_tick"] == 0]
    is_drums = part.is_drums if len(score.notes) else bool((clefs["sign"] == "percussion").any())
    return (Part(is_drums=is_drums, staves=part.staves, transpose=part.transpose),)


# Drums, which only have a place on the staff


def _placed(score: Score, notes: Records) -> Any:
    """Pitches, those of drums as their places on the staff without noteheads tell them."""
    is_drum = np.array([part.is_drums for part in score.parts], bool)[notes["part"]]
    keys = np.array([_key_at(DRUM_STAFF.get(key, OTHER_DRUM)[0]) for key in range(128)])
    return np.where(is_drum, keys[np.clip(notes["pitch"], 0, 127)], notes["pitch"])


def _key_at(place: str) -> int:
    """Percussion key of a place on the staff."""
    nearest = next((key for key, (where, _) in DRUM_STAFF.items() if where == place), _SNARE)
    return DRUM_AT.get((place, ""), nearest)


def _noteheads(score: Score) -> list[Mark]:
    """Plain noteheads of drums that usually have others."""
    return [
        Mark(int(note["note_id"]), "notehead:normal")
        for note in score.notes
        if score.parts[note["part"]].is_drums and DRUM_STAFF.get(int(note["pitch"]), OTHER_DRUM)[1]
    ]


# Voices and tuplets, which readers find again


class _Brackets:
    """The notes of one voice in a measure, under the tuplets that are found."""

    def __init__(self, beat: int) -> None:
        self._beat, self._tuplets, self._pieces, self._end = beat, TupletFinder(), list[Piece](), 0

    def add(self, piece: Piece) -> None:
        """A chord or rest."""
        if piece.start != self._end:
            self.finish()
        self._end = piece.end
        self._pieces.append(piece)
        value = Value(piece.type, piece.dots, piece.actual, piece.normal)
        self._bracket(self._tuplets.add(value, ends_on_beat=piece.end % self._beat == 0))

    def finish(self) -> None:
        """Nothing more comes."""
        self._bracket(self._tuplets.end())

    def _bracket(self, spans: list[Span]) -> None:
        for first, last in ((self._pieces[a], self._pieces[b]) for a, b in spans):
            span = TupletSpan(first.start, last.end, first.actual, first.normal, "number")
            first.tuplet_starts.append((1, span))
            last.tuplet_stops.append((1, span))


def _find_voices(streams: Sequence[Stream], attached: Attached, length: int, beat: int) -> None:
    """Number the voices of a measure, and put brackets over its tuplets, as who reads it will."""
    voices, brackets = VoiceFinder(), dict[int, _Brackets]()
    for stream in streams:
        voices.move(-voices.position)
        number: int | None = None
        for piece in stream.pieces:
            piece.tuplet_starts, piece.tuplet_stops = [], []
            if not piece.is_gap:
                number = voices.add(piece.end - piece.start, _staff(piece, stream, attached))
                if not piece.is_grace:
                    brackets.setdefault(number, _Brackets(beat)).add(piece)
            elif piece.end < length:
                voices.move(piece.end - piece.start)
        stream.voice = number or stream.voice
    for own in brackets.values():
        own.finish()


def _staff(piece: Piece, stream: Stream, attached: Attached) -> int:
    """The staff of the note that stands for a chord, or of a rest."""
    return piece.heads[head_order(piece, attached)[0]].staff if piece.heads else stream.staff
