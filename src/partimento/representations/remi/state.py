"""Where a sequence of `remi` tokens stands: the grammar's state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from partimento.plan import Task
from partimento.representations.gridded.vocabulary import LENGTHS
from partimento.representations.remi.rules import FREE, UNLIMITED, Rule
from partimento.theory.instrument import instrument

if TYPE_CHECKING:
    from partimento.representations.remi.controls import Rules

# Where a sequence stands: the last kind of token written.
START, BOS, STYLE, METER, KEY, TEMPO, BARS, OPENS, ENDS, PARTS, CHORDS = range(11)
BAR, BAR_METER, BAR_LENGTH, BAR_KEY, BAR_TEMPO, CHORD_POSITION, CHORD, CHORD_BASS = range(11, 19)
SEGMENT, POSITION, SHIFT, VELOCITY, RELEASE, TAIL, NOTE, END = range(19, 27)
GIVEN = 27
"""In what is given when bars are to be filled in, up to `Fill`."""

MAX_HELD = 10
MAX_STRUCK = 4
"""Most notes that one part of a playable piece holds, and strikes at once."""


class Limit(NamedTuple):
    """The group before at the same position, behind which the next one must come: later, shorter or louder."""

    shift: int
    duration: int
    velocity: int
    struck: int


class Measure(NamedTuple):
    """A measure that is to be filled in, with what holds in it."""

    token: int
    """What opens it."""
    length: int
    meter: int
    key: int
    chords: tuple[tuple[int, int], ...]


class Span(NamedTuple):
    """A stretch of time with one chord, in ticks from the measure's start."""

    start: int
    end: int
    tones: int
    """Mask of the chord's tones."""
    later: int
    """0: in this measure; 1: in the next one."""


Sums = tuple[int, int, int, int]


class State(NamedTuple):
    """Everything that decides what may follow."""

    task: Task
    rules: Rules | None = None
    """What the task's controls ask."""
    unit: int = 1
    """Ticks per grid step; positions are counted in steps, shifts, durations and releases of held notes in ticks."""
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
    """Tokens that must come next: chords of the plan, or all that is given when bars are to be filled in."""
    gap: tuple[Measure, ...] | None = None
    """Measures that are still to be filled in; None where a whole piece is written."""
    others: bool = False
    """Whether parts play that are not written here."""
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
    """Step at which the group ends, as far as its tokens have said."""
    shift: int = 0
    """How far the group's onset is off its step."""
    tail: int = 0
    """How far its release is off its step."""
    velocity: int = -1
    limit: Limit | None = None
    pitch: int = -1
    """Last pitch of the group; in a chord symbol, its root's pitch class."""
    struck: int = 0
    """Mask of the pitches of this onset and duration."""
    held: tuple[tuple[tuple[int, int], ...], ...] = ()
    """(pitch, release) of the notes that each part holds, in ticks from this measure's start."""
    begun: int = 0
    """Notes that the part has begun in this measure."""
    diatonic: int = 0
    chromatic: int = 0
    """Ticks sounded inside and outside the scale."""
    spans: tuple[Span, ...] = ()
    """For how long which chord is in force, in this measure and the next, as far as that is known; where a share of
    chord tones is asked for."""
    chordal: Sums = (0, 0, 0, 0)
    """Ticks sounded in this measure, those of them outside the chords, and both of the next measure."""

    def but(self, **changes: Any) -> State:
        """The state with some fields changed: `_replace`, in a third of its time."""
        values = list(self)
        for name, value in changes.items():
            values[_PLACES[name]] = value
        return tuple.__new__(State, values)

    @property
    def onset(self) -> int:
        """Tick at which the group begins."""
        return self.unit * self.cursor + self.shift

    @property
    def end(self) -> int:
        """Tick at which the group ends, as far as its tokens have said."""
        return self.unit * self.release + self.tail

    @property
    def duration(self) -> int:
        """Length of the group in ticks, once its release is known."""
        return self.end - self.onset

    @property
    def is_tracked(self) -> bool:
        """Whether it matters which notes are held."""
        return self.rules is not None or self.task.constraints.playable

    def rule(self, part: int) -> Rule:
        """What is asked of a part in this measure."""
        return FREE if self.rules is None else self.rules.of(part, self.bars - 1 - self.bars_left)

    def due(self, part: int) -> int:
        """Notes that a part has yet to begin in this measure."""
        if self.rules is None:
            return 0
        return max(self.rule(part).least - (self.begun if part == self.part else 0), 0)

    def must_sound(self) -> list[int]:
        """Parts still to come in this measure that have rested as long as they may, or have notes to begin."""
        most = self.task.constraints.max_rest_bars
        if most is None and self.rules is None:
            return []
        return [
            part
            for part in range(self.sounded + 1, len(self.rests))
            if ((most is not None and self.rests[part] >= most) or self.due(part)) and self.can_strike(part)
        ]

    def can_strike(self, part: int) -> bool:
        """Whether a part may begin a note in this measure."""
        return self.earliest(part) < self.length

    def earliest(self, part: int) -> int:
        """First position at which a part may strike a note, the measure's length or more where there is none."""
        free, last = self.free_from(part), self.length - 1
        if self.rules is not None and (self.rule(part).is_silent or free > self.latest(part)):
            return self.length
        return last if last * self.unit < free < self.length * self.unit else (free + self.unit // 2) // self.unit

    def free_from(self, part: int) -> int:
        """Tick at which a part may strike a note: once it holds few enough, in instruments of one voice none."""
        if not self.is_tracked or not (held := self.held[part]):
            return 0
        most = self.capacity(part)
        return sorted([release for _, release in held])[-most] if len(held) >= most else 0

    def capacity(self, part: int) -> int:
        """How many notes a part may hold, the one that it strikes included."""
        most, program = UNLIMITED, self.programs[part]
        if self.task.constraints.playable:
            most = 1 if instrument(program).is_monophonic else MAX_HELD - MAX_STRUCK
        if self.rules is None:
            return most
        rule = self.rule(part)
        return max(min(most, rule.sounding, rule.pitches_of(program)), 1)

    def latest(self, part: int) -> int:
        """Last tick at which a part may strike a note, so that the shortest still ends where it must."""
        return min(self.unit * self.length - 1, self.end_limit - self.rule(part).shortest)

    @property
    def end_limit(self) -> int:
        """Tick by which notes end: that of the next barline, so that no part is held up for long."""
        constraints = self.task.constraints
        if not constraints.playable and constraints.chord_share is None:
            return UNLIMITED
        return self.unit * (self.length + self.following_length)

    @property
    def following_length(self) -> int:
        """Steps of the next measure, 0 where there is none or its length is open."""
        if self.gap is not None:
            return self.gap[0].length if self.gap else 0
        return LENGTHS[self.meter] if self.bars_left and self.task.constraints.steady else 0

    def last_position(self, part: int) -> int:
        """Last position at which a part may begin a group."""
        return self.length - 1 if self.rules is None else self.latest(part) // self.unit

    def shifts(self, position: int) -> tuple[int, int]:
        """Least and greatest shift of a note at a position; the greatest may be below the least."""
        least = -(self.unit // 2) if position else 0
        most = self.unit - 1 if position == self.length - 1 else (self.unit + 1) // 2 - 1
        if self.rules is not None:
            most = min(most, self.latest(self.part) - self.unit * position)
        return max(least, self.free_from(self.part) - self.unit * position), most

    def candidates(self) -> list[int]:
        """Parts that may sound next in this measure; one that must sound is not passed by."""
        must = self.must_sound()
        last = must[0] if must else len(self.programs) - 1
        return [part for part in range(self.sounded + 1, last + 1) if self.can_strike(part)]

    def ringing(self) -> int:
        """Notes that sound in the part when the group begins, its own included."""
        onset = self.onset
        return sum(release > onset for _, release in self.held[self.part])


_PLACES = {name: place for place, name in enumerate(State._fields)}
