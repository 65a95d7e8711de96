"""ABC notation 2.1, with voices as in the 2.2 draft and as abcm2ps takes them."""

from partimento.io.abc.reader import read
from partimento.io.abc.sayable import sayable
from partimento.io.abc.writer import write

__all__ = ["read", "sayable", "write"]
