"""A plan read from a piece, so that another like it can be written."""

from __future__ import annotations

import math
from typing import Any

from partimento.analysis import facts_of
from partimento.analysis.facts import Facts, PartFacts
from partimento.data.plans import plan_of
from partimento.generation.tag_words import MOODS
from partimento.plan.plan import Plan
from partimento.plan.wishes import DYNAMICS, MAX_SECTIONS, Control, Section, Tag
from partimento.score import Score
from partimento.theory.instrument import DRUMS

_AROUND = (0.5, 1.5)
"""Density may be so many times that of the piece."""


def plan_like(score: Score) -> Plan:
    """What a piece is: key, meter, tempo, instruments, bars and chords, form, feel, how each part plays, and mood."""
    facts, plan = facts_of(score), plan_of(score)
    form = tuple(Section(s.label, s.last_bar - max(s.first_bar, 1) + 1) for s in facts.sections if s.last_bar > 0)
    controls = [control for part in facts.roles if (control := _control(part, facts)) is not None]
    if facts.dynamics in DYNAMICS:
        controls.append(Control(dynamics=facts.dynamics))
    stated: dict[str, Any] = {
        "style": facts.style if plan.style is None else plan.style,
        "form": form if 1 < len(form) <= MAX_SECTIONS else None,
        "feel": "swing" if facts.swing else None,
        "controls": tuple(controls) if plan.instruments is not None else (),
        "tags": (Tag("mood", facts.mood, 1.0),) if facts.mood in MOODS else (),
    }
    return plan.merged(Plan(**stated))


def _control(part: PartFacts, facts: Facts) -> Control | None:
    """Density, polyphony and register of a part."""
    meter = facts.meter
    if part.notes_per_beat is None or meter is None or not part.notes_per_beat:
        return None
    a_bar = part.notes_per_beat * float(meter.duration_quarter / meter.beat_quarter) * part.share
    density = (math.floor(_AROUND[0] * a_bar), float(min(math.ceil(_AROUND[1] * a_bar), 128)))
    if part.program == DRUMS:
        return Control((part.part,), density=density)
    most = min(max(math.ceil(part.polyphony), 1), 32)
    return Control((part.part,), density=density, polyphony=(1, most), register=(part.lowest, part.highest))
