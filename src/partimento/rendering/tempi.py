"""How fast: fermatas, pauses, tempo words, ritardando and accelerando become the tempo map.

A metronome mark or a tempo of the source is kept. Where it says nothing, words do: `Allegro` by the middle of its
customary range (`partimento.theory.tempo`), `più mosso` and `meno mosso` by 15 %, and `rit.`, `rall.`, `accel.` step
by step within two bars or up to `a tempo`. A fermata doubles the time of what all parts hold under it, after Türk
(Klavierschule, 1789), who has short notes held about twice as long; its shapes shorten or lengthen that as MusicXML
names them. A fermata on a barline and a caesura are a beat of silence.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from partimento.rendering.marks import Bools, marks_of
from partimento.score import DEFAULT_TEMPO_BPM, TEMPO, Direction, Records, Score
from partimento.theory.tempo import TEMPO_WORDS

_FERMATA = {"": 2.0, "normal": 2.0, "angled": 1.5, "double-angled": 1.25, "square": 2.5, "double-square": 3.0,
            "half-curve": 1.5, "curlew": 2.0}  # fmt: skip
_SILENCE = 1 / 32  # of a quarter: the stretch of time before a barline that a pause draws out
_SLOWEST, _FASTEST = 0.7, 1.25
_MOST_BARS = 2
_STEPS_QUARTER = 2
_SLOWER = re.compile(r"\b(rit|ritard\w*|riten\w*|rallent\w*|rall|allarg\w*|slentando|calando|morendo|smorz\w*|retenu|"
                     r"zurückhaltend|langsamer werdend)\b", re.IGNORECASE)  # fmt: skip
_FASTER = re.compile(r"\b(accel\w*|string|stringendo|affrett\w*|animez|beschleunig\w*|schneller werdend)\b", re.I)
_BACK = re.compile(r"\b(a tempo|tempo (i|1|primo)|tempo\b|im zeitmaß|au mouv\w*|in tempo)", re.IGNORECASE)
_NOT = re.compile(r"\b(senza|non|sans|ohne|nicht)\b", re.IGNORECASE)
_RELATIVE = ((re.compile(r"(più|piu) (mosso|moto|animato|allegro|vivo)|plus vite|lebhafter|schneller", re.I), 1.15),
             (re.compile(r"(meno mosso|(più|piu) (lento|tranquillo)|plus lent|langsamer)", re.I), 0.87))  # fmt: skip


class _Stretch(NamedTuple):
    """Between two ticks, the tempo is multiplied."""

    start: int
    stop: int
    factor: float


def with_tempi(score: Score) -> Score:
    """The score with all that its signs say about time in its tempo map, and notes cut off before pauses."""
    worded = replace(score, tempos=_by_words(score))
    pauses = _pauses(score)
    stretches = _fermatas(score) + _swings_of_tempo(worded) + [_pause(score, tick) for tick in pauses]
    tempos = _stretched(worded.tempos, [s for s in stretches if s.stop > s.start])
    return replace(score, tempos=tempos, notes=_cut_before(score, pauses))


# Words


def _words(score: Score) -> list[Direction]:
    """Tempo words and other words, each once however many parts bear it."""
    words = [d for d in score.directions if d.kind in ("words", "tempo")]
    return list({(d.onset_tick, d.text.lower()): d for d in words}.values())


def _by_words(score: Score) -> Records:
    """The tempo map with tempos for tempo words where the source states no tempo within a bar.

    `più lento` and its like are measured against the last tempo that is not such a word; `a tempo` goes back to it.
    """
    stated = [(int(tick), float(bpm)) for tick, bpm in score.tempos.tolist()]
    near = 4 * score.ticks_per_quarter
    found: list[tuple[int, float]] = []
    first = stated[0][1] if stated else DEFAULT_TEMPO_BPM
    main, now = first, first
    for word in _words(score):
        while stated and stated[0][0] <= word.onset_tick:
            main = now = stated.pop(0)[1]
        named, factor = _wanted(word.text, first)
        is_said = np.any(np.abs(score.tempos["onset_tick"] - word.onset_tick) < near)
        goal = named or main * factor if named or factor else now
        if is_said or goal == now:
            continue
        found.append((word.onset_tick, goal))
        main, now = named or main, goal
        first = goal if word.onset_tick == 0 else first
    return np.concatenate([score.tempos, np.array(found, TEMPO)]) if found else score.tempos


def _wanted(text: str, first: float) -> tuple[float, float]:
    """The tempo that a word names, and what it multiplies the main tempo by; 0 for what it does not say."""
    plain = " ".join(re.sub(r"[^\w\s]", " ", text.lower()).split())
    for pattern, factor in _RELATIVE:
        if pattern.search(plain):
            return 0.0, factor
    if re.match(r"tempo (i|1|primo)\b", plain):
        return first, 0.0
    if _BACK.match(plain):
        return 0.0, 1.0
    named = [name for name in TEMPO_WORDS if re.match(rf"{name}\b", plain)]
    return (float(TEMPO_WORDS[max(named, key=len)]) if named else 0.0), 0.0


def _swings_of_tempo(score: Score) -> list[_Stretch]:
    """Ritardando and accelerando: up to `a tempo`, a new tempo or two bars on, in steps of half a quarter."""
    words = _words(score)
    ends = [d.onset_tick for d in words if _BACK.search(d.text) or _goal(d.text) != 1.0]
    ends += score.tempos["onset_tick"].tolist()
    found: list[_Stretch] = []
    for word in words:
        goal = _goal(word.text)
        if goal == 1.0:
            continue
        stop = min([*(tick for tick in ends if tick > word.onset_tick), _bars_on(score, word.onset_tick)])
        step = max(score.ticks_per_quarter // _STEPS_QUARTER, 1)
        if all(s.start != word.onset_tick for s in found):
            found += _ramp(word.onset_tick, stop, step, goal)
    return found


def _goal(text: str) -> float:
    """What the tempo is multiplied by in the end."""
    if _NOT.search(text):
        return 1.0
    goal = _SLOWEST if _SLOWER.search(text) else _FASTEST if _FASTER.search(text) else 1.0
    share = 0.5 if re.search(r"\b(poco|peu|etwas)\b", text, re.IGNORECASE) else 1.0
    return goal**share


def _bars_on(score: Score, tick: int) -> int:
    if not len(score.measures):
        return tick + _MOST_BARS * 4 * score.ticks_per_quarter
    last = min(int(score.measure_at(tick)) + _MOST_BARS, len(score.measures)) - 1
    return int(score.measures["onset_tick"][last] + score.measures["duration_tick"][last])


def _ramp(start: int, stop: int, step: int, goal: float) -> list[_Stretch]:
    count = max((stop - start) // step, 1)
    ticks = np.linspace(start, stop, count + 1).astype(int).tolist()
    return [_Stretch(ticks[i], ticks[i + 1], goal ** ((i + 1) / count)) for i in range(count)]


# Fermatas and pauses


def _fermatas(score: Score) -> list[_Stretch]:
    """What the parts hold together: of fermatas that end together, the time from the last to begin."""
    holds: dict[int, _Stretch] = {}
    for start, stop, shape in _held(score):
        factor = max((_FERMATA[name] for name in shape.split() if name in _FERMATA), default=_FERMATA[""])
        known = holds.get(stop, _Stretch(start, stop, 1 / factor))
        holds[stop] = _Stretch(max(start, known.start), stop, min(1 / factor, known.factor))
    found: list[_Stretch] = []
    for hold in sorted(holds.values(), key=lambda h: (h.stop, h.start)):
        found.append(hold._replace(start=max(hold.start, found[-1].stop) if found else hold.start))
    return found


def _held(score: Score) -> list[tuple[int, int, str]]:
    """Start, end and shape of each fermata on a note or rest."""
    notes = score.notes
    onset, end = notes["onset_tick"], notes["onset_tick"] + notes["duration_tick"]
    on_note = marks_of(score, ("fermata",)).on_note.get("fermata", {})
    held = [(int(onset[row]), int(end[row]), shape) for row, shape in on_note.items()]
    for sign in (d for d in score.directions if d.kind == "fermata"):
        later = onset[(notes["part"] == sign.part) & (onset > sign.onset_tick)]
        held.append((sign.onset_tick, min([*later[:1].tolist(), _bar_end(score, sign.onset_tick)]), sign.text))
    return held


def _bar_end(score: Score, tick: int) -> int:
    if not len(score.measures):
        return tick + score.ticks_per_quarter
    bar = score.measures[int(score.measure_at(tick))]
    return int(bar["onset_tick"] + bar["duration_tick"])


def _pauses(score: Score) -> list[int]:
    """Ticks before which there is silence."""
    ends = score.notes["onset_tick"] + score.notes["duration_tick"]
    after = {int(ends[row]) for row in marks_of(score, ("caesura",)).on_note.get("caesura", {})}
    return sorted(after | {d.onset_tick for d in score.directions if d.kind == "barline-fermata" and d.onset_tick > 0})


def _pause(score: Score, tick: int) -> _Stretch:
    length = max(int(score.ticks_per_quarter * _SILENCE), 1)
    return _Stretch(max(tick - length, 0), tick, length / (length + score.ticks_per_quarter))


def _cut_before(score: Score, pauses: list[int]) -> Records:
    """Notes that end at a pause end where it begins to be drawn out."""
    ends = score.notes["onset_tick"] + score.notes["duration_tick"]
    is_cut: Bools = np.isin(ends, pauses) & ~score.notes["tied"]
    notes = score.notes.copy()
    shorter = notes["duration_tick"] - max(int(score.ticks_per_quarter * _SILENCE), 1)
    notes["duration_tick"][is_cut] = np.maximum(shorter, np.minimum(notes["duration_tick"], 1))[is_cut]
    return notes


def _stretched(tempos: Records, stretches: list[_Stretch]) -> Records:
    """A tempo map with the stretches multiplied in."""
    if not stretches:
        return tempos
    if not len(tempos) or tempos["onset_tick"].min() > 0:
        tempos = np.concatenate([np.array([(0, DEFAULT_TEMPO_BPM)], TEMPO), tempos])
    tempos = tempos[np.argsort(tempos["onset_tick"], kind="stable")]
    ticks = sorted({*tempos["onset_tick"].tolist(), *(t for s in stretches for t in (s.start, s.stop))})
    stated = tempos["tempo_bpm"][np.searchsorted(tempos["onset_tick"], ticks, "right") - 1]
    factors = defaultdict[int, float](lambda: 1.0)
    place = {tick: index for index, tick in enumerate(ticks)}
    for start, stop, factor in stretches:
        for index in range(place[start], place[stop]):
            factors[index] *= factor
    rows = [(tick, bpm * factors[index]) for index, (tick, bpm) in enumerate(zip(ticks, stated.tolist(), strict=True))]
    return np.array(rows, TEMPO)
