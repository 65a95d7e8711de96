"""What is rare in a score, as small dataclasses: parts and groups, chord symbols, lyrics, signs, MIDI messages."""

from __future__ import annotations

from dataclasses import dataclass

from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import DRUMS, instrument_name
from partimento.theory.interval import UNISON, Interval

NO_NOTE = -1
"""Id of no note: where a slur begins or ends outside the music, or in another file."""


@dataclass(frozen=True, slots=True)
class Part:
    """One player or section."""

    name: str = ""
    program: int = 0
    """General MIDI program at the start, 0-127."""
    is_drums: bool = False
    abbreviation: str = ""
    staves: int = 1
    transpose: Interval = UNISON
    """From written to sounding pitch at the start (B♭ clarinet: a major second down)."""
    volume: int | None = None
    """MIDI channel volume (CC 7) at the start, 0-127."""
    pan: int | None = None
    """MIDI pan (CC 10) at the start, 0-127."""
    channel: int | None = None
    """MIDI channel where the source states one, from 1; 17-32 are those of a second port. Parts on one channel
    share its controllers."""

    @classmethod
    def playing(cls, instrument: int) -> Part:
        """A part of which only its General MIDI program is known (128: drums)."""
        is_drums = instrument == DRUMS
        return cls(instrument_name(instrument), 0 if is_drums else instrument, is_drums)

    @property
    def instrument(self) -> int:
        """General MIDI program at the start, 128 for drums."""
        return DRUMS if self.is_drums else self.program


@dataclass(frozen=True, slots=True)
class PartGroup:
    """Parts that a bracket joins; groups may hold others."""

    first: int
    """Index of the first part."""
    last: int
    """Index of the last part, which belongs to it."""
    name: str = ""
    abbreviation: str = ""
    symbol: str = "bracket"
    """bracket, brace, line, square or none."""
    barline: bool = True
    """Whether barlines go through."""


@dataclass(frozen=True, slots=True)
class ProgramChange:
    """Another sound for a part: arco to pizzicato, flute to piccolo."""

    onset_tick: int
    part: int
    program: int
    """General MIDI program, 0-127."""


@dataclass(frozen=True, slots=True)
class Transposition:
    """Another transposition for a part: from here its written pitches sound `interval` away."""

    onset_tick: int
    part: int
    interval: Interval


@dataclass(frozen=True, slots=True)
class ChordEvent:
    """A chord symbol above the staff, valid until the next one; `symbol` None says no chord (N.C.)."""

    onset_tick: int
    symbol: ChordSymbol | None
    part: int = 0
    text: str = ""
    """How the source prints it, where that differs from `str(symbol)`."""
    frame: str = ""
    """Fingering on a fretted instrument, lowest string first: `x32010`."""


@dataclass(frozen=True, slots=True)
class Lyric:
    """A syllable under a note."""

    note_id: int
    text: str
    syllabic: str = "single"
    """single, begin, middle or end."""
    verse: int = 1
    extend: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """An articulation, ornament, fermata or technical sign on a note, by its MusicXML element name."""

    note_id: int
    kind: str
    """Its text or type follows a colon: `fingering:3`, `tremolo:2`, `notehead:x`."""


@dataclass(frozen=True, slots=True)
class Spanner:
    """A slur, glissando or other line between two notes; into a repeat or out of one it has a single end."""

    kind: str
    start_id: int
    """Note id, −1 for none."""
    end_id: int
    """Note id, −1 for none."""


@dataclass(frozen=True, slots=True)
class Tuplet:
    """`actual` notes in the time of `normal`, over a span of one voice."""

    onset_tick: int
    duration_tick: int
    part: int
    voice: int
    actual: int
    normal: int
    shown: str = "number"
    """What is printed: number, ratio (3:2), bare (a bracket alone) or nothing."""


@dataclass(frozen=True, slots=True)
class Direction:
    """Words, dynamics, a hairpin's begin and end, a rehearsal mark, an octave line, a fermata over a rest."""

    onset_tick: int
    kind: str
    """words, tempo, metronome, dynamics, crescendo, diminuendo, wedge-stop, rehearsal, octave-shift, pedal, dashes,
    bracket, fermata (over a rest), barline-fermata, meter-sign, figured-bass, staff-lines, other-direction …"""
    text: str = ""
    part: int = 0
    staff: int = 1
    placement: str = ""
    """above, below, or empty where the kind decides."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A repeat sign or jump at a barline, as written; `Score.unfolded` plays them."""

    onset_tick: int
    kind: str
    """forward, backward, ending-start, -stop, -discontinue, segno, coda, to-coda, fine, dacapo, dalsegno; section
    where a named one begins, and order at the start, for the order in which sections are played."""
    text: str = ""
    """Ending numbers (`1, 2`), the times of a repeat, a section's name, or the order (`A A B A`)."""


@dataclass(frozen=True, slots=True)
class Barline:
    """A barline that is no plain one, and not made by a repeat or the end."""

    onset_tick: int
    style: str
    """dashed, dotted, heavy, heavy-heavy, light-light, none, short, tick …"""


@dataclass(frozen=True, slots=True)
class Message:
    """A MIDI message that has no other place in a score, kept so that it can be written again."""

    onset_tick: int
    part: int
    """Index into Score.parts, −1 for the conductor's track."""
    data: bytes
    """Status byte and what follows it: `f0 … f7`, `ff 01 … `, `d0 40`; lengths left out, channel 0."""
