"""Puts the voices of an ABC tune together to a score."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadFile
from partimento.io.abc.music import MAX_MEASURES, WHOLE, Item, Sign, Voice
from partimento.io.abc.tune import Tune
from partimento.score import (
    NOTE,
    ChordEvent,
    Direction,
    Lyric,
    Mark,
    Part,
    Repeat,
    Score,
    Spanner,
    Tuplet,
)
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import DRUMS, find_instrument
from partimento.theory.interval import Interval
from partimento.theory.key import Key

QUARTER = WHOLE // 4
MAX_QUARTERS = 1_000_000
MAX_VOICES = 1_000
MAX_RESOLUTION = 100_000
"""Finest ticks per quarter; what would need more is rounded to `ROUNDED_RESOLUTION`."""
ROUNDED_RESOLUTION = 10_080
LONGEST_FREE_MEASURE = 12 * QUARTER
"""Without a meter, bars up to this length are given the meter that they fill."""


@dataclass
class _Events:
    """Rows of a score, their times still in units of a `WHOLE`th."""

    notes: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    keys: list[tuple[int, int, Key]] = field(default_factory=list[tuple[int, int, Key]])
    meters: dict[int, tuple[int, int] | None] = field(default_factory=dict[int, tuple[int, int] | None])
    tempos: dict[int, float] = field(default_factory=dict[int, float])
    clefs: dict[tuple[int, int, int], tuple[Any, ...]] = field(
        default_factory=dict[tuple[int, int, int], tuple[Any, ...]]
    )
    repeats: dict[tuple[int, str, str], None] = field(default_factory=dict[tuple[int, str, str], None])
    chords: list[tuple[int, ChordSymbol | None, int]] = field(default_factory=list[tuple[int, ChordSymbol | None, int]])
    directions: list[tuple[int, str, str, int, int]] = field(default_factory=list[tuple[int, str, str, int, int]])
    tuplets: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])
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
    if len(tune.voices) > MAX_VOICES:
        raise BadFile(name, f"tune {tune.number} has {len(tune.voices)} voices; at most {MAX_VOICES} can be read")
    lengths = _measure_lengths(tune)
    if len(lengths) > MAX_MEASURES or sum(lengths) > MAX_QUARTERS * QUARTER:
        raise BadFile(
            name,
            f"tune {tune.number} has {len(lengths)} measures of {sum(lengths) // QUARTER} quarters; split it",
        )
    starts = np.concatenate([[0], np.cumsum(np.array(lengths, np.int64))]).tolist()
    events = _Events()
    parts: list[Part] = []
    for staves in _staves_of_parts(tune):
        parts.append(_part(tune, staves))
        _add_part(tune, events, len(parts) - 1, staves, starts)
    return _score(tune, events, parts, starts)


def _measure_lengths(tune: Tune) -> list[int]:
    columns = [voice.lengths for voice in tune.voices.values()]
    return [max(column[i] for column in columns if i < len(column)) for i in range(max(map(len, columns)))]


def _staves_of_parts(tune: Tune) -> Iterator[list[list[str]]]:
    """The staves of each part, and the voices of each staff, as far as they have music."""
    heard = [name for name, voice in tune.voices.items() if voice.lengths]
    for part in tune.staves:
        staves = [names for staff in part if (names := [name for name in staff if name in heard])]
        if staves:
            heard = [name for name in heard if not any(name in staff for staff in staves)]
            yield staves
    yield from ([[name]] for name in heard)


def _part(tune: Tune, staves: list[list[str]]) -> Part:
    ids = [name for staff in staves for name in staff]
    first = tune.voices[ids[0]]
    name = next((tune.voices[i].name for i in ids if tune.voices[i].name), "")
    order = list(tune.voices).index(ids[0]) + 1
    channel = tune.channels.get(ids[0], tune.channels.get("", order if order < 10 else order + 1))
    is_drums = channel == 10
    program = tune.programs.get(ids[0], tune.programs.get("", tune.channel_programs.get(channel)))
    if program is None:
        found = find_instrument(name) if name and not is_drums else None
        program, is_drums = (0, True) if found == DRUMS else (found or 0, is_drums)
    return Part(
        name,
        program if 0 <= program <= 127 else 0,
        is_drums,
        first.abbreviation if first.abbreviation != name else "",
        staves=len(staves),
        transpose=Interval.from_semitones(first.transpose),
        volume=tune.controls.get((ids[0], 7)),
        pan=tune.controls.get((ids[0], 10)),
    )


def _add_part(tune: Tune, events: _Events, part: int, staves: list[list[str]], starts: list[int]) -> None:
    number = 1
    heads = {
        (starts[item.measure] + item.offset, item.pitch)
        for staff in staves for name in staff for item in tune.voices[name].items if not item.grace
    }  # fmt: skip
    for staff, names in enumerate(staves, 1):
        for name in names:
            voice = tune.voices[name]
            _add_notes(tune, events, voice, (part, number, staff), starts, heads)
            for sign in voice.signs:
                _add_sign(events, sign, voice, part, staff, starts)
            number += 1 + max((item.lane for item in voice.items), default=0)


def _add_notes(
    tune: Tune,
    events: _Events,
    voice: Voice,
    place: tuple[int, int, int],
    starts: list[int],
    heads: set[tuple[int, int]],
) -> None:
    part, number, staff = place
    first_id = len(events.notes)
    interval = Interval.from_semitones(voice.transpose)
    for index, item in enumerate(voice.items):
        onset = starts[item.measure] + item.offset
        is_tied = item.is_tied and (onset + item.duration, item.pitch) in heads
        if item.is_tied and not is_tied and (target := _next_note(voice.items, index)):
            events.spanners.append(Spanner("slur", first_id + index, first_id + target))
        events.notes.append((
            onset, item.duration, item.pitch + interval.semitones, item.spelling + interval.fifths, 0,
            part, number + item.lane, staff, item.grace, is_tied, first_id + index,
        ))  # fmt: skip
    events.marks.extend(Mark(first_id + index, kind) for index, kind in dict.fromkeys(voice.marks))
    events.spanners.extend(Spanner("slur", first_id + start, first_id + end) for start, end in voice.slurs)
    for start, offset, end, end_offset, lane, actual, normal in voice.tuplets:
        onset = starts[start] + offset
        events.tuplets.append((onset, starts[end] + end_offset - onset, part, number + lane, actual, normal))
    events.lyrics.extend(
        Lyric(first_id + lyric.note_id, lyric.text, lyric.syllabic, lyric.verse, lyric.extend)
        for owner, lyric in tune.lyrics
        if owner is voice
    )


def _next_note(items: list[Item], index: int) -> int | None:
    """A tie to another pitch is the slur of those who type `-` for it; this is where it leads."""
    here = items[index]
    for later in range(index + 1, len(items)):
        item = items[later]
        if item.lane == here.lane and not item.grace and (item.measure, item.offset) > (here.measure, here.offset):
            return later
    return None


def _add_sign(events: _Events, sign: Sign, voice: Voice, part: int, staff: int, starts: list[int]) -> None:
    start = starts[sign.measure]
    end = starts[min(sign.measure + 1, len(starts) - 1)]
    onset = min(start + sign.offset, starts[-1])
    match sign.what, sign.value:
        case "chord", ChordSymbol() | None as symbol:
            interval = Interval.from_semitones(voice.transpose)
            events.chords.append((onset, symbol and symbol.transposed(interval), part))
        case "key", Key() as key:
            events.keys.append((onset, part, key.transposed(Interval.from_semitones(voice.transpose))))
        case "meter", meter:
            events.meters[end if sign.offset else start] = meter  # type: ignore[assignment]
        case "tempo", float() as tempo_bpm:
            events.tempos[onset] = tempo_bpm
        case "clef", clef:
            events.clefs[onset, part, staff] = (clef.sign, clef.line, clef.octave_change)  # type: ignore[attr-defined]
        case "repeat", str() as kind:
            events.repeats[start, kind, sign.text] = None
        case "leave", str() as kind:
            events.repeats[end, kind, ""] = None
        case "wedge", str() as kind:
            events.directions.append((onset, kind, "", part, staff))
        case what, str() as text:
            kind = "tempo" if what == "tempo words" else what
            events.directions.append((onset, kind, text, part, staff))
        case _:
            pass


# From units to ticks


def _score(tune: Tune, events: _Events, parts: list[Part], starts: list[int]) -> Score | None:
    meters = _meters(events, starts)
    rows = np.array(events.notes, np.int64)
    clock = _Clock(tune, events, rows, starts, [beat_type for _, _, beat_type in meters])
    t = clock.ticks
    notes = np.zeros(len(rows), NOTE)
    for column, name in enumerate(_COLUMNS):
        notes[name] = np.clip(rows[:, column], -127, 127) if name in ("pitch", "spelling") else rows[:, column]
    notes["onset_tick"] = t(rows[:, 0])
    notes["duration_tick"] = t(rows[:, 0] + rows[:, 1]) - notes["onset_tick"]
    is_pitch = (rows[:, 2] >= 0) & (rows[:, 2] <= 127)
    if not is_pitch.any():
        return None
    if not is_pitch.all():
        tune.lost.add("notes beyond the 128 pitches of MIDI")
    bars = t(np.array(starts, np.int64))
    words, music, rights = _credits(tune.credits)
    score = Score(
        ticks_per_quarter=clock.resolution,
        parts=tuple(parts),
        notes=notes,
        measures=[(a, b - a) for a, b in zip(bars[:-1].tolist(), bars[1:].tolist(), strict=True)] if meters else [],  # type: ignore[arg-type]
        meters=[(t(a), b, c) for a, b, c in meters],  # type: ignore[arg-type]
        keys=[(t(a), p, key.fifths, key.mode_id) for a, p, key in _shared_keys(events.keys, len(parts))],  # type: ignore[arg-type]
        tempos=[(t(a), b) for a, b in events.tempos.items()],  # type: ignore[arg-type]
        clefs=[(t(a), p, s, *clef) for (a, p, s), clef in events.clefs.items()],  # type: ignore[arg-type]
        chords=tuple(ChordEvent(int(t(a)), b, c) for a, b, c in events.chords),
        tuplets=tuple(Tuplet(int(t(a)), int(t(a + b) - t(a)), *rest) for a, b, *rest in events.tuplets),
        directions=tuple(Direction(int(t(a)), b, c, d, e) for a, b, c, d, e in events.directions),
        repeats=tuple(Repeat(int(t(a)), kind, text) for a, kind, text in events.repeats),
        lyrics=tuple(events.lyrics),
        marks=tuple(events.marks),
        spanners=tuple(events.spanners),
        title=tune.title,
        composer=music,
        lyricist=words,
        rights=rights,
        tags=(tune.rhythm,) if tune.rhythm else (),
    )
    return score if is_pitch.all() else score.with_notes(notes[is_pitch])


_COLUMNS = (
    "onset_tick", "duration_tick", "pitch", "spelling", "velocity", "part", "voice", "staff", "grace", "tied",
    "note_id",
)  # fmt: skip


class _Clock:
    """Ticks of the coarsest resolution that is exact, or of `ROUNDED_RESOLUTION` where that were too fine."""

    def __init__(
        self, tune: Tune, events: _Events, rows: NDArray[np.int64], starts: list[int], beat_types: list[int]
    ) -> None:
        times = [*starts, QUARTER, *(WHOLE // beat_type for beat_type in beat_types), *events.tempos]
        times += [event[0] for event in (*events.chords, *events.directions, *events.keys, *events.clefs)]
        times += [onset for event in events.tuplets for onset in (event[0], event[0] + event[1])]
        divisor = int(np.gcd.reduce(np.concatenate([np.array(times, np.int64), rows[:, 0], rows[:, 1]])))
        self._is_exact = QUARTER // divisor <= MAX_RESOLUTION
        self._divisor = divisor if self._is_exact else QUARTER // ROUNDED_RESOLUTION
        self.resolution = QUARTER // self._divisor
        if not self._is_exact:
            tune.lost.add(f"times finer than {ROUNDED_RESOLUTION} ticks per quarter (rounded)")

    def ticks(self, units: Any) -> NDArray[np.int64]:
        """Units in ticks."""
        return units // self._divisor if self._is_exact else (units + self._divisor // 2) // self._divisor


def _meters(events: _Events, starts: list[int]) -> list[tuple[int, int, int]]:
    stated = [(onset, *meter) for onset, meter in sorted(events.meters.items()) if meter is not None]
    if stated:
        rows = stated if stated[0][0] == 0 else [(0, *stated[0][1:]), *stated]
        return [rows[0], *(row for before, row in pairwise(rows) if row[1:] != before[1:])]
    return _meters_from_bars(starts)


def _meters_from_bars(starts: list[int]) -> list[tuple[int, int, int]]:
    """Free meter: none where there is no barline inside or bars are long, else each bar gives its own."""
    lengths = [b - a for a, b in pairwise(starts)]
    if len(lengths) < 2 or max(lengths) > LONGEST_FREE_MEASURE:
        return []
    meters: list[tuple[int, int, int]] = []
    for start, length in zip(starts, lengths, strict=False):
        beat_type = next((n for n in (4, 8, 16, 32, 64) if length * n % WHOLE == 0), None)
        if beat_type is None:
            return []
        beats = length * beat_type // WHOLE
        if not meters or meters[-1][1:] != (beats, beat_type):
            meters.append((start, beats, beat_type))
    return meters


def _shared_keys(keys: list[tuple[int, int, Key]], parts: int) -> list[tuple[int, int, Key]]:
    """Keys that all parts take at the same time are said once, for part −1."""
    keys = list({(onset, part): (onset, part, key) for onset, part, key in keys}.values())
    counts = Counter((onset, key) for onset, _, key in keys)
    return list(dict.fromkeys((onset, -1 if counts[onset, key] == parts else part, key) for onset, part, key in keys))


def _credits(lines: list[str]) -> tuple[str, str, str]:
    """Words, music and rights; `C:` lines of hymns say which with a label, others name the composer."""
    found = {"words": "", "music": "", "copyright": ""}
    for line in lines:
        match = re.match(r"(words|music|copyright)\s*:\s*(.*)", line, re.IGNORECASE)
        label, text = (match[1].lower(), match[2]) if match else ("music", line)
        found[label] = found[label] or text.strip()
    return found["words"], found["music"], found["copyright"]
