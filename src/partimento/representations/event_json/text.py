"""Scores to event JSON and back.

    {"quarter":24,"parts":[40,0],"music":["m4/4","kD major","q96","p40",[74,24,80],"p0",[50,48,60],[57,48],24,
    "p40",[76,24,80],24,"p0", … ,"|", … ]}

The music is one array. A number lets ticks pass, 24 of them to a quarter; a note is `[pitch,duration,velocity]`,
without the velocity where it is that of the note before; `"p40"` says for which part the notes are that follow, by its
General MIDI program (128: drums), `"p40:2"` being the second such part. `"|"` is a barline; `"m3/4"`, `"kEb minor"` and
`"q120"` are meter, key and tempo (quarters per minute) from here on, a meter stands at the start or behind a barline.
The end is the last barline. Music without a beat counts hundredths of a second: `{"second":100, … }`, and has notes,
parts and time only. A velocity that is 0, or not yet stated, is unknown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from partimento.errors import BadInput
from partimento.representations.event_json.quantise import MAX_BPM, MAX_DURATION, MAX_PARTS
from partimento.representations.timed import RESOLUTION, TICKS_PER_QUARTER
from partimento.score import KEY, MEASURE, METER, NOTE, TEMPO, Part, Score
from partimento.theory.instrument import DRUMS
from partimento.theory.key import MODES, Key
from partimento.theory.meter import Meter
from partimento.theory.pitch import UNSPELLED

MAX_CHARACTERS = 1 << 24
KEYS = {str(key): key for mode in (None, *MODES) for fifths in range(-7, 8) for key in [Key(fifths, mode)]}

Rows = list[tuple[int, ...]]


# Writing


def write(score: Score) -> str:
    """The text of a quantised score."""
    names = part_names(score.parts)
    parts = ",".join(name.partition(":")[0] for name in names)
    unit = f'"quarter":{score.ticks_per_quarter}' if len(score.measures) else f'"second":{RESOLUTION}'
    return f'{{{unit},"parts":[{parts}],"music":[{",".join(_items(score, names))}]}}'


def part_names(parts: tuple[Part, ...]) -> list[str]:
    """What stands behind the `p` of each part: `40`, and `40:2` for the second one that plays 40."""
    seen = Counter[int]()
    names: list[str] = []
    for part in parts:
        seen[part.instrument] += 1
        which = seen[part.instrument]
        names.append(f"{part.instrument}" if which == 1 else f"{part.instrument}:{which}")
    return names


def _items(score: Score, names: list[str]) -> Iterator[str]:
    """The items of the music in order."""
    now, part, velocity = 0, -1, 0
    for tick, _, item in _events(score):
        while tick > now:
            yield str(min(tick - now, MAX_DURATION))
            now += min(tick - now, MAX_DURATION)
        if isinstance(item, str):
            yield from [item] if item else []
            continue
        its_part, pitch, duration, its_velocity = item
        if its_part != part:
            yield f'"p{names[its_part]}"'
        yield f"[{pitch},{duration}]" if its_velocity == velocity else f"[{pitch},{duration},{its_velocity}]"
        part, velocity = its_part, its_velocity


def _events(score: Score) -> list[tuple[int, int, str | tuple[int, int, int, int]]]:
    """(tick, rank, item) in order; a note is (part, pitch, duration, velocity)."""
    rows = sorted(score.notes[["onset_tick", "part", "pitch", "duration_tick", "velocity"]].tolist())
    events: list[tuple[int, int, str | tuple[int, int, int, int]]] = [(row[0], 4, (row[1], *row[2:])) for row in rows]
    events += [(tick, 0, '"|"') for tick in score.measures["onset_tick"][1:].tolist()]
    events += [(tick, 1, f'"m{Meter(beats, of)}"') for tick, beats, of in score.meters.tolist()]
    events += [(tick, 2, f'"k{Key.from_ids(fifths, mode)}"') for tick, _, fifths, mode in score.keys.tolist()]
    events += [(tick, 3, f'"q{bpm:.0f}"') for tick, bpm in score.tempos.tolist()]
    if len(score.measures):
        end = int(score.measures["onset_tick"][-1] + score.measures["duration_tick"][-1])
        events.append((end, 0, ""))  # only time passes to there
    return sorted(events, key=lambda event: event[:2])


# Reading


def read(text: str) -> Score:
    """The score of a text.

    Raises:
        BadInput: it is no such text, or too long; says where.
    """
    if len(text) > MAX_CHARACTERS:
        raise BadInput(f"event_json: {len(text):,} characters, and {MAX_CHARACTERS:,} are the most")
    return _Reader(text).score()


_MOST_PLACES = 30_000  # parts that a hostile text may name one by one

_NUMBER = r"(0|[1-9][0-9]{0,4})"
_UNIT = re.compile(rf'\s*\{{\s*"(quarter|second)"\s*:\s*{_NUMBER}\s*,')
_PARTS = re.compile(r'\s*"parts"\s*:\s*\[')
_PROGRAM = re.compile(rf"\s*{_NUMBER}\s*([,\]])")
_MUSIC = re.compile(r'\s*,\s*"music"\s*:\s*\[')
_ITEM = re.compile(
    rf'\s*(?:\[\s*{_NUMBER}\s*,\s*{_NUMBER}\s*(?:,\s*{_NUMBER}\s*)?\]|{_NUMBER}|"([^"\\\n]{{1,20}})")\s*([,\]])'
)
_NONE = re.compile(r"\s*\]")
_END = re.compile(r"\s*\}\s*\Z")
_METER = re.compile(r"m([1-9][0-9]?)/(1|2|4|8|16|32|64)")
_PART = re.compile(r"p(0|[1-9][0-9]{0,2})(?::([1-9][0-9]{0,2}))?")
_TEMPO = re.compile(r"q([1-9][0-9]{0,2})")


@dataclass
class _Music:
    """What has been read of the music."""

    now: int = 0
    part: int = 0
    velocity: int = 0
    notes: Rows = field(default_factory=list[tuple[int, ...]])
    barlines: list[int] = field(default_factory=lambda: [0])
    meters: Rows = field(default_factory=list[tuple[int, ...]])
    keys: Rows = field(default_factory=list[tuple[int, ...]])
    tempos: Rows = field(default_factory=list[tuple[int, ...]])


class _Reader:
    """A text, read from left to right."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._music = _Music()
        self._places: dict[tuple[int, int], int] = {}
        """(program, which of those that play it) ▶ part."""
        self._programs: list[int] = []

    def score(self) -> Score:
        unit, per = self._take(_UNIT, '{"quarter":24, or {"second":100,').groups()
        has_beats, per = unit == "quarter", int(per)
        if not has_beats and per != RESOLUTION:
            raise self._bad(f"there are {RESOLUTION} ticks to a second")
        if not per:
            raise self._bad("there is at least one tick to a quarter")
        self._read_parts()
        self._take(_MUSIC, '"music":[')
        self._read_music(has_beats)
        self._take(_END, "nothing but } behind the music")
        return self._built(has_beats, per)

    def _take(self, pattern: re.Pattern[str], wanted: str) -> re.Match[str]:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise self._bad(f"expected {wanted}")
        self._at = match.end()
        return match

    def _bad(self, why: str, start: int | None = None) -> BadInput:
        """An error at a place, by default where the reader stands."""
        rest = self._text[self._at if start is None else start :]
        at = len(self._text) - len(rest.lstrip())
        line = self._text.count("\n", 0, at) + 1
        column = at - (self._text.rfind("\n", 0, at) + 1) + 1
        found = " ".join(self._text[at : at + 16].split()) or "the end"
        return BadInput(f"event_json, line {line}, column {column}, at {found!r}: {why}")

    def _read_parts(self) -> None:
        self._take(_PARTS, '"parts":[')
        if _NONE.match(self._text, self._at):
            self._take(_NONE, "]")
            return
        counts, more = Counter[int](), ","
        while more == ",":
            start = self._at
            if len(self._programs) == MAX_PARTS:
                raise self._bad(f"there are more than {MAX_PARTS} parts")
            program, more = self._take(_PROGRAM, "a program, 0 to 128, and , or ]").groups()
            counts[int(program)] += 1
            self._part(int(program), counts[int(program)], start)

    def _part(self, program: int, which: int, start: int) -> int:
        """A part, new where it is not known yet."""
        if program > DRUMS:
            raise self._bad(f"there is no program {program}; they go from 0 to 127, and 128 is drums", start)
        if len(self._programs) > _MOST_PLACES:
            raise self._bad("there are too many parts", start)
        if (program, which) not in self._places:
            self._places[program, which] = len(self._programs)
            self._programs.append(program)
        return self._places[program, which]

    def _read_music(self, has_beats: bool) -> None:
        if not has_beats and _NONE.match(self._text, self._at):
            self._take(_NONE, "]")
            return
        more, may_be_meter = ",", True
        while more == ",":
            start, lacks_meter = self._at, has_beats and not self._music.meters
            wanted = 'a meter, such as "m4/4"' if lacks_meter else "a note, a time or a sign"
            pitch, duration, velocity, wait, word, more = self._take(_ITEM, wanted).groups()
            if lacks_meter and (word is None or not _METER.fullmatch(word)):
                raise self._bad(f"expected {wanted}", start)
            if pitch is not None:
                self._note(int(pitch), int(duration), velocity, start)
            elif wait is not None:
                self._wait(int(wait), start)
            else:
                self._sign(word, has_beats, may_be_meter, start)
            may_be_meter = word == "|"

    def _note(self, pitch: int, duration: int, velocity: str | None, start: int) -> None:
        music = self._music
        music.velocity = music.velocity if velocity is None else int(velocity)
        if pitch > 127 or not duration or music.velocity > 127:
            raise self._bad("a note is [pitch 0-127, duration from 1, velocity 0-127]", start)
        if not self._programs:
            music.part = self._part(0, 1, start)
        music.notes.append((music.now, duration, pitch, music.velocity, music.part))

    def _wait(self, ticks: int, start: int) -> None:
        if not ticks:
            raise self._bad("a time that passes is at least 1", start)
        self._music.now += ticks

    def _sign(self, word: str, has_beats: bool, may_be_meter: bool, start: int) -> None:
        music = self._music
        if match := _PART.fullmatch(word):
            music.part = self._part(int(match[1]), int(match[2] or 1), start)
        elif has_beats and word == "|":
            music.barlines.append(music.now)
        elif has_beats and may_be_meter and (match := _METER.fullmatch(word)):
            music.meters.append((music.now, int(match[1]), int(match[2])))
        elif has_beats and word[:1] == "k" and word[1:] in KEYS:
            music.keys.append((music.now, -1, KEYS[word[1:]].fifths, KEYS[word[1:]].mode_id))
        elif has_beats and (match := _TEMPO.fullmatch(word)) and int(match[1]) <= MAX_BPM:
            music.tempos.append((music.now, int(match[1])))
        else:
            raise self._bad(_no_sign(word, has_beats), start)

    def _built(self, has_beats: bool, per: int) -> Score:
        music = self._music
        notes = np.zeros(len(music.notes), NOTE)
        columns = np.array(music.notes, np.int64).reshape(-1, 5).T
        for name, column in zip(("onset_tick", "duration_tick", "pitch", "velocity", "part"), columns, strict=True):
            notes[name] = column
        notes["spelling"], notes["note_id"] = UNSPELLED, np.arange(len(notes))
        parts = tuple(map(Part.playing, self._programs))
        if not has_beats:
            return Score(TICKS_PER_QUARTER, parts, notes)
        edges = np.unique([*music.barlines, music.now])
        if len(edges) == 1:  # no time has passed
            full = Meter(*music.meters[0][1:]).duration_quarter * per
            edges = np.append(edges, max(int(full), 1))
        measures = np.zeros(len(edges) - 1, MEASURE)
        measures["onset_tick"], measures["duration_tick"] = edges[:-1], np.diff(edges)
        rows = (
            np.array(_last(rows), d) for rows, d in ((music.meters, METER), (music.keys, KEY), (music.tempos, TEMPO))
        )
        meters, keys, tempos = rows
        return Score(per, parts, notes, measures, meters, keys, tempos)


def _last(rows: Rows) -> Rows:
    """The last row of each tick."""
    return list({row[0]: row for row in rows}.values())


def _no_sign(word: str, has_beats: bool) -> str:
    if not has_beats:
        return "music in seconds has notes, times and parts only"
    if _METER.fullmatch(word):
        return "a meter stands at the start or behind a barline"
    return "that is no part (p40), barline (|), meter (m4/4), key (kD major) or tempo (q120)"
