"""MusicXML ▶ Score: the document, its part list, and the bars of all parts laid one behind the other."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadFile
from partimento.io.musicxml import container
from partimento.io.musicxml.content import PLACE_BITS, Element, PartContent, number, to_number
from partimento.io.musicxml.part_reader import PartReader
from partimento.score import CLEF, KEY, MEASURE, METER, NOTE, TEMPO, Part, Records, Score
from partimento.theory.instrument import DRUMS, find_instrument
from partimento.theory.meter import Meter
from partimento.theory.pitch import UNSPELLED

MAX_RESOLUTION = 10**7
_MAX_DIVISIONS = 10**6
_MAX_PARTS = 1000

_log = logging.getLogger("partimento.io")


@dataclass(slots=True)
class _PartHeader:
    """What the part list says about a part."""

    part: Part
    drum_keys: dict[str, int] = field(default_factory=dict)
    """Instrument id ▶ General MIDI percussion key."""


def read(data: bytes, name: str) -> tuple[Score, ...]:
    """The score in a `.musicxml`, `.xml` or `.mxl` file, partwise or timewise.

    Args:
        data: the whole file.
        name: what messages call it.

    Raises:
        BadFile: the file is damaged, hostile, absurd, or no MusicXML.
    """
    root = container.parse(container.unpack(data, name), name)
    if root.tag not in ("score-partwise", "score-timewise"):
        raise BadFile(name, f"no MusicXML score: it begins with <{str(root.tag)[:40]}>")
    headers = _part_list(root)
    measures = _measures_of_parts(root)
    if not any(measures.values()):
        raise BadFile(name, "no measures inside")
    if len(measures) > _MAX_PARTS:
        raise BadFile(name, f"{len(measures)} parts, more than {_MAX_PARTS}")
    place = ""
    try:
        resolution = _resolution(root)
        found: list[PartContent] = []
        for index, (part_id, elements) in enumerate(measures.items()):
            header = headers.setdefault(part_id, _PartHeader(Part()))
            place = f"part {part_id}, "
            count = sum(len(content.notes) for content in found)
            found.append(PartReader(resolution, index, header.drum_keys, count).read(elements))
        place = ""
        score = _assemble(resolution, [headers[part_id].part for part_id in measures], found)
    except (ValueError, OverflowError) as error:
        raise BadFile(name, f"{place}{error}") from error
    for what, times in sum((content.lost for content in found), Counter[str]()).items():
        _log.warning("%s: lost or changed: %d %s", name, times, what)
    return (replace(score, **_texts(root)),)


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
    resolution = 1
    for divisions in {element.text or "" for element in root.iter("divisions")}:
        value = to_number(divisions, "divisions", Fraction)
        if not 0 < value <= _MAX_DIVISIONS:
            raise ValueError(f"<divisions> of {divisions[:20]}; they lie between 1 and {_MAX_DIVISIONS}")
        resolution = math.lcm(resolution, math.ceil(value))
        if resolution > MAX_RESOLUTION:
            raise ValueError("<divisions> of too many kinds; export with one value for all parts")
    for text in sorted({element.text or "" for element in root.iter("actual-notes")}):
        actual = int(text) if text.isdecimal() and len(text) < 4 else 1
        finer = math.lcm(resolution, max(actual, 1))
        resolution = finer if finer <= MAX_RESOLUTION else resolution
    return resolution


# Part list


def _part_list(root: Element) -> dict[str, _PartHeader]:
    headers: dict[str, _PartHeader] = {}
    open_groups: dict[str, Element] = {}
    names: dict[Element, str] = {}
    for element in root.iterfind("part-list/*"):
        if element.tag == "score-part":
            outermost = next(iter(open_groups.values()), None)
            if outermost is not None and outermost not in names:
                names[outermost] = _group_name(outermost, set(names.values()))
            headers[element.get("id", "")] = _part_header(element, names.get(outermost, ""))
        elif element.tag == "part-group" and element.get("type") == "start":
            open_groups[element.get("number", "1")] = element
        elif element.tag == "part-group":
            open_groups.pop(element.get("number", "1"), None)
    return headers


def _group_name(element: Element, taken: set[str]) -> str:
    """The group's own name; an unnamed one goes by its symbol and a number."""
    base = " ".join(element.findtext("group-name", "").split())
    base = base or element.findtext("group-symbol", "bracket").strip()
    return next(n for n in (base, *(f"{base} {i}" for i in range(2, len(taken) + 3))) if n not in taken)


def _part_header(element: Element, group: str) -> _PartHeader:
    name = " ".join(element.findtext("part-name", "").split())
    abbreviation = " ".join(element.findtext("part-abbreviation", "").split())
    instruments = element.findall("midi-instrument")
    keys = {i.get("id", ""): key - 1 for i in instruments if 1 <= (key := _int(i, "midi-unpitched", 0)) <= 128}
    if len(keys) == 1:
        keys[""] = next(iter(keys.values()))
    program = next((p for i in instruments if (p := _int(i, "midi-program", -1)) >= 0), -1)
    guess = find_instrument(name) if program < 0 else None
    part = Part(
        name=name,
        program=min(max(program - 1, 0), 127) if guess in (None, DRUMS) else guess,
        is_drums=guess == DRUMS or any(_int(i, "midi-channel", 0) == 10 for i in instruments),
        abbreviation=abbreviation,
        volume=_scaled(instruments, "volume", 0, 100),
        pan=_scaled(instruments, "pan", -90, 90),
    )
    return _PartHeader(part, keys)


def _int(element: Element, tag: str, default: int) -> int:
    child = element.find(tag)
    return default if child is None or not (child.text or "").strip() else int(number(child, float))


def _scaled(instruments: Sequence[Element], tag: str, low: float, high: float) -> int | None:
    """A number of MusicXML's range as a MIDI controller value."""
    child = next((c for i in instruments if (c := i.find(tag)) is not None and c.text), None)
    if child is None:
        return None
    return round((min(max(number(child, float), low), high) - low) / (high - low) * 127)


# Parts together


def _assemble(resolution: int, parts: Sequence[Part], found: Sequence[PartContent]) -> Score:
    meters = _meters(found, resolution)
    starts = _measure_starts(found, meters, resolution)

    def tick(places: Any) -> Any:
        """Places as ticks of the piece."""
        places = np.asarray(places, np.int64)
        return starts[np.minimum(places >> PLACE_BITS, len(starts) - 1)] + (places & ((1 << PLACE_BITS) - 1))

    def timed(events: Iterable[Any]) -> tuple[Any, ...]:
        events = list(events)
        onsets = tick([event.onset_tick for event in events]).tolist() if events else []
        return tuple(replace(event, onset_tick=onset) for event, onset in zip(events, onsets, strict=True))

    def rows(dtype: np.dtype[np.void], found_rows: Iterable[tuple[Any, ...]]) -> Records:
        array = np.array(list(found_rows), dtype)
        array["onset_tick"] = tick(array["onset_tick"])
        return array

    parts = [_finished(part, content) for part, content in zip(parts, found, strict=True)]
    notes = rows(NOTE, (row for content in found for row in content.notes))
    notes["spelling"][np.array([part.is_drums for part in parts], bool)[notes["part"]]] = UNSPELLED
    measures = np.zeros(len(starts) - 1, MEASURE)
    measures["onset_tick"], measures["duration_tick"] = starts[:-1], np.diff(starts)
    repeats = {repeat: None for content in found for repeat in content.repeats}
    stopped = {(repeat.onset_tick, repeat.text) for repeat in repeats if repeat.kind == "ending-stop"}
    repeats = [r for r in repeats if r.kind != "ending-discontinue" or (r.onset_tick, r.text) not in stopped]
    return Score(
        resolution,
        tuple(parts),
        notes=notes,
        measures=measures,
        meters=rows(METER, ((place, meter.beats, meter.beat_type) for place, meter in meters)),
        keys=rows(KEY, _keys(parts, found)),
        tempos=rows(TEMPO, _tempos(found)),
        clefs=rows(CLEF, _last_of_each([row for content in found for row in content.clefs], columns=3)),
        chords=timed(event for content in found for event in content.chords),
        tuplets=timed(event for content in found for event in content.tuplets),
        directions=timed(event for content in found for event in content.directions),
        repeats=tuple(dict.fromkeys(timed(repeats))),
        lyrics=tuple(lyric for content in found for lyric in content.lyrics),
        marks=tuple(mark for content in found for mark in content.marks),
        spanners=tuple(spanner for content in found for spanner in content.spanners),
    )


def _finished(part: Part, content: PartContent) -> Part:
    is_pitched = any(spelling != UNSPELLED for _, _, _, spelling, *_ in content.notes)
    is_drums = content.is_drums or (part.is_drums and not is_pitched)  # quartets use channel 10 too
    return replace(part, is_drums=is_drums, staves=content.staves, transpose=content.transpose)


def _meters(found: Sequence[PartContent], resolution: int) -> list[tuple[int, Meter]]:
    """The meters of the first part that has any; else one that fits the most frequent measure."""
    stated = [dict(content.meters) for content in found if content.meters]
    if stated:
        for other in stated[1:]:
            found[0].lost["meters that differ between parts"] += len(other.items() - stated[0].items())
        return list(stated[0].items())
    lengths = Counter(length for content in found for length in content.lengths if length)
    length = Fraction(lengths.most_common(1)[0][0], resolution) if lengths else Fraction(4)
    beat_type = next((t for t in (4, 8, 16) if (length * t / 4).denominator == 1), None)
    beats = int(length * beat_type / 4) if beat_type else 0
    return [(0, Meter(beats, beat_type) if beat_type and beats <= 99 else Meter(4, 4))]


def _measure_starts(
    found: Sequence[PartContent], meters: Sequence[tuple[int, Meter]], resolution: int
) -> NDArray[np.int64]:
    """First tick of each measure, and the last barline; a measure lasts as long as in its longest part."""
    count = max(len(content.lengths) for content in found)
    lengths = np.zeros(count, np.int64)
    for content in found:
        lengths[: len(content.lengths)] = np.maximum(lengths[: len(content.lengths)], content.lengths)
    changes = [place >> PLACE_BITS for place, _ in meters]
    for index in np.flatnonzero(lengths == 0).tolist():  # nothing but the barlines: an empty bar
        meter = meters[max(int(np.searchsorted(changes, index, "right")) - 1, 0)][1]
        lengths[index] = max(round(meter.duration_quarter * resolution), 1)
    return np.r_[0, np.cumsum(lengths)]


def _keys(parts: Sequence[Part], found: Sequence[PartContent]) -> list[tuple[int, int, int, int]]:
    """Keys for all parts together where the pitched ones agree, else part by part."""
    pitched = [index for index, part in enumerate(parts) if not part.is_drums]
    rows = {index: _last_of_each(found[index].keys, columns=1) for index in pitched}
    if pitched and all(rows[index] == rows[pitched[0]] for index in pitched):
        return [(place, -1, fifths, mode) for place, fifths, mode in rows[pitched[0]]]
    return [(place, index, fifths, mode) for index in pitched for place, fifths, mode in rows[index]]


def _tempos(found: Sequence[PartContent]) -> list[tuple[int, float]]:
    """One tempo for each place; what is stated for playback goes before the engraved mark."""
    stated = [tempo for content in reversed(found) for tempo in reversed(content.tempos)]
    return list({place: bpm for place, bpm, _ in sorted(stated, key=lambda tempo: tempo[2])}.items())


def _last_of_each(rows: Sequence[tuple[Any, ...]], *, columns: int) -> list[tuple[Any, ...]]:
    """Of rows alike in their first columns (place, part, staff) the last."""
    return list({row[:columns]: row for row in rows}.values())


def _texts(root: Element) -> dict[str, str]:
    work = " ".join(root.findtext("work/work-title", "").split())
    movement = " ".join(root.findtext("movement-title", "").split())
    if work and movement and movement.casefold() not in work.casefold():
        work = movement if work.casefold() in movement.casefold() else f"{work}: {movement}"
    creators: dict[str, list[str]] = {}
    for element in root.iterfind("identification/creator"):
        creators.setdefault(element.get("type", ""), []).append(" ".join((element.text or "").split()))
    rights = [" ".join((element.text or "").split()) for element in root.iterfind("identification/rights")]
    return {
        "title": work or movement or _credit(root, "title"),
        "composer": ", ".join(filter(None, creators.get("composer", []))) or _credit(root, "composer"),
        "lyricist": ", ".join(filter(None, creators.get("lyricist", []) + creators.get("poet", []))),
        "rights": ", ".join(filter(None, rights)),
    }


def _credit(root: Element, kind: str) -> str:
    for credit in root.iterfind("credit"):
        if credit.findtext("credit-type", "").strip() == kind:
            return " ".join(credit.findtext("credit-words", "").split())
    return ""
