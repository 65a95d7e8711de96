"""From a performance or bare notes to a readable page."""

from partimento.notation.engrave import engrave

__all__ = ["engrave"]
