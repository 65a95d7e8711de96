"""What all of the grammar of `remi` stands on: ranges of ids, and whether the budget is nearly spent."""

from __future__ import annotations

from partimento.plan import Plan
from partimento.representations.remi.ending import shortest_end
from partimento.representations.remi.state import State
from partimento.representations.remi.vocabulary import GRID, MAX_COUNTDOWN, METERS, Vocabulary

LENGTHS = tuple(int(meter.duration_quarter * GRID) for meter in METERS)
"""Steps of a measure in each meter."""


class Machine:
    """A vocabulary and how far a sequence is from its end."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._first = vocabulary.first
        self._has_velocity = vocabulary.size["Velocity"] > 0

    def shortest_end(self, state: State) -> int:
        """Tokens, EOS included, that certainly close the sequence."""
        return shortest_end(state, self._has_velocity)

    def _slack(self, state: State) -> int:
        """The most that one token can add to `shortest_end`, and a little more."""
        return 10 + 2 * len(state.programs)

    def _is_closing(self, state: State) -> bool:
        budget = state.task.constraints.budget
        return budget is not None and budget - state.spent <= self.shortest_end(state) + self._slack(state)

    def _next_bar(self, state: State) -> tuple[int, int]:
        """What opens the next measure, or EOS."""
        if state.bars_left == 0:
            return self._span("EOS")
        if state.gap:
            return state.gap[0].token, state.gap[0].token + 1
        countdown = min(state.bars_left - 1, MAX_COUNTDOWN - 1)
        return self._span("Bar", countdown, countdown + 1)

    def _wanted(self, block: str, wish: object, members: tuple[object, ...]) -> tuple[int, int]:
        if wish is None or wish not in members:
            return self._span(block)
        index = members.index(wish)
        return self._span(block, index, index + 1)

    def _wanted_meters(self, plan: Plan, but: int) -> list[tuple[int, int]]:
        """The plan's meter, or all that have a step for each of its chords, without one that is no change."""
        if plan.meter is not None:
            return [self._wanted("Meter", plan.meter, METERS)]
        most = most_chords(plan)
        return [self._span("Meter", k, k + 1) for k, length in enumerate(LENGTHS) if length >= most and k != but]

    def _span(self, block: str, start: int = 0, stop: int | None = None) -> tuple[int, int]:
        return self._vocabulary.span(block, start, stop)

    def _all_but(self, block: str, member: int, start: int = 0) -> list[tuple[int, int]]:
        low, high = self._span(block, start)
        at = self._first[block] + member
        return [(a, b) for a, b in ((low, at), (at + 1, high)) if a < b]


def most_chords(plan: Plan) -> int:
    return max(map(len, plan.chords), default=0) if plan.chords else 0
