"""MusicXML 4.0, plain (`.musicxml`, `.xml`) and compressed (`.mxl`), partwise and timewise; written partwise.

Saved and loaded again a score is equal to `sayable(score)`, and a score from a file to itself. Set anew, as engravers
do it, are stems, beams, rests, accidentals (reminders are kept), measure numbers and the sides of signs.

Not kept, as Score has no place for it:

- the page: fonts, colours, sizes, positions, breaks, credits other than titles and names, multiple-measure rests;
- notes: microtones, note sizes without `<cue>`, arrows and holes, where slurs bend, the tuplet's bracket, lyrics and
  ends of slurs on rests (a slur keeps its other end), drum names, instruments of single notes but for their programs;
- staves: keys of single accidentals, beyond seven accidentals or for one staff only, meters that differ between
  parts or are free, tablature tunings, transpositions for one staff or inside a measure (from its start instead);
- chords: inversions without a bass, roots as numerals or functions, fingers and barrés of frames;
- directions: styles of lines, accordion and harp pedal diagrams, percussion pictures, metronome marks of several notes;
- `<sound>` other than tempo, jumps, pedals and programs; swing.

MusicXML in turn has no place for pitch bends, controllers other than pedals, and MIDI messages.

A mark that carries a text or type has it behind a colon: `fingering:3`, `tremolo:2`, `tremolo:3:start`,
`notehead:x`, `fermata:angled`, `grace:16th`. Marks without an element of their own: `slash` and `grace:after` (behind
the note before a barline) on grace notes, `hidden`, `accidental:parentheses` (a reminder), `unpitched` among pitched
notes, `display:F4` (place of a drum on its staff).
"""

from __future__ import annotations

from partimento.io.musicxml.reader import read
from partimento.io.musicxml.sayable import sayable
from partimento.io.musicxml.writer import write, write_compressed

__all__ = ["read", "sayable", "write", "write_compressed"]
