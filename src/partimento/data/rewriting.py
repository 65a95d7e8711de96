"""Captions in other words, by a language model."""

from __future__ import annotations

from partimento.data.chat import Writer
from partimento.errors import BadPlan
from partimento.plan.parse import parse_prompt
from partimento.plan.plan import Plan

INSTRUCTION = (
    "You rewrite descriptions of pieces of music. Say the same in other words, as a listener would, in one to three "
    "sentences. Keep every fact (key, meter, tempo, instruments, number of bars, chords) and add none. "
    "Answer with the description alone."
)


def rewritten(text: str, by: Writer, seed: int) -> str | None:
    """The text in other words; None where the model has lost a fact, added one, or said nothing of use.

    Key, meter, tempo, bars, instruments and chords are read off both texts, and have to be the same.

    Raises:
        BadInput: the model cannot be reached.
    """
    answer = " ".join(by.write(text, seed).split()).strip('"“” ')
    if not 10 <= len(answer) <= max(4 * len(text), 400):
        return None
    return answer if _wishes(answer) == _wishes(text) else None


def _wishes(text: str) -> Plan | None:
    """What a text states, without its title and style, which may be called many things."""
    try:
        plan = parse_prompt(text).plan
    except BadPlan:
        return None
    programs = None if plan.instruments is None else tuple(sorted(plan.instruments))
    return Plan(plan.key, plan.meter, plan.tempo_bpm, programs, plan.bars, plan.chords)
