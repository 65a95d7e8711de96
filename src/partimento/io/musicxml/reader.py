"""MusicXML ▶ Score: the document, and the bars of all parts laid one behind the other."""

from __future__ import annotations

import gc
import logging
import math
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadFile
from partimento.io.musicxml import container, header_reader
from partimento.io.musicxml.content import PLACE_BITS, Element, PartContent, to_number
from partimento.io.musicxml.engraving import usual_grace_type
from partimento.io.musicxml.header_reader import PartHeader
from partimento.io.musicxml.part_reader import PartReader
from partimento.io.musicxml.vocabulary import TYPE_UNITS
from partimento.score import (
    CLEF,
    CONTROL,
    KEY,
    MEASURE,
    METER,
    NOTE,
    TEMPO,
    Barline,
    Direction,
    Mark,
    Part,
    Records,
    Repeat,
    Score,
)
from partimento.theory.meter import Meter
from partimento.theory.pitch import UNSPELLED

MAX_RESOLUTION = 10**7
_MAX_DIVISIONS = 10**7
_MAX_PARTS = 1000
_TICK_MASK = (1 << PLACE_BITS) - 1
_DRUM_CHANNEL = 10

_log = logging.getLogger("partimento.io")


def read(data: bytes, name: str) -> tuple[Score, ...]:
    """The score in a `.musicxml`, `.xml` or `.mxl` file, partwise or timewise.

    Args:
        data: the whole file.
        name: what messages call it.

    Raises:
        BadFile: the file is damaged, hostile, absurd, or no MusicXML.
    """
    root, measures = document(data, name)
    with paused_collector():
        return (_read(root, measures, name),)


def document(data: bytes, name: str) -> tuple[Element, dict[str, list[Element]]]:
    """Root of a MusicXML file, and part id ▶ its measures, in the order of the parts.

    Raises:
        BadFile: as `read`, but for what is inside measures.
    """
    root = container.parse(container.unpack(data, name), name)
    if root.tag not in ("score-partwise", "score-timewise"):
        raise BadFile(name, f"no MusicXML score: it begins with <{str(root.tag)[:40]}>")
    measures = _measures_of_parts(root)
    if not any(measures.values()):
        raise BadFile(name, "no measures inside")
    if len(measures) > _MAX_PARTS:
        raise BadFile(name, f"{len(measures)} parts, more than {_MAX_PARTS}")
    return root, measures


@contextmanager
def paused_collector() -> Generator[None]:
    """Elements form no cycles, and the collector would look at each of them several times: a tenth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read(root: Element, measures: dict[str, list[Element]], name: str) -> Score:
    place = ""
    try:
        headers = header_reader.part_headers(root)
        resolution = _resolution(root)
        found: list[PartContent] = []
        count = 0
        for index, (part_id, elements) in enumerate(measures.items()):
            header = headers.setdefault(part_id, PartHeader())
            place = f"part {part_id}, "
            reader = PartReader(resolution, index, header.drum_keys, header.programs, count)
            found.append(reader.read(elements))
            count += len(found[-1].notes)
        place = ""
        score = _assemble(resolution, [headers[part_id].part for part_id in measures], found)
        score = replace(score, groups=header_reader.part_groups(root, list(measures)), **header_reader.texts_of(root))
    except (ValueError, OverflowError) as error:
        raise BadFile(name, f"{place}{error}") from error
    for what, times in sum((content.lost for content in found), Counter[str]()).items():
        _log.warning("%s: lost or changed: %d %s", name, times, what)
    return score


def _measures_of_parts(root: Element) -> dict[str, list[Element]]:
    """Part id ▶ its measures, in the order of the parts."""
    measures: dict[str, list[Element]] = {}
    if root.tag == "score-partwise":
        for part in root.iterfind("part"):
            measures.setdefault(part.get("id", ""), []).extend(part.iterfind("measure"))
        return measures
    for measure in root.iterfind("measure"):
        for part in measure.iterfind("part"):
            measures.setdefault(part.get("id", ""), []).append(part)
    return measures


def _resolution(root: Element) -> int:
    """Ticks per quarter that hold the divisions of all parts, and tuplets that the divisions only approximate."""
    stated = {(element.tag, element.text or "") for element in root.iter("divisions", "actual-notes")}
    resolution = 1
    for text in sorted(text for tag, text in stated if tag == "divisions"):
        value = to_number(text, "divisions", Fraction)
        if not 0 < value <= _MAX_DIVISIONS:
            raise ValueError(f"<divisions> of {text[:20]}; they lie between 1 and {_MAX_DIVISIONS}")
        resolution = math.lcm(resolution, math.ceil(value))
        if resolution > MAX_RESOLUTION:
            raise ValueError("<divisions> of too many kinds; export with one value for all parts")
    for text in sorted(text for tag, text in stated if tag == "actual-notes"):
        actual = int(text) if text.isdecimal() and len(text) < 4 else 1
        finer = math.lcm(resolution, max(actual, 1))
        resolution = finer if finer <= MAX_RESOLUTION else resolution
    return resolution


# Parts together


class _Timeline:
    """Where the measures lie; turns places into ticks of the piece."""

    def __init__(self, starts: NDArray[np.int64]) -> None:
        self.starts = starts

    def ticks(self, places: Any) -> NDArray[np.int64]:
        """Places as ticks."""
        places = np.asarray(places, np.int64)
        return self.starts[np.minimum(places >> PLACE_BITS, len(self.starts) - 1)] + (places & _TICK_MASK)

    def events(self, events: Iterable[Any]) -> tuple[Any, ...]:
        """Events whose `onset_tick` is a place."""
        events = list(events)
        onsets = self.ticks([event.onset_tick for event in events]).tolist() if events else []
        return tuple(replace(event, onset_tick=onset) for event, onset in zip(events, onsets, strict=True))

    def rows(self, dtype: np.dtype[np.void], rows: Iterable[tuple[Any, ...]]) -> Records:
        """Rows whose onset is a place."""
        array = np.array(list(rows), dtype)
        array["onset_tick"] = self.ticks(array["onset_tick"])
        return array

    def latest(self, dtype: np.dtype[np.void], rows: Iterable[tuple[Any, ...]], columns: int = 1) -> Records:
        """Rows whose onset is a place; of those alike in their first columns (tick, part, staff) the last."""
        array = self.rows(dtype, rows)
        return np.array(list({row[:columns]: row for row in array.tolist()}.values()), dtype)


def _assemble(resolution: int, parts: Sequence[Part], found: Sequence[PartContent]) -> Score:
    meters = _meters(found, resolution)
    starts = _measure_starts(found, meters, resolution)
    time = _Timeline(starts)
    parts = [_finished(part, content) for part, content in zip(parts, found, strict=True)]
    places = [row for content in found for row in content.notes]
    notes = time.rows(NOTE, places)
    notes["spelling"][np.array([part.is_drums for part in parts], bool)[notes["part"]]] = UNSPELLED
    marks = [mark for content in found for mark in content.marks]
    marks += _settle_graces(notes, [row[0] for row in places], found, starts)
    measures = np.zeros(len(starts) - 1, MEASURE)
    measures["onset_tick"], measures["duration_tick"] = starts[:-1], np.diff(starts)
    clefs = [row for content in found for row in content.clefs]
    signs = [Direction(place, "meter-sign", sign) for place, _, sign in meters if sign]
    return Score(
        resolution,
        tuple(parts),
        notes=notes,
        measures=measures,
        meters=time.latest(METER, ((place, meter.beats, meter.beat_type) for place, meter, _ in meters)),
        keys=time.latest(KEY, _keys(parts, found), 2),
        tempos=time.latest(TEMPO, _tempos(found)),
        clefs=time.latest(CLEF, clefs + _missing_clefs(parts, clefs), 3),
        controls=time.rows(CONTROL, (row for content in found for row in content.controls)),
        programs=time.events(event for content in found for event in content.programs),
        transpositions=time.events(event for content in found for event in content.transpositions),
        chords=time.events(event for content in found for event in content.chords),
        tuplets=time.events(event for content in found for event in content.tuplets),
        directions=time.events([*signs, *(event for content in found for event in content.directions)]),
        repeats=_repeats(time, found),
        barlines=_barlines(time, found),
        lyrics=tuple(lyric for content in found for lyric in content.lyrics),
        marks=tuple(marks),
        spanners=tuple(spanner for content in found for spanner in content.spanners),
    )


def _finished(part: Part, content: PartContent) -> Part:
    is_pitched = any(spelling != UNSPELLED for _, _, _, spelling, *_ in content.notes)
    is_drums = content.is_drums or (part.is_drums and not is_pitched)  # quartets use channel 10 too
    channel = None if is_drums and part.channel == _DRUM_CHANNEL else part.channel
    return replace(part, is_drums=is_drums, staves=content.staves, transpose=content.transpose, channel=channel)


def _settle_graces(
    notes: Records, places: Sequence[int], found: Sequence[PartContent], starts: NDArray[np.int64]
) -> list[Mark]:
    """Number the grace notes before each main note; returns marks for unusual values and for places behind notes.

    Args:
        notes: in the order of their ids; their grace numbers are set.
        places: of the notes.
        found: content of the parts, with the grace notes.
        starts: of the measures.
    """
    groups: dict[tuple[int, int, int], list[Any]] = {}
    for grace in (grace for content in found for grace in content.graces):
        row = notes[grace.note_id]
        groups.setdefault((int(row["part"]), int(row["voice"]), places[grace.note_id]), []).append(grace)
    marks: list[Mark] = []
    numbered: Counter[tuple[int, int, int]] = Counter()
    lengths = np.diff(starts)
    for (part, voice, place), graces in groups.items():
        onset = int(notes["onset_tick"][graces[0].note_id])
        ordinals = list(dict.fromkeys(grace.ordinal for grace in graces))
        usual = usual_grace_type(len(ordinals))
        is_after = (place & _TICK_MASK) == lengths[place >> PLACE_BITS]
        before = numbered[part, voice, onset]
        numbered[part, voice, onset] += len(ordinals)
        for grace in graces:
            notes["grace"][grace.note_id] = min(before + ordinals.index(grace.ordinal) + 1, 127)
            if grace.type in TYPE_UNITS and grace.type != usual:
                marks.append(Mark(grace.note_id, f"grace:{grace.type}"))
            if is_after:
                marks.append(Mark(grace.note_id, "grace:after"))
    return marks


def _meters(found: Sequence[PartContent], resolution: int) -> list[tuple[int, Meter, str]]:
    """The meters of the first part that has any; else one that fits the most frequent measure."""
    stated = [{place: (m, sign) for place, m, sign in content.meters} for content in found if content.meters]
    if stated:
        for other in stated[1:]:
            differing = sum(stated[0].get(place, meter)[0] != meter[0] for place, meter in other.items())
            found[0].lost["meters that differ between parts"] += differing
        return [(place, meter, sign) for place, (meter, sign) in stated[0].items()]
    lengths = Counter(length for content in found for length in content.lengths if length)
    length = Fraction(lengths.most_common(1)[0][0], resolution) if lengths else Fraction(4)
    beat_type = next((t for t in (4, 8, 16) if (length * t / 4).denominator == 1), None)
    beats = int(length * beat_type / 4) if beat_type else 0
    return [(0, Meter(beats, beat_type) if beat_type and beats <= 99 else Meter(4, 4), "")]


def _measure_starts(
    found: Sequence[PartContent], meters: Sequence[tuple[int, Meter, str]], resolution: int
) -> NDArray[np.int64]:
    """First tick of each measure, and the last barline; a measure lasts as long as in its longest part."""
    count = max(len(content.lengths) for content in found)
    lengths = np.zeros(count, np.int64)
    for content in found:
        lengths[: len(content.lengths)] = np.maximum(lengths[: len(content.lengths)], content.lengths)
    changes = [place >> PLACE_BITS for place, *_ in meters]
    for index in np.flatnonzero(lengths == 0).tolist():  # nothing but the barlines: an empty bar
        meter = meters[max(int(np.searchsorted(changes, index, "right")) - 1, 0)][1]
        lengths[index] = max(round(meter.duration_quarter * resolution), 1)
    return np.r_[0, np.cumsum(lengths)]


def _keys(parts: Sequence[Part], found: Sequence[PartContent]) -> list[tuple[int, int, int, int]]:
    """Keys for all parts together where the pitched ones agree, else part by part."""
    pitched = [index for index, part in enumerate(parts) if not part.is_drums]
    rows = {index: list({row[0]: row for row in found[index].keys}.values()) for index in pitched}
    if pitched and all(rows[index] == rows[pitched[0]] for index in pitched):
        return [(place, -1, fifths, mode) for place, fifths, mode in rows[pitched[0]]]
    return [(place, index, fifths, mode) for index in pitched for place, fifths, mode in rows[index]]


def _missing_clefs(
    parts: Sequence[Part], clefs: Sequence[tuple[Any, ...]]
) -> list[tuple[int, int, int, str, int, int]]:
    """The treble (or percussion) clef of staves that name none at the start."""
    stated = {(part, staff) for place, part, staff, *_ in clefs if place == 0}
    return [
        (0, index, staff, "percussion" if part.is_drums else "G", 3 if part.is_drums else 2, 0)
        for index, part in enumerate(parts)
        for staff in range(1, part.staves + 1)
        if (index, staff) not in stated
    ]


def _tempos(found: Sequence[PartContent]) -> list[tuple[int, float]]:
    """One tempo for each place; what is stated for playback goes before the engraved mark."""
    stated = [tempo for content in reversed(found) for tempo in reversed(content.tempos)]
    return list({place: bpm for place, bpm, _ in sorted(stated, key=lambda tempo: tempo[2])}.items())


def _repeats(time: _Timeline, found: Sequence[PartContent]) -> tuple[Repeat, ...]:
    """Signs of all parts, each once."""
    repeats: tuple[Repeat, ...] = time.events(dict.fromkeys(r for content in found for r in content.repeats))
    stopped = {(repeat.onset_tick, repeat.text) for repeat in repeats if repeat.kind == "ending-stop"}
    kept = (r for r in repeats if r.kind != "ending-discontinue" or (r.onset_tick, r.text) not in stopped)
    return tuple(dict.fromkeys(kept))


def _barlines(time: _Timeline, found: Sequence[PartContent]) -> tuple[Barline, ...]:
    """Styles that differ from the usual: plain inside, light and heavy at the end."""
    barlines: tuple[Barline, ...] = time.events(b for content in found for b in content.barlines)
    end, inner = int(time.starts[-1]), set(time.starts[:-1].tolist())
    found_at = {b.onset_tick: b for b in reversed(barlines)}
    return tuple(
        b
        for tick, b in found_at.items()
        if not (tick == end and b.style == "light-heavy") and not (tick in inner and b.style == "regular")
    )
