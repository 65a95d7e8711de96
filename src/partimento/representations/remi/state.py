"""Where a sequence of `remi` tokens stands: the grammar's state."""

from __future__ import annotations

from dataclasses import dataclass

from partimento.plan import Task
from partimento.theory.instrument import instrument

# Where a sequence stands: the last kind of token written.
START, BOS, STYLE, METER, KEY, TEMPO, BARS, OPENS, ENDS, PARTS, CHORDS = range(11)
BAR, BAR_METER, BAR_LENGTH, BAR_KEY, BAR_TEMPO, CHORD_POSITION, CHORD, CHORD_BASS = range(11, 19)
SEGMENT, POSITION, VELOCITY, RELEASE, NOTE, END = range(19, 25)


@dataclass(frozen=True, slots=True)
class State:
    """Everything that decides what may follow."""

    task: Task
    at: int = START
    spent: int = 0
    # the header
    meter: int = 0
    key: int = 0
    tempo: int = 0
    bars: int = 0
    programs: tuple[int, ...] = ()
    with_chords: bool = False
    # the measure
    bars_left: int = 0
    length: int = 0
    chord_position: int = -1
    chord_seen: bool = False
    bar_chords: tuple[tuple[int, int], ...] = ()
    """(position, mask of tones), the chord still sounding from earlier measures first, at −1."""
    queue: tuple[int, ...] = ()
    """Chord tokens that the plan wants next."""
    taken: int = 0
    """Bit per part whose instrument token has been written in this measure."""
    sounded: int = -1
    """Last part with notes in this measure."""
    rests: tuple[int, ...] = ()
    """Measures since each part last struck a note."""
    # the segment
    part: int = -1
    cursor: int = 0
    """Onset of the current group."""
    following: int = 0
    """Onset of the next group unless it has a position of its own."""
    release: int = 0
    """Where the group ends, as far as its tokens have said."""
    velocity: int = -1
    limit: tuple[int, int] | None = None
    """Duration and velocity of the earlier group at the same onset, which this one must go below."""
    pitch: int = -1
    """Last pitch of the group; in a chord symbol, its root's pitch class."""
    struck: int = 0
    """Mask of the pitches of this onset and duration."""
    held: tuple[tuple[tuple[int, int], ...], ...] = ()
    """(pitch, release) of the notes that each part holds, in steps from this measure's start."""
    diatonic: int = 0
    chromatic: int = 0
    """Steps sounded inside and outside the scale."""

    @property
    def duration(self) -> int:
        """Length of the group in steps, once its release is known."""
        return self.release - self.cursor

    def must_sound(self) -> list[int]:
        """Parts still to come in this measure that have rested as long as they may."""
        most = self.task.constraints.max_rest_bars
        if most is None:
            return []
        return [
            part
            for part in range(self.sounded + 1, len(self.rests))
            if self.rests[part] >= most and self.can_strike(part)
        ]

    def can_strike(self, part: int) -> bool:
        """Whether a part may begin a note in this measure."""
        return self.earliest(part) < self.length

    def earliest(self, part: int) -> int:
        """First position at which a part may strike a note: instruments of one voice wait for their last release."""
        if not self.task.constraints.playable or not instrument(self.programs[part]).is_monophonic:
            return 0
        return max((release for _, release in self.held[part]), default=0)

    def candidates(self) -> list[int]:
        """Parts that may sound next in this measure; one that must sound is not passed by."""
        must = self.must_sound()
        last = must[0] if must else len(self.programs) - 1
        return [part for part in range(self.sounded + 1, last + 1) if self.can_strike(part)]
