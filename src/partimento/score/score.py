"""Score: one piece of music, as notation and as performance.

What is frequent lies in read-only NumPy record arrays, what is rare in tuples of small dataclasses. Times are
ticks of the piece's own resolution (`ticks_per_quarter`); two scores are equal when they are equal in rational
quarters, whatever their resolutions and note ids.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partimento.errors import NeedsBeats
from partimento.score import excerpts, transposing, unfolding
from partimento.score.events import (
    NO_NOTE,
    Barline,
    ChordEvent,
    Direction,
    Lyric,
    Mark,
    Message,
    Part,
    PartGroup,
    ProgramChange,
    Repeat,
    Spanner,
    Transposition,
    Tuplet,
)
from partimento.score.records import BEND, CLEF, CONTROL, KEY, MEASURE, METER, NOTE, TEMPO, Records, canonical
from partimento.theory.interval import Interval
from partimento.theory.key import Key
from partimento.theory.meter import Meter

DEFAULT_TEMPO_BPM = 120.0


@dataclass(frozen=True, eq=False)
class Score:
    """One piece of music.

    Arrays may be given in any order and as anything `np.array(x, dtype)` takes; they are stored canonically
    sorted and read-only. `measures` is contiguous from tick 0, and empty exactly when `meters` is: then the
    music is a performance without a beat.
    """

    ticks_per_quarter: int
    parts: tuple[Part, ...]
    notes: Records = field(default_factory=lambda: np.empty(0, NOTE), metadata={"dtype": NOTE})
    measures: Records = field(default_factory=lambda: np.empty(0, MEASURE), metadata={"dtype": MEASURE})
    meters: Records = field(default_factory=lambda: np.empty(0, METER), metadata={"dtype": METER})
    keys: Records = field(default_factory=lambda: np.empty(0, KEY), metadata={"dtype": KEY})
    tempos: Records = field(default_factory=lambda: np.empty(0, TEMPO), metadata={"dtype": TEMPO})
    clefs: Records = field(default_factory=lambda: np.empty(0, CLEF), metadata={"dtype": CLEF})
    controls: Records = field(default_factory=lambda: np.empty(0, CONTROL), metadata={"dtype": CONTROL})
    bends: Records = field(default_factory=lambda: np.empty(0, BEND), metadata={"dtype": BEND})
    groups: tuple[PartGroup, ...] = ()
    programs: tuple[ProgramChange, ...] = ()
    transpositions: tuple[Transposition, ...] = ()
    chords: tuple[ChordEvent, ...] = ()
    tuplets: tuple[Tuplet, ...] = ()
    directions: tuple[Direction, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    barlines: tuple[Barline, ...] = ()
    lyrics: tuple[Lyric, ...] = ()
    marks: tuple[Mark, ...] = ()
    spanners: tuple[Spanner, ...] = ()
    messages: tuple[Message, ...] = ()
    title: str = ""
    subtitle: str = ""
    composer: str = ""
    arranger: str = ""
    lyricist: str = ""
    rights: str = ""
    tags: tuple[str, ...] = ()
    """Style words such as `jig` or `hymn`, from the source."""

    def __post_init__(self) -> None:
        for name, dtype in _ARRAYS:
            object.__setattr__(self, name, canonical(getattr(self, name), dtype))
        for name in _TUPLES:
            value = getattr(self, name)
            if value and _is_timed(value):
                object.__setattr__(self, name, tuple(sorted(value, key=_onset)))
        if self.ticks_per_quarter < 1:
            raise ValueError(f"ticks_per_quarter is {self.ticks_per_quarter}")
        if bool(len(self.meters)) != bool(len(self.measures)):
            raise ValueError("a score with meters has measures, and one without has none")
        if len(self.notes) and not 0 <= self.notes["part"].min() <= self.notes["part"].max() < len(self.parts):
            raise ValueError("a note belongs to no part")

    # What is where

    @property
    def end_tick(self) -> int:
        """Where the piece ends: the last barline, or the last release if that is later or there are no bars."""
        bar_end = int(self.measures["onset_tick"][-1] + self.measures["duration_tick"][-1]) if len(self.measures) else 0
        note_end = int((self.notes["onset_tick"] + self.notes["duration_tick"]).max()) if len(self.notes) else 0
        return max(bar_end, note_end)

    @property
    def has_pickup(self) -> bool:
        """Whether the first measure is shorter than its meter."""
        if not len(self.measures):
            return False
        first = Meter(*self.meters[["beats", "beat_type"]][0].item())
        return int(self.measures["duration_tick"][0]) < first.duration_quarter * self.ticks_per_quarter

    def measure_at(self, tick: ArrayLike) -> NDArray[np.int64]:
        """Index of the measure in which each tick lies; ticks behind the last barline count to the last measure.

        Raises:
            NeedsBeats: the score has no measures.
        """
        if not len(self.measures):
            raise NeedsBeats("this music has no meter")
        return np.maximum(np.searchsorted(self.measures["onset_tick"], tick, "right") - 1, 0)

    def meter_at(self, tick: int) -> Meter:
        """The meter in force.

        Raises:
            NeedsBeats: the score has no meters.
        """
        if not len(self.meters):
            raise NeedsBeats("this music has no meter")
        row = self.meters[max(int(np.searchsorted(self.meters["onset_tick"], tick, "right")) - 1, 0)]
        return Meter(int(row["beats"]), int(row["beat_type"]))

    def key_at(self, tick: int, part: int = -1) -> Key | None:
        """The key in force for a part (−1: the first part that states one), None where no key is stated."""
        rows = self.keys[(self.keys["part"] == -1) | (self.keys["part"] == part) | (part == -1)]
        if not len(rows):
            return None
        row = rows[max(int(np.searchsorted(rows["onset_tick"], tick, "right")) - 1, 0)]
        return Key.from_ids(int(row["fifths"]), int(row["mode"]))

    # Time

    def seconds_at(self, tick: ArrayLike) -> NDArray[np.float64]:
        """Performed time of each tick in seconds, by the tempo map (120 bpm where it says nothing)."""
        ticks, seconds, per_tick = self._tempo_map()
        if len(ticks) == 1:
            return np.asarray(tick) * per_tick[0]
        index = np.maximum(np.searchsorted(ticks, tick, "right") - 1, 0)
        return seconds[index] + (np.asarray(tick) - ticks[index]) * per_tick[index]

    def tick_at(self, seconds: ArrayLike) -> NDArray[np.int64]:
        """Nearest tick of each performed time in seconds; inverse of `seconds_at`."""
        ticks, starts, per_tick = self._tempo_map()
        index = np.maximum(np.searchsorted(starts, seconds, "right") - 1, 0)
        return np.rint(ticks[index] + (np.asarray(seconds) - starts[index]) / per_tick[index]).astype(np.int64)

    def _tempo_map(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        ticks, bpm = self.tempos["onset_tick"], self.tempos["tempo_bpm"]
        if not len(ticks) or ticks[0] > 0:
            ticks, bpm = np.concatenate(([0], ticks)), np.concatenate(([DEFAULT_TEMPO_BPM], bpm))
        per_tick = 60.0 / bpm / self.ticks_per_quarter
        return ticks, np.concatenate(([0.0], np.cumsum(np.diff(ticks) * per_tick[:-1]))), per_tick

    def quarters(self, tick: int) -> Fraction:
        """A tick in quarters from the start."""
        return Fraction(int(tick), self.ticks_per_quarter)

    # Changed copies

    def with_resolution(self, ticks_per_quarter: int) -> Score:
        """The same music at another resolution.

        Raises:
            ValueError: an event would fall between two ticks.
        """
        ratio = Fraction(ticks_per_quarter, self.ticks_per_quarter)

        def scale(ticks: Any) -> Any:
            if np.any(np.asarray(ticks) * ratio.numerator % ratio.denominator):
                raise ValueError(f"{ticks_per_quarter} ticks per quarter cannot hold this score exactly")
            return ticks * ratio.numerator // ratio.denominator

        return replace(self.map_ticks(scale, scale), ticks_per_quarter=ticks_per_quarter)

    def map_ticks(self, onset: Callable[[Any], Any], duration: Callable[[Any], Any]) -> Score:
        """A copy with every onset and every duration mapped, arrays and single numbers alike."""
        maps = {"onset_tick": onset, "duration_tick": duration}
        changes: dict[str, Any] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if "dtype" in f.metadata:
                changes[f.name] = value.copy()
                for name in maps.keys() & set(value.dtype.names):
                    changes[f.name][name] = maps[name](value[name])
            elif _is_timed(value):
                changes[f.name] = tuple(
                    replace(event, **{n: f_(getattr(event, n)) for n, f_ in maps.items() if hasattr(event, n)})
                    for event in value
                )
        return replace(self, **changes)

    def sounding(self) -> Score:
        """The same score as it is heard and as tokens say it: ties are one note, cue notes are gone."""
        notes = self.notes
        if notes["cue"].any():
            notes = notes[~notes["cue"]]
        if notes["tied"].any():
            notes = _merged(notes)
        return self if notes is self.notes else self.with_notes(notes)

    def split_programs(self) -> Score:
        """The same score with a part for each program that a part plays, in the order of their entry."""
        return excerpts.split_programs(self)

    def unfolded(self) -> Score:
        """The score as it is played: repeats, endings, D.C., D.S., Coda and Fine are written out.

        The n-th time that a note is played, its id is that of the written note plus n times a stride that is
        larger than any written id (`ids % (score.notes["note_id"].max() + 1)` are the written ones).
        """
        return unfolding.unfolded(self)

    def with_notes(self, notes: Records) -> Score:
        """A copy with other notes; what hung on notes that are gone goes too."""
        ids = set(notes["note_id"].tolist())
        ends = ids | {NO_NOTE}
        return replace(
            self,
            notes=notes,
            lyrics=tuple(x for x in self.lyrics if x.note_id in ids),
            marks=tuple(x for x in self.marks if x.note_id in ids),
            spanners=tuple(x for x in self.spanners if {x.start_id, x.end_id} <= ends),
        )

    def with_tags(self, tags: tuple[str, ...]) -> Score:
        """A copy with other style words, for which nothing has to be looked at again."""
        copy = object.__new__(Score)
        copy.__dict__.update(self.__dict__, tags=tags)
        return copy

    def transpose(self, interval: Interval | int) -> Score:
        """The score an interval (or a number of semitones) higher, spelled accordingly; drums stay.

        Where a signature would pass seven accidentals, keys and all spellings change enharmonically together.

        Raises:
            ValueError: a pitch would leave the MIDI range 0-127.
        """
        return transposing.transposed(self, interval)

    def slice_bars(self, first: int, last: int) -> Score:
        """Measures `first` up to but not including `last` (from 0), moved to tick 0.

        Notes that begin inside are kept whole up to the last barline; meter, key, tempo, clefs and pedals in
        force at the start are restated there.

        Raises:
            NeedsBeats: the score has no measures.
            ValueError: the range is empty or outside the piece.
        """
        return excerpts.slice_bars(self, first, last)

    def with_leading_rest(self, ticks: int) -> Score:
        """The score with a rest before it: its first measure is longer, and what held at the start holds from tick 0"""
        return excerpts.with_leading_rest(self, ticks)

    # Equality

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Score):
            return NotImplemented
        resolution = math.lcm(self.ticks_per_quarter, other.ticks_per_quarter)
        return self._content(resolution) == other._content(resolution)

    __hash__ = None  # type: ignore[assignment]

    def _content(self, resolution: int) -> tuple[Any, ...]:
        score = self.with_resolution(resolution)
        renumbered = {note_id: index for index, note_id in enumerate(score.notes["note_id"].tolist())}
        notes = score.notes.copy()
        notes["note_id"] = np.arange(len(notes))
        hung = (
            sorted((renumbered.get(x.note_id, -1), x.verse, x.text, x.syllabic, x.extend) for x in score.lyrics),
            sorted((renumbered.get(x.note_id, -1), x.kind) for x in score.marks),
            sorted((renumbered.get(x.start_id, -1), renumbered.get(x.end_id, -1), x.kind) for x in score.spanners),
        )
        arrays = [getattr(score, f.name).tolist() for f in fields(score) if "dtype" in f.metadata and f.name != "notes"]
        plain = [
            sorted(map(repr, value))
            if isinstance(value := getattr(score, f.name), tuple) and f.name != "parts"
            else value
            for f in fields(score)
            if "dtype" not in f.metadata and f.name not in ("ticks_per_quarter", "lyrics", "marks", "spanners")
        ]
        return notes.tolist(), hung, arrays, plain


_ARRAYS = [(f.name, f.metadata["dtype"]) for f in fields(Score) if "dtype" in f.metadata]
_TUPLES = [f.name for f in fields(Score) if f.default == ()]
_onset = attrgetter("onset_tick")


def _merged(notes: Records) -> Records:
    """Notes with each chain of tied ones as one."""
    heads, index = tie_heads(notes), np.arange(len(notes))
    later = np.flatnonzero(heads != index)
    merged = notes.copy()
    ends = notes["onset_tick"] + notes["duration_tick"]
    merged["duration_tick"][heads[later]] = ends[later] - notes["onset_tick"][heads[later]]
    merged["tied"] = False
    return merged[heads == index]


def tie_heads(notes: Records) -> NDArray[np.int64]:
    """Index of the note that begins each note's chain of ties, its own where none is tied to it; shape (n,).

    Where several could go on, the one in the same voice does.
    """
    heads = np.arange(len(notes))
    open_chains: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
    ends = notes["onset_tick"] + notes["duration_tick"]
    columns = [notes[name].tolist() for name in ("part", "pitch", "onset_tick", "voice", "tied", "grace")]
    begun = set(zip(*columns[:4], strict=True))
    for index, (part, pitch, onset, voice, tied, grace) in enumerate(zip(*columns, strict=True)):
        if grace:
            continue
        head, waiting = index, open_chains.get((part, pitch, onset), [])
        own = [chain for chain in waiting if chain[1] == voice]
        own = own or [chain for chain in waiting if (part, pitch, onset, chain[1]) not in begun]
        if own:
            waiting.remove(own[0])
            heads[index] = head = own[0][0]
        if tied:
            open_chains.setdefault((part, pitch, int(ends[index])), []).append((head, voice))
    return heads


def _is_timed(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) > 0 and hasattr(value[0], "onset_tick")
