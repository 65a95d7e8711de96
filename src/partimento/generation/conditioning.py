"""What a conditional model is given to read: the sentence, the chords or the plan, as it has learnt to read them."""

from __future__ import annotations

from partimento.errors import BadPlan
from partimento.generation.engines import Engine
from partimento.plan import Plan
from partimento.representations import conditions


def condition_of(engine: Engine, plan: Plan, text: str = "") -> str | None:
    """The text that a model reads before it writes; None where it reads none.

    Args:
        engine: its `says` and `reads_words` tell what it has learnt to read.
        plan: of what is to be written.
        text: the user's words; where there are none, a model of captions reads the plan.

    Raises:
        BadPlan: the model writes to chords, and there are none.
    """
    if engine.condition != "text":
        return None
    says = getattr(engine, "says", "caption")
    write = conditions.line if getattr(engine, "reads_words", False) else conditions.sentence
    if says == "chords":
        if not plan.chords:
            raise BadPlan('this model writes to chords; state some, such as --chords "Cmaj7 Am7 Dm7 G7"')
        return write(plan, "chords")
    return write(plan, "plan") if says == "plan" else text or write(plan, "plan")
