"""How long the sections of a piece are: whole phrases that add up to its bars exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from partimento.errors import BadPlan
from partimento.generation.form import theme
from partimento.generation.forms import BLUES_BARS, ONCE, blues_form, forms_of, ideal_bars, is_blues, with_blues_chords
from partimento.plan import Plan, Section
from partimento.plan.wishes import MAX_BARS, MAX_SECTIONS

OPEN_BARS = 16
"""Bars of a piece whose length is left open, where it is not left to the model."""
MODEL_DECIDES = 2
"""Up to so many parts the model may choose the length; of more, a whole piece seldom fits its context."""
LEAST_BARS = 24
"""Shorter pieces have no form unless they are asked for one."""
PHRASES = (4, 8, 12, 16)
"""Bars of a section."""
SHORT_PHRASES = (((2, 4, 6), 1), ((1, 2, 3), 0))
"""Those of pieces that are too short for others, and by how much the last section may be longer."""
LONGEST_PERIOD = 16
"""Progressions of more bars do not decide how long sections are."""


def laid_out(plan: Plan) -> Plan:
    """The plan with bars and form, the sections with their bars; the blues with its chords, too.

    A plan that is short, or leaves its length open and to the model, stays as it is. A tempo that is left open becomes
    the one at which the bars last as long as is asked.

    Raises:
        BadPlan: the sections cannot have the bars that are asked for.
    """
    if is_blues(plan) and plan.bars == BLUES_BARS and plan.duration_seconds is not None:
        plan = replace(plan, bars=None)  # a 12-bar blues of three minutes has more than one chorus
    if is_blues(plan) and plan.bars is None and plan.duration_seconds is None:
        plan = replace(plan, bars=sum(section.bars or BLUES_BARS for section in plan.form or (Section("A"),)))
    asked, plan = plan, with_length(plan.with_bars())
    if plan.bars is None or (plan.form is None and plan.bars < LEAST_BARS and asked.duration_seconds is None):
        return with_blues_chords(plan) if is_blues(plan) and plan.bars else plan
    found = min((_within(plan, bars) for bars in _lengths(asked, plan.bars)), key=lambda layout: layout.cost)
    if not found.sections:
        raise BadPlan(_no_layout(plan))
    whole = _in_time(asked, replace(plan, bars=sum(section.bars or 0 for section in found.sections)))
    return replace(with_blues_chords(whole) if is_blues(plan) else whole, form=found.sections)


def with_length(plan: Plan) -> Plan:
    """The plan with 16 bars, or so many turns of its chords, where it has several parts or chords and no length."""
    if plan.bars is not None or plan.duration_seconds is not None or plan.form is not None:
        return plan
    if plan.chords:
        turn = len(plan.chords)
        return replace(plan, bars=min(turn * -(-OPEN_BARS // turn), MAX_BARS))
    return replace(plan, bars=OPEN_BARS) if len(plan.instruments or ()) > MODEL_DECIDES else plan


def _lengths(asked: Plan, bars: int) -> Iterable[int]:
    """Numbers of bars that come into question: others than that of the plan only where it follows from a duration."""
    if asked.duration_seconds is None or asked.bars is not None or asked.tempo_bpm is not None:
        return (bars,)
    step = 1 if asked.chords else PHRASES[0]
    least = max((bars - bars // 8) // step * step, 1)
    return sorted(range(least, min(bars + bars // 8, MAX_BARS) + 1, step), key=lambda other: abs(other - bars))


def _in_time(asked: Plan, plan: Plan) -> Plan:
    """The plan at the tempo at which its bars last as long as is asked, where none is."""
    if asked.duration_seconds is None or asked.tempo_bpm is not None or plan.meter is None or plan.bars is None:
        return plan
    quarters = plan.bars * float(plan.meter.duration_quarter)
    return replace(plan, tempo_bpm=round(60 * quarters / asked.duration_seconds, 2))


def _within(plan: Plan, bars: int) -> _Layout:
    """The best layout in so many bars; one without sections where there is none."""
    if is_blues(plan):
        return _Layout(abs(bars - (plan.bars or 0)) / bars + (bars % BLUES_BARS > 0), blues_form(bars))
    forms = forms_of(plan) if plan.form is None else _cycles(plan.form, bars)
    found = _layouts(forms, plan, bars)
    if not found and plan.form is None:
        found = _layouts((cycle for form in forms_of(plan) for cycle in _cycles(form, bars)), plan, bars)
    best = min(found, key=lambda layout: layout.cost, default=_Layout(float("inf"), ()))
    return best._replace(cost=best.cost + 4 * abs(bars / (plan.bars or bars) - 1))


def _layouts(forms: Iterable[tuple[Section, ...]], plan: Plan, bars: int) -> list[_Layout]:
    """All layouts of forms, in whole phrases if that can be."""
    forms = list(forms)
    for phrases, most_over in ((_phrases(len(plan.chords or ())), 7), (PHRASES, 7), *SHORT_PHRASES, (PHRASES, 15)):
        if found := [layout for form in forms if (layout := _layout(form, bars, phrases, most_over))]:
            return found
    return []


def _no_layout(plan: Plan) -> str:
    named = " ".join(f"{s.label} {s.bars}" if s.bars else s.label for s in plan.form or ())
    return f"the form {named} cannot fill {plan.bars} bars; change the bars of the piece or of a section"


def _cycles(form: tuple[Section, ...], bars: int) -> Iterator[tuple[Section, ...]]:
    """A form once, or as often as it goes into the bars; what stands at its ends only once is not repeated."""
    yield form
    first = next((k for k, section in enumerate(form) if theme(section.label) not in ONCE), 0)
    last = max((k + 1 for k, section in enumerate(form) if theme(section.label) not in ONCE), default=len(form))
    most = (MAX_SECTIONS - len(form)) // max(last - first, 1) + 1
    for times in range(2, min(bars // len(form), most) + 1):
        yield form[:first] + form[first:last] * times + form[last:]


class _Layout(NamedTuple):
    cost: float
    sections: tuple[Section, ...]


def _layout(form: tuple[Section, ...], bars: int, phrases: Sequence[int], most_over: int) -> _Layout | None:
    """The best lengths for a form, or None where none add up.

    Args:
        form: its sections; those with bars keep them.
        bars: what they add up to.
        phrases: how many bars a section may have.
        most_over: by how many bars the last section may be longer, where the phrases do not add up.
    """
    # from each sum of bars that some kinds of sections can have, how unlikely their lengths are
    reached: dict[int, tuple[float, dict[str, int]]] = {0: (0.02 * len(form), {})}
    for label, count in Counter(s.label for s in form if s.bars is None).items():
        reached = _with_kind(reached, label, count, phrases, bars)
    fixed = sum(s.bars or 0 for s in form)
    most = 0 if all(s.bars for s in form) else most_over
    sums = [(cost + (rest > 0) + rest / PHRASES[0], rest, lengths) for total, (cost, lengths) in reached.items()
            if 0 <= (rest := bars - fixed - total) <= most]  # fmt: skip
    if not sums:
        return None
    cost, rest, lengths = min(sums, key=lambda found: found[:2])
    sections = [replace(s, bars=s.bars or lengths[s.label]) for s in form]
    sections[-1] = replace(sections[-1], bars=(sections[-1].bars or 0) + rest)
    return _Layout(cost, tuple(sections))


def _phrases(period: int) -> tuple[int, ...]:
    """Lengths of sections after which a progression is through."""
    if not 1 < period <= LONGEST_PERIOD:
        return PHRASES
    whole = tuple(bars for bars in PHRASES if bars % period == 0)
    return whole if len(whole) > 1 else tuple(range(period, LONGEST_PERIOD + 1, period))


def _with_kind(
    reached: dict[int, tuple[float, dict[str, int]]], label: str, count: int, phrases: Sequence[int], bars: int
) -> dict[int, tuple[float, dict[str, int]]]:
    """All sums with one kind of section more."""
    further: dict[int, tuple[float, dict[str, int]]] = {}
    for total, (cost, lengths) in reached.items():
        for length in phrases:
            reach = total + count * length
            dearer = cost + _unlikely(length, ideal_bars(theme(label)))
            if reach <= bars and dearer < further.get(reach, (float("inf"),))[0]:
                further[reach] = dearer, {**lengths, label: length}
    return further


def _unlikely(length: int, ideal: int) -> float:
    """How far a length is from the usual one, in doublings; twelve bars are rarer than eight and sixteen."""
    ratio = max(length, ideal) / min(length, ideal)
    return (ratio - 1) + 0.5 * (length % 8 == 4 and length > 4)
