"""What stands between the notes in ABC: barlines, fields, chord symbols, annotations, decorations, words."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from partimento.io.abc.fields import CLEF_NAMES
from partimento.io.abc.lanes import Lane
from partimento.io.abc.symbols import DECORATIONS, DYNAMICS, JUMP_DECORATIONS
from partimento.score import Direction, Lyric, Repeat, Score
from partimento.theory import pitch
from partimento.theory.key import Key

_BEATS = (Fraction(1, 4), Fraction(1, 8), Fraction(3, 8), Fraction(1, 2), Fraction(3, 4), Fraction(1, 16))
_MODES = {
    "major": "",
    "minor": "m",
    "dorian": "dor",
    "phrygian": "phr",
    "lydian": "lyd",
    "mixolydian": "mix",
    "locrian": "loc",
}


@dataclass
class Texts:
    """The signs of one lane by tick, handed out in the order of the music."""

    is_leader: bool
    fields: dict[int, str] = field(default_factory=lambda: defaultdict[int, str](str))
    annotations: dict[int, str] = field(default_factory=lambda: defaultdict[int, str](str))
    keys: dict[int, Key] = field(default_factory=dict[int, Key])
    cuts: set[int] = field(default_factory=set[int])
    """Where chord symbols stand: a note is cut in two there."""
    rest_cuts: set[int] = field(default_factory=set[int])
    _order: list[int] | None = None

    def take(self, tick: int) -> tuple[str, str, Key | None]:
        """Fields, annotations and new key that are due at or before a tick and not yet written."""
        if self._order is None:
            self._order = sorted({*self.fields, *self.annotations, *self.keys}, reverse=True)
        fields, annotations, key = "", "", None
        while self._order and self._order[-1] <= tick:
            due = self._order.pop()
            fields += self.fields.get(due, "")
            annotations += self.annotations.get(due, "")
            key = self.keys.get(due, key)
        return fields, annotations, key


class Signs:
    """The signs of a score, ready to be written."""

    def __init__(self, score: Score, bars: list[tuple[int, int]]) -> None:
        self.lost: set[str] = set()
        self._score, self._bars = score, bars
        self._repeats: defaultdict[int, list[Repeat]] = defaultdict(list)
        for repeat in score.repeats:
            self._repeats[repeat.onset_tick].append(repeat)
        self._marks: defaultdict[int, list[str]] = defaultdict(list)
        for mark in score.marks:
            self._marks[mark.note_id].append(mark.kind)
        self._lyrics: defaultdict[int, list[Lyric]] = defaultdict(list)
        for lyric in score.lyrics:
            self._lyrics[lyric.note_id].append(lyric)
        first = score.keys[score.keys["onset_tick"] == 0]
        shared = first[first["part"] == -1]
        chosen = shared if len(shared) else first
        self.header_key = Key.from_ids(*chosen[["fifths", "mode"]][0].item()) if len(chosen) else None
        self._tempos = dict(score.tempos.tolist())
        self._words = {d.onset_tick: d.text for d in score.directions if d.kind == "tempo"}
        self.first_tempo = self._tempo(0) if 0 in self._tempos else ""
        self._note_losses()

    def _note_losses(self) -> None:
        score = self._score
        losses = {
            "velocities": score.notes["velocity"].any(), "pedals and controls": len(score.controls),
            "pitch bends": len(score.bends), "changes of clef": (score.clefs["onset_tick"] > 0).any(),
            "octave signs of clefs": score.clefs["octave_change"].any(),
            "written pitch of transposing parts": any(part.transpose for part in score.parts),
            "lines other than slurs": any(spanner.kind != "slur" for spanner in score.spanners),
        }  # fmt: skip
        self.lost |= {name for name, is_lost in losses.items() if is_lost}
        edges = {start for start, _ in self._bars} | {end for _, end in self._bars}
        if any(tick not in edges for tick in self._repeats):
            self.lost.add("repeats inside a bar")

    # Barlines

    def barline(self, bar: int, is_leader: bool) -> tuple[str, str]:
        """What stands before the first note of a bar, and the barline behind it."""
        start, end = self._bars[bar]
        before = self._first_barline() if bar == 0 else ""
        targets = [r.kind for r in self._repeats[start] if r.kind in ("segno", "coda")] if is_leader else []
        leaves = [r.kind for r in self._repeats[end] if r.kind in JUMP_DECORATIONS and r.kind not in ("segno", "coda")]
        before += "".join(f"!{kind}!" for kind in targets)
        after = "".join(f"!{JUMP_DECORATIONS[kind]}!" for kind in leaves) if is_leader else ""
        return before, (after + " " if after else "") + self._behind(end, bar == len(self._bars) - 1)

    def _first_barline(self) -> str:
        kinds = {repeat.kind: repeat.text for repeat in self._repeats[self._bars[0][0]]}
        text = "|:" if "forward" in kinds else ""
        return text + (" [" + kinds["ending-start"].replace(" ", "") if "ending-start" in kinds else "")

    def _behind(self, tick: int, is_last: bool) -> str:
        kinds = {repeat.kind: repeat.text for repeat in self._repeats[tick]}
        times = kinds.get("backward", "")
        colons = ":" * (int(times) - 1 if times.isdigit() and 2 < int(times) < 10 else 1)
        ending = kinds.get("ending-start", "").replace(" ", "") if not is_last else ""
        if "backward" in kinds:
            text = colons + "|" + ":" * ("forward" in kinds and not is_last)
        elif "forward" in kinds and not is_last:
            text = "||:" if "ending-discontinue" in kinds else "|]|:" if "ending-stop" in kinds else "|:"
        elif is_last or "ending-stop" in kinds:
            text = "||" if "ending-discontinue" in kinds else "|]"
        else:
            text = "||" if "ending-discontinue" in kinds else "|"
        return text + (f" [{ending}" if ending and text[-1] in ":]" and text != ":|" else ending)

    # Fields and annotations

    def texts(self, lane: Lane, is_leader: bool) -> Texts:
        """The signs that a lane carries."""
        texts = Texts(is_leader)
        self._add_meters_and_keys(texts, lane)
        if is_leader:
            for tick in self._tempos:
                if tick > 0:
                    texts.fields[tick] += f"[Q:{self._tempo(tick)}]"
        if lane.is_first:
            wedge = "<"
            for direction in self._score.directions:
                staff = min(max(direction.staff, 1), self._score.parts[lane.part].staves)
                if (direction.part, staff) == (lane.part, lane.staff):
                    wedge = {"crescendo": "<", "diminuendo": ">"}.get(direction.kind, wedge)
                    self._add_direction(texts, direction, wedge)
        if lane.is_first and lane.staff == 1:
            for chord in self._score.chords:
                if chord.part == lane.part:
                    texts.annotations[chord.onset_tick] += f'"{chord.symbol or "N.C."}"'
                    texts.cuts.add(chord.onset_tick)
        texts.rest_cuts |= texts.fields.keys() | texts.annotations.keys()
        return texts

    def _add_meters_and_keys(self, texts: Texts, lane: Lane) -> None:
        for tick, beats, beat_type in self._score.meters.tolist()[1:]:
            texts.fields[tick] += f"[M:{beats}/{beat_type}]"
        for tick, part, fifths, mode in self._score.keys.tolist():
            key = Key.from_ids(fifths, mode)
            if part in (-1, lane.part) and not (tick == 0 and key == self.header_key):
                texts.fields[tick] += f"[K:{key_name(key)}]"
                texts.keys[tick] = key

    def _add_direction(self, texts: Texts, direction: Direction, wedge: str) -> None:
        text = direction.text.replace('"', "'").replace("\n", " ").replace("%", "").strip()
        tick = direction.onset_tick
        match direction.kind:
            case "rehearsal" if text:
                texts.fields[tick] += "[P:" + text.replace("]", ")") + "]"
            case "dynamics" if text in DYNAMICS:
                texts.annotations[tick] += f"!{text}!"
            case "crescendo" | "diminuendo":
                texts.annotations[tick] += f"!{wedge}(!"
            case "wedge-stop":
                texts.annotations[tick] += f"!{wedge})!"
            case "tempo" if tick in self._tempos:
                pass
            case "words" | "dynamics" | "tempo" if text:
                texts.annotations[tick] += f'"^{text}"'
            case kind:
                self.lost.add(f"directions of kind {kind}")

    def _tempo(self, tick: int) -> str:
        """`"Allegro" 1/4=120`, with a beat that makes the number whole where there is one."""
        bpm = self._tempos[tick]
        counts = [(beat, bpm / 4 / float(beat)) for beat in _BEATS]
        beat, count = next((pair for pair in counts if math.isclose(pair[1], round(pair[1]), abs_tol=1e-6)), counts[0])
        if round(count) != count and not math.isclose(count, round(count), abs_tol=1e-6):
            self.lost.add("fractions of a beat per minute")
        words = self._words.get(tick, "").replace('"', "'").replace("]", ")").replace("%", "")
        return (f'"{words}" ' if words else "") + f"{beat}={max(round(count), 1)}"

    # On notes

    def marks(self, note_ids: list[int]) -> str:
        """Decorations of a note or chord."""
        text = ""
        for note_id in note_ids:
            for kind in self._marks.get(note_id, ()):
                if kind in DECORATIONS:
                    text += "." if kind == "staccato" else f"!{DECORATIONS[kind]}!"
                else:
                    self.lost.add(kind)
        return text

    def slurs(self, lane: Lane) -> dict[int, tuple[int, int]]:
        """How many slurs open and close at each event of a lane, by its first row."""
        ids = self._score.notes["note_id"].tolist()
        order = {ids[row]: (index, event.notes[0]) for index, event in enumerate(lane.events) for row in event.notes}
        counts: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
        for spanner in self._score.spanners:
            start, end = order.get(spanner.start_id), order.get(spanner.end_id)
            if spanner.kind == "slur" and start and end and start < end:
                counts[start[1]][0] += 1
                counts[end[1]][1] += 1
        return {row: (opened, closed) for row, (opened, closed) in counts.items()}

    def words(self, heads: list[list[int]]) -> list[str]:
        """`w:` lines of every verse under the notes of a line."""
        sung = [{lyric.verse: lyric for note_id in ids for lyric in self._lyrics.get(note_id, ())} for ids in heads]
        return [
            _verse([at.get(verse) for at in sung])
            for verse in range(1, max((max(at, default=0) for at in sung), default=0) + 1)
        ]


def _verse(lyrics: list[Lyric | None]) -> str:
    texts: list[str] = []
    is_held = False
    for lyric in lyrics:
        if lyric is None:
            texts.append("_ " if is_held else "* ")
            is_held = False
            continue
        text = lyric.text.replace("\\", "")
        for sign in "-_*|~":
            text = text.replace(sign, "\\" + sign)
        text = " ".join(text.split()).replace(" ", "~").replace("%", "\\%") or "*"
        texts.append(text + ("-" if lyric.syllabic in ("begin", "middle") else "") + " ")
        is_held = lyric.extend
    while texts and texts[-1] == "* ":
        texts.pop()
    return "w:" + ("".join(texts).rstrip() or "*")


def clef_name(score: Score, lane: Lane) -> str:
    """The clef that a lane begins with, empty if it is not said or has no name in ABC.

    Its octave sign is left out: it would move the notes in some programs, but not in all.
    """
    clefs = score.clefs
    is_here = (clefs["part"] == lane.part) & (np.maximum(clefs["staff"], 1) == lane.staff)
    rows = clefs[is_here & (clefs["onset_tick"] == 0)]
    if not len(rows):
        return ""
    sign, line = rows[["sign", "line"]][0].item()
    return CLEF_NAMES.get((sign, 2 if sign == "percussion" else line), "")


def key_name(key: Key | None) -> str:
    """What follows `K:`; a bare signature becomes its major key."""
    return pitch.name(key.tonic) + _MODES[key.mode or "major"] if key else "none"
