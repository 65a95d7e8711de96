"""From a performance or bare notes to a readable page."""

from partimento.notation.beats import estimate_beats
from partimento.notation.engrave import engrave
from partimento.notation.meter import estimate_meter

__all__ = ["engrave", "estimate_beats", "estimate_meter"]
