"""Score: one piece of music, as notation and as performance.

What is frequent lies in read-only NumPy record arrays, what is rare in tuples of small dataclasses. Times are
ticks of the piece's own resolution (`ticks_per_quarter`); two scores are equal when they are equal in rational
quarters, whatever their resolutions and note ids.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partimento.errors import NeedsBeats
from partimento.theory.chord import ChordSymbol
from partimento.theory.interval import UNISON, Interval
from partimento.theory.key import Key
from partimento.theory.meter import Meter
from partimento.theory.pitch import UNSPELLED

Records = NDArray[np.void]

NOTE = np.dtype(
    [
        ("onset_tick", np.int64),
        ("duration_tick", np.int64),  # 0 for grace notes
        ("pitch", np.int16),  # sounding MIDI number; for drums the General MIDI percussion key
        ("spelling", np.int8),  # sounding pitch on the line of fifths, UNSPELLED if unknown
        ("velocity", np.uint8),  # 1-127, 0 if the source does not say
        ("part", np.int16),  # index into Score.parts
        ("voice", np.int16),  # from 1 within the part, 0 if unknown
        ("staff", np.int8),  # from 1 within the part, 0 if unknown
        ("grace", np.int8),  # 0, or 1, 2 … in the order in which grace notes precede their main note
        ("tied", np.bool_),  # tied to the next note of this pitch in its part
        ("note_id", np.int64),
    ]
)
MEASURE = np.dtype([("onset_tick", np.int64), ("duration_tick", np.int64)])
METER = np.dtype([("onset_tick", np.int64), ("beats", np.int16), ("beat_type", np.int16)])
KEY = np.dtype([("onset_tick", np.int64), ("part", np.int16), ("fifths", np.int8), ("mode", np.int8)])  # part −1: all
TEMPO = np.dtype([("onset_tick", np.int64), ("tempo_bpm", np.float64)])  # quarters per minute
CLEF = np.dtype(
    [
        ("onset_tick", np.int64),
        ("part", np.int16),
        ("staff", np.int8),
        ("sign", "U10"),
        ("line", np.int8),
        ("octave_change", np.int8),
    ]
)
CONTROL = np.dtype([("onset_tick", np.int64), ("part", np.int16), ("number", np.uint8), ("value", np.uint8)])
BEND = np.dtype([("onset_tick", np.int64), ("part", np.int16), ("value", np.int16)])  # −8192 … 8191

DEFAULT_TEMPO_BPM = 120.0


@dataclass(frozen=True, slots=True)
class Part:
    """One player or section."""

    name: str = ""
    program: int = 0
    """General MIDI program, 0-127."""
    is_drums: bool = False
    abbreviation: str = ""
    staves: int = 1
    transpose: Interval = UNISON
    """From written to sounding pitch (B♭ clarinet: a major second down)."""
    volume: int | None = None
    """MIDI channel volume (CC 7), 0-127."""
    pan: int | None = None
    """MIDI pan (CC 10), 0-127."""
    group: str = ""
    """Name of the bracketed group that the part belongs to."""


@dataclass(frozen=True, slots=True)
class ChordEvent:
    """A chord symbol above the staff, valid until the next one; `symbol` None says no chord (N.C.)."""

    onset_tick: int
    symbol: ChordSymbol | None
    part: int = 0


@dataclass(frozen=True, slots=True)
class Lyric:
    """A syllable under a note."""

    note_id: int
    text: str
    syllabic: str = "single"
    """single, begin, middle or end."""
    verse: int = 1
    extend: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """An articulation, ornament, fermata or technical sign on a note, by its MusicXML element name."""

    note_id: int
    kind: str


@dataclass(frozen=True, slots=True)
class Spanner:
    """A slur, glissando or other line between two notes."""

    kind: str
    start_id: int
    end_id: int


@dataclass(frozen=True, slots=True)
class Tuplet:
    """`actual` notes in the time of `normal`, over a span of one voice."""

    onset_tick: int
    duration_tick: int
    part: int
    voice: int
    actual: int
    normal: int


@dataclass(frozen=True, slots=True)
class Direction:
    """Words, dynamics, a hairpin's begin and end, a rehearsal mark, an octave line."""

    onset_tick: int
    kind: str
    """words, dynamics, crescendo, diminuendo, wedge-stop, rehearsal, tempo, octave-shift, pedal …"""
    text: str = ""
    part: int = 0
    staff: int = 1


@dataclass(frozen=True, slots=True)
class Repeat:
    """A repeat sign or jump at a barline, as written; nothing is unfolded."""

    onset_tick: int
    kind: str
    """forward, backward, ending-start, -stop, -discontinue, segno, coda, to-coda, fine, dacapo, dalsegno."""
    text: str = ""
    """Ending numbers (`1, 2`) or the times of a repeat."""


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
    chords: tuple[ChordEvent, ...] = ()
    tuplets: tuple[Tuplet, ...] = ()
    directions: tuple[Direction, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    lyrics: tuple[Lyric, ...] = ()
    marks: tuple[Mark, ...] = ()
    spanners: tuple[Spanner, ...] = ()
    title: str = ""
    composer: str = ""
    lyricist: str = ""
    rights: str = ""
    tags: tuple[str, ...] = ()
    """Style words such as `jig` or `hymn`, from the source."""

    def __post_init__(self) -> None:
        for f in fields(self):
            if "dtype" in f.metadata:
                object.__setattr__(self, f.name, _canonical(getattr(self, f.name), f.metadata["dtype"]))
        for f in fields(self):
            value = getattr(self, f.name)
            if _is_timed(value):
                object.__setattr__(self, f.name, tuple(sorted(value, key=lambda event: event.onset_tick)))
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
            ticks, bpm = np.r_[0, ticks], np.r_[DEFAULT_TEMPO_BPM, bpm]
        per_tick = 60.0 / bpm / self.ticks_per_quarter
        return ticks, np.r_[0.0, np.cumsum(np.diff(ticks) * per_tick[:-1])], per_tick

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

        return replace(self._map_ticks(scale, scale), ticks_per_quarter=ticks_per_quarter)

    def _map_ticks(self, onset: Callable[[Any], Any], duration: Callable[[Any], Any]) -> Score:
        """A copy with every onset and every duration mapped."""
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
        """The same score with each chain of tied notes as one note, as it is heard and as tokens say it."""
        notes = self.notes
        if not notes["tied"].any():
            return self
        merged, open_chains, keep = notes.copy(), {}, np.ones(len(notes), bool)
        ends = notes["onset_tick"] + notes["duration_tick"]
        columns = zip(notes["part"].tolist(), notes["pitch"].tolist(), notes["onset_tick"].tolist(), ends.tolist(),
                      notes["tied"].tolist(), (notes["grace"] > 0).tolist(), strict=True)  # fmt: skip
        for index, (part, pitch, onset, end, tied, is_grace) in enumerate(columns):
            head = None if is_grace else open_chains.pop((part, pitch, onset), None)
            if head is not None:
                merged["duration_tick"][head] = end - merged["onset_tick"][head]
                keep[index] = False
            if tied and not is_grace:
                open_chains[part, pitch, end] = index if head is None else head
        merged["tied"] = False
        return self.with_notes(merged[keep])

    def with_notes(self, notes: Records) -> Score:
        """A copy with other notes; what hung on notes that are gone goes too."""
        ids = set(notes["note_id"].tolist())
        return replace(
            self,
            notes=notes,
            lyrics=tuple(x for x in self.lyrics if x.note_id in ids),
            marks=tuple(x for x in self.marks if x.note_id in ids),
            spanners=tuple(x for x in self.spanners if x.start_id in ids and x.end_id in ids),
        )

    def transpose(self, interval: Interval | int) -> Score:
        """The score an interval (or a number of semitones) higher, spelled accordingly; drums stay.

        Where a signature would pass seven accidentals, keys and all spellings change enharmonically together.

        Raises:
            ValueError: a pitch would leave the MIDI range 0-127.
        """
        if isinstance(interval, int):
            interval = self._plain_interval(interval) if interval else UNISON
        notes, keys = self.notes.copy(), self.keys.copy()
        is_pitched = ~np.array([p.is_drums for p in self.parts], bool)[notes["part"]]
        notes["pitch"][is_pitched] += interval.semitones
        if len(notes) and not 0 <= notes["pitch"].min() <= notes["pitch"].max() <= 127:
            raise ValueError(f"transposed by {interval.semitones} semitones, a pitch leaves the range 0-127")
        moved = [Key(int(k)).transposed(interval).fifths - int(k) for k in keys["fifths"]]
        shift = moved[0] if moved else interval.fifths
        keys["fifths"] += np.array(moved, np.int8)
        spelled = is_pitched & (notes["spelling"] != UNSPELLED)
        notes["spelling"][spelled] += np.int8(shift)
        # staff steps that go with the shift, should it have been respelled
        spelled_interval = Interval(interval.semitones, (7 * interval.semitones - shift) // 12)
        chords = tuple(replace(c, symbol=c.symbol and c.symbol.transposed(spelled_interval)) for c in self.chords)
        return replace(self, notes=notes, keys=keys, chords=chords)

    def _plain_interval(self, semitones: int) -> Interval:
        interval = Interval.from_semitones(semitones)
        key = self.key_at(0) or Key(0)
        wanted = key.transposed(interval).fifths
        wanted += 12 if wanted < -5 else -12 if wanted > 6 else 0
        return Interval(semitones, (7 * semitones - (wanted - key.fifths)) // 12)

    def slice_bars(self, first: int, last: int) -> Score:
        """Measures `first` up to but not including `last` (from 0), moved to tick 0.

        Notes that begin inside are kept whole up to the last barline; meter, key, tempo, clefs and pedals in
        force at the start are restated there.

        Raises:
            NeedsBeats: the score has no measures.
            ValueError: the range is empty or outside the piece.
        """
        if not len(self.measures):
            raise NeedsBeats("this music has no meter")
        if not 0 <= first < last <= len(self.measures):
            raise ValueError(f"bars {first}-{last} of a piece with {len(self.measures)}")
        start = int(self.measures["onset_tick"][first])
        end = int(self.measures["onset_tick"][last - 1] + self.measures["duration_tick"][last - 1])
        changes: dict[str, Any] = {"measures": self.measures[first:last]}
        for name, group in _STATE_FIELDS.items():
            changes[name] = _restated(getattr(self, name), group, start, end)
        notes = self.notes[(self.notes["onset_tick"] >= start) & (self.notes["onset_tick"] < end)].copy()
        notes["tied"] &= notes["onset_tick"] + notes["duration_tick"] < end
        notes["duration_tick"] = np.minimum(notes["duration_tick"], end - notes["onset_tick"])
        for name in ("chords", "tuplets", "directions", "repeats", "bends"):
            value = getattr(self, name)
            if isinstance(value, tuple):
                changes[name] = tuple(x for x in value if start <= x.onset_tick < end)
            else:
                changes[name] = value[(value["onset_tick"] >= start) & (value["onset_tick"] < end)]
        running = [c for c in self.chords if c.onset_tick < start]
        if running and not any(c.onset_tick == start for c in changes["chords"]):
            changes["chords"] = (replace(running[-1], onset_tick=start), *changes["chords"])
        return replace(self, **changes).with_notes(notes)._map_ticks(lambda tick: tick - start, lambda tick: tick)

    def with_leading_rest(self, ticks: int) -> Score:
        """The score with a rest before it: its first measure is longer, and what held at the start holds from tick 0"""
        moved = self._map_ticks(lambda tick: tick + ticks, lambda tick: tick)
        changes: dict[str, Any] = {}
        for name in (*_STATE_FIELDS, "measures"):
            array = getattr(moved, name).copy()
            array["onset_tick"][array["onset_tick"] == ticks] = 0
            changes[name] = array
        changes["measures"]["duration_tick"][:1] += ticks
        return replace(moved, **changes)

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


_STATE_FIELDS: dict[str, tuple[str, ...]] = {
    "meters": (), "keys": ("part",), "tempos": (), "clefs": ("part", "staff"), "controls": ("part", "number"),
}  # fmt: skip
"""Arrays whose events stay in force, and the columns within which one replaces another."""


def _is_timed(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) > 0 and hasattr(value[0], "onset_tick")


def _canonical(array: Any, dtype: np.dtype[np.void]) -> Records:
    """A sorted, read-only copy."""
    array = np.asarray(array, dtype=dtype)
    if dtype == NOTE:
        grace, rest = array["grace"], [array[n] for n in ("voice", "staff", "part", "onset_tick")]
        order = [array["note_id"], array["duration_tick"], array["pitch"]]
        order += [grace, grace == 0] if grace.any() else []
        order += [column for column in rest if column.any()]  # each column costs a sort, and many are all zero
    else:
        order = [array[n] for n in ("number", "staff", "part", "onset_tick") if n in (dtype.names or ())]
    array = array.take(np.lexsort(order))  # twenty times as fast as indexing, for records
    array.flags.writeable = False
    return array


def _restated(array: Records, group: Sequence[str], start: int, end: int) -> Records:
    """The events in [start, end), and before them the last earlier one of each group, moved to `start`."""
    inside = array[(array["onset_tick"] >= start) & (array["onset_tick"] < end)]
    stated = {tuple(row[n] for n in group) for row in inside if row["onset_tick"] == start}
    earlier = {tuple(row[n] for n in group): row for row in array if row["onset_tick"] < start}
    kept = np.array([row for key, row in earlier.items() if key not in stated], array.dtype)
    kept["onset_tick"] = start
    return np.concatenate([kept, inside])


def notes_array(rows: Iterable[dict[str, Any]]) -> Records:
    """Notes from dictionaries; what a row leaves out is unknown or zero, and ids count up from 0."""
    rows = list(rows)
    array = np.zeros(len(rows), NOTE)
    array["spelling"] = UNSPELLED
    array["note_id"] = np.arange(len(rows))
    for index, row in enumerate(rows):
        for name, value in row.items():
            array[name][index] = value
    return array


def measures_from_meters(meters: Records, ticks_per_quarter: int, end_tick: int, pickup_tick: int = 0) -> Records:
    """Barlines that follow from the meters: full bars from tick 0 (or after a pickup) that cover `end_tick`.

    A change of meter inside a bar cuts that bar short.

    Args:
        meters: METER records; the first counts from tick 0.
        ticks_per_quarter: resolution of all ticks.
        end_tick: last tick to cover; at least one measure is returned.
        pickup_tick: length of an incomplete first measure, 0 for none.
    """
    starts: list[NDArray[np.int64]] = [np.zeros(1, np.int64)] if pickup_tick else []
    onsets = meters["onset_tick"].tolist()
    length = 1
    for index, row in enumerate(meters):
        duration = Meter(int(row["beats"]), int(row["beat_type"])).duration_quarter * ticks_per_quarter
        length = max(math.ceil(duration), 1)
        start = pickup_tick if index == 0 else onsets[index]
        stop = onsets[index + 1] if index + 1 < len(onsets) else max(end_tick, start + 1)
        starts.append(np.arange(start, max(stop, start), length, dtype=np.int64))
    flat = np.unique(np.concatenate(starts))
    last_start = int(flat[-1])
    measures = np.zeros(len(flat), MEASURE)
    measures["onset_tick"] = flat
    measures["duration_tick"] = np.diff(np.r_[flat, last_start + length])
    return measures
