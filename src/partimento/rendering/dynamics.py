"""How loud: dynamics, hairpins, accents and the weight of the beats become velocities.

The numbers are those of MuseScore 3 and 4, which most composers hear while they write: ppp 16, pp 33, p 49, mp 64,
mf 80, f 96, ff 112, fff 126; a hairpin whose end is not stated changes the level by one step of 16; an accent makes
a note a fifth stronger. Without any dynamic, music is mf.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from partimento.rendering.marks import Floats, Ints, marks_of
from partimento.score import Direction, Score
from partimento.theory.meter import Meter

DEFAULT_VELOCITY = 80
LEVELS = {
    "n": 1, "pppppp": 2, "ppppp": 5, "pppp": 10, "ppp": 16, "pp": 33, "p": 49, "mp": 64, "mf": 80, "pf": 88,
    "f": 96, "ff": 112, "fff": 126, "ffff": 127, "fffff": 127, "ffffff": 127,
}  # fmt: skip
"""Dynamic ▶ velocity from there on."""
_STEP = 16
_SOFTEST = 20
"""To where a swell without a stated end may lead."""
_STRESSES = {"sf": 2, "sfz": 2, "fz": 2, "rf": 1, "rfz": 1, "sff": 3, "sffz": 3, "ffz": 3, "fsf": 2, "ffsf": 2}
"""Dynamic of single notes ▶ steps by which they stand out of their surroundings."""
_SUDDEN = {"fp": (96, 49), "ffp": (112, 49), "fpp": (96, 33), "sfp": (112, 49), "sfpp": (112, 33), "sfzp": (112, 49)}
"""Dynamic ▶ velocity of the notes at its place, and from there on."""
_ACCENTS = {"soft-accent": 1.1, "stress": 1.1, "unstress": 0.9, "accent": 1.2, "strong-accent": 1.3}
_DOWNBEAT, _BEAT, _OFFBEAT = 8, 3, -4
_LOUDER = re.compile(r"\b(cresc|cres|crescendo)\b", re.IGNORECASE)
_SOFTER = re.compile(r"\b(dim|dimin|diminuendo|decresc|decrescendo|smorz\w*|morendo|calando|perdendo\w*)\b", re.I)
_NOT = re.compile(r"\b(senza|non|sans|ohne|nicht)\b", re.IGNORECASE)
_LONGEST_WORD_QUARTER = 16


class _Change(NamedTuple):
    """A dynamic (sign 0) at a tick, or a swell from it to another."""

    tick: int
    sign: int
    stop: int
    level: int


def velocities(score: Score) -> Ints:
    """Velocity of each note, 1-127: the source's own where it states one, else by the signs, shape (notes,)."""
    given = score.notes["velocity"].astype(np.int64)
    if given.all():
        return given
    shaped = (_levels(score) + _metrical_weights(score)) * marks_of(score).values(_ACCENTS, 1.0)
    return np.where(given > 0, given, np.clip(np.rint(shaped), 1, 127)).astype(np.int64)


def _levels(score: Score) -> Floats:
    """The level in force at each note by the dynamics and swells of its part."""
    notes = score.notes
    levels = np.full(len(notes), float(DEFAULT_VELOCITY))
    signs = [d for d in score.directions if d.kind in ("dynamics", "crescendo", "diminuendo", "wedge-stop", "words")]
    for part in {sign.part for sign in signs}:
        own = [sign for sign in signs if sign.part == part]
        in_part = notes["part"] == part
        for staff in np.unique(notes["staff"][in_part]).tolist():
            rows = in_part & (notes["staff"] == staff)
            levels[rows] = _levels_of_staff(score, _heard_by(own, staff), notes["onset_tick"][rows])
    return levels


def _heard_by(signs: list[Direction], staff: int) -> list[Direction]:
    """Signs that hold for a staff: all of its part, but where a staff has a dynamic of its own, that one."""
    own = {s.onset_tick for s in signs if s.staff == staff and s.kind == "dynamics"}
    return [s for s in signs if s.staff == staff or s.kind != "dynamics" or s.onset_tick not in own]


def _levels_of_staff(score: Score, signs: list[Direction], onset: Ints) -> Floats:
    changes = sorted(_steps(signs) + _swells(score, signs), key=lambda change: (change.tick, change.sign != 0))
    ticks, levels = _curve(changes, 4 * score.ticks_per_quarter)
    found = np.interp(onset, ticks, levels)
    for sign in (s for s in signs if s.kind == "dynamics"):
        here = onset == sign.onset_tick
        if sign.text in _STRESSES:
            found[here] += _STRESSES[sign.text] * _STEP
        elif sign.text in _SUDDEN:
            found[here] = _SUDDEN[sign.text][0]
    return found


def _steps(signs: list[Direction]) -> list[_Change]:
    levels = LEVELS | {text: after for text, (_, after) in _SUDDEN.items()}
    dynamics = [s for s in signs if s.kind == "dynamics" and s.text in levels]
    return [_Change(s.onset_tick, 0, s.onset_tick, levels[s.text]) for s in dynamics]


def _swells(score: Score, signs: list[Direction]) -> list[_Change]:
    """Hairpins up to their stop, and words such as `cresc.` up to the next dynamic or for four bars of 4/4."""
    stops = sorted((s.onset_tick, s.staff) for s in signs if s.kind == "wedge-stop")
    longest = _LONGEST_WORD_QUARTER * score.ticks_per_quarter
    found: list[_Change] = []
    for sign in signs:
        begin = sign.onset_tick
        if sign.kind in ("crescendo", "diminuendo"):
            later = [tick for tick, staff in stops if tick > begin and staff == sign.staff]
            found.append(_Change(begin, 1 if sign.kind == "crescendo" else -1, min(later, default=begin + longest), 0))
        elif sign.kind == "words" and (direction := _direction(sign.text)):
            found.append(_Change(begin, direction, begin + longest, 0))
    return found


def _direction(text: str) -> int:
    if _NOT.search(text):
        return 0
    return 1 if _LOUDER.search(text) else -1 if _SOFTER.search(text) else 0


def _curve(changes: list[_Change], patience_tick: int) -> tuple[list[int], list[float]]:
    """Ticks and levels between which loudness goes straight; two levels at one tick are a jump."""
    ticks, levels = [0], [float(DEFAULT_VELOCITY)]
    for index, change in enumerate(changes):
        level = levels[-1]
        if not change.sign:
            ticks += [change.tick, change.tick]
            levels += [level, change.level]
            continue
        later = changes[index + 1 :]
        stop = min([change.stop, *(c.tick for c in later[:1])])
        goal = next((c.level for c in later if not c.sign and c.tick <= stop + patience_tick), 0)
        is_there = goal and (goal - level) * change.sign > 0
        ticks += [change.tick, max(stop, change.tick)]
        levels += [level, goal if is_there else min(max(level + change.sign * _STEP, min(level, _SOFTEST)), 127)]
    return ticks, levels


def _metrical_weights(score: Score) -> Ints:
    """A little more on the first beat, a little less between the beats; nothing where there are no bars."""
    onset = score.notes["onset_tick"]
    weights = np.zeros(len(onset), np.int64)
    if not len(score.measures):
        return weights
    bar = score.measure_at(onset)
    place = onset - score.measures["onset_tick"][bar]
    for index, row in enumerate(score.meters):
        meter = Meter(int(row["beats"]), int(row["beat_type"]))
        beat, full = (d * score.ticks_per_quarter for d in (meter.beat_quarter, meter.duration_quarter))
        here = (onset >= row["onset_tick"]) | (index == 0)
        from_end = place + int(full) - int(score.measures["duration_tick"][0])
        from_bar = np.where((bar == 0) & score.has_pickup, from_end, place)
        on_beat = from_bar * beat.denominator % beat.numerator == 0
        weights[here] = np.where(from_bar == 0, _DOWNBEAT, np.where(on_beat, _BEAT, _OFFBEAT))[here]
    return weights
