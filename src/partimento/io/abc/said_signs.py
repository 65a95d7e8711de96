"""What ABC can say of everything in a score that is neither a note nor hangs on one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from partimento.io.abc.fields import (
    BEAT_NAMES,
    CLEF_NAMES,
    FASTEST_BPM,
    SLOWEST_BPM,
    meter_sign,
    parse_key,
    parse_meter,
    parse_tempo,
)
from partimento.io.abc.said_notes import Bars
from partimento.io.abc.symbols import (
    DECORATIONS,
    DYNAMICS,
    OCTAVES,
    PEDALS,
    WEDGES,
    jump,
    parse_chord,
)
from partimento.io.abc.text import plain
from partimento.io.abc.vocabulary import (
    AT_BAR,
    KEY_SIGNATURE,
    PARTS_ORDER,
    REFERENCE,
    REFERENCES,
    SHARED_STAFF,
    VERSES,
    is_own_decoration,
)
from partimento.score import ChordEvent, Direction, ProgramChange, Records, Repeat, Score, Transposition
from partimento.theory.interval import Interval
from partimento.theory.key import Key

MAX_TEXT = 1000
_BEATS = (Fraction(1, 4), Fraction(1, 8), Fraction(3, 8), Fraction(1, 2), Fraction(3, 4), Fraction(1, 16))


class SaidSigns:
    """The signs of a score as ABC says them, at the ticks where it can."""

    def __init__(self, score: Score, notes: Records, bars: Bars, meters: list[tuple[int, int, int]]) -> None:
        self._score, self._notes, self._bars, self.meters = score, notes, bars, meters
        self.end = bars[-1][1]

    # Time

    def _free(self, tick: int, part: int, staff: int = 0) -> int:
        """The first tick from this one on at which no note of a part, or of one of its staves, sounds on."""
        starts, ends = self._spans[part, staff]
        tick = min(max(tick, 0), self.end)
        while True:
            inside = ends[(starts < tick) & (ends > tick)]
            if not len(inside):
                return tick
            tick = int(inside.max())

    @cached_property
    def _spans(self) -> dict[tuple[int, int], tuple[Any, Any]]:
        """(part, staff or 0 for all) ▶ where notes begin and end."""
        found: dict[tuple[int, int], tuple[Any, Any]] = {}
        for part, player in enumerate(self._score.parts):
            of_part = self._notes[self._notes["part"] == part]
            for staff in range(max(player.staves, 1) + 1):
                of = of_part[of_part["staff"] == staff] if staff else of_part
                found[part, staff] = of["onset_tick"], of["onset_tick"] + of["duration_tick"]
        return found

    # What holds for a part

    @cached_property
    def intervals(self) -> list[dict[int, Interval]]:
        """Of each part the tick ▶ the interval from written to sounding pitch; from tick 0."""
        score = self._score
        found = [{0: _said_interval(part.transpose)} for part in score.parts]
        for change in score.transpositions:
            tick = self._free(change.onset_tick, change.part)
            found[change.part][tick if tick < self.end else 0] = _said_interval(change.interval)
            if tick >= self.end and len(found[change.part]) == 1:
                found[change.part][0] = _said_interval(score.parts[change.part].transpose)
        return [
            shifts if not part.is_drums else {0: Interval(0, 0)}
            for part, shifts in zip(score.parts, found, strict=True)
        ]

    def interval_at(self, part: int, tick: int) -> Interval:
        """From written to sounding pitch."""
        return [interval for start, interval in sorted(self.intervals[part].items()) if start <= tick][-1]

    def transpositions(self) -> Iterator[Transposition]:
        """Changes after the start."""
        for part, shifts in enumerate(self.intervals):
            yield from (Transposition(tick, part, interval) for tick, interval in shifts.items() if tick > 0)

    def programs(self) -> tuple[dict[int, int], list[ProgramChange]]:
        """Other programs at the start of parts, and those later."""
        first: dict[int, int] = {}
        later: dict[ProgramChange, None] = {}
        for change in self._score.programs:
            tick = self._free(change.onset_tick, change.part)
            if tick == 0:
                first[change.part] = change.program
            else:
                later[replace(change, onset_tick=tick)] = None
        return first, list(later)

    def written_keys(self) -> dict[tuple[int, int], Key]:
        """(tick, part) ▶ key as it is written."""
        found: dict[tuple[int, int], Key] = {}
        for tick, part, fifths, mode in self._score.keys.tolist():
            if -7 <= fifths <= 7:
                for of in range(len(self._score.parts)) if part == -1 else (part,):
                    at = self._free(tick, of)
                    found[at, of] = Key.from_ids(fifths, mode).transposed(-self.interval_at(of, at))
        return found

    def keys(self) -> list[tuple[int, int, int, int]]:
        """Keys as they sound, said for all parts where all change at once."""
        by_tick: defaultdict[int, dict[int, Key]] = defaultdict(dict)
        for (tick, part), key in self.written_keys().items():
            by_tick[tick][part] = key.transposed(self.interval_at(part, tick))
        found: list[tuple[int, int, int, int]] = []
        for tick, keys in by_tick.items():
            for part, key in keys.items():
                is_shared = list(keys.values()).count(key) == len(self._score.parts)
                found.append((tick, -1 if is_shared else part, key.fifths, key.mode_id))
        return list(dict.fromkeys(found))

    def clefs(self) -> list[tuple[Any, ...]]:
        """Clefs that have a name."""
        found: dict[tuple[int, int, int], tuple[str, int, int]] = {}
        for tick, part, staff, sign, line, octaves in self._score.clefs.tolist():
            line = 2 if sign == "percussion" else 0 if sign == "none" else line
            if (sign, line) in CLEF_NAMES and abs(octaves) <= 2 and 0 <= part < len(self._score.parts):
                staff = min(max(staff, 1), max(self._score.parts[part].staves, 1))
                found[self._free(tick, part, staff), part, staff] = sign, line, octaves
        return [(*place, *clef) for place, clef in found.items()]

    # Tempo

    def tempos(self) -> tuple[dict[int, float], list[Direction]]:
        """Tempos, whole beats where possible, and the marks and words that go with them."""
        words, marks = self._tempo_texts("tempo"), self._tempo_texts("metronome")
        stated = {
            min(tick, self.end): bpm for tick, bpm in self._score.tempos.tolist() if SLOWEST_BPM <= bpm <= FASTEST_BPM
        }
        tempos: dict[int, float] = {}
        directions: list[Direction] = []
        for tick in sorted({*words, *stated}):
            said = " ".join(words.get(tick, ()))
            usual = parse_tempo(f'"{said}"', Fraction(1, 8)).tempo_bpm if said else None
            directions += [Direction(tick, "tempo", said)] if said else []
            bpm = stated.get(tick, usual)
            if bpm is None or (bpm == usual and not marks.get(tick)):
                tempos |= {tick: bpm} if bpm else {}
                continue
            beat, number = said_beat(bpm, next(iter(marks.get(tick, ())), ""))
            tempos[tick] = float(number) * float(beat) * 4
            directions.append(Direction(tick, "metronome", f"{BEAT_NAMES.get(beat) or beat}={number}"))
        return tempos, directions

    def _tempo_texts(self, kind: str) -> dict[int, list[str]]:
        found: defaultdict[int, dict[str, None]] = defaultdict(dict)
        for direction in self._score.directions:
            if direction.kind == kind and plain(direction.text):
                found[min(direction.onset_tick, self.end)][said_text(direction.text).replace('"', "'")] = None
        return {tick: list(texts) for tick, texts in found.items()}

    # Chord symbols and directions

    def chords(self) -> tuple[list[ChordEvent], list[Direction]]:
        """Chord symbols; those that are none in ABC become words."""
        found: list[ChordEvent] = []
        others: list[Direction] = []
        for chord in self._score.chords:
            tick = min(chord.onset_tick, self.end)
            if chord.symbol is None:
                found.append(ChordEvent(tick, None, chord.part, "NC" if plain(chord.text) == "NC" else ""))
                continue
            interval = self.interval_at(chord.part, tick)
            written = chord.symbol.transposed(-interval)
            text = plain(chord.text)
            is_same = bool(text) and '"' not in text and parse_chord(text) == written
            said = text if is_same else str(written)
            symbol = parse_chord(said)
            if symbol is None:
                others.append(Direction(tick, "words", said, chord.part))
            else:
                text = "" if said == str(symbol) else said
                found.append(ChordEvent(tick, symbol.transposed(interval), chord.part, text))
        return found, others

    def directions(self) -> tuple[list[Direction], list[Repeat]]:
        """Directions that ABC has signs or words for, and jumps that were said in words."""
        found: list[Direction] = self._whole_texts()
        jumps: list[Repeat] = []
        for direction in self._score.directions:
            part = direction.part
            if not 0 <= part < len(self._score.parts):
                continue
            staff = min(max(direction.staff, 1), max(self._score.parts[part].staves, 1))
            tick = min(direction.onset_tick, self.end)
            text = said_text(direction.text)
            if direction.kind in ("words", "dynamics") and (sign := jump(text)):
                jumps.append(Repeat(tick, *sign))
                continue
            found += self._said(replace(direction, onset_tick=tick, staff=staff), text)
        return found, jumps

    def _said(self, event: Direction, text: str) -> Iterator[Direction]:
        tick, kind, part = event.onset_tick, event.kind, event.part
        plain_event = Direction(tick, kind, "", part, event.staff)
        if kind in ("words", "dynamics") and text:
            is_dynamic = text in DYNAMICS
            placement = event.placement if event.placement in ("below", "left", "right") else ""
            placement = "" if is_dynamic or kind == "dynamics" else placement
            yield replace(plain_event, kind="dynamics" if is_dynamic else "words", text=text, placement=placement)
        elif kind == "rehearsal" and text:
            yield replace(plain_event, text=text)
        elif kind in WEDGES.values():
            yield plain_event
        elif kind in DECORATIONS or is_own_decoration(kind):
            is_last = 0 < tick == self.end  # nothing follows but the last barline
            yield replace(plain_event, kind=AT_BAR + kind, staff=1) if is_last else plain_event
        elif kind == "octave-shift" and (said := _said_shift(text)):
            yield replace(plain_event, text=said)
        elif kind == "pedal":
            said = {"change": ("stop", "start")}.get(text, (text,))
            yield from (replace(plain_event, text=t) for t in said if t in PEDALS.values())
        elif kind.startswith(AT_BAR) and tick > 0 and tick in (self.end, *(start for start, _ in self._bars)):
            sign = kind.removeprefix(AT_BAR)
            if sign in DECORATIONS or is_own_decoration(sign):
                yield replace(plain_event, staff=1)
        elif kind == KEY_SIGNATURE:
            yield from self._odd_key(event, text)
        elif kind == "meter-sign":
            row = next((row for row in self.meters if row[0] == tick), None)
            said = {"common": "C", "cut": "C|"}.get(text, f"{text}/{row[2] if row else 0}")
            if row and re.fullmatch(r"C\|?|\d{1,2}(\+\d{1,2})+/\d+", said) and _meter(said) == row[1:]:
                yield Direction(tick, kind, meter_sign(said))
        elif kind == SHARED_STAFF:
            yield from self._shared_staff(part)

    def _odd_key(self, event: Direction, text: str) -> Iterator[Direction]:
        """A signature that no key has, where the key that goes with it is said."""
        said = parse_key(text)
        tick = self._free(event.onset_tick, event.part)
        if said.words == text and said.key is not None and self.written_keys().get((tick, event.part)) == said.key:
            yield Direction(tick, KEY_SIGNATURE, text, event.part)

    def _shared_staff(self, part: int) -> Iterator[Direction]:
        """A part that stands on the staff of the one before, both of one voice."""
        notes = self._notes
        voices = [notes["voice"][notes["part"] == p].max(initial=1) for p in (part - 1, part)]
        if part > 0 and voices == [1, 1] and all(self._score.parts[p].staves <= 1 for p in (part - 1, part)):
            yield Direction(0, SHARED_STAFF, "", part)

    def _whole_texts(self) -> list[Direction]:
        """What has no place in the music: words behind it, the order of parts, what is known of the source."""
        kinds = (VERSES, PARTS_ORDER, *(REFERENCE + letter for letter in REFERENCES))
        lines: defaultdict[str, list[str]] = defaultdict(list)
        for direction in self._score.directions:
            if direction.kind in kinds:
                lines[direction.kind] += [plain(line)[:MAX_TEXT] for line in direction.text.split("\n")]
        found: list[Direction] = []
        for kind, of in lines.items():
            text = "\n".join(of).strip("\n") if kind == VERSES else "\n".join(filter(None, of))
            found += [Direction(0, kind, text)] if text else []
        return found


def said_text(text: str) -> str:
    """A text as ABC can hold it."""
    return plain(plain(text)[:MAX_TEXT])


def said_beat(bpm: float, mark: str) -> tuple[Fraction, str]:
    """The beat of a metronome mark and its count: those of the mark if it says this tempo, else whole beats."""
    name, _, number = mark.strip("()").partition("=")
    beats = {name: beat for beat, name in BEAT_NAMES.items()}
    beat = beats.get(name) or (Fraction(name) if re.fullmatch(r"\d{1,3}/[1-9]\d{0,2}", name) else None)
    if beat and re.fullmatch(r"\d+(\.\d+)?", number) and float(number) * float(beat) * 4 == bpm:
        return beat, number
    for beat in _BEATS:
        count = round(bpm / 4 / float(beat))
        if count > 0 and abs(count * 4 * float(beat) - bpm) < 1e-6 * bpm:
            return beat, str(count)
    number = f"{bpm:.3f}".rstrip("0").rstrip(".")
    return (_BEATS[0], number) if float(number) == bpm else said_beat(float(number), "")  # rounded, it may be whole


def _said_interval(interval: Interval) -> Interval:
    return Interval.from_semitones(interval.semitones if abs(interval.semitones) <= 60 else 0)


def _said_shift(text: str) -> str:
    kind, _, size = text.partition(" ")
    said = "stop" if kind == "stop" else f"{kind} {size or 8}"
    return said if said in OCTAVES.values() else ""


def _meter(text: str) -> tuple[int, int] | None:
    try:
        return parse_meter(text)
    except ValueError:
        return None
