"""Whether form, feel and mood are what a plan asks for, as far as notes tell."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from partimento.analysis import facts_of
from partimento.analysis.form import labelled, least_alike, sections_of, similarity
from partimento.analysis.heard import bar_lines, beats_of, heard
from partimento.analysis.texture import swings
from partimento.plan.plan import DEFAULT_SECTION_BARS, Plan
from partimento.plan.verdict import Verdict
from partimento.plan.wishes import Section
from partimento.score import Score
from partimento.theory.meter import Meter

STRAIGHT, SWUNG = 1.25, 1.4
"""Ratio of a beat's two halves up to which they are even, and from which they swing; players have 1.4 to 3.5 (Friberg
and Sundström, "Swing ratios and ensemble timing in jazz performance", Music Perception 19:3, 2002)."""
_FEWEST_PAIRS = 8
_FEEL_METERS = {"waltz": {3}, "march": {2, 4}}
"""Feel ▶ the beats of its meters."""
LEAST_MOOD = 0.15
"""Valence and arousal nearer to the middle than this are neither."""
_AXES = ("valence", "arousal")
_MOODS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("happy", "cheerful", "joyful", "bright", "playful", "funny", "uplifting", "festive", "humorous",
                     "hopeful", "light", "optimistic", "warm"), (1, 0)),
    **dict.fromkeys(("excited", "energetic", "triumphant", "exciting", "upbeat", "lively", "groovy"), (1, 1)),
    **dict.fromkeys(("aggressive", "tense", "angry", "dramatic", "intense", "suspenseful", "frantic"), (-1, 1)),
    **dict.fromkeys(("sad", "melancholic", "melancholy", "mournful", "gloomy", "tragic", "lonely"), (-1, -1)),
    **dict.fromkeys(("dark", "mysterious", "eerie", "scary", "ominous"), (-1, 0)),
    **dict.fromkeys(("high", "high energy", "fast", "powerful", "driving", "heroic", "epic"), (0, 1)),
    **dict.fromkeys(("low", "low energy", "gentle", "soft", "slow", "meditative", "solemn", "dreamy"), (0, -1)),
    **dict.fromkeys(("calm", "relaxed", "relaxing", "peaceful", "serene", "tranquil", "romantic"), (1, -1)),
}  # fmt: skip
"""Mood ▶ the sides of Russell's plane that it lies on: happy (1) or sad, excited (1) or calm; 0 where it is on none."""


def check_form(plan: Plan, score: Score) -> Iterator[Verdict]:
    """Cut where the plan cuts it, do the sections come again as asked? What is found without knowing stands beside."""
    if plan.form is None:
        return
    asked = " ".join(section.label for section in plan.form)
    notes, lines = heard(score), bar_lines(score)
    lines, first_bar = lines[int(score.has_pickup) :], int(not score.has_pickup)
    if len(plan.form) == 1 or len(lines) <= len(plan.form) or not len(notes):
        yield Verdict("form", asked, "too short to tell", None, "form")
        return
    alike = similarity(notes, lines)
    labels = labelled(alike, _cuts(plan.form, len(lines) - 1), least_alike(alike))[1]
    wanted = [section.label for section in plan.form]
    found = _letters(labels)
    free = "".join(section.label for section in sections_of(notes, bar_lines(score), first_bar))
    text = f"{found} where it is to be cut; {free} by the notes alone"
    yield Verdict("form", asked, text, found == _letters(wanted), "form")


def _cuts(form: tuple[Section, ...], bars: int) -> list[int]:
    """Bars with which sections begin, the end included; stretched where the piece is of another length."""
    edges = np.cumsum([0, *(section.bars or DEFAULT_SECTION_BARS for section in form)])
    return np.rint(edges * (bars / edges[-1])).astype(int).tolist()


def _letters(labels: Sequence[Hashable]) -> str:
    order = list(dict.fromkeys(labels))
    return "".join(chr(ord("A") + order.index(label) % 26) for label in labels)


def check_feel(plan: Plan, score: Score) -> Iterator[Verdict]:
    """How even the halves of the beats are, or what meter there is."""
    if plan.feel is None:
        return
    if plan.feel in _FEEL_METERS:
        meters = {Meter(*row) for row in score.meters[["beats", "beat_type"]].tolist()}
        fits = bool(meters) and all(meter.beats in _FEEL_METERS[plan.feel] for meter in meters)
        yield Verdict("feel", plan.feel, f"in {', '.join(map(str, meters)) or 'no meter'}", fits, "feel")
    elif plan.feel in ("straight", "swing", "shuffle"):
        yield Verdict("feel", plan.feel, *_swing(plan.feel, score), "feel")
    else:
        yield Verdict("feel", plan.feel, "the notes do not tell", None, "feel")


def _swing(asked: str, score: Score) -> tuple[str, bool | None]:
    ratio, pairs = swing_ratio(score)
    is_marked = swings(score, heard(score), beats_of(score))
    if pairs < _FEWEST_PAIRS:
        return "marked to be swung" if is_marked else "too few eighths to tell", is_marked or None
    text = f"eighths {ratio:.2f} : 1" + (", marked to be swung" if is_marked and ratio < SWUNG else "")
    return text, ratio <= STRAIGHT and not is_marked if asked == "straight" else is_marked or ratio >= SWUNG


def swing_ratio(score: Score) -> tuple[float, int]:
    """How much longer the first half of a beat is than the second, and in how many beats that can be told.

    Counted are beats of simple meters that are struck at their start and just once more, near their middle.
    """
    beats, notes = beats_of(score), heard(score)
    if not len(beats) or not len(notes) or any(Meter(*row).is_compound for row in
                                               score.meters[["beats", "beat_type"]].tolist()):  # fmt: skip
        return 1.0, 0
    onset = np.unique(notes.onset)
    beat = np.clip(np.searchsorted(beats.edges, onset + 1e-6, "right") - 1, 0, len(beats) - 1)
    place = (onset - beats.edges[beat]) / np.diff(beats.edges)[beat]
    struck, inner = place < 0.05, place >= 0.05
    on = np.bincount(beat[struck], minlength=len(beats))
    off = np.bincount(beat[inner], minlength=len(beats))
    middle = inner & (place > 0.4) & (place < 0.8) & (on[beat] > 0) & (off[beat] == 1)
    halves = place[middle]
    mean = float(halves.mean()) if len(halves) else 0.5
    return mean / (1 - mean), len(halves)


def check_tags(plan: Plan, score: Score) -> Iterator[Verdict]:
    """Moods and energy by `analysis.mood`, as surely as that tells; genre and occasion are for ears."""
    facts = facts_of(score) if any(tag.kind in ("mood", "energy") for tag in plan.tags) else None
    for item, tag in enumerate(plan.tags):
        sides = _MOODS.get(tag.name.lower()) if tag.kind in ("mood", "energy") else None
        if sides is None or facts is None or not facts.notes:
            yield Verdict(tag.kind, tag.name, "the notes do not tell", None, "tags", item=item)
            continue
        values = [(axis, side * value) for axis, side, value in
                  zip(_AXES, sides, (facts.valence, facts.arousal), strict=True) if side]  # fmt: skip
        worst = min(value for _, value in values)
        text = ", ".join(f"{axis} {getattr(facts, axis):+.2f}" for axis, _ in values)
        followed = None if abs(worst) < LEAST_MOOD else worst > 0
        yield Verdict(tag.kind, tag.name, f"{facts.mood}: {text}", followed, "tags", min(abs(worst), 1.0), item)
