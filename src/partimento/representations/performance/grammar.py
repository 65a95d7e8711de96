"""The grammar of `performance`: which event may follow, given everything that sounds and what the task asks for.

It accepts exactly what `codec` writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from partimento.errors import InfeasibleTask
from partimento.plan import Infill, Task
from partimento.representations.base import Ranges
from partimento.representations.blocks import Vocabulary
from partimento.representations.grammar import mask_ranges, merged, rules_of
from partimento.representations.performance.codec import encode_header
from partimento.representations.performance.state import ALL_PROGRAMS, Rules, State, lowest, strangers
from partimento.representations.performance.vocabulary import MAX_SHIFT
from partimento.theory.instrument import DRUMS

_SLACK = 8
"""More than one token can add to what it takes to close a sequence."""


class Grammar:
    """`start`, `step`, `allowed` and `shortest_end` of `performance`."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._first = vocabulary.first
        self._block_names = list(vocabulary.first)
        self._block_of = vocabulary.block_of.tolist()

    def start(self, task: Task) -> State:
        """The state before BOS.

        Raises:
            InfeasibleTask: the budget is too small for the instruments of the plan, or bars are to be rewritten.
        """
        if isinstance(task, Infill):
            raise InfeasibleTask("performance has no bars that could be rewritten; take remi or amt")
        constraints = task.constraints.in_force
        wanted = sum(1 << program for program in set(rules_of(task).instruments or ()))
        rules = Rules(constraints.budget, wanted or ALL_PROGRAMS, constraints.playable)
        state = State(rules, tuple(encode_header(task, self._vocabulary).tolist()), wanted)
        needed = self.shortest_end(state)
        if rules.budget is not None and needed > rules.budget:
            raise InfeasibleTask(
                f"{wanted.bit_count()} instruments need {needed} tokens at least, and {rules.budget} are allowed"
            )
        return state

    def step(self, state: State, token: int) -> State:
        """The state after a token that `allowed` admits."""
        state = state._replace(spent=state.spent + 1)
        if state.queue:
            return state._replace(queue=state.queue[1:])
        block = self._block_names[self._block_of[token]]
        member = token - self._first[block]
        if block in ("NoteOn", "DrumOn"):
            return state.struck(member)
        if block in ("NoteOff", "DrumOff"):
            return state.released(member)
        if block == "TimeShift":
            return state._replace(shift=member + 1, striking=False, last=(-1, -1))
        if block == "Velocity":
            return state._replace(velocity=member, pending="velocity", shift=0)
        return state.stated(member) if block == "Program" else state._replace(ended=True)

    def allowed(self, state: State) -> Ranges:
        """Ids that may follow, as half-open ranges."""
        if state.queue:
            return ((state.queue[0], state.queue[0] + 1),)
        if state.ended:
            return (self._vocabulary.span("PAD"),)
        ranges: Iterable[tuple[int, int]] = self._ranges(state)
        budget = state.rules.budget
        if budget is not None and budget - state.spent <= self.shortest_end(state) + _SLACK:
            ranges = [span for low, high in ranges for span in self._affordable(state, low, high)]
        return merged(ranges)

    def _ranges(self, state: State) -> Iterator[tuple[int, int]]:
        """What may follow whatever the budget, in ascending order."""
        if not state.pending:
            if not (state.shift or state.sounding or state.missing):
                yield self._vocabulary.span("EOS")
            yield from self._members("Program", state.in_turn())
        if state.rank >= 0:
            yield from self._notes(state)
        if not state.pending and state.shift in (0, MAX_SHIFT):
            yield self._vocabulary.span("TimeShift")

    def _notes(self, state: State) -> Iterator[tuple[int, int]]:
        off, on = ("DrumOff", "DrumOn") if state.programs[state.rank] == DRUMS else ("NoteOff", "NoteOn")
        if state.pending != "velocity":
            yield from self._members(off, state.releasable(state.rank))
        yield from self._members(on, state.next_pitches())
        if state.pending != "velocity" and state.has_room and state.free(state.rank):
            low, high = self._vocabulary.span("Velocity")
            if not state.goes_on:  # behind a note of the same program and instant only louder ones come
                yield low, low + max(state.velocity, 0)
            yield low + state.velocity + 1, high

    def _members(self, block: str, mask: int) -> Iterator[tuple[int, int]]:
        first = self._first[block]
        for low, high in mask_ranges(mask):
            yield first + low, first + high

    def _affordable(self, state: State, low: int, high: int) -> Iterator[tuple[int, int]]:
        """What of a range leaves a way to close within the budget."""
        if low == high:
            return
        room = (state.rules.budget or 0) - state.spent - 1
        block = self._block_names[self._block_of[low]]
        if block == "Program":
            yield from self._members(block, self._affordable_programs(state, low, high, room))
        elif block in ("NoteOff", "DrumOff"):
            yield from ((t, t + 1) for t in range(low, high) if self.shortest_end(self.step(state, t)) <= room)
        elif self.shortest_end(self.step(state, low)) <= room:  # the others of a block cost the same
            yield low, high

    def _affordable_programs(self, state: State, low: int, high: int, room: int) -> int:
        first = self._first["Program"]
        mask = (1 << (high - first)) - (1 << (low - first))
        for program in state.programs:
            if mask >> program & 1 and self.shortest_end(state.stated(program)) > room:
                mask &= ~(1 << program)
        new = strangers(mask, state.programs)  # these cost the same
        return mask & ~new if new and self.shortest_end(state.stated(lowest(new))) > room else mask

    def shortest_end(self, state: State) -> int:
        """Tokens, EOS included, that certainly close the sequence."""
        if state.ended:
            return 0
        if state.queue:
            return len(state.queue) + self.shortest_end(state._replace(queue=()))
        if state.pending == "program" and (due := state.releasable(state.rank)):
            return 1 + _closing(state.released(lowest(due)))
        if state.pending:
            struck = state._replace(velocity=max(state.velocity, 0)).struck(lowest(state.free(state.rank)))
            return 1 + (state.velocity < 0) + _closing(struck)
        return _closing(state)


def _closing(state: State) -> int:
    """Tokens that close a sequence where no program or velocity waits for its note.

    What is missing enters at once; then all notes end, those whose turn is over one step later.
    """
    ranks = [rank for rank, mask in enumerate(state.held) if mask]
    if missing := state.missing.bit_count():
        entries = 2 * missing + (state.velocity < 0)
        return entries + 1 + state.sounding + missing + len(ranks) + missing - (not ranks and missing == 1) + 1
    if not state.sounding:
        # behind a time shift a note has to follow: its program and velocity, itself, time, its end
        return 1 if not state.shift else 4 if state.rank >= 0 else 6
    now = [rank for rank in ranks if state.releasable(rank)]
    later = [rank for rank in ranks if state.held[rank] != state.releasable(rank)]
    restated = len(now) + len(later)
    restated -= now[:1] == [state.rank]
    restated -= later[:1] == [now[-1] if now else state.rank]
    return state.sounding + restated + bool(later) + 1
