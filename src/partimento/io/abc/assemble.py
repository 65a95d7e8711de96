"""Puts the voices of an ABC tune together to a score."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadFile
from partimento.io.abc.barlines import Barlines
from partimento.io.abc.clock import QUARTER, Clock, free_meters
from partimento.io.abc.credits import read_credits
from partimento.io.abc.midi import DRUM_CHANNEL, PAN, VOLUME
from partimento.io.abc.tokens import Item, Sign
from partimento.io.abc.tune import Tune
from partimento.io.abc.vocabulary import AT_BAR, FOR_ALL, KEY_SIGNATURE, SHARED_STAFF, VERSES
from partimento.io.abc.voice import MAX_MEASURES, Voice
from partimento.score import (
    NOTE,
    ChordEvent,
    Direction,
    Lyric,
    Mark,
    Part,
    PartGroup,
    ProgramChange,
    Records,
    Repeat,
    Score,
    Spanner,
    Transposition,
    Tuplet,
)
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import DRUMS, find_instrument
from partimento.theory.interval import Interval
from partimento.theory.key import Key

MAX_QUARTERS = 1_000_000


@dataclass
class _Events:
    """Rows of a score, their times still in units of a `WHOLE`th."""

    notes: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    keys: list[tuple[int, int, Key]] = field(default_factory=list[tuple[int, int, Key]])
    meters: dict[int, tuple[tuple[int, int] | None, str]] = field(
        default_factory=dict[int, tuple[tuple[int, int] | None, str]]
    )
    tempos: dict[int, float] = field(default_factory=dict[int, float])
    clefs: dict[tuple[int, int, int], tuple[Any, ...]] = field(
        default_factory=dict[tuple[int, int, int], tuple[Any, ...]]
    )
    barlines: Barlines = field(default_factory=Barlines)
    repeats: list[Repeat] = field(default_factory=list[Repeat])
    programs: dict[ProgramChange, None] = field(default_factory=dict[ProgramChange, None])
    transpositions: dict[Transposition, None] = field(default_factory=dict[Transposition, None])
    chords: list[ChordEvent] = field(default_factory=list[ChordEvent])
    directions: list[Direction] = field(default_factory=list[Direction])
    tuplets: list[Tuplet] = field(default_factory=list[Tuplet])
    marks: list[Mark] = field(default_factory=list[Mark])
    spanners: list[Spanner] = field(default_factory=list[Spanner])
    lyrics: list[Lyric] = field(default_factory=list[Lyric])


def assemble(tune: Tune, name: str) -> Score | None:
    """The score of a tune, None if it has no notes.

    Measures are matched by their number; each is as long as in the voice where it is longest.

    Raises:
        BadFile: it has more than 100,000 measures or 1,000 voices, lasts more than a million quarters.
    """
    if not any(voice.items for voice in tune.voices.values()):
        return None
    lengths = _measure_lengths(tune)
    if len(lengths) > MAX_MEASURES or sum(lengths) > MAX_QUARTERS * QUARTER:
        raise BadFile(
            name,
            f"tune {tune.number} has {len(lengths)} measures of {sum(lengths) // QUARTER} quarters; split it",
        )
    starts: list[int] = np.concatenate([[0], np.cumsum(np.array(lengths, np.int64))]).tolist()
    events = _Events()
    parts: list[Part] = []
    groups, staves_of_parts = _layout(tune)
    for staves in staves_of_parts:
        parts.append(_part(tune, staves))
        _PartReader(tune, events, len(parts) - 1, starts).read(staves)
    events.directions += _shared_staves(tune, staves_of_parts)
    for kind, lines in tune.texts.items():
        text = "\n".join(lines).strip("\n") if kind == VERSES else "\n".join(filter(None, lines))
        events.directions += [Direction(0, kind, text)] if text else []
    return _score(tune, events, parts, groups, starts)


def _measure_lengths(tune: Tune) -> list[int]:
    columns = [voice.lengths for voice in tune.voices.values()]
    return [max(column[i] for column in columns if i < len(column)) for i in range(max(map(len, columns)))]


def _layout(tune: Tune) -> tuple[list[PartGroup], list[list[list[str]]]]:
    """Brackets, and of each part its staves with their voices, as far as these have music."""
    heard = {name: None for name, voice in tune.voices.items() if voice.lengths}
    parts: list[list[list[str]]] = []
    place: dict[int, int] = {}
    for number, part in enumerate(tune.staves.parts):
        staves = [names for staff in part if (names := [name for name in staff if name in heard])]
        if staves:
            heard = {name: None for name in heard if not any(name in staff for staff in staves)}
            place[number] = len(parts)
            parts.append(staves)
    groups: list[PartGroup] = []
    for first, last, barline in tune.staves.groups:
        inside = [place[number] for number in range(first, last + 1) if number in place]
        groups += [PartGroup(inside[0], inside[-1], barline=barline)] if inside else []
    return list(dict.fromkeys(groups)), parts + [[[name]] for name in heard]


def _part(tune: Tune, staves: list[list[str]]) -> Part:
    ids = [name for staff in staves for name in staff]
    first = tune.voices[ids[0]]
    name = next((tune.voices[i].name for i in ids if tune.voices[i].name), "")
    channel = tune.midi.channel_of(ids[0])
    is_drums = channel == DRUM_CHANNEL
    program = tune.midi.program_of(ids[0], list(tune.voices).index(ids[0]) + 1)
    if program is None:
        others = (voice.name for voice in tune.voices.values())
        found = find_instrument(name, others) if name and not is_drums else None
        program, is_drums = (0, True) if found == DRUMS else (found or 0, is_drums)
    return Part(
        name,
        program,
        is_drums,
        first.abbreviation if first.abbreviation != name else "",
        staves=len(staves),
        transpose=Interval.from_semitones(first.transpositions[0][1]),
        volume=tune.midi.controls.get((ids[0], VOLUME)),
        pan=tune.midi.controls.get((ids[0], PAN)),
        channel=DRUM_CHANNEL if is_drums else channel,
    )


class _PartReader:
    """Adds the voices of one part to the events of the score."""

    def __init__(self, tune: Tune, events: _Events, part: int, starts: list[int]) -> None:
        self._tune, self._events, self._part, self._starts = tune, events, part, starts
        self._heads: set[tuple[int, int]] = set()
        self._has_ties = False
        self._intervals: list[tuple[int, Interval]] = []

    def read(self, staves: list[list[str]]) -> None:
        """Read the voices of each staff; those without notes take no number, unless a staff has no other."""
        tune, number = self._tune, 1
        for name in (name for staff in staves for name in staff):
            voice = tune.voices[name]
            _transpose(voice)
            if any(item.is_tied for item in voice.items):
                self._has_ties = True
        if self._has_ties:
            items = [item for staff in staves for name in staff for item in tune.voices[name].items]
            self._heads = {(self._onset(item), item.pitch) for item in items if not item.grace}
        for staff, names in enumerate(staves, 1):
            before = number
            for name in names:
                voice = tune.voices[name]
                used = sorted({item.lane for item in voice.items})
                self._add_notes(name, voice, {lane: number + place for place, lane in enumerate(used)}, staff)
                self._intervals = self._sounding(voice)
                for sign in voice.signs:
                    self._add_sign(sign, staff)
                number += len(used)
            number = max(number, before + 1)

    def _onset(self, item: Item) -> int:
        return self._starts[item.measure] + item.offset

    def _add_notes(self, name: str, voice: Voice, numbers: dict[int, int], staff: int) -> None:
        events, first = self._events, len(self._events.notes)
        starts, part = self._starts, self._part
        ties = self._ties(voice, first) if self._has_ties else [False] * len(voice.items)
        events.notes += [
            (starts[item.measure] + item.offset, item.duration, item.pitch, item.spelling, 0, part,
             numbers[item.lane], staff, item.grace, is_tied, first + index)
            for index, (item, is_tied) in enumerate(zip(voice.items, ties, strict=True))
        ]  # fmt: skip
        events.marks += [Mark(first + index, kind) for index, kind in dict.fromkeys(voice.marks)]
        events.spanners += [
            Spanner(kind, *(index if index < 0 else first + index for index in ends)) for kind, *ends in voice.lines
        ]
        for measure, offset, last, end, lane, actual, normal in voice.tuplets:
            onset = self._starts[measure] + offset
            if lane in numbers:
                events.tuplets.append(
                    Tuplet(onset, self._starts[last] + end - onset, self._part, numbers[lane], actual, normal)
                )
        for (owner, number), verse in self._tune.verses.items():
            if owner == name:
                events.lyrics += [Lyric(first + s.note, s.text, s.syllabic, number, s.extend) for s in verse.syllables]

    def _ties(self, voice: Voice, first: int) -> list[bool]:
        """Which notes are tied; ties that find no note of their pitch become slurs."""
        found: list[bool] = []
        for index, item in enumerate(voice.items):
            found.append(item.is_tied and (self._onset(item) + item.duration, item.pitch) in self._heads)
            if item.is_tied and not found[-1]:
                target = _next_note(voice.items, index)
                end = target if target < 0 else first + target
                self._events.spanners.append(Spanner("slur", first + index, end))
        return found

    def _sounding(self, voice: Voice) -> list[tuple[int, Interval]]:
        """From which tick on a voice sounds at which interval from what is written."""
        changes = [(self._starts[x.measure] + x.offset, x.value) for x in voice.signs if x.what == "transposition"]
        stated = [(0, voice.transpositions[0][1]), *changes]
        return [(tick, Interval.from_semitones(semitones)) for tick, semitones in stated]  # type: ignore[arg-type]

    def _interval_at(self, onset: int) -> Interval:
        """From written to sounding pitch."""
        return self._intervals[bisect_right(self._intervals, onset, key=lambda change: change[0]) - 1][1]

    def _add_sign(self, sign: Sign, staff: int) -> None:
        events, part = self._events, self._part
        start = self._starts[sign.measure]
        end = self._starts[min(sign.measure + 1, len(self._starts) - 1)]
        onset = min(start + sign.offset, self._starts[-1])
        match sign.what, sign.value:
            case "chord", ChordSymbol() | None as symbol:
                symbol = symbol and symbol.transposed(self._interval_at(onset))
                events.chords.append(ChordEvent(onset, symbol, part, sign.text))
            case "key", Key() as key:
                events.keys.append((onset, part, key.transposed(self._interval_at(onset))))
            case "meter", meter:
                events.meters[end if sign.offset else start] = (meter, sign.text)  # type: ignore[assignment]
            case "tempo", float() as tempo_bpm:
                events.tempos[onset] = tempo_bpm
            case "clef", clef:
                events.clefs[onset, part, staff] = attrgetter("sign", "line", "octave_change")(clef)
            case "bar", str() as kind:
                events.barlines.add(start, kind, sign.text)
            case "aim", str() as kind:
                events.repeats.append(Repeat(min(start, self._starts[-2]), kind, sign.text))
            case "leave", str() as kind:
                events.repeats.append(Repeat(end, kind, sign.text))
            case "program", int() as program:
                events.programs[ProgramChange(onset, part, program)] = None
            case "transposition", int() as semitones:
                events.transpositions[Transposition(onset, part, Interval.from_semitones(semitones))] = None
            case "direction", str() as kind:
                place = (
                    (0, 1)
                    if kind in FOR_ALL
                    else (part, 1 if kind.startswith(AT_BAR) or kind == KEY_SIGNATURE else staff)
                )
                events.directions.append(Direction(onset, kind, sign.text, *place, sign.placement))
            case _:
                pass


def _transpose(voice: Voice) -> None:
    """Make the notes of a voice sound where they are to."""
    if len(voice.transpositions) == 1 and not voice.transpositions[0][1]:
        return
    indices = [index for index, _ in voice.transpositions]
    found = [Interval.from_semitones(semitones) for _, semitones in voice.transpositions]
    for index, item in enumerate(voice.items):
        interval = found[bisect_right(indices, index) - 1]
        item.pitch += interval.semitones
        item.spelling += interval.fifths


def _next_note(items: list[Item], index: int) -> int:
    """A tie to another pitch is the slur of those who type `-` for it; this is where it leads, −1 for nowhere."""
    here = items[index]
    for later in range(index + 1, len(items)):
        item = items[later]
        if item.lane == here.lane and not item.grace and (item.measure, item.offset) > (here.measure, here.offset):
            return later
    return -1


# From units to ticks


def _score(tune: Tune, events: _Events, parts: list[Part], groups: list[PartGroup], starts: list[int]) -> Score | None:
    meters, signs = _meters(events, starts)
    repeats, barlines = events.barlines.close(starts[-1])
    rows = np.array(events.notes, np.int64)
    timed = (*events.chords, *events.directions, *events.tuplets, *events.programs, *events.transpositions)
    times = [*starts, *events.tempos, *(onset for onset, *_ in (*events.keys, *events.clefs))]
    times += [event.onset_tick for event in timed] + [t.onset_tick + t.duration_tick for t in events.tuplets]
    clock = Clock(np.concatenate([np.array(times, np.int64), rows[:, 0], rows[:, 1]]), [row[2] for row in meters])
    if not clock.is_exact:
        tune.lost.add(f"times finer than {clock.resolution} ticks per quarter (rounded)")
    notes = _notes(rows, clock)
    is_pitch = (rows[:, 2] >= 0) & (rows[:, 2] <= 127)
    if not is_pitch.any():
        return None
    if not is_pitch.all():
        tune.lost.add("notes beyond the 128 pitches of MIDI")
    words, music, arranger, rights = read_credits(tune.credits)
    bars = np.array(starts if meters else [], np.int64)
    score = Score(
        QUARTER,
        tuple(parts),
        measures=list(zip(bars[:-1], np.diff(bars), strict=True)),  # type: ignore[arg-type]
        meters=meters,  # type: ignore[arg-type]
        keys=[(onset, part, key.fifths, key.mode_id) for onset, part, key in shared_keys(events.keys, len(parts))],  # type: ignore[arg-type]
        tempos=list(events.tempos.items()),  # type: ignore[arg-type]
        clefs=[(*place, *clef) for place, clef in events.clefs.items()],  # type: ignore[arg-type]
        groups=tuple(groups),
        programs=tuple(events.programs),
        transpositions=tuple(events.transpositions),
        chords=tuple(events.chords),
        tuplets=tuple(events.tuplets),
        directions=_once([*signs, *events.directions]),
        repeats=tuple(dict.fromkeys([*repeats, *events.repeats])),
        barlines=tuple(barlines),
        lyrics=tuple(events.lyrics),
        marks=tuple(events.marks),
        spanners=tuple(events.spanners),
        title=tune.titles[0] if tune.titles else "",
        subtitle="; ".join(filter(None, tune.titles[1:])),
        composer=music,
        arranger=arranger,
        lyricist=words,
        rights=rights,
        tags=tuple(tune.rhythms),
    )
    score = clock.scaled(score, notes)
    return score if is_pitch.all() else score.with_notes(notes[is_pitch])


def _notes(rows: NDArray[np.int64], clock: Clock) -> Records:
    notes = np.zeros(len(rows), NOTE)
    for column, name in enumerate(_COLUMNS):
        notes[name] = np.clip(rows[:, column], -127, 127) if name in ("pitch", "spelling") else rows[:, column]
    notes["onset_tick"] = clock.ticks(rows[:, 0])
    notes["duration_tick"] = clock.ticks(rows[:, 0] + rows[:, 1]) - notes["onset_tick"]
    return notes


_COLUMNS = (
    "onset_tick", "duration_tick", "pitch", "spelling", "velocity", "part", "voice", "staff", "grace", "tied",
    "note_id",
)  # fmt: skip


def _meters(events: _Events, starts: list[int]) -> tuple[list[tuple[int, int, int]], list[Direction]]:
    """Meters, and how they are printed where that is no plain fraction."""
    stated = [(onset, meter, sign) for onset, (meter, sign) in sorted(events.meters.items()) if meter is not None]
    if not stated:
        return free_meters(starts), []
    stated[0] = (0, *stated[0][1:])
    rows = [stated[0], *(row for before, row in pairwise(stated) if row[1:] != before[1:] and row[0] < starts[-1])]
    signs = [Direction(onset, "meter-sign", sign) for onset, _, sign in rows if sign]
    return [(onset, *meter) for onset, meter, _ in rows], signs


def shared_keys(keys: Iterable[tuple[int, int, Key]], parts: int) -> list[tuple[int, int, Key]]:
    """Keys that all parts take at the same time are said once, for part −1."""
    keys = list({(onset, part): (onset, part, key) for onset, part, key in keys}.values())
    counts = Counter((onset, key) for onset, _, key in keys)
    return list(dict.fromkeys((onset, -1 if counts[onset, key] == parts else part, key) for onset, part, key in keys))


def _shared_staves(tune: Tune, staves_of_parts: list[list[list[str]]]) -> list[Direction]:
    """The parts that stand on the staff of the part before; both have a single voice."""
    singles = [
        staves[0][0] if sum(map(len, staves)) == 1 and not any(i.lane for i in tune.voices[staves[0][0]].items) else ""
        for staves in staves_of_parts
    ]
    return [
        Direction(0, SHARED_STAFF, "", part)
        for part, (before, name) in enumerate(pairwise(singles), 1)
        if before and name in tune.staves.shared
    ]


def _once(directions: list[Direction]) -> tuple[Direction, ...]:
    """Directions, what holds for a part or for all only once though several voices say it."""
    seen: set[Direction] = set()
    kept: list[Direction] = []
    for direction in directions:
        if direction.kind not in (*FOR_ALL, KEY_SIGNATURE) or direction not in seen:
            kept.append(direction)
            seen.add(direction)
    return tuple(kept)
