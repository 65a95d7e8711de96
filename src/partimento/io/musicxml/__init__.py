"""MusicXML, plain (`.musicxml`, `.xml`) and compressed (`.mxl`).

Not kept, as Score has no place for it: beams, stems and rests as such (they are set anew), fonts and positions,
bar styles other than repeats, microtones, cue notes, fermatas on rests and barlines, figured bass, fret diagrams,
tablature, the common and cut signs, slashes of grace notes, and changes of transposition (pitches stay right).
MusicXML in turn has no place for velocities, controllers and pitch bends.

A mark that carries a text or type has it behind a colon: `fingering:3`, `tremolo:2`, `tremolo:3:start`.
"""

from __future__ import annotations

from partimento.io.musicxml.reader import read
from partimento.io.musicxml.writer import write, write_compressed

__all__ = ["read", "write", "write_compressed"]
