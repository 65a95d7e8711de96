"""Plans and tasks: reading them from sentences, checking them against scores."""

from partimento.plan.plan import Compose, Constraints, Infill, Plan, Task, parse_instrument
from partimento.plan.wishes import Control, Feel, Harmony, Section, Tag

__all__ = [
    "Compose", "Constraints", "Control", "Feel", "Harmony", "Infill", "Plan", "Section", "Tag", "Task",
    "parse_instrument",
]  # fmt: skip
