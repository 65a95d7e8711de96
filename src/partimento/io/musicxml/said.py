"""The events of a score as MusicXML has elements for them: words made plain, what cannot be said left out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from partimento.io.musicxml.content import flat
from partimento.io.musicxml.elements import clean
from partimento.io.musicxml.harmony_writer import frets, kind_text
from partimento.io.musicxml.measure_writer import ending_number, is_barline, meter_fractions
from partimento.io.musicxml.said_signs import metronome_bpm, said_direction, said_marks
from partimento.io.musicxml.vocabulary import (
    BAR_STYLES,
    JUMPS,
    LINES,
    METER_SYMBOLS,
    NO_CHORD,
    PEDAL_CONTROLS,
    SIGNS_ON_RESTS,
    TEMPO_RANGE_BPM,
)
from partimento.score import (
    METER,
    TEMPO,
    Barline,
    ChordEvent,
    Direction,
    Lyric,
    Part,
    PartGroup,
    Repeat,
    Score,
    Spanner,
    Transposition,
)
from partimento.theory.chord import KINDS, RARE_KINDS
from partimento.theory.pitch import name

_SYMBOLS = frozenset(["none", "brace", "line", "bracket", "square"])
_DRUM_CHANNEL = 10
_SYLLABICS = frozenset(["begin", "middle", "end"])
_MAX_VERSE = 999
_INSIDE = SIGNS_ON_RESTS | {"figured-bass", "staff-lines", "barline-fermata"}
"""Directions that cannot stand behind the last barline."""


def said(score: Score) -> Score:
    """A score with measures whose events can all be written as they are."""
    end, count, ids = score.end_tick, len(score.parts), set(score.notes["note_id"].tolist())
    title, subtitle = _text(score.title), _text(score.subtitle)
    if not title or title.casefold() == subtitle.casefold():
        title, subtitle = title or subtitle, ""
    pedals = np.isin(score.controls["number"], list(PEDAL_CONTROLS.values()))
    is_said = pedals & np.isin(score.controls["part"], range(count))
    low, high = TEMPO_RANGE_BPM
    directions = tuple(_directions(score, end))
    tempos = {d.onset_tick: metronome_bpm(d.text) for d in reversed(directions) if d.kind == "metronome"}
    tempos |= dict(score.tempos.tolist())
    tempos = {t: bpm for t, bpm in tempos.items() if low <= bpm <= high}
    meters = {t: (beats, kind) for t, beats, kind in score.meters.tolist() if t <= end}
    return replace(
        score,
        parts=tuple(map(_part, score.parts)),
        groups=tuple(_group(g) for g in score.groups if 0 <= g.first <= g.last < count),
        meters=np.array([(t, *meter) for t, meter in meters.items()], METER),
        tempos=np.array(list(tempos.items()), TEMPO),
        controls=score.controls[is_said],
        programs=tuple(p for p in score.programs if 0 <= p.part < count),
        transpositions=tuple(_transpositions(score, end)),
        chords=tuple(_chord(c) for c in score.chords if 0 <= c.part < count),
        directions=directions,
        repeats=tuple(dict.fromkeys(_repeats(score, end))),
        barlines=tuple(_barlines(score, end)),
        marks=tuple(said_marks(score)),
        lyrics=tuple(_lyric(lyric) for lyric in score.lyrics if lyric.note_id in ids and _is_said(lyric)),
        spanners=tuple(line for line in score.spanners if _is_line(line, ids)),
        title=title,
        subtitle=subtitle,
        tags=tuple(filter(None, (_text(tag.replace(";", ",")) for tag in score.tags))),
        **{field: _text(getattr(score, field)) for field in ("composer", "arranger", "lyricist", "rights")},
    )


def _text(text: str) -> str:
    return flat(clean(text))


def _part(part: Part) -> Part:
    channel = None if part.is_drums and part.channel == _DRUM_CHANNEL else part.channel
    return replace(part, name=_text(part.name), abbreviation=_text(part.abbreviation), channel=channel)


def _is_said(lyric: Lyric) -> bool:
    return bool(clean(lyric.text).strip()) or lyric.extend


def _lyric(lyric: Lyric) -> Lyric:
    text = clean(lyric.text).strip()
    syllabic = lyric.syllabic if text and lyric.syllabic in _SYLLABICS else "single"
    return replace(lyric, text=text, syllabic=syllabic, verse=min(max(lyric.verse, 1), _MAX_VERSE))


def _is_line(line: Spanner, ids: set[int]) -> bool:
    return line.kind in LINES and line.start_id != line.end_id and not ids.isdisjoint((line.start_id, line.end_id))


def _group(group: PartGroup) -> PartGroup:
    symbol = group.symbol if group.symbol in _SYMBOLS else "none"
    return replace(group, name=_text(group.name), abbreviation=_text(group.abbreviation), symbol=symbol)


def _transpositions(score: Score, end: int) -> Iterable[Transposition]:
    """Changes of transposition, at the barline before them: voices are written one behind the other."""
    starts = score.measures["onset_tick"]
    at: dict[tuple[int, int], Transposition] = {}
    for change in score.transpositions:
        tick = int(starts[max(int(np.searchsorted(starts, change.onset_tick, "right")) - 1, 0)])
        if 0 <= change.part < len(score.parts) and tick > 0 and change.onset_tick < end:
            at[change.part, tick] = replace(change, onset_tick=tick)
    return at.values()


def _chord(event: ChordEvent) -> ChordEvent:
    frame, symbol = frets(event.frame), event.symbol
    joined = ("-" if any(len(fret) > 1 for fret in frame) else "").join(fret.lstrip("0") or "0" for fret in frame)
    shown = flat(kind_text(symbol, clean(event.text)) or "")
    if symbol is None:
        return replace(event, text="" if shown == NO_CHORD else shown, frame=joined)
    symbol = replace(symbol, bass=None if symbol.bass == symbol.root else symbol.bass)
    whole, root, suffix = str(symbol), name(symbol.root), (KINDS | RARE_KINDS)[symbol.kind][1]
    text = root + shown + whole[len(root) + len(suffix) :]
    return replace(event, symbol=symbol, text="" if text == whole else text, frame=joined)


def _directions(score: Score, end: int) -> Iterable[Direction]:
    meters = {t: score.meter_at(t) for t in score.meters["onset_tick"].tolist()}
    signs: dict[int, str] = {}
    for event in score.directions:
        is_said = 0 <= event.part < len(score.parts) and (event.onset_tick <= end or event.kind not in _INSIDE)
        if event.kind == "meter-sign":
            if event.onset_tick in meters:
                signs[event.onset_tick] = event.text
        elif is_said and not (event.kind in SIGNS_ON_RESTS and event.onset_tick >= end):
            direction = said_direction(event, score.parts[event.part].staves)
            yield from () if direction is None else (direction,)
    for tick, sign in signs.items():
        if sign in METER_SYMBOLS or meter_fractions(meters[tick], sign):
            yield Direction(tick, "meter-sign", sign)


def _repeats(score: Score, end: int) -> Iterable[Repeat]:
    """Jumps; and of the signs at a barline one for each of its sides."""
    starts = set(score.measures["onset_tick"].tolist())
    at: defaultdict[tuple[int, bool], dict[str, str]] = defaultdict(dict)
    for repeat in score.repeats:
        tick, kind = repeat.onset_tick, repeat.kind
        if kind in JUMPS.values():
            yield replace(repeat, text="")
        elif is_barline(repeat):
            is_left = kind in ("forward", "ending-start")
            is_inner = tick not in starts and 0 < tick < end
            if is_inner or (tick in starts if is_left else 0 < tick <= end):
                at[tick, is_left and not is_inner][kind] = repeat.text
    for (tick, _), kinds in at.items():
        for family in (("ending-stop", "ending-discontinue", "ending-start"), ("backward", "forward")):
            kind = next((kind for kind in family if kind in kinds), None)
            if kind is not None:
                yield Repeat(tick, kind, _repeat_text(kind, kinds[kind]))


def _repeat_text(kind: str, text: str) -> str:
    if kind in ("forward", "backward"):
        return text if kind == "backward" and text.isdecimal() else ""
    numbers = re.findall(r"\d{1,4}", ending_number(text)[0])
    return ", ".join(number for number in numbers if int(number))


def _barlines(score: Score, end: int) -> Iterable[Barline]:
    starts = set(score.measures["onset_tick"].tolist())
    styles = {b.onset_tick: b.style for b in score.barlines if b.style in BAR_STYLES and 0 <= b.onset_tick <= end}
    kinds: defaultdict[int, set[str]] = defaultdict(set)
    for repeat in score.repeats:
        kinds[repeat.onset_tick].add(repeat.kind)
    for tick, style in styles.items():
        usual = "heavy-light" if "forward" in kinds[tick] else "light-heavy" if "backward" in kinds[tick] else ""
        usual = usual or ("light-heavy" if tick == end else "")
        if style != usual and not (style == "regular" and tick in starts):
            yield Barline(tick, style)
