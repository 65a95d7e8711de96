"""Standard MIDI files: read leniently, written as type 1."""

from partimento.io.midi.reader import read
from partimento.io.midi.sayable import sayable
from partimento.io.midi.writer import write

__all__ = ["read", "sayable", "write"]
