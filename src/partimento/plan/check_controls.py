"""Whether parts sound as a plan's controls ask: density, polyphony, register, note length, dynamics, bar by bar."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from partimento.analysis.heard import Flags, Floats, Heard, bar_lines, heard
from partimento.analysis.texture import LEVELS, dynamic_levels, dynamic_word, loudness, written_loudness
from partimento.plan.plan import Plan
from partimento.plan.verdict import Verdict
from partimento.plan.wishes import Control
from partimento.score import Score

LEAST_AS_ASKED = 0.9
"""Share of bars, notes or time that is to be as a control asks."""
_LEVELS = list(LEVELS)
_PITCHES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


class _Place(NamedTuple):
    """What a control speaks of."""

    notes: Heard
    parts: list[int]
    lines: Floats
    """Barlines of its bars in quarters, the last one included; empty where there are no bars."""
    name: str


def check_controls(plan: Plan, score: Score) -> Iterator[Verdict]:
    """A verdict on everything that each control asks for."""
    notes, lines = heard(score), bar_lines(score)[int(score.has_pickup) :]
    for item, control in enumerate(plan.controls):
        place = _place_of(control, score, notes, lines)
        for what, asked, measured, followed in _judged(control, place, score):
            yield Verdict(f"{what}{place.name}", asked, measured, followed, "controls", item=item)


def _place_of(control: Control, score: Score, notes: Heard, lines: Floats) -> _Place:
    parts = [k for k in range(len(score.parts)) if control.parts is None or k in control.parts]
    names = ", ".join(score.parts[k].name or f"part {k + 1}" for k in parts)
    name = f" of {names or 'a part that is missing'}" if control.parts is not None else ""
    if control.bars is not None:
        first, stop = control.bars
        name += f", bars {first + 1}–{stop}"
        lines = lines[first : stop + 1]
    inside = np.isin(notes.part, parts)
    if control.bars is not None:
        inside &= (notes.onset >= lines[0]) & (notes.onset < lines[-1]) if len(lines) > 1 else False
    return _Place(notes.where(inside), parts, lines, name)


def _judged(control: Control, place: _Place, score: Score) -> Iterator[tuple[str, str, str, bool | None]]:
    notes = place.notes
    if control.density is not None:
        yield ("density", f"{_span(control.density)} notes a bar", *_density(control.density, place))
    if control.polyphony is not None:
        yield ("polyphony", f"{_span(control.polyphony)} at a time", *_polyphony(control.polyphony, place))
    if control.register is not None:
        low, high = control.register
        pitched = notes.pitched
        text = f"{_pitch(pitched.pitch.min())}–{_pitch(pitched.pitch.max())}" if len(pitched) else ""
        inside = (pitched.pitch >= low) & (pitched.pitch <= high)
        yield ("register", f"{_pitch(low)}–{_pitch(high)}", *_share_of(inside, text, "notes"))
    if control.note_length is not None:
        low, high = control.note_length
        text = f"{notes.length.min():.3g} to {notes.length.max():.3g}" if len(notes) else ""
        inside = (notes.length >= low - 1e-6) & (notes.length <= high + 1e-6)
        yield ("note length", f"{_span(control.note_length)} quarters", *_share_of(inside, text, "notes"))
    if control.dynamics is not None:
        yield ("dynamics", control.dynamics, *_dynamics(control.dynamics, place, score))
    if control.complexity is not None:
        yield "complexity", f"{control.complexity:g}", "there is no measure of it", None


def _share_of(inside: Flags, text: str, of_what: str) -> tuple[str, bool]:
    if not len(inside):
        return "nothing sounds", False
    share = float(inside.mean())
    return f"{text}, {share:.0%} of the {of_what} inside", share >= LEAST_AS_ASKED


def _density(asked: tuple[float, float], place: _Place) -> tuple[str, bool | None]:
    """Notes that each part begins in each bar."""
    bars = len(place.lines) - 1
    if bars < 1:
        return "there are no bars", None
    bar = np.searchsorted(place.lines, place.notes.onset + 1e-9, "right") - 1
    inside = (bar >= 0) & (bar < bars)
    row = np.searchsorted(place.parts, place.notes.part)
    counts = np.bincount((row * bars + bar)[inside], minlength=len(place.parts) * bars)
    if not len(counts):
        return "nothing sounds", False
    text = f"{counts.mean():.3g} on average"
    return _share_of((counts >= asked[0] - 1e-6) & (counts <= asked[1] + 1e-6), text, "bars")


def _polyphony(asked: tuple[int, int], place: _Place) -> tuple[str, bool]:
    """Notes that each part holds at a time, over the time in which it sounds."""
    inside = total = 0.0
    most = 0
    for part in place.parts:
        notes = place.notes.where(place.notes.part == part)
        edges = np.unique(np.r_[notes.onset, notes.end])
        held = np.searchsorted(np.sort(notes.onset), edges, "right") - np.searchsorted(
            np.sort(notes.end), edges, "right"
        )
        length = np.diff(edges, append=edges[-1:])
        sounds = held > 0
        total += float(length[sounds].sum())
        inside += float(length[sounds & (held >= asked[0]) & (held <= asked[1])].sum())
        most = max(most, int(held.max(initial=0)))
    if not total:
        return "nothing sounds", False
    return f"{most} at most, {inside / total:.0%} of the time inside", inside / total >= LEAST_AS_ASKED


def _dynamics(asked: str, place: _Place, score: Score) -> tuple[str, bool | None]:
    """By velocities, or by the signs where all are played alike; next to it is near enough."""
    velocity = loudness(place.notes)
    if velocity is None and len(place.lines) > 1:
        velocity = written_loudness(dynamic_levels(score), float(place.lines[0]), float(place.lines[-1]))
    word = dynamic_word(velocity)
    if word is None:
        return "the score does not say", None
    return word, abs(_LEVELS.index(word) - _LEVELS.index(asked)) <= 1


def _span(ends: tuple[float, float]) -> str:
    return f"{ends[0]:g}" if ends[0] == ends[1] else f"{ends[0]:g} to {ends[1]:g}"


def _pitch(number: int) -> str:
    return f"{_PITCHES[int(number) % 12]}{int(number) // 12 - 1}"
