"""Where a sequence of `performance` tokens stands: the grammar's state, and what may sound next.

Sets of pitches and of programs are bit masks (bit 60 is middle C).
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

from partimento.representations.grammar import ALL_PITCHES
from partimento.representations.performance.quantise import MAX_SOUNDING
from partimento.theory.instrument import DRUMS, instrument

ALL_PROGRAMS = (1 << (DRUMS + 1)) - 1


class Rules(NamedTuple):
    """What a task turns into."""

    budget: int | None = None
    programs: int = ALL_PROGRAMS
    """Mask of those that may play."""
    playable: bool = False


class State(NamedTuple):
    """Everything that decides what may follow."""

    rules: Rules
    queue: tuple[int, ...] = ()
    """The rest of the header."""
    missing: int = 0
    """Mask of the programs that have to enter yet."""
    spent: int = 0
    ended: bool = False
    programs: tuple[int, ...] = ()
    """In the order of their entry; ranks are indices into it."""
    held: tuple[int, ...] = ()
    """Mask of the pitches that sound, by rank."""
    sounding: int = 0
    """How many notes sound."""
    rank: int = -1
    """Of the program that was last stated."""
    velocity: int = -1
    pending: str = ""
    """A program or a velocity that waits for its note."""
    shift: int = 0
    """Steps of the time shift just written; 0 behind other tokens."""
    striking: bool = False
    """Whether a note has begun at this instant, so that none can end any more."""
    last: tuple[int, int] = (-1, -1)
    """Rank and pitch of the last note that ended at this instant or, once one has begun, that began."""

    @property
    def has_room(self) -> bool:
        """Whether one more note may sound, with room left for the programs that have to enter."""
        return self.sounding + self.missing.bit_count() < MAX_SOUNDING

    @property
    def goes_on(self) -> bool:
        """Whether the program in force has begun a note at this instant."""
        return self.striking and self.last[0] == self.rank

    def free(self, rank: int) -> int:
        """Mask of the pitches that a program may strike."""
        held = self.held[rank]
        if not self.rules.playable:
            return ALL_PITCHES & ~held
        return 0 if held and instrument(self.programs[rank]).is_monophonic else _reach(self.programs[rank]) & ~held

    def next_pitches(self) -> int:
        """Mask of the pitches that the program in force may strike with the velocity in force."""
        if self.velocity < 0 or not self.has_room:
            return 0
        above = _above(self.last[1]) if self.goes_on and self.pending != "velocity" else ALL_PITCHES
        return self.free(self.rank) & above

    def releasable(self, rank: int) -> int:
        """Mask of a program's notes that may end at this instant."""
        if self.striking or rank < self.last[0]:
            return 0
        return self.held[rank] & (_above(self.last[1]) if rank == self.last[0] else ALL_PITCHES)

    def in_turn(self) -> int:
        """Mask of the programs that may be stated: they have a note to end or to begin."""
        has_room = self.has_room
        mask = strangers(self.rules.programs, self.programs) if has_room else self.missing
        for rank, program in enumerate(self.programs):
            may_strike = has_room and (rank > self.rank or not self.striking) and self.free(rank)
            if rank != self.rank and (may_strike or self.releasable(rank)):
                mask |= 1 << program
        return mask

    # What tokens do

    def stated(self, program: int) -> State:
        """With a program in force that waits for its note."""
        if program in self.programs:
            return self._replace(rank=self.programs.index(program), pending="program", shift=0)
        return self._replace(
            programs=(*self.programs, program),
            held=(*self.held, 0),
            missing=self.missing & ~(1 << program),
            rank=len(self.programs),
            pending="program",
            shift=0,
        )

    def struck(self, pitch: int) -> State:
        """With one note more."""
        return self._with_note(pitch, 1, True)

    def released(self, pitch: int) -> State:
        """With one note less."""
        return self._with_note(pitch, -1, False)

    def _with_note(self, pitch: int, change: int, striking: bool) -> State:
        rank = self.rank
        held = (*self.held[:rank], self.held[rank] ^ (1 << pitch), *self.held[rank + 1 :])
        return self._replace(
            held=held, sounding=self.sounding + change, pending="", shift=0, striking=striking, last=(rank, pitch)
        )


@lru_cache(maxsize=1024)
def strangers(programs: int, known: tuple[int, ...]) -> int:
    """Those of a set of programs that have not entered yet."""
    for program in known:
        programs &= ~(1 << program)
    return programs


@cache
def _reach(program: int) -> int:
    spec = instrument(program)
    return (1 << (spec.highest_pitch + 1)) - (1 << spec.lowest_pitch)


def _above(pitch: int) -> int:
    return ALL_PITCHES & (-2 << pitch)


def lowest(mask: int) -> int:
    """The lowest member of a set that is not empty."""
    return (mask & -mask).bit_length() - 1
