"""`partimento plan`: what is understood of a sentence."""

from __future__ import annotations

from collections.abc import Iterator

from partimento.cli.console import console, table
from partimento.plan import Plan
from partimento.plan.parse import Understood, parse_prompt
from partimento.theory.instrument import instrument_name
from partimento.theory.tempo import tempo_word


def plan(*text: str) -> None:
    """Show what is understood of a sentence.

    **Example**

    - `partimento plan "a lively jig in D major for flute and guitar, 16 bars"`

    Args:
        text: The sentence.
    """
    print_plan(understood := parse_prompt(" ".join(text)), understood.plan)


def print_plan(understood: Understood | None, wishes: Plan) -> None:
    """Print a table of the wishes, with the words they came from."""
    rows = [(name, value, understood.words(field) if understood else "") for field, name, value in described(wishes)]
    header = ("wish", "understood as", "from the words") if understood else ("wish", "value")
    console().print(table(rows, header) if rows and understood else table([row[:2] for row in rows], header)
                    if rows else "No wish is stated; the model is free to choose.")  # fmt: skip


def described(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Field, name and text of each wish that a plan states."""
    if plan.title:
        yield "title", "title", plan.title
    if plan.style is not None:
        yield "style", "style", plan.style
    if plan.key is not None:
        yield "key", "key", str(plan.key)
    if plan.meter is not None:
        yield "meter", "meter", str(plan.meter)
    if plan.tempo_bpm is not None:
        yield "tempo_bpm", "tempo", f"{plan.tempo_bpm:g} quarters per minute ({tempo_word(plan.tempo_bpm)})"
    if plan.instruments is not None:
        yield "instruments", "instruments", ", ".join(map(instrument_name, plan.instruments))
    if plan.bars is not None:
        yield "bars", "bars", str(plan.bars)
    if plan.chords is not None:
        yield "chords", "chords", " | ".join(" ".join(map(str, bar)) for bar in plan.chords)
