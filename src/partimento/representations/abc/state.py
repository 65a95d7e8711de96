"""Where a sequence of `abc` tokens stands: the grammar's state."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from partimento.plan import Task
from partimento.representations.abc.pitches import Held
from partimento.representations.grammar import ALL_PITCHES
from partimento.representations.gridded.vocabulary import KEYS

# Where a sequence stands: the last kind of token written.
BEGIN, START, STYLE, METER, TEMPO, BARS, OPENS, ENDS, PARTS, CHORDS = range(10)
BAR, BAR_METER, BAR_LENGTH, BAR_KEY, BAR_TEMPO, CHORD_TIME, CHORD, CHORD_BASS = range(10, 18)
LANE, REST, GAP, SIGN, OPEN, NOTE, CLOSED, EVENT, TIED, LAST, END = range(18, 29)

Limit = tuple[int, int, bool]
"""Onset, release and whether it is tied: what begins at that onset on a later overlay comes after it in order."""


class Piece(NamedTuple):
    """What the header says."""

    task: Task
    bars: int = 0
    programs: tuple[int, ...] = ()
    with_chords: bool = False


class Bar(NamedTuple):
    """What holds for a measure."""

    left: int = 0
    """Measures behind it."""
    length: int = 0
    meter: int = 0
    key: int = 0
    tempo: int = 0


class Below(NamedTuple):
    """The finished overlays of a part in a measure."""

    cover: int
    """Mask of the steps at which all of them sound."""
    limits: tuple[Limit, ...]
    notes: tuple[tuple[int, int, int], ...]
    """(pitch, onset, release) of all of them."""


NOTHING_BELOW = Below(-1, (), ())


class State(NamedTuple):
    """Everything that decides what may follow."""

    piece: Piece
    bar: Bar = Bar()
    at: int = BEGIN
    spent: int = 0
    # the measure
    queue: tuple[int, ...] = ()
    """Chord tokens that the plan wants next."""
    chord_seen: bool = False
    chord_onset: int = -1
    root: int = -1
    """Root of the last chord, as a member of the block of basses; −1: no chord."""
    part: int = -1
    owed: tuple[tuple[Held, ...], ...] = ()
    """Notes of each part that were tied to this measure and are not written yet, lowest first."""
    tied: tuple[tuple[Held, ...], ...] = ()
    """Notes of each part that are tied to the next measure."""
    # the overlay
    below: Below = NOTHING_BELOW
    position: int = 0
    """Where the last note or rest of the overlay ends."""
    events: tuple[Limit, ...] = ()
    """Onset, release and tie of the overlay's notes and chords."""
    notes: tuple[tuple[int, int, int], ...] = ()
    """(pitch, onset, release) of the overlay's notes."""
    # the note or chord
    chord: tuple[Held, ...] = ()
    """Notes so far."""
    is_open: bool = False
    """Whether it is in brackets."""
    sign: int | None = None
    """Alteration that the accidental before the note gives."""

    @property
    def fifths(self) -> int:
        """Signature in force."""
        key = KEYS[self.bar.key]
        return 0 if key is None else key.fifths

    @property
    def owes(self) -> tuple[Held, ...]:
        """Notes tied to this measure that the part has yet to write."""
        return self.owed[self.part]

    @property
    def latest(self) -> int:
        """Latest release that the note at `position` may have for the sake of order."""
        limit = limit_at(self.below, self.position)
        return self.bar.length if limit is None else limit[1] - (not limit[2])

    def can_tie(self, onset: int) -> bool:
        """Whether a note that begins at an onset and fills the measure may be tied to the next."""
        return self.bar.left > 0 and limit_at(self.below, onset) is None

    @property
    def starts(self) -> int:
        """Mask of the steps at which the overlay may begin a note."""
        return starts(self.below, self.bar.length)

    @property
    def may_leave(self) -> bool:
        """Whether notes that are owed may be left to a later overlay."""
        return self.latest >= 2 or (self.bar.length == 1 and self.can_tie(0))

    @property
    def limit(self) -> int:
        """Latest release of the note or chord at `position`, as its pitches allow."""
        struck = {pitch for pitch, _ in self.chord}
        later = [onset for pitch, onset, _ in self.below.notes if pitch in struck and onset > self.position]
        return min([self.latest, *later])

    def sounding(self) -> int:
        """Mask of the pitches that finished overlays sound at `position`."""
        mask = 0
        for pitch, onset, release in self.below.notes:
            if onset <= self.position < release:
                mask |= 1 << pitch
        return mask


def limit_at(below: Below, onset: int) -> Limit | None:
    """The last in order of the notes below that begin at an onset."""
    return next((limit for limit in below.limits if limit[0] == onset), None)


@lru_cache(maxsize=4096)
def starts(below: Below, length: int) -> int:
    """Mask of the steps at which an overlay may begin a note: where all below sound, and leave a pitch and a place."""
    mask = below.cover & ((1 << length) - 1)
    for onset, release, tied in below.limits:
        if release - (not tied) <= onset:
            mask &= ~(1 << onset)
    if len(below.notes) >= 128:
        for step in range(length):
            if mask >> step & 1 and _sounding(below, step) == ALL_PITCHES:
                mask &= ~(1 << step)
    return mask


def _sounding(below: Below, step: int) -> int:
    return sum(1 << pitch for pitch, onset, release in below.notes if onset <= step < release)


def next_below(state: State) -> Below:
    """What lies below the next overlay, once the current one is full."""
    sounds = 0
    for onset, release, _ in state.events:
        sounds |= (1 << release) - (1 << onset)
    below = state.below
    begun = {limit[0]: limit for limit in (*below.limits, *state.events)}
    return Below(below.cover & sounds, tuple(begun.values()), below.notes + state.notes)
