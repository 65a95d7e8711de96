"""Plans and tasks: reading them from sentences, checking them against scores."""

from partimento.plan.plan import Compose, Constraints, Infill, Plan, Task, parse_instrument

__all__ = ["Compose", "Constraints", "Infill", "Plan", "Task", "parse_instrument"]
